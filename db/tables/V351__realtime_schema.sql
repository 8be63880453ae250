-- Schema realtime, for the functions that triggers of a team's own call. Where it is there, as at Supabase, it stays whose it is.
-- Locks: none that anybody waits for.

do $$
begin
  if to_regnamespace('realtime') is null then
    create schema realtime;
    comment on schema realtime is 'Broadcasts from triggers of a team''s own. The chat''s; only where no other schema of the name was.';
    revoke all on schema realtime from public;
    grant usage on schema realtime to service_role;
  end if;
end
$$;
