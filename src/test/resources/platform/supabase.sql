-- What Supabase prepares in a project's database, as far as the chat meets it, after the public migrations of supabase/postgres.
-- Run by supabase_admin, the superuser. The project's own role, postgres, is none; here it migrates the chat.

-- (create on the database is granted where it is made)
grant all on schema public to postgres;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

create role anon nologin inherit;
create role authenticated nologin inherit;
create role service_role nologin inherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
do $$
begin
  if current_setting('server_version_num')::int >= 160000 then
    grant anon, authenticated, service_role to postgres with admin option;
  else
    grant anon, authenticated, service_role to postgres;
  end if;
end
$$;

grant usage on schema public to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;

-- Of its Realtime: what writes into realtime.messages there.
create schema realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void language sql
  as 'select';

create role supabase_auth_admin login noinherit createrole;
create schema auth authorization supabase_auth_admin;
grant usage on schema auth to postgres, anon, authenticated, service_role;

create table auth.users (
  id uuid primary key,
  email varchar(255) unique
);
alter table auth.users owner to supabase_auth_admin;

create function auth.uid()
  returns uuid
  stable
  language sql
as $$
  select
    coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
$$;
alter function auth.uid() owner to supabase_auth_admin;

-- What the project made of it: profiles in public.users, owned by postgres, with everything granted, as the defaults have it.
set role postgres;

create table public.teams (
  id uuid primary key default gen_random_uuid(),
  name text not null
);

create table public.users (
  id uuid primary key,
  full_name text,
  email text,
  avatar_url text,
  status text not null default 'active',
  team_id uuid references public.teams (id)
);

create index on public.users (team_id);

alter table public.teams enable row level security;
alter table public.users enable row level security;
create policy "Own row" on public.users for select to authenticated using (id = (select auth.uid()));

insert into public.teams (id, name) values
  ('00000000-0000-4000-8000-0000000000b1', 'Blue'),
  ('00000000-0000-4000-8000-0000000000ed', 'Red');

insert into public.users (id, full_name, email, status, team_id) values
  ('00000000-0000-4000-8000-00000000000a', 'Alice Adams', 'alice@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000b', 'Bob Brown', 'bob@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000c', 'Carol Clark', 'carol@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000d', 'Ivan Ivanov', 'ivan@example.org', 'inactive', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000e', 'Mallory Moore', 'mallory@example.org', 'active', '00000000-0000-4000-8000-0000000000ed');

reset role;
