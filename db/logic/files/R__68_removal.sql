-- Whatever removes a row of public.chat_files queues the removal of its object in the same transaction; the service carries it out.

create or replace function chat.queue_removal()
  returns trigger
  security definer                 -- writes the queue, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if tg_op = 'TRUNCATE' then
    insert into chat.file_removals (file_id)
    select f.id
    from public.chat_files f
    on conflict do nothing;
  else
    -- An upload may still be writing.
    insert into chat.file_removals (file_id, due_at)
    values (old.id, case old.state when 'uploading' then now() + interval '1 hour' else now() end)
    on conflict do nothing;
  end if;
  return null;
end
$$;

comment on function chat.queue_removal() is 'Queues the removal of the objects of files that are deleted: at once, or in an hour when the upload may still go on.';

create or replace trigger queue_removal
  after delete on public.chat_files
  for each row
  execute function chat.queue_removal();

comment on trigger queue_removal on public.chat_files is 'No object stays without a row.';

create or replace trigger queue_removal_of_all
  before truncate on public.chat_files
  for each statement
  execute function chat.queue_removal();

comment on trigger queue_removal_of_all on public.chat_files is 'No object stays without a row.';

create or replace function chat.take_file_removals(lease interval default '5 minutes', batch_size int default 100)
  returns setof uuid
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  if lease is null or lease not between interval '1 second' and interval '1 day' then
    raise sqlstate 'PT400' using
      message = 'take_file_removals takes a lease from a second to a day.',
      detail = 'interval';
  end if;
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'take_file_removals takes 1 to 10000 files a step.',
      detail = 'batch_size';
  end if;
  return query
    update chat.file_removals q
    set
      due_at = now() + lease,
      tries = q.tries + 1
    where q.file_id = any (array(
      select x.file_id
      from chat.file_removals x
      where x.due_at <= now()
      order by x.due_at
      limit batch_size
      for update skip locked))
    returning q.file_id;
end
$$;

comment on function chat.take_file_removals(interval, int) is
  'Ids of files whose objects are to be removed. Until the lease has ended nobody else gets them; then somebody gets them again, unless chat.finish_file_removals was told.';

create or replace function chat.finish_file_removals(file_ids uuid[])
  returns bigint
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  gone bigint;
begin
  perform chat.demand_claims_of('chat_relay');
  delete from chat.file_removals q
  where q.file_id = any (finish_file_removals.file_ids);
  get diagnostics gone = row_count;
  return gone;
end
$$;

comment on function chat.finish_file_removals(uuid[]) is 'Says that these objects are removed; returns how many were waited for.';

create or replace function chat.sweep_files(batch_size int default 1000)
  returns bigint
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  known record;
  ids uuid[];
begin
  perform chat.demand_claims_of('chat_relay');
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'sweep_files takes 1 to 10000 files a step.',
      detail = 'batch_size';
  end if;
  select s.unfinished_upload_hours * interval '1 hour' as unfinished, s.unsent_file_hours * interval '1 hour' as unsent into known
  from chat.settings s;
  delete from chat.upload_counts c
  where c.day < (now() at time zone 'UTC')::date - 1;

  ids := array(
    select f.id
    from public.chat_files f
    where f.message_id is null
      and f.updated_at < now() - least(known.unfinished, known.unsent)
      and f.updated_at < now() - case f.state when 'uploading' then known.unfinished when 'stored' then known.unsent end
    order by f.updated_at
    limit batch_size
    for update skip locked);
  delete from public.chat_files f
  where f.id = any (ids);
  return cardinality(ids);
end
$$;

comment on function chat.sweep_files(int) is
  'One step of giving up: uploads that were not finished in chat.settings.unfinished_upload_hours, files that were not sent in unsent_file_hours. Returns how many; the service calls it until there are none.';

create or replace function chat.file_figures()
  returns table (removals_waiting bigint, uploads_open bigint)
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  rows 1
  language sql
as $$
  select
    (select count(*) from chat.file_removals),
    (select count(*) from public.chat_files f where f.state = 'uploading' and f.message_id is null)
  where (select chat.demand_claims_of('chat_relay'))
$$;

comment on function chat.file_figures() is 'For monitoring: objects that wait to be removed, and uploads that were begun and are not finished.';

revoke all on function
  chat.queue_removal, chat.take_file_removals, chat.finish_file_removals, chat.sweep_files, chat.file_figures
from public, anon, authenticated, service_role;

grant execute on function chat.take_file_removals, chat.finish_file_removals, chat.sweep_files, chat.file_figures to chat_relay;
