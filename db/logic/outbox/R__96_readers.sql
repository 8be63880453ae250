-- Readers of the change log whose position is kept in the database: it moves in the transaction that keeps what they read.

create or replace function chat.begin_reading(reader text)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  insert into chat.log_readers (name, epoch, read_up_to)
  select begin_reading.reader, o.epoch, o.snapshot
  from relay.open() o
  on conflict do nothing
$$;

comment on function chat.begin_reading(text) is
  'From the end of this transaction on the reader gets what others commit, and what this transaction has not seen of those that are open. Nothing for one that reads already.';

create or replace function chat.read_log(reader text, max_rows int default 1000)
  returns table (
    seq bigint,
    table_name text,
    operation text,
    at timestamptz,
    audience uuid[],
    team_audience uuid[],
    hidden_from uuid[],
    record text,
    old_record text
  )
  volatile                         -- each statement its own snapshot
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  rows 100
  language plpgsql
as $$
#variable_conflict use_column
declare
  known chat.log_readers;
  change record;
  next_position text;
  returned bigint := 0;
begin
  perform chat.demand_claims_of('chat_relay');
  if read_log.max_rows is null or read_log.max_rows not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'read_log takes 1 to 10000 changes a step.',
      detail = 'batch_size';
  end if;

  select r.* into known
  from chat.log_readers r
  where r.name = read_log.reader;
  if not found then
    perform chat.begin_reading(read_log.reader);
    return;                        -- it has begun
  end if;

  -- The lock of a row is written, so a poll that finds nothing takes none. But each minute, and behind a full page, the position moves.
  if known.read_at >= clock_timestamp() - interval '1 minute' and strpos(known.read_up_to, ' ') = 0 then
    begin
      if not exists (select from relay.tail(known.epoch, known.read_up_to, 1) t where t.seq is not null) then
        return;
      end if;
    exception
      when sqlstate 'PT410' then   -- a gap, of which one session tells
        null;
    end;
  end if;

  select r.* into known
  from chat.log_readers r
  where r.name = read_log.reader
  for update skip locked;
  if not found then
    return;                        -- another session reads
  end if;

  begin
    for change in
      select t.*
      from relay.tail(known.epoch, known.read_up_to, read_log.max_rows) t
    loop
      if change.snapshot is not null then
        next_position := change.snapshot;
        continue;
      end if;
      seq := change.seq;
      table_name := change.table_name;
      operation := change.operation;
      at := change.at;
      audience := change.audience;
      team_audience := change.team_audience;
      hidden_from := change.hidden_from;
      record := change.record;
      old_record := change.old_record;
      returned := returned + 1;
      return next;
    end loop;
  exception
    when sqlstate 'PT410' then     -- tail says so before it returns anything
      next_position := null;
  end;

  if next_position is null then
    table_name := '';
    operation := 'GAP';
    at := clock_timestamp();
    record := jsonb_build_object('reader', known.name, 'since', known.read_at)::text;
    return next;
    raise warning 'The change log lost changes after % that the reader % had not read', known.read_at, known.name
      using hint = 'A crash of the server empties the log. Else let the service run, or raise chat.settings.change_log_hours and change_log_max_mb.';
    update chat.log_readers r
    set
      (epoch, read_up_to) = (select p.epoch, p.read_up_to from chat.position_after_gap(known.epoch, known.read_up_to) p),
      read_at = clock_timestamp(),
      gaps = r.gaps + 1,
      gap_at = clock_timestamp()
    where r.name = known.name;
  elsif returned > 0 or strpos(known.read_up_to, ' ') > 0 or known.read_at < clock_timestamp() - interval '1 minute' then
    -- Else it stays: what it does not see yet is found from here as well, and a poll that finds nothing writes nothing.
    update chat.log_readers r
    set
      read_up_to = next_position,
      read_at = clock_timestamp(),
      changes = r.changes + returned
    where r.name = known.name;
  end if;
end
$$;

comment on function chat.read_log(text, int) is
  'The next changes for a reader, by seq. Keep what came in the same transaction: its commit moves the position, a rollback brings the same again. Nothing when there is nothing, when another session reads, or when the reader has just begun. Call again until nothing comes. A row with the operation GAP comes alone: changes after its record''s "since" may be lost, and the next call goes on with what the log still has. A change comes once, in the order of its conversation.';

create or replace function chat.position_after_gap(former_epoch uuid, last text)
  returns table (epoch uuid, read_up_to text)
  volatile                         -- relay.open may make an epoch
  set search_path = pg_catalog, pg_temp
  rows 1
  language plpgsql
as $$
#variable_conflict use_column
declare
  seen pg_snapshot := split_part(position_after_gap.last, ' ', 1)::pg_snapshot;
  until pg_snapshot := nullif(split_part(position_after_gap.last, ' ', 2), '')::pg_snapshot;
  now_open record;
  kept xid8;
begin
  select o.epoch into now_open
  from relay.open() o;
  kept := (select e.kept_from from relay.epoch e);   -- a statement of its own sees the epoch that open has made
  if now_open.epoch = position_after_gap.former_epoch
    and pg_snapshot_xmax(coalesce(until, seen)) <= pg_snapshot_xmax(pg_current_snapshot())
  then
    -- Only its beginning was cut: what is left of it, and nothing twice.
    return query
      select now_open.epoch, concat_ws(
        ' ',
        format(
          '%s:%s:%s',
          kept,
          greatest(kept, pg_snapshot_xmax(seen)),
          (select string_agg(x::text, ',' order by x) from pg_snapshot_xip(seen) x where x >= kept)),
        until,
        nullif(split_part(position_after_gap.last, ' ', 3), ''));
  else
    return query
      select now_open.epoch, format('%1$s:%1$s:', kept);
  end if;
end
$$;

comment on function chat.position_after_gap(uuid, text) is 'Where a reader goes on that missed something: with all that the log has and it has not read.';

revoke all on function
  chat.begin_reading, chat.read_log, chat.position_after_gap
from public, anon, authenticated, service_role;

grant execute on function chat.read_log to chat_relay;
