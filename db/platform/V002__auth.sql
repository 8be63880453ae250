-- Who is asking, read from the claims of the verified token that the door has set for this transaction.
-- Supabase has this schema already and lets nobody else create in it.
-- Locks: none that anybody waits for.

create schema auth;

comment on schema auth is 'Who is asking: the claims of the verified token, as Supabase names them.';

grant usage on schema auth to anon, authenticated, service_role;

-- A setting that was local to an earlier transaction reads as '' on a pooled connection, not as null.
create function auth.jwt()
  returns jsonb
  stable
  parallel safe
  set search_path = ''
  language sql
as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;

comment on function auth.jwt() is 'All claims of the token; null without one.';

-- A body bound when it is made needs no pinned path, so the planner inlines it: every policy and several steps of a send ask.
create function auth.uid()
  returns uuid
  stable
  parallel safe
  language sql
  return (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid;

comment on function auth.uid() is 'The person the token speaks for (claim "sub"); null without one. In a policy always as (select auth.uid()): once a statement.';

create function auth.role()
  returns text
  stable
  parallel safe
  set search_path = ''
  language sql
as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
$$;

comment on function auth.role() is 'The role the token names (claim "role"); null without one.';

revoke all on function auth.jwt, auth.uid, auth.role from public;
grant execute on function auth.jwt, auth.uid, auth.role to anon, authenticated, service_role;
