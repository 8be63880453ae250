-- What a session could leave on its connection, or make of its own: temporary objects and large objects. Taken from everybody where the
-- database is the chat's own; on a platform they are others' to use, and verify-policies tells what is open and how to close it.
-- Locks: none that anybody waits for.

do $$
begin
  if (select s.platform from chat.settings s) <> 'standalone' then
    return;
  end if;
  if pg_has_role((select d.datdba from pg_catalog.pg_database d where d.datname = current_database()), 'usage') then
    execute format('revoke temporary on database %I from public, anon, authenticated, service_role', current_database());
  end if;
  -- A large object of somebody's stops the owner's pg_dump. Only a superuser can take this right.
  if (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) then
    revoke execute on function pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea) from public;
  end if;
end
$$;
