-- Old messages are dropped by the month, and old conversations put away.

create or replace function chat.drop_messages_step(moment timestamptz, sweep boolean default true)
  returns text
  volatile
  security definer                 -- the service, which owns nothing, has retention carried out
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  part record;
  hanging record;
  holding text;
  tables text;
  gone bigint;
  held boolean;
begin
  if moment is null or moment > now() - interval '1 day' then
    raise sqlstate 'PT400' using
      message = 'drop_messages_before takes a moment at least a day ago.',
      detail = 'moment';
  end if;

  -- Whatever points at a message goes with it, where its foreign key says so: our tables and whoever's.
  select string_agg(format('%I on %s', k.conname, k.conrelid::regclass), ', ' order by k.conname) into holding
  from pg_catalog.pg_constraint k
  where k.confrelid = 'public.user_messages'::regclass
    and k.contype = 'f'
    and k.conparentid = 0
    and not (k.confdeltype = 'c' and pg_has_role((select c.relowner from pg_catalog.pg_class c where c.oid = k.conrelid), 'usage'));
  if holding is not null then
    raise sqlstate 'PT409' using
      message = format('Messages cannot be dropped because of %s.', holding),
      detail = 'foreign_key',
      hint = 'Make the foreign key ON DELETE CASCADE in a table of the chat''s owner, so that its rows go with the messages; or drop it. Nothing was changed.';
  end if;

  -- The locks of a detach, in the order of a send.
  select string_agg(format('only %I.%I', n.nspname, c.relname), ', '
    order by c.relname <> 'user_conversations', c.relname <> 'user_messages', c.relname) into tables
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where has_table_privilege(c.oid, 'update, delete, truncate')
    and (
      c.oid = 'public.user_messages'::regclass
      or c.oid in (
        select case k.conrelid when 'public.user_messages'::regclass then k.confrelid else k.conrelid end
        from pg_catalog.pg_constraint k
        where k.contype = 'f'
          and k.conparentid = 0
          and 'public.user_messages'::regclass in (k.conrelid, k.confrelid)
      )
    );

  for part in
    select
      c.relname,
      n.nspname,
      chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'TO [(]''([0-9a-f-]+)''[)]')::uuid) as ends
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where i.inhparent = 'public.user_messages'::regclass
      and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO [(]''([0-9a-f-]+)''[)]')::uuid <= chat.uuid7_floor(moment)
    order by c.relname
  loop
    -- A month with messages under legal hold stays, and loses all others.
    execute format(
      'select exists (
         select
         from chat.legal_holds h
         join public.user_conversations c on c.id = h.conversation_id or h.user_id in (c.participant_1_id, c.participant_2_id)
         join %I.%I m on m.conversation_id = c.id
         where h.released_at is null)',
      part.nspname, part.relname) into held;
    if held then
      execute format(
        'delete from %1$I.%2$I m
         where m.ctid = any (array(
           select x.ctid
           from %1$I.%2$I x
           join public.user_conversations c on c.id = x.conversation_id
           where not exists (
             select
             from chat.legal_holds h
             where h.released_at is null
               and (h.conversation_id = c.id or h.user_id in (c.participant_1_id, c.participant_2_id)))
           limit 1000
           for no key update of c skip locked
           for update of x skip locked))',
        part.nspname, part.relname);
      get diagnostics gone = row_count;
      if gone > 0 then
        update chat.settings s
        set messages_kept_from = greatest(s.messages_kept_from, part.ends);
        return 'deleted';
      end if;
      continue;
    end if;

    -- First what hangs on it, some at a time. What somebody is changing just now is passed over: two who wait for each other's rows
    -- would end in a deadlock. Should it still be there afterwards, the next step takes it.
    if sweep then
      for hanging in
        select k.conrelid::regclass as name, a.attname
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        where k.confrelid = 'public.user_messages'::regclass
          and k.contype = 'f'
          and k.conparentid = 0
        order by k.conname desc
      loop
        -- A row is found by its place; the second condition is for partitions, which have the same places.
        execute format(
          'delete from %1$s h
           where h.ctid = any (array(
               select x.ctid from %1$s x join %2$I.%3$I m on m.id = x.%4$I limit 5000 for update of x skip locked))
             and exists (select from %2$I.%3$I m where m.id = h.%4$I)',
          hanging.name, part.nspname, part.relname, hanging.attname);
        get diagnostics gone = row_count;
        if gone > 0 then
          return 'swept';
        end if;
      end loop;
    end if;

    -- Then the partition, giving up rather than stop the chat while it waits.
    begin
      set local lock_timeout = '2s';
      execute format('lock table %s, %I.%I in share update exclusive mode', tables, part.nspname, part.relname);   -- waits for a vacuum
      set local lock_timeout = '50ms';
      execute format('lock table %s in access exclusive mode', tables);
      execute format(
        'select exists (
           select
           from chat.legal_holds h
           join public.user_conversations c on c.id = h.conversation_id or h.user_id in (c.participant_1_id, c.participant_2_id)
           join %I.%I m on m.conversation_id = c.id
           where h.released_at is null)',
        part.nspname, part.relname) into held;
      if held then                   -- placed while this waited
        return 'busy';
      end if;
      -- Whether anything still points here PostgreSQL asks by a join, under these locks: along the indexes, not by reading all.
      set local jit = off;
      set local enable_hashjoin = off;
      set local enable_nestloop = off;
      set local enable_seqscan = off;
      set local enable_sort = off;
      execute format('alter table public.user_messages detach partition %I.%I', part.nspname, part.relname);
      execute format('drop table %I.%I', part.nspname, part.relname);
      perform chat.audit('drop partition', jsonb_build_object('partition', part.relname));
      return part.relname;
    exception
      when lock_not_available or deadlock_detected or undefined_table then   -- the last: another node was quicker
        return 'busy';
      when foreign_key_violation then
        return 'hanging';
    end;
  end loop;
  return null;
end
$$;

comment on function chat.drop_messages_step(timestamptz, boolean) is
  'One short step of chat.drop_messages_before: ''deleted'' or ''swept'' some rows, ''busy'' or ''hanging'' when others use them, the name of the partition that it dropped, null when nothing is left to do. Each step is a transaction; without sweep it does not look for what hangs on the partition.';

create or replace procedure chat.drop_messages_before(moment timestamptz)
  language plpgsql
as $$
declare
  done pg_catalog.text;            -- types by their schema: the path is not set yet
  tries pg_catalog.int4;
begin
  -- A procedure that commits may not pin its path, and a local one ends with each transaction: set at the head and after each commit.
  set local search_path = pg_catalog, pg_temp;
  tries := 0;
  loop
    done := chat.drop_messages_step(moment, done is distinct from 'busy');
    commit;
    set local search_path = pg_catalog, pg_temp;
    exit when done is null;
    if done in ('busy', 'hanging') then
      tries := tries + 1;
      if tries >= 50 then
        raise sqlstate 'PT503' using
          message = format('A month of messages could not be dropped in %s tries.', tries),
          detail = 'busy',
          hint = 'Something holds it or reacts to its messages; call again when it is quieter. Nothing is half done.';
      end if;
      perform pg_sleep(0.05 + 0.1 * random());
    elsif done like 'user_messages_%' then
      raise notice 'dropped chat.%', done;
      tries := 0;
    end if;
  end loop;
end
$$;

comment on procedure chat.drop_messages_before(timestamptz) is
  'Drops the partitions that end before a moment, with the reactions and edits of their messages, and the rows of whichever table has a cascading foreign key to them; PT409 names a key that does not cascade. A month with messages under legal hold loses all others. It commits between steps, so it sets its path in each: to be called by the owner, outside a transaction.';

create or replace function chat.apply_retention(sweep boolean default true)
  returns text
  volatile
  set search_path = pg_catalog, pg_temp
  security definer                 -- the service, which owns nothing, calls it
  language plpgsql
as $$
declare
  days int := (select s.retention_days from chat.settings s);
begin
  perform chat.demand_claims_of('chat_relay');

  -- Keys go by the id of their message, which has its time.
  delete from chat.message_keys k
  where k.message_id = any (array(
    select x.message_id
    from chat.message_keys x
    where x.message_id < (select chat.uuid7_floor(now() - s.message_key_days * interval '1 day') from chat.settings s)
    order by x.message_id
    limit 5000
    for update skip locked));
  if found then
    return 'forgot';
  end if;
  if days is null then
    return null;
  end if;
  return chat.drop_messages_step(now() - days * interval '1 day', sweep);
end
$$;

comment on function chat.apply_retention(boolean) is
  'One step of retention: ''forgot'' some keys older than chat.settings.message_key_days, then by retention_days as chat.drop_messages_step; null when nothing is left to do. The service calls it until then.';

create or replace function chat.archive_inactive_conversations(older_than interval)
  returns bigint
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  archived bigint;
begin
  if older_than is null or older_than < interval '1 day' then
    raise sqlstate 'PT400' using
      message = 'archive_inactive_conversations takes an interval of at least a day.',
      detail = 'interval',
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

revoke all on function
  chat.drop_messages_step, chat.apply_retention, chat.archive_inactive_conversations
from public, anon, authenticated, service_role;

revoke all on procedure chat.drop_messages_before from public, anon, authenticated, service_role;
grant execute on function chat.apply_retention to chat_relay;
