-- Messages: both people of a conversation read them, its sender writes, edits and takes back, functions do the writing.
-- Lock order, everywhere: conversations by id, then messages, then the rest.

create or replace function chat.checked_content(content text, message_type text)
  returns text
  stable
  security definer                 -- reads chat.settings, which nobody else reads
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  maximum int := (select s.max_message_length from chat.settings s);
  cleaned text := chat.clean_text(checked_content.content);
begin
  if cleaned is null or (checked_content.message_type = 'text' and chat.is_invisible(cleaned)) then
    raise sqlstate 'PT400' using
      message = 'A message needs a text.',
      detail = 'empty',
      hint = 'Give at least one character that can be seen; files and images may have an empty text, but not null.';
  end if;
  if char_length(checked_content.content) > maximum then
    raise sqlstate 'PT413' using
      message = format('A message has at most %s characters; this one has %s.', maximum, char_length(checked_content.content)),
      detail = 'too_long',
      hint = 'Shorten it or send it in parts. The limit is chat.settings.max_message_length.';
  end if;
  if char_length(cleaned) > maximum then
    return chat.without_directions(cleaned);   -- no room to close them
  end if;
  return cleaned;
end
$$;

comment on function chat.checked_content(text, text) is 'The text, cleaned; PT400 for one that shows nothing, PT413 for one longer than chat.settings.max_message_length characters.';

create or replace function chat.told_time(written_at timestamptz, moment timestamptz)
  returns timestamptz
  stable
  parallel safe
  language sql
return case when told_time.written_at >= '1970-01-01 00:00:00+00' and told_time.written_at < told_time.moment - interval '1 minute' then told_time.written_at end;

comment on function chat.told_time(timestamptz, timestamptz) is
  'When a message was written, where that is more than a minute before the server got it: only then does its reader learn something by it. Null before 1970, which no clock shows.';

-- Of one message. chat.send_messages numbers several at once by the same rules.
create or replace function chat.number_message()
  returns trigger
  security definer                 -- numbers the conversation, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  moment timestamptz := clock_timestamp();
  file public.chat_files;
begin
  if current_setting('transaction_isolation') <> 'read committed' and current_setting('role') <> 'none' then
    perform chat.refuse_old_snapshot();                  -- the owner, who has no role, may
  end if;
  if current_setting('role', true) in ('anon', 'authenticated') and new.sender_id is distinct from auth.uid() then
    raise sqlstate 'PT403' using
      message = 'You can only send messages of your own.',
      detail = 'not_yours',
      hint = 'sender_id must be the person the token speaks for.';
  end if;
  new.content := chat.checked_content(new.content, new.message_type);
  new.file_url := chat.clean_address(new.file_url);
  new.file_name := chat.clean_file_name(new.file_name);

  -- The lock and the number in one statement. Members only, so that a stranger waits for nobody and leaves no trace.
  update public.user_conversations c
  set
    last_message_seq = c.last_message_seq + 1,
    revision = c.revision + 1,
    last_message_id = new.id,
    last_message_at = greatest(clock_timestamp(), c.last_message_at),
    updated_at = clock_timestamp(),
    is_archived = false,
    participant_1_read_seq = case when c.participant_1_id = new.sender_id then c.last_message_seq + 1 else c.participant_1_read_seq end,
    participant_2_read_seq = case when c.participant_2_id = new.sender_id then c.last_message_seq + 1 else c.participant_2_read_seq end
  where c.id = new.conversation_id
    and new.sender_id in (c.participant_1_id, c.participant_2_id)
  returning
    c.last_message_seq,
    c.revision,
    c.last_message_at,
    case new.sender_id when c.participant_1_id then c.participant_2_id else c.participant_1_id end
  into new.seq, new.revision, moment, new.recipient_id;
  if not found then
    raise sqlstate 'PT403' using
      message = 'You are not in this conversation.',
      detail = 'no_conversation',
      hint = 'Open one with get_or_create_conversation; get_conversations lists yours.';
  end if;
  new.recipient_id := chat.require_reachable(new.sender_id, new.recipient_id);

  new.sent_revision := new.revision;
  new.created_at := moment;
  new.updated_at := moment;
  new.written_at := chat.told_time(new.written_at, moment);
  new.is_edited := false;
  new.is_deleted := false;
  new.read_by := '[]';

  if new.message_type <> 'text' and chat.is_storage_path(new.file_url) then
    file := chat.file_to_send(new.file_url, new.conversation_id, new.sender_id);
    new.file_name := chat.clean_file_name(file.name);
    new.file_size := file.size;
    new.metadata := new.metadata || jsonb_build_object('file', (file.details - 'thumbnails') || jsonb_build_object('id', file.id, 'content_type', file.content_type));
    if file.content_type not like 'image/%' then
      new.message_type := 'file';
    end if;
  end if;
  return new;
end
$$;

comment on function chat.number_message() is
  'Checks a new message and gives it number, revision, recipient and time under its conversation''s lock, which it keeps the last message, the sender''s read position and the revision of. What it says of a stored file is the file''s.';

create or replace trigger number_message
  before insert on public.user_messages
  for each row
  when (new.seq is null)             -- nobody is granted to insert a number; chat.import_step gives one
  execute function chat.number_message();

comment on trigger number_message on public.user_messages is 'Numbers each new message, whoever inserts it. Only the owner can give a number, as the import of history does.';

revoke all on function
  chat.checked_content, chat.told_time, chat.number_message
from public, anon, authenticated, service_role;
