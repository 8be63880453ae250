-- A helper of the triggers that has another name: the logic makes it. A write that runs at that moment may still ask for the old one; the
-- service repeats it.
-- Locks: none that anybody waits for.

drop function if exists relay.ring();                              -- relay.notify_relays
