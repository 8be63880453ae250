-- Two teams and a handful of people with a conversation, for `serve --demo`. Run by the owner; running it again changes nothing.
-- The messages are sent by the functions, as the people.

insert into public.teams (id, name) values
  ('00000000-0000-4000-a000-000000000001', 'Blue'),
  ('00000000-0000-4000-a000-000000000002', 'Red')
on conflict do nothing;

insert into public.users (id, full_name, email, team_id) values
  ('00000000-0000-4000-a000-00000000000a', 'Alice Adams', 'alice@blue.example', '00000000-0000-4000-a000-000000000001'),
  ('00000000-0000-4000-a000-00000000000b', 'Bob Brown', 'bob@blue.example', '00000000-0000-4000-a000-000000000001'),
  ('00000000-0000-4000-a000-00000000000c', 'Carol Clark', 'carol@blue.example', '00000000-0000-4000-a000-000000000001'),
  ('00000000-0000-4000-a000-00000000000d', 'Mallory Moore', 'mallory@red.example', '00000000-0000-4000-a000-000000000002'),
  ('00000000-0000-4000-a000-00000000000e', 'Niaj Nasser', 'niaj@red.example', '00000000-0000-4000-a000-000000000002')
on conflict do nothing;

do $$
declare
  alice constant text := '{"role": "authenticated", "sub": "00000000-0000-4000-a000-00000000000a"}';
  bob constant text := '{"role": "authenticated", "sub": "00000000-0000-4000-a000-00000000000b"}';
  conversation uuid;
begin
  perform set_config('request.jwt.claims', alice, true);
  conversation := public.get_or_create_conversation('00000000-0000-4000-a000-00000000000a', '00000000-0000-4000-a000-00000000000b');
  if (select c.last_message_seq > 0 from public.user_conversations c where c.id = conversation) then
    return;
  end if;
  perform public.send_message(conversation, 'Hi Bob, shall we have lunch at noon?');
  perform set_config('request.jwt.claims', bob, true);
  perform public.send_message(conversation, 'Gladly. The usual place?');
  perform set_config('request.jwt.claims', alice, true);
  perform public.send_message(conversation, 'The usual place. See you there!');
  perform set_config('request.jwt.claims', '', true);
end
$$;
