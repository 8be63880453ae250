-- What operators do: partitions made ahead and dropped, old conversations put away. The service makes partitions by itself.

create or replace function chat.create_message_partition(month date)
  returns boolean
  volatile
  set search_path = ''
  language plpgsql
as $$
declare
  first_day timestamptz := date_trunc('month', create_message_partition.month::timestamp) at time zone 'UTC';
  next_first_day timestamptz := (date_trunc('month', create_message_partition.month::timestamp) + interval '1 month') at time zone 'UTC';
  name text := 'user_messages_' || to_char(create_message_partition.month, 'YYYY_MM');
begin
  if to_regclass(format('chat.%I', name)) is not null then
    return false;
  end if;
  -- Made apart and then attached: creating it in place would stop all chat while it waits for its lock. In schema chat, where no
  -- default privileges reach it; row-level security without a policy shuts the way through its own name.
  execute format('create table chat.%I (like public.user_messages including defaults including constraints including storage)', name);
  execute format('alter table chat.%I enable row level security', name);
  execute format('revoke all on table chat.%I from public, anon, authenticated, service_role', name);
  execute format('comment on table chat.%I is %L', name, 'Messages of ' || to_char(create_message_partition.month, 'YYYY-MM') || ' (UTC), by the time in their id.');
  execute format('alter table public.user_messages attach partition chat.%I for values from (%L) to (%L)',
    name, chat.uuid7_floor(first_day), chat.uuid7_floor(next_first_day));
  execute format('analyze chat.%I', name);
  return true;
end
$$;

comment on function chat.create_message_partition(date) is 'Makes the partition for the month of a date; false when it was there.';

create or replace function chat.ensure_message_partitions(months_ahead int default 3)
  returns int
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = ''
  set lock_timeout = '2s'
  language plpgsql
as $$
declare
  made int := 0;
begin
  if months_ahead is null or months_ahead not between 1 and 60 then
    raise sqlstate 'PT400' using
      message = 'ensure_message_partitions takes 1 to 60 months.';
  end if;
  perform pg_advisory_xact_lock(1667785076, 201);
  -- From yesterday, as ids may be a day old, in UTC as the bounds are.
  for step in 0..months_ahead loop
    if chat.create_message_partition((date_trunc('month', now() at time zone 'UTC' - interval '1 day') + step * interval '1 month')::date) then
      made := made + 1;
    end if;
  end loop;
  return made;
end
$$;

comment on function chat.ensure_message_partitions(int) is
  'Makes the partitions from this month to so many months ahead; returns how many were missing. Waits at most two seconds for a lock: call it again.';

create or replace function chat.archive_inactive_conversations(older_than interval)
  returns bigint
  volatile
  set search_path = ''
  language plpgsql
as $$
declare
  archived bigint;
begin
  if older_than is null or older_than < interval '1 day' then
    raise sqlstate 'PT400' using
      message = 'archive_inactive_conversations takes an interval of at least a day.',
      hint = 'For instance interval ''90 days''.';
  end if;

  update public.user_conversations c
  set is_archived = true
  from (
    select x.id
    from public.user_conversations x
    where not x.is_archived
      and coalesce(x.last_message_at, x.created_at) < now() - older_than
    order by x.id
    for no key update skip locked    -- what is being written to is not inactive
  ) quiet
  where c.id = quiet.id;
  get diagnostics archived = row_count;
  return archived;
end
$$;

comment on function chat.archive_inactive_conversations(interval) is
  'Puts away, for both, conversations without a message for so long; returns how many. A new message brings one back. For the owner.';

create or replace procedure chat.drop_messages_before(moment timestamptz)
  language plpgsql
as $$
declare
  part record;
  gone bigint;
  tries int;
begin
  if moment is null or moment > now() - interval '1 day' then
    raise sqlstate 'PT400' using
      message = 'drop_messages_before takes a moment at least a day ago.';
  end if;

  for part in
    select c.oid, c.relname, n.nspname, pg_get_expr(c.relpartbound, c.oid) as bound
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where i.inhparent = 'public.user_messages'::regclass
      and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9a-f-]+)''\)')::uuid <= chat.uuid7_floor(moment)
    order by c.relname
  loop
    -- First what hangs on them, in short transactions of their own.
    loop
      execute format(
        'delete from public.message_reactions r where r.id in (
           select x.id from public.message_reactions x join %1$I.%2$I m on m.id = x.message_id limit 5000)', part.nspname, part.relname);
      get diagnostics gone = row_count;
      commit;
      exit when gone = 0;
    end loop;
    loop
      execute format(
        'delete from public.message_edits e where e.id in (
           select x.id from public.message_edits x join %1$I.%2$I m on m.id = x.message_id limit 5000)', part.nspname, part.relname);
      get diagnostics gone = row_count;
      commit;
      exit when gone = 0;
    end loop;

    -- Then the partition, in one short transaction that gives up rather than stop the chat while it waits.
    tries := 0;
    loop
      begin
        set local lock_timeout = '200ms';
        execute format('alter table public.user_messages detach partition %I.%I', part.nspname, part.relname);
        execute format('drop table %I.%I', part.nspname, part.relname);
        exit;
      exception
        when lock_not_available or foreign_key_violation then
          tries := tries + 1;
          if tries >= 50 then
            raise sqlstate 'PT503' using
              message = format('%I.%I could not be dropped in %s tries.', part.nspname, part.relname, tries),
              hint = 'Something holds it or reacts to its messages; call again when it is quieter. Nothing is half done.';
          end if;
      end;
      commit;
      perform pg_sleep(0.1);
    end loop;
    commit;
    raise notice 'dropped %.%', part.nspname, part.relname;
  end loop;
end
$$;

comment on procedure chat.drop_messages_before(timestamptz) is
  'Drops the partitions that end before a moment, with the reactions and edits of their messages. It commits between steps, so it pins no path: to be called by the owner, outside a transaction.';

revoke all on function chat.create_message_partition, chat.ensure_message_partitions, chat.archive_inactive_conversations
from public, anon, authenticated, service_role;
revoke all on procedure chat.drop_messages_before from public, anon, authenticated, service_role;
grant execute on function chat.ensure_message_partitions to chat_relay;

select chat.ensure_message_partitions(3);

-- Before it serves, the service compares the database with the migrations it was built with.
revoke all on table chat.flyway_history, chat.settings from public, anon, authenticated, service_role;
grant select on chat.flyway_history, chat.settings to chat_service;

drop policy if exists "The service can read the settings" on chat.settings;
create policy "The service can read the settings" on chat.settings
  for select
  to chat_service
  using (true);
