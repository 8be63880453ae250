-- What operators do: partitions made ahead and dropped, old conversations put away. The service makes partitions by itself.

create or replace function chat.create_message_partition(month date)
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
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
  set search_path = pg_catalog, pg_temp
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
  -- One at a time. No advisory lock, which anybody can take: nobody but the owner may lock this row.
  perform
  from chat.settings s
  for update;
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

create or replace function chat.message_partitions_ahead()
  returns int
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select count(*)::int
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.user_messages'::regclass
    and c.relname ~ '^user_messages_\d{4}_\d{2}$'
    and c.relname > 'user_messages_' || to_char(now() at time zone 'UTC', 'YYYY_MM')
$$;

comment on function chat.message_partitions_ahead() is
  'How many months after this one (UTC) have a partition for their messages; for monitoring. At 0 the next month''s messages will be refused.';

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

create or replace procedure chat.drop_messages_before(moment timestamptz)
  language plpgsql
as $$
declare
  part record;                     -- types by their schema: the path is not set yet
  hanging pg_catalog.text;
  gone pg_catalog.int8;
  tries pg_catalog.int4;
  swept pg_catalog.bool;                 -- what hangs on the partition is gone, as far as we know
begin
  -- A procedure that commits may not pin its path, and a local one ends with each transaction: set at the head and after each commit.
  set local search_path = pg_catalog, pg_temp;
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
    tries := 0;
    swept := false;
    loop
      -- First what hangs on them, in short transactions of their own. What somebody is changing just now is passed over: two who
      -- wait for each other's rows would end in a deadlock. Should it still be there afterwards, the next try takes it.
      if not swept then
        foreach hanging in array array['message_reactions', 'message_edits'] loop
          loop
            execute format(
              'delete from public.%3$I h where h.id in (
                 select x.id from public.%3$I x join %1$I.%2$I m on m.id = x.message_id limit 5000 for update of x skip locked)',
              part.nspname, part.relname, hanging);
            get diagnostics gone = row_count;
            commit;
            set local search_path = pg_catalog, pg_temp;
            exit when gone = 0;
          end loop;
        end loop;
      end if;

      -- Then the partition, in one short transaction that gives up rather than stop the chat while it waits.
      begin
        set local lock_timeout = '200ms';
        execute format('alter table public.user_messages detach partition %I.%I', part.nspname, part.relname);
        execute format('drop table %I.%I', part.nspname, part.relname);
        exit;
      exception
        when lock_not_available or foreign_key_violation then
          swept := sqlstate <> '23503';
          tries := tries + 1;
          if tries >= 50 then
            raise sqlstate 'PT503' using
              message = format('%I.%I could not be dropped in %s tries.', part.nspname, part.relname, tries),
              hint = 'Something holds it or reacts to its messages; call again when it is quieter. Nothing is half done.';
          end if;
      end;
      commit;
      set local search_path = pg_catalog, pg_temp;
      perform pg_sleep(0.1);
    end loop;
    commit;
    set local search_path = pg_catalog, pg_temp;
    raise notice 'dropped %.%', part.nspname, part.relname;
  end loop;
end
$$;

comment on procedure chat.drop_messages_before(timestamptz) is
  'Drops the partitions that end before a moment, with the reactions and edits of their messages. It commits between steps, so it sets its path in each: to be called by the owner, outside a transaction.';

-- Each select is one rule and returns what breaks it. Reads whole tables.
create or replace function chat.check_invariants()
  returns table (rule text, detail text)
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  with messages as materialized (
    select
      m.*,
      row_number() over w = 1 as is_oldest_kept,
      lag(m.seq) over w as seq_before,
      lag(m.sent_revision) over w as sent_revision_before,
      lag(m.created_at) over w as created_before
    from public.user_messages m
    window w as (partition by m.conversation_id order by m.seq)
  ),
  kept as materialized (
    -- Retention goes by id and numbers go by arrival: as an id may be a day older than its message, the numbers of the first day
    -- that is kept may have holes.
    select
      b.since,
      chat.uuid7_floor(b.since) as first_id,
      b.since + interval '1 day' as whole_from
    from (
      select min(chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''([0-9a-f-]+)''\)')::uuid)) as since
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.user_messages'::regclass
    ) b
  )

  select 'numbers have no gaps and no repeats', format('conversation %s: %s after %s', m.conversation_id, m.seq, m.seq_before)
  from messages m, kept
  where m.seq_before is not null
    and (m.seq = m.seq_before or m.seq > m.seq_before + 1 and m.created_before >= kept.whole_from)

  union all
  select 'numbers begin with 1', format('conversation %s begins with %s', c.id, m.seq)
  from public.user_conversations c
  join messages m on m.conversation_id = c.id and m.is_oldest_kept
  cross join kept
  where m.seq <> 1
    and c.created_at >= kept.whole_from

  union all
  select 'a later number is a later message', format('message %s: sent_revision %s after %s, %s after %s',
    m.id, m.sent_revision, m.sent_revision_before, m.created_at, m.created_before)
  from messages m
  where m.sent_revision <= m.sent_revision_before
    or m.created_at < m.created_before

  union all
  select 'the last message is the last one', format('conversation %s: %s, number %s', c.id, c.last_message_id, c.last_message_seq)
  from public.user_conversations c
  cross join kept
  left join public.user_messages m on m.id = c.last_message_id
  where case
    when m.id is null then c.last_message_id >= kept.first_id
    else (m.conversation_id, m.seq, m.created_at) is distinct from (c.id, c.last_message_seq, c.last_message_at)
  end

  union all
  select 'nothing is numbered past the last message', format('message %s: %s after %s', m.id, m.seq, c.last_message_seq)
  from messages m
  join public.user_conversations c on c.id = m.conversation_id
  where m.seq > c.last_message_seq

  union all
  select 'read positions are within what was sent', format('conversation %s: %s and %s of %s',
    c.id, c.participant_1_read_seq, c.participant_2_read_seq, c.last_message_seq)
  from public.user_conversations c
  where not (
    c.participant_1_read_seq between 0 and c.last_message_seq
    and c.participant_2_read_seq between 0 and c.last_message_seq)

  union all
  select 'whoever sends has read', format('conversation %s: %s has sent %s', c.id, m.sender_id, max(m.seq))
  from public.user_conversations c
  join messages m on m.conversation_id = c.id
  group by c.id, m.sender_id
  having max(m.seq) > case m.sender_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end

  union all
  select 'whoever is in read_by has read so far', format('message %s, number %s', m.id, m.seq)
  from messages m
  join public.user_conversations c on c.id = m.conversation_id
  where m.read_by ? m.recipient_id::text
    and m.seq > case m.recipient_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end

  union all
  select 'read_by holds readers, each once', format('message %s: %s', m.id, m.read_by)
  from messages m
  where m.read_by not in ('[]', jsonb_build_array(m.recipient_id))

  union all
  select 'a message is between the two of its conversation', format('message %s', m.id)
  from messages m
  left join public.user_conversations c on c.id = m.conversation_id
  where (least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id))
    is distinct from (c.participant_1_id, c.participant_2_id)

  union all
  select 'a revision is one message''s', format('conversation %s: revision %s of %s messages', m.conversation_id, m.revision, count(*))
  from messages m
  group by m.conversation_id, m.revision
  having count(*) > 1

  union all
  select 'no revision is ahead of its conversation', format('message %s: sent at %s, changed at %s, conversation at %s',
    m.id, m.sent_revision, m.revision, c.revision)
  from messages m
  join public.user_conversations c on c.id = m.conversation_id
  where m.sent_revision > m.revision
    or m.revision > c.revision

  union all
  select 'the newest revision is some message''s', format('conversation %s: %s, its messages %s', c.id, c.revision, max(m.revision))
  from public.user_conversations c
  cross join kept
  left join messages m on m.conversation_id = c.id
  where c.created_at >= kept.whole_from            -- else the message may have been dropped
  group by c.id, c.revision
  having c.revision <> coalesce(max(m.revision), 0)

  union all
  select 'a deleted message is blank', format('message %s', m.id)
  from messages m
  where m.is_deleted
    and (
      m.content <> ''
      or m.metadata <> '{}'
      or exists (select from public.message_edits e where e.message_id = m.id)
      or exists (select from public.message_reactions r where r.message_id = m.id))

  union all
  select 'an edited message has its earlier texts', format('message %s', m.id)
  from messages m
  where not m.is_deleted
    and m.is_edited <> exists (select from public.message_edits e where e.message_id = m.id)

  union all
  select 'an edit knows its message', format('edit %s of message %s', e.id, e.message_id)
  from public.message_edits e
  left join messages m on m.id = e.message_id
  where m.sender_id is distinct from e.sender_id

  union all
  select 'a reaction knows its message', format('reaction %s to message %s', r.id, r.message_id)
  from public.message_reactions r
  left join messages m on m.id = r.message_id
  where (m.conversation_id, m.sender_id, m.recipient_id) is distinct from (r.conversation_id, r.sender_id, r.recipient_id)

  union all
  select 'preferences are a participant''s', format('conversation %s, person %s, archived at %s of %s',
    p.conversation_id, p.user_id, p.archived_seq, c.last_message_seq)
  from public.conversation_preferences p
  left join public.user_conversations c on c.id = p.conversation_id
  where c.id is null
    or p.user_id not in (c.participant_1_id, c.participant_2_id)
    or p.archived_seq > c.last_message_seq

  union all
  select 'presence knows its team', format('person %s', p.user_id)
  from public.user_presence p
  left join public.users u on u.id = p.user_id
  where u.id is null
    or u.team_id is distinct from p.team_id
    or (p.is_typing_to is null) <> (p.typing_started_at is null)
$$;

comment on function chat.check_invariants() is
  'What is not as it must be: the rule and the row that breaks it; nothing when all is well. Reads whole tables in one snapshot; locks nothing. For the owner.';

revoke all on function
  chat.create_message_partition, chat.ensure_message_partitions, chat.archive_inactive_conversations, chat.check_invariants,
  chat.message_partitions_ahead, chat.notification_queue_usage
from public, anon, authenticated, service_role;
revoke all on procedure chat.drop_messages_before from public, anon, authenticated, service_role;
grant execute on function
  chat.ensure_message_partitions, chat.message_partitions_ahead, chat.notification_queue_usage
to chat_relay;

select chat.ensure_message_partitions(3);

-- Before it serves, the service compares the database with the migrations it was built with.
revoke all on table chat.flyway_history, chat.settings from public, anon, authenticated, service_role;
grant select on chat.flyway_history, chat.settings to chat_service;

drop policy if exists "The service can read the settings" on chat.settings;
create policy "The service can read the settings" on chat.settings
  for select
  to chat_service
  using (true);

comment on policy "The service can read the settings" on chat.settings is 'The service tells clients the limits, and compares what it was built with.';
