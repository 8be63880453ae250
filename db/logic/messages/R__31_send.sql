-- A message is sent once, however often its sender tries.

create or replace function public.send_message(
  conversation_id uuid,
  content text,
  message_type text default 'text',
  id uuid default null,
  file_url text default null,
  file_name text default null,
  file_size bigint default null,
  metadata jsonb default '{}'
)
  returns public.message_view
  volatile
  security definer                 -- a client-chosen id must be compared with messages the caller may not see
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  card jsonb := chat.sender_card();
  me uuid := card ->> 'id';
  wanted_id uuid;
  view public.message_view;
begin
  if send_message.id is not null then
    wanted_id := chat.check_message_id(send_message.id);   -- before the insert: a row without a partition is refused less clearly

    -- A retry waits here for the first try and then finds it, so it takes no number; so does the same id in another conversation.
    -- Members only: a stranger waits for nobody.
    perform pg_advisory_xact_lock(hashtextextended(wanted_id::text, 0))
    from public.user_conversations c
    where c.id = send_message.conversation_id
      and me in (c.participant_1_id, c.participant_2_id)
    for no key update;

    select
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      r.reactions
    into view
    from public.user_messages m
    cross join lateral chat.reactions_of(m.id) r
    where m.id = wanted_id;
  end if;

  if view.id is null then
    -- What it returns is at hand: nobody has reacted yet. Reading it back was two fifths of a send.
    insert into public.user_messages as m (id, conversation_id, sender_id, content, message_type, file_url, file_name, file_size, metadata)
    values (
      coalesce(wanted_id, chat.uuid7()),
      send_message.conversation_id,
      me,
      send_message.content,
      coalesce(send_message.message_type, 'text'),
      send_message.file_url,
      send_message.file_name,
      send_message.file_size,
      coalesce(send_message.metadata, '{}')
    )
    returning
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      '[]'::jsonb
    into view;
  end if;

  if view.sender_id is distinct from me or view.conversation_id <> send_message.conversation_id then
    raise sqlstate 'PT409' using
      message = 'This message id is taken.',
      detail = 'id_taken',
      hint = 'Make a new UUIDv7 for each message; send the same one again only to retry the same message.';
  end if;
  return view;
end
$$;

comment on function public.send_message is
  'Sends a message and returns it. The same id again from the same sender in the same conversation returns that message as it is now and sends nothing. PT400 for an id or content that cannot be, PT403 where the caller may not write, PT409 for an id that is taken, PT413 for too long a text.';

revoke all on function public.send_message from public, anon, authenticated, service_role;

grant execute on function public.send_message to authenticated;
