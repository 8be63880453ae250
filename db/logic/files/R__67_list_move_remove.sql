-- Both people of a conversation list its files; who uploaded one moves and removes it.

create or replace function public.list_files(
  folder text default '',
  search text default '',
  page_size int default 100,
  page_offset int default 0,
  sort_by text default 'name',
  descending boolean default false
)
  returns setof public.listed_file
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
#variable_conflict use_column
declare
  path text := rtrim(coalesce(list_files.folder, ''), '/');
  conversation uuid;
begin
  perform chat.checked_page_size(list_files.page_size);
  if list_files.sort_by is null or list_files.sort_by not in ('name', 'created_at', 'updated_at', 'size') then
    raise sqlstate 'PT400' using
      message = 'Files are sorted by name, created_at, updated_at or size.',
      detail = 'sort';
  end if;
  perform chat.require_active_user();
  if (path || '/') ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/' then
    conversation := left(path, 36);
  elsif path <> '' then
    return;
  end if;

  return query
    with entries as (
      select
        split_part(r.rest, '/', 1) as name,
        case when strpos(r.rest, '/') = 0 then f.id end as id,
        f.size, f.content_type, encode(f.sha256, 'hex') as sha256, f.metadata, f.details, f.uploader_id, f.message_id, f.created_at,
        f.updated_at
      from public.chat_files f
      cross join lateral (select substr(f.conversation_id::text || '/' || f.name, char_length(path) + 2) as rest) r
      where f.conversation_id = conversation
        and f.state = 'stored'
        and starts_with(f.conversation_id::text || '/' || f.name, path || '/')
    ), listed as (
      select e.*
      from entries e
      where e.id is not null
      union all
      select e.name, null, null, null, null, null, null, null, null, min(e.created_at), max(e.updated_at)
      from entries e
      where e.id is null
      group by e.name
      union all
      select c.id::text, null, null, null, null, null, null, null, null, c.created_at, c.updated_at
      from public.user_conversations c
      where path = ''
        and (select true from public.chat_files f where f.conversation_id = c.id and f.state = 'stored' limit 1)
    )
    select l.*
    from listed l
    where strpos(lower(l.name), lower(coalesce(list_files.search, ''))) > 0
    order by
      case when list_files.sort_by = 'name' and list_files.descending then l.name end collate "C" desc nulls last,
      case when list_files.sort_by = 'created_at' and not list_files.descending then l.created_at end,
      case when list_files.sort_by = 'created_at' and list_files.descending then l.created_at end desc nulls last,
      case when list_files.sort_by = 'updated_at' and not list_files.descending then l.updated_at end,
      case when list_files.sort_by = 'updated_at' and list_files.descending then l.updated_at end desc nulls last,
      case when list_files.sort_by = 'size' and not list_files.descending then l.size end,
      case when list_files.sort_by = 'size' and list_files.descending then l.size end desc nulls last,
      l.name collate "C",
      l.id nulls first
    limit list_files.page_size
    offset greatest(0, list_files.page_offset);
end
$$;

comment on function public.list_files is
  'What is stored in a folder of the caller''s: files, and folders, which have no id. folder is a storage path; empty, it lists the conversations that have files. search is looked for in the names of this folder. PT400 for a page of no rows or more than 200, or another order.';

create or replace function public.move_file(conversation_id uuid, name text, new_name text)
  returns public.file_view
  volatile
  security definer                 -- functions alone write files
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  other uuid;
  file public.chat_files;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  perform chat.check_file_path(move_file.new_name);
  other := chat.lock_conversation_of(me, move_file.conversation_id);
  select f.* into file
  from public.chat_files f
  where f.conversation_id = move_file.conversation_id
    and f.name = move_file.name
    and f.state = 'stored'
    and f.uploader_id = me
  for no key update;
  if not found then
    raise sqlstate 'PT404' using
      message = 'You have no such file in this conversation.',
      detail = 'no_file',
      hint = 'Only who uploaded a file moves it.';
  end if;
  if file.message_id is not null then
    raise sqlstate 'PT409' using
      message = 'This file was sent.',
      detail = 'file_sent',
      hint = 'What was sent stays where it is: its message names it.';
  end if;
  perform chat.require_reachable(me, other);
  if file.name <> move_file.new_name then
    perform chat.check_file_is_free(move_file.conversation_id, move_file.new_name, me, false);
    update public.chat_files f
    set
      name = move_file.new_name,
      updated_at = clock_timestamp()
    where f.id = file.id
    returning f.* into file;
  end if;
  return chat.view_of_file(file);
end
$$;

comment on function public.move_file is
  'Gives a file of the caller''s another name in the same conversation, before it is sent. PT400 for a path that cannot be, PT403 where the caller may not write, PT404 for others'' files, PT409 for a name that is taken and a file that was sent.';

create or replace function public.remove_files(conversation_id uuid, names text[])
  returns setof public.file_view
  volatile
  security definer                 -- functions alone write files
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  ids uuid[];
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  ids := array(
    select f.id
    from public.chat_files f
    where f.conversation_id = remove_files.conversation_id
      and f.name = any (remove_files.names)
      and f.state = 'stored'
      and f.uploader_id = me
      and f.message_id is null
    for update);
  -- Read before: under legal hold a row stays, which its uploader does not notice.
  return query
    select v.*
    from public.chat_files f
    cross join lateral chat.view_of_file(f) v
    where f.id = any (ids)
    order by f.name;

  delete from public.chat_files f
  where f.id = any (ids);
end
$$;

comment on function public.remove_files is
  'Removes those of the files that the caller uploaded, and returns them. What was sent is left out: it goes with its message, which is taken back. Others'' files and names without a file are left out, too.';

revoke all on function public.list_files, public.move_file, public.remove_files from public, anon, authenticated, service_role;

grant execute on function public.list_files, public.move_file, public.remove_files to authenticated;
