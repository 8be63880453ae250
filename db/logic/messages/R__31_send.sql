-- A message is sent once, however often its sender tries, and whatever the clock of their device says.
-- The id that a client chooses is its idempotency key. Where its time is now, it also is the message's id; else the message has an id
-- by the server's clock, since ids order and partition, and chat.message_keys remembers the key.

create or replace function public.send_message(
  conversation_id uuid,
  content text,
  message_type text default 'text',
  id uuid default null,
  file_url text default null,
  file_name text default null,
  file_size bigint default null,
  metadata jsonb default '{}',
  written_at timestamptz default null
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
  known_id uuid;
  chosen_id uuid;
  view public.message_view;
begin
  if send_message.id is not null then
    if send_message.id = '00000000-0000-0000-0000-000000000000' then
      raise sqlstate 'PT400' using
        message = 'The nil UUID names no message.',
        detail = 'id_nil',
        hint = 'Make a new UUID, of any version, for each message, or leave it out.';
    end if;

    -- A retry waits here for the first try and then finds it, so it takes no number; so does the same id in another conversation.
    -- Members only: a stranger waits for nobody.
    perform pg_advisory_xact_lock(hashtextextended(send_message.id::text, 0))
    from public.user_conversations c
    where c.id = send_message.conversation_id
      and me in (c.participant_1_id, c.participant_2_id)
    for no key update;

    -- Also for a key whose time is now: at the first try it may have been of the future.
    known_id := (select k.message_id from chat.message_keys k where k.sender_id = me and k.key = send_message.id);
    if substr(send_message.id::text, 15, 1) = '7'
      and chat.uuid7_time(send_message.id)
        between clock_timestamp() - interval '1 day' and clock_timestamp() + interval '5 minutes'   -- a transaction may last
    then
      chosen_id := send_message.id;
    end if;

    select
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      r.reactions,
      m.written_at, m.client_id
    into view
    from public.user_messages m
    cross join lateral chat.reactions_of(m.id) r
    where m.id = coalesce(known_id, send_message.id)
      and (m.sender_id = me or chosen_id is not null);   -- a key is one person's; an id is everybody's
  end if;

  if view.id is null then
    -- What it returns is at hand: nobody has reacted yet. Reading it back was two fifths of a send.
    insert into public.user_messages as m (id, conversation_id, sender_id, content, message_type, file_url, file_name, file_size, metadata, written_at, client_id)
    values (
      coalesce(chosen_id, chat.uuid7()),
      send_message.conversation_id,
      me,
      send_message.content,
      coalesce(send_message.message_type, 'text'),
      send_message.file_url,
      send_message.file_name,
      send_message.file_size,
      coalesce(send_message.metadata, '{}'),
      send_message.written_at,
      case when chosen_id is null then send_message.id end
    )
    returning
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      '[]'::jsonb,
      m.written_at, m.client_id
    into view;

    if view.client_id is not null then
      insert into chat.message_keys (sender_id, key, message_id)
      values (me, view.client_id, view.id);
    end if;
  end if;

  if view.sender_id is distinct from me or view.conversation_id <> send_message.conversation_id then
    raise sqlstate 'PT409' using
      message = 'This message id is taken.',
      detail = 'id_taken',
      hint = 'Make a new UUID for each message; send the same one again only to retry the same message.';
  end if;
  return view;
end
$$;

comment on function public.send_message is
  'Sends a message and returns it. The same id again from the same sender in the same conversation returns that message as it is now and sends nothing. A UUIDv7 from a day ago to five minutes ahead is the message''s id; any other UUID is its client_id, under which it is found for chat.settings.message_key_days. written_at: when it was written, where that is more than a minute before. PT400 for the nil id or content that cannot be, PT403 where the caller may not write, PT409 for an id that is taken, PT413 for too long a text.';

revoke all on function public.send_message from public, anon, authenticated, service_role;

grant execute on function public.send_message to authenticated;
