-- The three roles a token may name, as Supabase and PostgREST know them. Made only where missing; no passwords, no logins.
-- Locks: none that anybody waits for.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      execute format('create role %I nologin noinherit', wanted);
    end if;
  end loop;
end
$$;

grant usage on schema public to anon, authenticated, service_role;
