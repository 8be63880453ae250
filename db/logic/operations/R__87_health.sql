-- What a DBA looks at: one row for each thing that can go wrong, its state, and what to do. It reads statistics and catalogues only.

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

create or replace view chat.health
  with (security_invoker = true)
as
with messages as (
  select
    c.relname as name,
    chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9a-f-]+)''\)')::uuid) as ends
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.user_messages'::regclass
),
facts (item, value, state, remedy) as (
  select
    'partition of this month',
    case when count(*) > 0 then 'there' else 'missing' end,
    case when count(*) > 0 then 'ok' else 'alarm' end,
    'select chat.ensure_message_partitions(3)'
  from messages m
  where m.name = 'user_messages_' || to_char(now() at time zone 'UTC', 'YYYY_MM')

  union all
  select
    'partitions ahead',
    a.months || ' months',
    case when a.months = 0 then 'alarm' when a.months = 1 then 'warning' else 'ok' end,
    'select chat.ensure_message_partitions(3); the service does it every six hours'
  from chat.message_partitions_ahead() a (months)

  union all
  select
    'retention',
    case
      when s.retention_days is null then 'off'
      else format('%s days, %s months to drop', s.retention_days, count(m.name))
    end,
    case when count(m.name) > 1 then 'warning' else 'ok' end,
    'the service drops whole months; by hand: call chat.drop_messages_before(now() - interval ''…'')'
  from chat.settings s
  left join messages m on m.ends <= now() - s.retention_days * interval '1 day'
  group by s.retention_days

  union all
  select
    'legal holds',
    count(*) || ' in force',
    'ok',
    'select * from chat.legal_holds where released_at is null'
  from chat.legal_holds h
  where h.released_at is null

  union all
  select
    'change log, size',
    format('%s of %s', pg_size_pretty(coalesce(l.bytes, 0)), pg_size_pretty(s.change_log_max_mb * 1048576::bigint)),
    case when l.bytes > 0.8 * s.change_log_max_mb * 1048576 then 'warning' else 'ok' end,
    'see what holds it: the longest transaction, prepared transactions; else raise chat.settings.change_log_max_mb or lower change_log_hours'
  from chat.settings s
  cross join (
    select sum(pg_total_relation_size(i.inhrelid)) as bytes
    from pg_catalog.pg_inherits i
    where i.inhparent = 'relay.change_log'::regclass
  ) l

  union all
  select
    'change log, cut short',
    coalesce(date_trunc('second', now() - max(e.cut_at)) || ' ago', 'never'),
    case when max(e.cut_at) > now() - interval '1 day' then 'warning' else 'ok' end,
    'it was over chat.settings.change_log_max_mb before change_log_hours had passed: raise the one or lower the other'
  from relay.epoch e

  union all
  select
    'change log, oldest row',
    coalesce(date_trunc('second', now() - oldest.at)::text, 'empty'),
    case when now() - oldest.at > (3 * s.change_log_hours + 1) * interval '1 hour' then 'warning' else 'ok' end,
    'no relay cleans it: is the service running? Else the longest transaction holds it'
  from chat.settings s
  left join lateral (select l.at from relay.change_log l order by l.xid limit 1) oldest on true

  union all
  select
    'longest transaction',
    coalesce(date_trunc('second', max(now() - a.xact_start))::text, 'none')
      || case when pg_has_role('pg_read_all_stats', 'usage') then '' else ' (of this login''s own: it has no pg_read_all_stats)' end,
    case
      when max(now() - a.xact_start) > interval '1 hour' then 'alarm'
      when max(now() - a.xact_start) > interval '10 minutes' then 'warning'
      else 'ok'
    end,
    'select pid, usename, state, query from pg_stat_activity order by xact_start; it holds the change log and vacuum'
  from pg_catalog.pg_stat_activity a
  where a.datname = current_database()
    and a.pid <> pg_backend_pid()

  union all
  select
    'prepared transactions',
    count(*)::text,
    case when count(*) > 0 then 'warning' else 'ok' end,
    'commit prepared or rollback prepared; the chat prepares none'
  from pg_catalog.pg_prepared_xacts x
  where x.database = current_database()

  union all
  select
    'invalid indexes',
    coalesce(string_agg(i.indexrelid::regclass::text, ', ' order by i.indexrelid::regclass::text), 'none'),
    case when count(*) > 0 then 'alarm' else 'ok' end,
    'drop index, then create it again: concurrently left it'
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  where not i.indisvalid
    and c.relnamespace in ('public'::regnamespace, 'chat'::regnamespace, 'relay'::regnamespace)

  union all
  select
    'HOT updates of ' || t.relname,
    case when t.n_tup_upd = 0 then 'none yet' else round(100.0 * t.n_tup_hot_upd / t.n_tup_upd) || ' %' end,
    case when t.n_tup_upd > 10000 and t.n_tup_hot_upd < 0.9 * t.n_tup_upd then 'warning' else 'ok' end,
    'an index on what each message changes, or a long transaction that keeps old row versions'
  from pg_catalog.pg_stat_user_tables t
  where t.schemaname = 'public'
    and t.relname in ('user_conversations', 'user_presence')

  union all
  select
    'notification queue',
    round(100 * chat.notification_queue_usage()::numeric) || ' %',
    case when chat.notification_queue_usage() > 0.5 then 'alarm' else 'ok' end,
    'a session that listens sits in a long transaction: end it; when the queue is full, commits fail'

  union all
  select
    'deadlocks',
    d.deadlocks::text,
    'ok',
    'since the statistics began; more than a few a day wants a look at the server''s log'
  from pg_catalog.pg_stat_database d
  where d.datname = current_database()
)
select
  f.item,
  f.state,
  f.value,
  case when f.state <> 'ok' then f.remedy end as remedy
from facts f;

comment on view chat.health is 'What a DBA looks at: state ok, warning or alarm, and then what to do. For the owner, who sees other logins'' transactions with pg_read_all_stats alone.';
comment on column chat.health.item is 'What is looked at.';
comment on column chat.health.state is 'ok, warning or alarm.';
comment on column chat.health.value is 'What was found.';
comment on column chat.health.remedy is 'What to do; null while all is well.';

revoke all on table chat.health from public, anon, authenticated, service_role;

revoke all on function chat.notification_queue_usage from public, anon, authenticated, service_role;

grant execute on function chat.notification_queue_usage to chat_relay;
