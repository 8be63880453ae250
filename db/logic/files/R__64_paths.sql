-- What a storage path is, and what clients are shown of a file.

create or replace function chat.is_storage_path(address text)
  returns boolean
  immutable
  parallel safe
  language sql
return is_storage_path.address ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/';

comment on function chat.is_storage_path(text) is 'Whether an address is a storage path, which begins with a conversation''s id; null for null.';

create or replace function chat.check_file_path(name text)
  returns void
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if check_file_path.name is null
    or char_length(check_file_path.name) not between 1 and 1024
    or check_file_path.name <> chat.clean_address(chat.clean_line(check_file_path.name))
    or exists (
      select
      from string_to_table(check_file_path.name, '/') p (part)
      where p.part in ('.', '..')
        or char_length(p.part) > 255
        or p.part <> chat.clean_line(p.part)
        or chat.is_invisible(p.part)
        or strpos(p.part, e'\\') > 0
    )
  then
    raise sqlstate 'PT400' using
      message = 'This is no path of a file.',
      detail = 'file_path',
      hint = 'Give parts of 1 to 255 characters with slashes between them, 1024 in all: no . or .., no backslash, no controls, no spaces at either end.';
  end if;
end
$$;

comment on function chat.check_file_path(text) is
  'PT400 for what is no path below a conversation''s folder: an empty part, . or .., a backslash, controls, marks that nobody sees, more than 255 characters in a part or 1024 in all.';

create or replace function chat.view_of_file(file public.chat_files)
  returns public.file_view
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return row(
    file.id, file.conversation_id, file.name, file.uploader_id, file.state, file.size, file.content_type,
    encode(file.sha256, 'hex'), file.metadata, file.details, file.message_id, file.created_at, file.updated_at
  )::public.file_view;
end
$$;

comment on function chat.view_of_file(public.chat_files) is 'A file as clients see it.';

revoke all on function chat.is_storage_path, chat.check_file_path, chat.view_of_file from public, anon, authenticated, service_role;
