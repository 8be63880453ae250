-- A database of GPT Desk before the chat comes to it, with data: people and teams, and the sessions and messages of its assistant,
-- which are none of ours. Owned by gpt_desk; the chat is migrated by another role, that is granted what db/preconditions.sql asks for.

create schema auth;

create function auth.uid()
  returns uuid
  stable
  language sql
as $$
  select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;

create type public.user_status as enum ('invited', 'active', 'inactive');

create table public.teams (
  id uuid primary key,
  name varchar(255) not null,
  plan text not null default 'free'
);

create table public.users (
  id uuid primary key,
  full_name varchar(255),
  email varchar(255) unique,
  avatar_url varchar(2048),
  status public.user_status not null default 'invited',
  team_id uuid references public.teams (id),
  last_login_at timestamptz
);

create index on public.users (team_id);

alter table public.users enable row level security;
create policy "Own row" on public.users for select to authenticated using (id = (select auth.uid()));
create policy "The chat can view people" on public.users for select to chat_owner using (true);

create table public.chat_sessions (
  id bigint generated always as identity primary key,
  user_id uuid not null references public.users (id) on delete cascade,
  title text
);

create table public.chat_messages (
  id bigint generated always as identity primary key,
  session_id bigint not null references public.chat_sessions (id) on delete cascade,
  role text not null,
  content text not null
);

insert into public.teams (id, name) values
  ('00000000-0000-4000-8000-0000000000b1', 'Blue'),
  ('00000000-0000-4000-8000-0000000000ed', 'Red');

insert into public.users (id, full_name, email, status, team_id) values
  ('00000000-0000-4000-8000-00000000000a', 'Alice Adams', 'alice@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000b', 'Bob Brown', 'bob@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000c', 'Carol Clark', null, 'active', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000d', 'Ivan Ivanov', 'ivan@example.org', 'inactive', '00000000-0000-4000-8000-0000000000b1'),
  ('00000000-0000-4000-8000-00000000000e', 'Mallory Moore', 'mallory@example.org', 'active', '00000000-0000-4000-8000-0000000000ed');

insert into public.chat_sessions (user_id, title)
select u.id, 'Session of ' || u.full_name
from public.users u;

insert into public.chat_messages (session_id, role, content)
select s.id, r.role, r.role || ' says ' || s.title
from public.chat_sessions s, (values ('user'), ('assistant')) r (role);

-- What the chat's owner and the people of the chat are granted.
grant usage on schema auth to chat_owner, authenticated, service_role;
grant usage, create on schema public to chat_owner;
grant select, references, trigger on table public.users to chat_owner;
