-- A message of type file or image may name a stored file by its storage path. Both run while the conversation is locked.

create or replace function chat.file_to_send(address text, conversation_id uuid, sender_id uuid)
  returns public.chat_files
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  file public.chat_files;
begin
  select f.* into file
  from public.chat_files f
  where f.conversation_id = file_to_send.conversation_id
    and f.name = substr(file_to_send.address, 38)
    and starts_with(file_to_send.address, file_to_send.conversation_id::text)
    and f.state = 'stored'
    and f.uploader_id = file_to_send.sender_id
  for no key update;
  if not found then
    raise sqlstate 'PT404' using
      message = 'You have no such file in this conversation.',
      detail = 'no_file',
      hint = 'Upload it to this conversation''s folder, then send its path.';
  end if;
  if file.message_id is not null then
    raise sqlstate 'PT409' using
      message = 'This file was sent.',
      detail = 'file_sent',
      hint = 'Upload it again for another message: it goes when its message is taken back.';
  end if;
  return file;
end
$$;

comment on function chat.file_to_send(text, uuid, uuid) is
  'The stored file of a storage path, locked. PT404 when the sender has stored no such file in the conversation, PT409 when it was sent.';

create or replace function chat.attach_file()
  returns trigger
  security definer                 -- functions alone write files
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  update public.chat_files f
  set message_id = new.id
  where f.conversation_id = new.conversation_id
    and f.name = substr(new.file_url, 38)
    and f.state = 'stored'
    and f.message_id is null;
  return null;
end
$$;

comment on function chat.attach_file() is 'Makes the stored file that a new message names the message''s own.';

create or replace trigger attach_file
  after insert on public.user_messages
  for each row
  when (new.message_type <> 'text' and starts_with(new.file_url, new.conversation_id::text || '/'))   -- asked as whoever inserts
  execute function chat.attach_file();

comment on trigger attach_file on public.user_messages is 'A file goes with the message that names it.';

revoke all on function chat.file_to_send, chat.attach_file from public, anon, authenticated, service_role;
