-- Who is asking, read from the claims of the verified token. Bodies bound when they are made: no search path matters to them.

create or replace function auth.jwt()
  returns jsonb
  stable
  parallel safe
  language sql
  return nullif(current_setting('request.jwt.claims', true), '')::jsonb;

comment on function auth.jwt() is 'All claims of the token; null without one.';

create or replace function auth.role()
  returns text
  stable
  parallel safe
  language sql
  return nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role';

comment on function auth.role() is 'The role the token names (claim "role"); null without one.';
