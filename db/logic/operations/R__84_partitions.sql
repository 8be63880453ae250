-- Partitions are made ahead. The service does it by itself.

create or replace function chat.create_message_partitions(months date[])
  returns int
  volatile
  security definer                 -- whoever calls it, a superuser who restores a dump too: the partitions are the owner's
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
  language plpgsql
as $$
declare
  month date;
  first_day timestamptz;
  next_first_day timestamptz;
  name text;
  made text[] := '{}';
  attachments text[] := '{}';
  attachment text;
  tables text;
begin
  -- One at a time. No advisory lock, which anybody can take: nobody but the owner may lock this row.
  perform
  from chat.settings s
  for update;
  foreach month in array create_message_partitions.months loop
    name := 'user_messages_' || to_char(month, 'YYYY_MM');
    continue when to_regclass(format('chat.%I', name)) is not null or name = any (made);
    first_day := date_trunc('month', month::timestamp) at time zone 'UTC';
    next_first_day := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
    -- Made apart, with its indexes, and attached when it is complete: of what people use this locks nothing. In schema chat, where
    -- no default privileges reach it; row-level security without a policy shuts the way through its own name.
    execute format(
      'create table chat.%I (like public.user_messages including defaults including generated including constraints including storage including compression including indexes)', name);
    execute format('alter table chat.%I enable row level security', name);
    execute format('revoke all on table chat.%I from public, anon, authenticated, service_role', name);
    execute format('comment on table chat.%I is %L', name, 'Messages of ' || to_char(month, 'YYYY-MM') || ' (UTC), by the time in their id.');
    perform chat.audit_partition(format('chat.%I', name)::regclass);
    execute format('analyze chat.%I', name);
    attachments := attachments || format('alter table public.user_messages attach partition chat.%I for values from (%L) to (%L)',
      name, chat.uuid7_floor(first_day), chat.uuid7_floor(next_first_day));
    made := made || name;
  end loop;
  if made = '{}' then
    return 0;
  end if;

  -- Attaching writes triggers for each foreign key on the tables at its other end: nobody may write there meanwhile. So these locks
  -- come first, in the order of a send, and are not waited for: whoever comes later would queue behind us. A vacuum alone is waited
  -- for, in a mode that stands in nobody's way; an autovacuum gives way after deadlock_timeout.
  select string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by c.relname <> 'user_conversations', c.relname) into tables
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid in (
      select case k.conrelid when 'public.user_messages'::regclass then k.confrelid else k.conrelid end
      from pg_catalog.pg_constraint k
      where k.contype = 'f'
        and k.conparentid = 0
        and 'public.user_messages'::regclass in (k.conrelid, k.confrelid)
    )
    and has_table_privilege(c.oid, 'update, delete, truncate');
  execute format('lock table %s in share update exclusive mode', tables);
  perform set_config('lock_timeout', '50ms', true);
  for try in 1..50 loop
    begin
      execute format('lock table %s in share row exclusive mode', tables);
      foreach attachment in array attachments loop
        execute attachment;
      end loop;
      return cardinality(made);
    exception
      when lock_not_available or deadlock_detected then
        null;                          -- and whatever it had locked is free again
    end;
    perform pg_sleep(0.02 + 0.1 * random());
  end loop;
  raise sqlstate 'PT503' using
    message = format('%s could not be attached: each time somebody was writing.', array_to_string(made, ', ')),
    detail = 'busy',
    hint = 'Call again when what writes has ended; pg_stat_activity shows the longest transactions. Nothing is half done.';
end
$$;

comment on function chat.create_message_partitions(date[]) is
  'Makes the partitions for the months of these dates; returns how many were missing. What people write waits no longer than 50 ms at a time for it; PT503 when it found no gap in some 50 tries.';

create or replace function chat.create_message_partition(month date)
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select chat.create_message_partitions(array[create_message_partition.month]) = 1
$$;

comment on function chat.create_message_partition(date) is 'Makes the partition for the month of a date; false when it was there.';

create or replace function chat.ensure_message_partitions(months_ahead int default 3)
  returns int
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  if months_ahead is null or months_ahead not between 1 and 60 then
    raise sqlstate 'PT400' using
      message = 'ensure_message_partitions takes 1 to 60 months.',
      detail = 'months';
  end if;
  -- From yesterday, as ids may be a day old, in UTC as the bounds are.
  return chat.create_message_partitions(array(
    select month::date
    from generate_series(
      date_trunc('month', now() at time zone 'UTC' - interval '1 day'),
      date_trunc('month', now() at time zone 'UTC') + months_ahead * interval '1 month',
      interval '1 month') month
    order by month));
end
$$;

comment on function chat.ensure_message_partitions(int) is
  'Makes the partitions from this month to so many months ahead; returns how many were missing. PT503 while others write all the time: call it again.';

create or replace function chat.message_partitions_ahead()
  returns int
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select coalesce(min(greatest(m.ahead - 1, 0)), 61)
  from generate_series(0, 61) m (ahead)
  where not exists (
    select
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.user_messages'::regclass
      and c.relname = 'user_messages_' || to_char(date_trunc('month', now() at time zone 'UTC') + m.ahead * interval '1 month', 'YYYY_MM')
  )
$$;

comment on function chat.message_partitions_ahead() is
  'How many months after this one (UTC) have a partition for their messages, up to the first without; for monitoring. At 0 the next month''s messages will be refused, or this month''s are.';

revoke all on function
  chat.create_message_partitions, chat.create_message_partition, chat.ensure_message_partitions,
  chat.message_partitions_ahead
from public, anon, authenticated, service_role;

grant execute on function chat.ensure_message_partitions, chat.message_partitions_ahead to chat_relay;

select chat.ensure_message_partitions(3);
