-- The change log is emptied behind the relays.

create or replace function relay.maintain()
  returns text
  volatile
  security definer                 -- truncates a child and moves the epoch
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '50ms'
  language plpgsql
as $$
declare
  -- Read while this transaction has no id: the one that it gets comes after those of all who may still write to an earlier segment.
  current bigint := coalesce(pg_sequence_last_value('relay.segment_seq'::regclass), 3);
  kept interval;
  max_bytes bigint;
  bytes bigint;
  segment record;
  done text := '';
begin
  perform chat.demand_claims_of('chat_relay');
  if pg_current_xact_id_if_assigned() is not null then
    return 'called in a transaction that has changed something; next time';
  end if;
  -- No advisory lock, which anybody can take: nobody else may lock this row.
  perform
  from relay.epoch e
  for update skip locked;
  if not found or current <> coalesce(pg_sequence_last_value('relay.segment_seq'::regclass), 3) then
    return 'another relay is at it';
  end if;
  select s.change_log_hours * interval '1 hour', s.change_log_max_mb * 1048576::bigint into kept, max_bytes
  from chat.settings s;

  delete from relay.segments s
  where s.generation not between current - 3 and current;
  insert into relay.segments (generation)
  select g
  from generate_series(current - 3, current) g
  on conflict do nothing;
  update relay.segments s
  set sealed_before = pg_current_xact_id()
  where s.generation < current
    and s.sealed_before is null;
  update relay.segments s
  set drained_at = clock_timestamp()
  where s.drained_at is null
    and s.sealed_before <= pg_snapshot_xmin(pg_current_snapshot());

  -- Sizes, not rows: what they cost does not grow with the log.
  for segment in
    select s.*, format('relay.change_log_%s', s.generation & 3) as child
    from relay.segments s
    where s.generation < current
      and pg_relation_size(format('relay.change_log_%s', s.generation & 3)::regclass) > 0
    order by s.generation
  loop
    bytes := (
      select sum(pg_total_relation_size(i.inhrelid))
      from pg_catalog.pg_inherits i
      where i.inhparent = 'relay.change_log'::regclass
    );
    if bytes <= max_bytes and segment.drained_at >= clock_timestamp() - kept then
      exit;                        -- the segments after it are younger
    end if;
    if segment.drained_at is null then
      done := done || 'an open transaction holds ' || segment.child || '; ';
      exit;
    end if;
    begin
      update relay.epoch set
        kept_from = greatest(kept_from, segment.sealed_before);
      if segment.drained_at >= clock_timestamp() - kept then
        update relay.epoch set
          cut_before = kept_from,
          cut_at = clock_timestamp();
        raise warning 'The change log has % MB, more than change_log_max_mb: what % holds goes before change_log_hours', bytes / 1048576, segment.child
          using hint = 'Raise chat.settings.change_log_max_mb, or lower change_log_hours.';
        done := done || 'over change_log_max_mb: ';
      end if;
      execute format('truncate %s', segment.child);
      done := done || 'truncated ' || segment.child || '; ';
    exception
      when lock_not_available then
        done := done || 'a lock was busy; next time';
        exit;
    end;
  end loop;

  -- Writers go to the next child once this one is old, or has a quarter of what the log may have.
  select s.began_at, format('relay.change_log_%s', s.generation & 3) as child, format('relay.change_log_%s', (s.generation + 1) & 3) as next_child
  into segment
  from relay.segments s
  where s.generation = current;
  if pg_relation_size(segment.next_child::regclass) = 0
    and pg_relation_size(segment.child::regclass) > 0
    and (segment.began_at < clock_timestamp() - kept or pg_total_relation_size(segment.child::regclass) > max_bytes / 4)
  then
    delete from relay.segments s
    where s.generation = current - 3;
    insert into relay.segments (generation)
    values (current + 1);
    perform setval('relay.segment_seq', current + 1);   -- last: no rollback takes it back
    done := done || 'left ' || segment.child || '; ';
  end if;
  return coalesce(nullif(rtrim(done, '; '), ''), 'nothing to truncate');
exception
  when lock_not_available then
    return 'a lock was busy; next time';
end
$$;

comment on function relay.maintain() is
  'Empties the log behind the relays: a whole segment, change_log_hours after its last transaction has ended, or earlier while the log is over change_log_max_mb; and has writers begin the next one. Never waits more than 50 ms for a lock; says what it did.';

create or replace function relay.log_state()
  returns table (bytes bigint, max_bytes bigint, cut_at timestamptz)
  stable
  security definer                 -- reads the settings and the epoch
  set search_path = pg_catalog, pg_temp
  rows 1
  language sql
as $$
  select
    (
      select sum(pg_total_relation_size(i.inhrelid))::bigint
      from pg_catalog.pg_inherits i
      where i.inhparent = 'relay.change_log'::regclass
    ),
    s.change_log_max_mb * 1048576::bigint,
    (select e.cut_at from relay.epoch e)
  from chat.settings s
  where (select chat.demand_claims_of('chat_relay'))
$$;

comment on function relay.log_state() is
  'For monitoring: how large the log is and may be, and when it last lost changes before change_log_hours for that; null for never.';

revoke all on function relay.maintain, relay.log_state from public, anon, authenticated, service_role;

grant execute on function relay.maintain, relay.log_state to chat_relay;
