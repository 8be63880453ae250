-- A person begins an upload, the service stores the bytes and finishes it. What is not finished is given up (R__68).
-- Lock order: the conversation, then the file.

create or replace function chat.count_upload(user_id uuid, files int, bytes bigint)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  known record;
  counted record;
begin
  select s.max_files_a_day, s.max_file_bytes_a_day into known
  from chat.settings s;

  insert into chat.upload_counts as c (day, user_id, files, bytes)
  values ((now() at time zone 'UTC')::date, count_upload.user_id, count_upload.files, greatest(0, count_upload.bytes))
  on conflict on constraint upload_counts_pkey do update set
    files = c.files + excluded.files,
    bytes = greatest(0, c.bytes + count_upload.bytes)
  returning c.files, c.bytes into counted;

  if count_upload.files > 0 and counted.files > known.max_files_a_day then
    raise sqlstate 'PT429' using
      message = format('A person uploads at most %s files a day.', known.max_files_a_day),
      detail = 'files_a_day',
      hint = 'Go on tomorrow (UTC). The limit is chat.settings.max_files_a_day.';
  end if;
  if count_upload.bytes > 0 and counted.bytes > known.max_file_bytes_a_day then
    raise sqlstate 'PT429' using
      message = format('A person uploads at most %s bytes a day.', known.max_file_bytes_a_day),
      detail = 'bytes_a_day',
      hint = 'Go on tomorrow (UTC). The limit is chat.settings.max_file_bytes_a_day.';
  end if;
end
$$;

comment on function chat.count_upload(uuid, int, bigint) is 'Adds to what a person has uploaded today; PT429 when it is more than the limits of a day.';

create or replace function chat.check_file_size(size bigint)
  returns void
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  maximum bigint := (select s.max_file_bytes from chat.settings s);
begin
  if check_file_size.size < 0 then
    raise sqlstate 'PT400' using
      message = 'A file has no fewer than 0 bytes.',
      detail = 'file_size';
  end if;
  if check_file_size.size > maximum then
    raise sqlstate 'PT413' using
      message = format('A file has at most %s bytes; this one has %s.', maximum, check_file_size.size),
      detail = 'file_too_large',
      hint = 'The limit is chat.settings.max_file_bytes.';
  end if;
end
$$;

comment on function chat.check_file_size(bigint) is 'PT413 for more bytes than chat.settings.max_file_bytes, PT400 for a negative number; null is not known yet.';

create or replace function chat.check_file_metadata(metadata jsonb)
  returns void
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if jsonb_typeof(check_file_metadata.metadata) is distinct from 'object' or octet_length(check_file_metadata.metadata::text) > 4096 then
    raise sqlstate 'PT400' using
      message = 'What is kept with a file is an object of at most 4096 bytes.',
      detail = 'file_metadata',
      hint = 'Give a JSON object, or leave it out.';
  end if;
end
$$;

comment on function chat.check_file_metadata(jsonb) is 'PT400 for what is no JSON object of at most 4096 bytes.';

create or replace function chat.check_file_is_free(conversation_id uuid, name text, uploader_id uuid, replaces boolean)
  returns void
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  there public.chat_files;
begin
  select f.* into there
  from public.chat_files f
  where f.conversation_id = check_file_is_free.conversation_id
    and f.name = check_file_is_free.name
    and f.state = 'stored';
  if not found then
    return;
  end if;
  if not check_file_is_free.replaces or there.uploader_id <> check_file_is_free.uploader_id then
    raise sqlstate 'PT409' using
      message = 'There is a file of this name.',
      detail = 'file_exists',
      hint = 'Take another name; one''s own file is replaced by an upsert.';
  end if;
  if there.message_id is not null then
    raise sqlstate 'PT409' using
      message = 'This file was sent.',
      detail = 'file_sent',
      hint = 'Take another name: what was sent stays as it is until its message is taken back.';
  end if;
end
$$;

comment on function chat.check_file_is_free(uuid, text, uuid, boolean) is
  'PT409 when a file of this name is stored there, unless it may be replaced: by its uploader, with an upsert, before it is sent.';

create or replace function chat.lock_conversation_of(person uuid, conversation_id uuid)
  returns uuid
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  other uuid;
begin
  -- Members only: a stranger waits for nobody.
  select case person when c.participant_1_id then c.participant_2_id else c.participant_1_id end into other
  from public.user_conversations c
  where c.id = lock_conversation_of.conversation_id
    and person in (c.participant_1_id, c.participant_2_id)
  for no key update;
  if not found then
    raise sqlstate 'PT403' using
      message = 'You are not in this conversation.',
      detail = 'no_conversation',
      hint = 'The first part of a storage path is the id of a conversation; get_conversations lists yours.';
  end if;
  return other;
end
$$;

comment on function chat.lock_conversation_of(uuid, uuid) is 'The other person of somebody''s conversation, which is locked; PT403 when it is not theirs.';

create or replace function public.begin_upload(
  conversation_id uuid,
  name text,
  size bigint default null,
  content_type text default null,
  metadata jsonb default '{}',
  upsert boolean default false
)
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
  perform chat.check_file_path(begin_upload.name);
  perform chat.check_file_metadata(coalesce(begin_upload.metadata, '{}'));
  other := chat.lock_conversation_of(me, begin_upload.conversation_id);
  perform chat.require_reachable(me, other);
  perform chat.check_file_size(begin_upload.size);
  perform chat.check_file_is_free(begin_upload.conversation_id, begin_upload.name, me, coalesce(begin_upload.upsert, false));
  perform chat.count_upload(me, 1, coalesce(begin_upload.size, 0));

  insert into public.chat_files as f (conversation_id, name, uploader_id, recipient_id, size, content_type, metadata, replaces)
  values (
    begin_upload.conversation_id,
    begin_upload.name,
    me,
    other,
    begin_upload.size,
    left(begin_upload.content_type, 255),
    coalesce(begin_upload.metadata, '{}'),
    coalesce(begin_upload.upsert, false)
  )
  returning f.* into file;
  return chat.view_of_file(file);
end
$$;

comment on function public.begin_upload is
  'Begins an upload to conversation_id/name and returns its row, whose id is the object''s key: to be committed before a byte is stored. size: bytes, where they are known. upsert: it takes the place of a file of the caller''s that was not sent. PT400 for a path, size or metadata that cannot be, PT403 where the caller may not write, PT409 for a name that is taken, PT413 and PT429 for more than the limits.';

create or replace function chat.claim_upload(file_id uuid, sha256 bytea)
  returns void
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  if octet_length(claim_upload.sha256) is distinct from 32 then
    raise sqlstate 'PT400' using
      message = 'claim_upload takes a sha256.',
      detail = 'missing';
  end if;
  update public.chat_files f
  set sha256 = claim_upload.sha256
  where f.id = claim_upload.file_id
    and f.state = 'uploading'
    and f.sha256 is null;
  if found then
    return;
  end if;
  -- Of two at a time the second has waited for the first, and reads what that one has written.
  perform
  from public.chat_files f
  where f.id = claim_upload.file_id
    and f.state in ('uploading', 'stored')
    and f.sha256 = claim_upload.sha256;
  if not found then
    raise sqlstate 'PT409' using
      message = 'This upload has other bytes, or is no more.',
      detail = 'upload_claimed',
      hint = 'Begin another upload. Another request has brought these bytes to their end, or the upload was given up.';
  end if;
end
$$;

comment on function chat.claim_upload(uuid, bytea) is
  'Says which bytes an upload has, before they are put where people read them: the first word holds, so nobody replaces what was stored. The same bytes may be claimed again. PT409 for others, and for an upload that is no more.';

create or replace function chat.finish_upload(
  file_id uuid,
  size bigint,
  sha256 bytea,
  content_type text,
  details jsonb default '{}'
)
  returns void
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  file public.chat_files;
  types text[];
begin
  perform chat.demand_claims_of('chat_relay');
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  perform
  from public.user_conversations c
  where c.id = (select f.conversation_id from public.chat_files f where f.id = finish_upload.file_id)
  for no key update;

  select f.* into file
  from public.chat_files f
  where f.id = finish_upload.file_id
  for no key update;
  if file.state = 'stored' and file.sha256 = finish_upload.sha256 then
    return;                          -- it was told before
  end if;
  if file.state is distinct from 'uploading' then
    raise sqlstate 'PT404' using
      message = 'There is no such upload any more.',
      detail = 'no_file',
      hint = 'Begin another one. The file, its conversation or its person was removed meanwhile, or it took too long.';
  end if;
  if num_nulls(finish_upload.size, finish_upload.sha256, finish_upload.content_type) > 0 then
    raise sqlstate 'PT400' using
      message = 'finish_upload takes size, sha256 and content_type.',
      detail = 'missing';
  end if;
  perform chat.require_reachable(file.uploader_id, file.recipient_id);
  perform chat.check_file_is_free(file.conversation_id, file.name, file.uploader_id, file.replaces);
  perform chat.check_file_size(finish_upload.size);
  perform chat.check_file_metadata(coalesce(finish_upload.details, '{}'));
  types := (select s.file_types from chat.settings s);
  if not exists (
    select
    from unnest(types) t (pattern)
    where t.pattern = finish_upload.content_type
      or t.pattern like '%/*' and starts_with(finish_upload.content_type, left(t.pattern, -1))
  ) and types is not null then
    raise sqlstate 'PT415' using
      message = format('Files of the type %s are not taken.', finish_upload.content_type),
      detail = 'file_type',
      hint = format('Taken are %s: chat.settings.file_types. The content tells the type, not the name.', array_to_string(types, ', '));
  end if;
  if file.sha256 <> finish_upload.sha256 then
    raise sqlstate 'PT409' using
      message = 'This upload has other bytes.',
      detail = 'upload_claimed',
      hint = 'Begin another upload.';
  end if;
  perform chat.count_upload(file.uploader_id, 0, finish_upload.size - coalesce(file.size, 0));

  delete from public.chat_files f
  where f.conversation_id = file.conversation_id
    and f.name = file.name
    and f.state = 'stored';

  update public.chat_files f
  set
    state = 'stored',
    size = finish_upload.size,
    sha256 = finish_upload.sha256,
    content_type = finish_upload.content_type,
    details = coalesce(finish_upload.details, '{}'),
    updated_at = clock_timestamp()
  where f.id = file.id;
end
$$;

comment on function chat.finish_upload(uuid, bigint, bytea, text, jsonb) is
  'Says that an upload''s bytes are stored, and what they are; the file is there from now on. The same bytes again change nothing. PT404 for an upload that is no more, PT409 where chat.claim_upload was told of other bytes, PT403, PT409, PT413, PT415 and PT429 when its uploader may not store it: then call chat.abandon_upload.';

create or replace function chat.abandon_upload(file_id uuid)
  returns void
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  delete from public.chat_files f
  where f.id = abandon_upload.file_id
    and f.state = 'uploading';

  insert into chat.file_removals as q (file_id)
  select abandon_upload.file_id
  where not exists (select from public.chat_files f where f.id = abandon_upload.file_id)
  on conflict on constraint file_removals_pkey do update set due_at = least(q.due_at, excluded.due_at);
end
$$;

comment on function chat.abandon_upload(uuid) is
  'Gives an upload up and queues the removal of its object, also where there is no row any more. Does nothing to a file that is stored.';

revoke all on function
  chat.count_upload, chat.check_file_size, chat.check_file_metadata, chat.check_file_is_free, chat.lock_conversation_of,
  public.begin_upload, chat.claim_upload, chat.finish_upload, chat.abandon_upload
from public, anon, authenticated, service_role;

grant execute on function public.begin_upload to authenticated;
grant execute on function chat.claim_upload, chat.finish_upload, chat.abandon_upload to chat_relay;
