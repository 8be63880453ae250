-- Conversations are opened by two active people of one team, and go with either of them.

create or replace function public.get_or_create_conversation(user1_id uuid, user2_id uuid)
  returns uuid
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  first_id uuid := least(user1_id, user2_id);
  second_id uuid := greatest(user1_id, user2_id);
  found_id uuid;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if user1_id is null or user2_id is null or user1_id = user2_id then
    raise sqlstate 'PT400' using
      message = 'A conversation has two different people.',
      detail = 'yourself',
      hint = 'Give your own id and that of somebody of your team.';
  end if;
  if me not in (user1_id, user2_id) then
    raise sqlstate 'PT403' using
      message = 'You can only open conversations of your own.',
      detail = 'not_yours',
      hint = 'One of the two ids must be yours.';
  end if;

  select c.id into found_id
  from public.user_conversations c
  where c.participant_1_id = first_id
    and c.participant_2_id = second_id;
  if found then
    return found_id;
  end if;

  if not chat.may_talk_to(case me when first_id then second_id else first_id end) then
    raise sqlstate 'PT404' using
      message = 'There is nobody with this id whom you could write to.',
      detail = 'nobody',
      hint = 'Both must be active, in one team, and neither may have blocked the other. search_users finds people.';
  end if;

  insert into public.user_conversations (participant_1_id, participant_2_id)
  values (first_id, second_id)
  on conflict (participant_1_id, participant_2_id) do nothing
  returning id into found_id;
  if found then
    return found_id;
  end if;

  -- Somebody was quicker: a new statement sees that row, unless it is gone again.
  select c.id into found_id
  from public.user_conversations c
  where c.participant_1_id = first_id
    and c.participant_2_id = second_id;
  if not found then
    raise sqlstate '40001' using
      message = 'The conversation was opened by somebody else at this moment.',
      detail = 'lost_race',
      hint = 'Run the transaction again.';
  end if;
  return found_id;
end
$$;

comment on function public.get_or_create_conversation is
  'The conversation of two people, opened when there is none. The caller is one of them. PT400 for one person twice, PT403 for others'' conversations, PT404 for whom the caller may not write to.';

create or replace function chat.next_revision(conversation_id uuid)
  returns bigint
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
declare
  taken bigint;
begin
  update public.user_conversations c
  set revision = c.revision + 1, updated_at = clock_timestamp()
  where c.id = next_revision.conversation_id
  returning c.revision into taken;
  return taken;
end
$$;

comment on function chat.next_revision(uuid) is 'Takes the next revision of a conversation, whose lock the caller holds: one for each changed message.';

create or replace function chat.lock_conversations()
  returns trigger
  volatile
  security definer                 -- whoever deletes a person may not be granted the chat's tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform
  from public.user_conversations c
  where old.id in (c.participant_1_id, c.participant_2_id)
  order by c.id
  for update;
  return old;
end
$$;

comment on function chat.lock_conversations() is
  'Before a person goes: locks the conversations that go along, by id as everywhere. The cascade would take them in any order and meet mark_as_read in a deadlock.';

create or replace trigger lock_conversations
  before delete on public.users
  for each row
  execute function chat.lock_conversations();

-- A platform's own users may belong to somebody else, who lets us hang a trigger there but not comment on it.
do $$
begin
  if pg_has_role((select c.relowner from pg_catalog.pg_class c where c.oid = 'public.users'::regclass), 'usage') then
    comment on trigger lock_conversations on public.users is 'Keeps the lock order. Delete people one a statement.';
  end if;
end
$$;

revoke all on function
  public.get_or_create_conversation, chat.next_revision, chat.lock_conversations
from public, anon, authenticated, service_role;

grant execute on function public.get_or_create_conversation to authenticated;
