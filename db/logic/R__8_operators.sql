-- What operators do: partitions made ahead and dropped, old conversations put away. The service makes partitions by itself.

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
      message = 'ensure_message_partitions takes 1 to 60 months.';
  end if;
  -- From yesterday, as ids may be a day old, in UTC as the bounds are.
  return chat.create_message_partitions(array(
    select (date_trunc('month', now() at time zone 'UTC' - interval '1 day') + step * interval '1 month')::date
    from generate_series(0, months_ahead) step
    order by step));
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

create or replace function chat.notification_queue_usage()
  returns float8
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select pg_notification_queue_usage()
$$;

comment on function chat.notification_queue_usage() is
  'The used part of the server''s queue of notifications, 0 to 1, for monitoring; when it is full, whoever notifies fails at commit.';

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
      message = 'drop_messages_before takes a moment at least a day ago.';
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
  if days is null then
    return null;
  end if;
  return chat.drop_messages_step(now() - days * interval '1 day', sweep);
end
$$;

comment on function chat.apply_retention(boolean) is
  'One step of retention by chat.settings.retention_days, as chat.drop_messages_step; null when it is off or nothing is left to do. The service calls it until then.';

-- Each line of a list is one rule and what breaks it. Messages come along their indexes, conversation by conversation, and what is
-- asked of each is looked up (lateral, limit 1; no exists, which may become a hash): nothing is sorted, hashed or kept but what is
-- broken, so it takes the same memory for any number of messages, also in one conversation.
create or replace function chat.check_invariants(conversation_id uuid)
  returns table (rule text, detail text)
  stable
  set search_path = pg_catalog, pg_temp
  set enable_sort = off
  set enable_hashjoin = off
  set enable_hashagg = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  first_conversation uuid := coalesce(check_invariants.conversation_id, '00000000-0000-0000-0000-000000000000');
  last_conversation uuid := coalesce(check_invariants.conversation_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  kept_from timestamptz;
  first_id_kept uuid;
  whole_from timestamptz;
begin
  -- Retention goes by id and numbers go by arrival: as an id may be a day older than its message, the numbers of the first day
  -- that is kept may have holes.
  select greatest((select s.messages_kept_from from chat.settings s),
    min(chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM [(]''([0-9a-f-]+)''[)]')::uuid))) into kept_from
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.user_messages'::regclass;
  first_id_kept := chat.uuid7_floor(kept_from);
  whole_from := kept_from + interval '1 day';

  -- Messages by number. Whether one breaks a rule is asked once; only of those that do the list is made.
  return query
    select broken.rule, broken.detail
    from (
      select
        m.*,
        m.seq = m.seq_before or m.seq > m.seq_before + 1 and m.created_before >= whole_from as has_gap,
        m.is_oldest_kept and m.seq <> 1 and c.created_at >= whole_from as begins_late,
        m.sent_revision <= m.sent_revision_before or m.created_at < m.created_before as is_out_of_order,
        m.seq > c.last_message_seq as is_past_the_last,
        m.read_by ? m.recipient_id::text
          and m.seq > case m.recipient_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
          as is_read_ahead,
        m.read_by not in ('[]', jsonb_build_array(m.recipient_id)) as has_odd_readers,
        (least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id))
          is distinct from (c.participant_1_id, c.participant_2_id) as is_astray,
        c.id is not null and (m.sent_revision > m.revision or m.revision > c.revision) as is_revised_ahead,
        m.is_deleted and (
          not m.is_blank
          or (select true from public.message_edits e where e.message_id = m.id limit 1)
          or (select true from public.message_reactions r where r.message_id = m.id limit 1)
        ) as is_not_blank,
        not m.is_deleted and m.is_edited and (select true from public.message_edits e where e.message_id = m.id limit 1) is null
          as has_no_earlier_text,
        c.last_message_seq,
        c.revision as last_revision
      from (
        select
          m.id, m.conversation_id, m.sender_id, m.recipient_id, m.seq, m.sent_revision, m.revision, m.created_at, m.read_by,
          m.is_deleted, m.is_edited,
          m.content = '' and m.metadata = '{}' as is_blank,
          row_number() over w = 1 as is_oldest_kept,
          lag(m.seq) over w as seq_before,
          lag(m.sent_revision) over w as sent_revision_before,
          lag(m.created_at) over w as created_before
        from public.user_messages m
        where m.conversation_id between first_conversation and last_conversation
        window w as (partition by m.conversation_id order by m.seq)
      ) m
      left join lateral (
        select c.*
        from public.user_conversations c
        where c.id = m.conversation_id
        limit 1
      ) c on true
    ) m
    cross join lateral (
      values
        ('numbers have no gaps and no repeats', m.has_gap,
          format('conversation %s: %s after %s', m.conversation_id, m.seq, m.seq_before)),
        ('numbers begin with 1', m.begins_late,
          format('conversation %s begins with %s', m.conversation_id, m.seq)),
        ('a later number is a later message', m.is_out_of_order,
          format('message %s: sent_revision %s after %s, %s after %s',
            m.id, m.sent_revision, m.sent_revision_before, m.created_at, m.created_before)),
        ('nothing is numbered past the last message', m.is_past_the_last,
          format('message %s: %s after %s', m.id, m.seq, m.last_message_seq)),
        ('whoever is in read_by has read so far', m.is_read_ahead,
          format('message %s, number %s', m.id, m.seq)),
        ('read_by holds readers, each once', m.has_odd_readers,
          format('message %s: %s', m.id, m.read_by)),
        ('a message is between the two of its conversation', m.is_astray,
          format('message %s', m.id)),
        ('no revision is ahead of its conversation', m.is_revised_ahead,
          format('message %s: sent at %s, changed at %s, conversation at %s', m.id, m.sent_revision, m.revision, m.last_revision)),
        ('a deleted message is blank', m.is_not_blank,
          format('message %s', m.id)),
        ('an edited message has its earlier texts', m.has_no_earlier_text,
          format('message %s', m.id))
    ) broken (rule, is_broken, detail)
    where (m.has_gap or m.begins_late or m.is_out_of_order or m.is_past_the_last or m.is_read_ahead or m.has_odd_readers
        or m.is_astray or m.is_revised_ahead or m.is_not_blank or m.has_no_earlier_text)
      and broken.is_broken;

  -- Messages by revision, which takes the index alone.
  return query
    select broken.rule, broken.detail
    from (
      select
        one.conversation_id,
        one.revision,
        one.messages,
        lead(one.revision) over (partition by one.conversation_id order by one.revision) is null as is_newest
      from (
        select m.conversation_id, m.revision, count(*) as messages
        from public.user_messages m
        where m.conversation_id between first_conversation and last_conversation
        group by m.conversation_id, m.revision
      ) one
    ) r
    left join lateral (
      select c.*
      from public.user_conversations c
      where c.id = r.conversation_id
        and r.is_newest
        and c.created_at >= whole_from             -- else the message may have been dropped
      limit 1
    ) c on true
    cross join lateral (
      values
        ('a revision is one message''s', r.messages > 1,
          format('conversation %s: revision %s of %s messages', r.conversation_id, r.revision, r.messages)),
        ('the newest revision is some message''s', c.revision <> r.revision,
          format('conversation %s: %s, its messages %s', c.id, c.revision, r.revision))
    ) broken (rule, is_broken, detail)
    where (r.messages > 1 or c.revision <> r.revision)
      and broken.is_broken;

  -- Conversations.
  return query
    select broken.rule, broken.detail
    from public.user_conversations c
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = c.last_message_id
      limit 1
    ) m on true
    cross join lateral (
      values
        ('the last message is the last one',
          case
            when m.id is null then c.last_message_id >= first_id_kept
            else (m.conversation_id, m.seq, m.created_at) is distinct from (c.id, c.last_message_seq, c.last_message_at)
          end,
          format('conversation %s: %s, number %s', c.id, c.last_message_id, c.last_message_seq)),
        ('read positions are within what was sent',
          not (c.participant_1_read_seq between 0 and c.last_message_seq and c.participant_2_read_seq between 0 and c.last_message_seq),
          format('conversation %s: %s and %s of %s', c.id, c.participant_1_read_seq, c.participant_2_read_seq, c.last_message_seq)),
        ('the newest revision is some message''s',
          c.created_at >= whole_from
            and c.revision <> 0
            and (select true from public.user_messages n where n.conversation_id = c.id limit 1) is null,
          format('conversation %s: %s, its messages ', c.id, c.revision))
    ) broken (rule, is_broken, detail)
    where c.id between first_conversation and last_conversation
      and broken.is_broken;

  return query
    select 'whoever sends has read', format('conversation %s: %s has sent %s', c.id, m.sender_id, m.seq)
    from public.user_conversations c
    cross join lateral (
      select m.sender_id, max(m.seq) as seq
      from public.user_messages m
      where m.conversation_id = c.id
        and m.seq > least(c.participant_1_read_seq, c.participant_2_read_seq)   -- which the index can look up
        and m.seq > case m.sender_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
      group by m.sender_id
    ) m
    where c.id between first_conversation and last_conversation;

  -- What hangs on messages.
  return query
    select broken.rule, broken.detail
    from (
      select e.*
      from public.message_edits e
      where check_invariants.conversation_id is null
      union all
      select e.*
      from public.user_messages m
      join public.message_edits e on e.message_id = m.id
      where m.conversation_id = check_invariants.conversation_id
    ) e
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = e.message_id
      limit 1
    ) m on true
    cross join lateral (
      values
        ('an edit knows its message', m.sender_id is distinct from e.sender_id,
          format('edit %s of message %s', e.id, e.message_id)),
        ('an edited message has its earlier texts',
          not m.is_edited and not m.is_deleted
            and (select true from public.message_edits f where f.message_id = e.message_id and f.id < e.id limit 1) is null,
          format('message %s', m.id))
    ) broken (rule, is_broken, detail)
    where broken.is_broken;

  return query
    select 'a reaction knows its message', format('reaction %s to message %s', r.id, r.message_id)
    from (
      select r.*
      from public.message_reactions r
      where check_invariants.conversation_id is null
      union all
      select r.*
      from public.user_messages m
      join public.message_reactions r on r.message_id = m.id
      where m.conversation_id = check_invariants.conversation_id
    ) r
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = r.message_id
      limit 1
    ) m on true
    where (m.conversation_id, m.sender_id, m.recipient_id) is distinct from (r.conversation_id, r.sender_id, r.recipient_id);

  return query
    select 'preferences are a participant''s', format('conversation %s, person %s, archived at %s of %s',
      p.conversation_id, p.user_id, p.archived_seq, c.last_message_seq)
    from public.conversation_preferences p
    left join lateral (
      select c.*
      from public.user_conversations c
      where c.id = p.conversation_id
      limit 1
    ) c on true
    where p.conversation_id between first_conversation and last_conversation
      and (
        c.id is null
        or p.user_id not in (c.participant_1_id, c.participant_2_id)
        or p.archived_seq > c.last_message_seq);
end
$$;

comment on function chat.check_invariants(uuid) is
  'What is not as it must be in one conversation, in all of them when null: the rule and the row that breaks it. For the owner.';

create or replace function chat.check_invariants()
  returns table (rule text, detail text)
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select b.rule, b.detail
  from chat.check_invariants(null) b

  union all
  select 'presence knows its team', format('person %s', p.user_id)
  from public.user_presence p
  left join public.users u on u.id = p.user_id
  where u.id is null
    or u.team_id is distinct from p.team_id
    or (p.is_typing_to is null) <> (p.typing_started_at is null)
$$;

comment on function chat.check_invariants() is
  'What is not as it must be: the rule and the row that breaks it; nothing when all is well. Reads whole tables in one snapshot, in the same memory however large they are; locks nothing. For the owner.';

revoke all on function
  chat.create_message_partitions, chat.create_message_partition, chat.ensure_message_partitions, chat.archive_inactive_conversations,
  chat.check_invariants(), chat.check_invariants(uuid), chat.message_partitions_ahead, chat.notification_queue_usage
from public, anon, authenticated, service_role;
revoke all on function chat.drop_messages_step, chat.apply_retention from public, anon, authenticated, service_role;
revoke all on procedure chat.drop_messages_before from public, anon, authenticated, service_role;
grant execute on function
  chat.ensure_message_partitions, chat.message_partitions_ahead, chat.notification_queue_usage, chat.apply_retention
to chat_relay;

select chat.ensure_message_partitions(3);

-- Before it serves, the service compares the database with the migrations it was built with.
-- From chat_service, too: the first version granted it the whole table, in which later ones keep a secret.
revoke all on table chat.flyway_history, chat.settings from public, anon, authenticated, service_role, chat_service;
grant select on chat.flyway_history to chat_service;
-- Not the secret of the claims, nor what is made of it.
grant select (only_row, platform, max_message_length, max_reactions, typing_timeout_ms, presence_timeout_ms, change_log_hours, change_log_max_mb, retention_days, messages_kept_from, audit)
  on chat.settings to chat_service;

drop policy if exists "The service can read the settings" on chat.settings;
create policy "The service can read the settings" on chat.settings
  for select
  to chat_service
  using (true);

comment on policy "The service can read the settings" on chat.settings is 'The service tells clients the limits, and compares what it was built with.';
