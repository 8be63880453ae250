-- The change log: triggers beside each table write it, relays read it by these functions. Nobody else reaches it.
-- Rows that come or go, and messages that change, are logged by the statement, from its transition tables. Else a changed row is
-- logged by itself: joined, the old rows and the new of a statement over thousands took the square of that.

create or replace function relay.open()
  returns table (epoch uuid, snapshot text)
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off         -- the log is never analysed
  set jit = off
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  -- A dump restored on a server not so far on brings changes, an epoch and segments of transactions that are still to come here: the
  -- first would be told at every poll, the second would turn every relay away, the third would never be let go.
  delete from relay.change_log l
  where l.xid >= pg_snapshot_xmax(pg_current_snapshot());
  delete from relay.epoch e
  where e.kept_from > pg_snapshot_xmin(pg_current_snapshot());
  delete from relay.segments s
  where s.sealed_before >= pg_snapshot_xmax(pg_current_snapshot());

  if not exists (select from relay.epoch) then     -- ON CONFLICT alone would wait for relay.maintain()
    insert into relay.epoch default values
    on conflict do nothing;
  end if;

  return query
    select e.id, pg_current_snapshot()::text
    from relay.epoch e;
end
$$;

comment on function relay.open() is
  'Where to begin reading: the epoch, made when a crash has taken it or a dump brought one of another server, and a snapshot of now.';

drop function if exists relay.tail(uuid, text, int);   -- it may be one that returned fewer columns

create function relay.tail(epoch uuid, last text, max_rows int)
  returns table (
    snapshot text,
    seq bigint,
    table_name text,
    operation text,
    at timestamptz,
    audience uuid[],
    team_audience uuid[],
    hidden_from uuid[],
    record text,
    old_record text,
    scopes uuid[]                  -- for nodes of an earlier version; may go in 0.2.0
  )
  volatile                         -- each statement its own snapshot
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off         -- the log is never analysed
  set jit = off
  set max_parallel_workers_per_gather = 0
  set plan_cache_mode = force_generic_plan   -- planned anew, a poll that finds nothing costs four times as much
  rows 10
  language plpgsql
as $$
#variable_conflict use_column
declare
  seen pg_snapshot := split_part(tail.last, ' ', 1)::pg_snapshot;
  until pg_snapshot := nullif(split_part(tail.last, ' ', 2), '')::pg_snapshot;
  after bigint := coalesce(nullif(split_part(tail.last, ' ', 3), '')::bigint, 0);
begin
  perform chat.demand_claims_of('chat_relay');
  if until is null then
    -- The new snapshot and what it sees that the last one did not, in one statement. = any (array(...)) uses the index, in (...) does not.
    return query
      with page as materialized (
        select l.seq, l.table_name, l.operation, l.at, l.audience, l.team_audience, l.hidden_from, l.record, l.old_record
        from relay.change_log l
        where l.xid >= pg_snapshot_xmax(seen) or l.xid = any (array(select pg_snapshot_xip(seen)))
        order by l.seq + 0       -- no plan may begin with the index of seq: it would read the whole log to find nothing
        limit tail.max_rows
      )
      select
        case
          when count(*) < tail.max_rows then pg_current_snapshot()::text
          else concat_ws(' ', seen, pg_current_snapshot(), max(p.seq))
        end,
        null::bigint, null::text, null::text, null::timestamptz, null::uuid[], null::uuid[], null::uuid[], null::text, null::text, null::uuid[]
      from page p
      union all
      select null::text, p.seq, p.table_name, p.operation, p.at, p.audience, p.team_audience, p.hidden_from, p.record, p.old_record, p.audience || p.team_audience
      from page p;
  else
    -- A full page was not the last one: the same new snapshot is gone on with, behind the page's end. What it sees, it sees later, too.
    -- The rows are the same as above; said like this only the index of seq can find them, so a page reads no row of the pages before it.
    return query
      with page as materialized (
        select l.seq, l.table_name, l.operation, l.at, l.audience, l.team_audience, l.hidden_from, l.record, l.old_record
        from relay.change_log l
        where l.seq > after
          and not pg_visible_in_snapshot(l.xid, seen)
          and pg_visible_in_snapshot(l.xid, until)
        order by l.seq
        limit tail.max_rows
      )
      select
        case
          when count(*) < tail.max_rows then until::text
          else concat_ws(' ', seen, until, max(p.seq))
        end,
        null::bigint, null::text, null::text, null::timestamptz, null::uuid[], null::uuid[], null::uuid[], null::text, null::text, null::uuid[]
      from page p
      union all
      select null::text, p.seq, p.table_name, p.operation, p.at, p.audience, p.team_audience, p.hidden_from, p.record, p.old_record, p.audience || p.team_audience
      from page p;
  end if;

  -- After the read, with a new snapshot: it sees a TRUNCATE that the read may have waited for.
  if not exists (
    select
    from relay.epoch e
    where e.id = tail.epoch
      and pg_snapshot_xmin(seen) >= e.kept_from
      and pg_snapshot_xmax(coalesce(until, seen)) <= pg_snapshot_xmax(pg_current_snapshot())   -- else it is of another server
  ) then
    raise sqlstate 'PT410' using
      message = case
        when exists (select from relay.epoch e where e.id = tail.epoch and pg_snapshot_xmin(seen) < e.cut_before)
          then 'The change log was over chat.settings.change_log_max_mb and lost what this relay had not read yet.'
        else 'The change log does not reach back to what this relay saw last.'
      end,
      detail = 'log_cut',
      hint = 'Call relay.open() and tell clients to catch up.';
  end if;
end
$$;

comment on function relay.tail(uuid, text, int) is
  'What became visible since a snapshot: first a row that says where to go on from, then the changes by seq, a page of max_rows at most. Where to go on is the new snapshot once all that it brings was returned; before that the old one, the new one and the page''s last seq. Nothing is left out and nothing comes twice, however late a transaction commits. PT410 when the epoch is another or the log no longer reaches back. scopes: the ids of people and teams in one list, for nodes of an earlier version.';

create or replace function relay.published_columns()
  returns table (table_name text, column_name text, type_name text, is_key boolean)
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select c.relname::text, a.attname::text, t.typname::text, coalesce(a.attnum = any (k.conkey), false)
  from pg_catalog.pg_class p
  join pg_catalog.pg_class c on p.relname = 'published_' || c.relname and c.relnamespace = 'public'::regnamespace
  join pg_catalog.pg_attribute told on told.attrelid = p.oid
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = told.attname
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
  where p.relnamespace = 'relay'::regnamespace
    and p.relkind = 'c'
    and told.attnum > 0
    and not told.attisdropped
  order by c.relname, told.attnum
$$;

comment on function relay.published_columns() is
  'The columns of the tables that clients may subscribe to, in the order of relay.published_<table>; type_name as in pg_type.typname.';

revoke all on table relay.change_log, relay.change_log_0, relay.change_log_1, relay.change_log_2, relay.change_log_3, relay.epoch, relay.segments, relay.leader
from public, anon, authenticated, service_role, chat_relay;
revoke all on sequence relay.change_seq, relay.segment_seq from public, anon, authenticated, service_role, chat_relay;

revoke all on function relay.open, relay.tail, relay.published_columns from public, anon, authenticated, service_role;

grant execute on function relay.open, relay.tail, relay.published_columns to chat_relay;
