-- How a relay that sleeps is woken: by whoever writes the change log, and only then.

create or replace function relay.notify_relays()
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  -- Four slots, each an advisory lock that a sleeping relay holds exclusively. Whoever can share all four knows that every relay
  -- is polling. Not a table: under an old snapshot (REPEATABLE READ) a row lies, a lock does not.
  -- One expression, as this runs for each message: it ends at the first that cannot be shared.
  if pg_try_advisory_xact_lock_shared(1667785076, 0)
    and pg_try_advisory_xact_lock_shared(1667785076, 1)
    and pg_try_advisory_xact_lock_shared(1667785076, 2)
    and pg_try_advisory_xact_lock_shared(1667785076, 3)
  then
    return false;
  end if;
  perform pg_notify('gptdesk_chat', '');
  return true;
end
$$;

comment on function relay.notify_relays() is 'Wakes sleeping relays at commit; costs no NOTIFY while all are awake. To be called after the row is in the log. 1667785076 is ''chat'' in ASCII.';

create or replace function relay.claim_slot()
  returns int
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  for slot in 0..3 loop
    if pg_try_advisory_lock(1667785076, 100 + slot) then
      return slot;
    end if;
  end loop;
  return null;
end
$$;

comment on function relay.claim_slot() is 'A slot of one''s own, 0 to 3, for this session; null when four relays have them all: then poll and do not sleep.';

create or replace function relay.sleep(slot int)
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select pg_try_advisory_lock(1667785076, sleep.slot)
$$;

comment on function relay.sleep(int) is
  'True when every transaction that saw this relay awake has ended; from then on writers notify. Poll once more before waiting. Once granted not to be asked again before relay.wake.';

create or replace function relay.wake(slot int)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform pg_advisory_unlock(1667785076, wake.slot);
end
$$;

comment on function relay.wake(int) is 'This relay polls again; writers need not notify.';

revoke all on function
  relay.notify_relays, relay.claim_slot, relay.sleep, relay.wake
from public, anon, authenticated, service_role;

grant execute on function relay.claim_slot, relay.sleep, relay.wake to chat_relay;
