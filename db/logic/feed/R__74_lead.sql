-- Which relay reads for all, where nodes hear by NATS.

create or replace function relay.leading_session()
  returns int
  volatile                         -- each call its own snapshot
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select l.pid
  from relay.leader l
  join pg_catalog.pg_locks k on k.pid = l.pid and k.classid::bigint = l.lock_key >> 32 and k.objid::bigint = l.lock_key & 4294967295
  where k.locktype = 'advisory'
    and k.objsubid = 1
    and k.granted
    and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
$$;

comment on function relay.leading_session() is
  'The server process that leads; null when there is none. It holds a lock whose key was drawn when it began: who takes that lock later is another process.';

create or replace function relay.lead()
  returns boolean
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  leads int := relay.leading_session();
  drawn bigint;
begin
  perform chat.demand_claims_of('chat_relay');
  if leads is not null then
    return leads = pg_backend_pid();
  end if;

  insert into relay.leader (pid, lock_key)
  values (0, 0)
  on conflict do nothing;
  perform
  from relay.leader l
  for update skip locked;
  if not found or relay.leading_session() is not null then
    return false;                  -- another is taking it, or just has
  end if;

  drawn := ('x' || left(gen_random_uuid()::text, 8))::bit(32)::bigint << 31 | ('x' || right(gen_random_uuid()::text, 8))::bit(32)::bigint;
  if not pg_try_advisory_lock(drawn) then
    return false;
  end if;
  update relay.leader l
  set pid = pg_backend_pid(), lock_key = drawn;
  return true;
end
$$;

comment on function relay.lead() is
  'True when this session leads the relays of a cluster from now on, or does already; another that does has to end first. For as long as the session lives.';

revoke all on function relay.leading_session, relay.lead from public, anon, authenticated, service_role;

grant execute on function relay.lead to chat_relay;
