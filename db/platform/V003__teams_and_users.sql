-- GPT Desk's teams and people, as far as the chat needs them.
-- Locks: new tables only.

create table public.teams (
  id uuid primary key default gen_random_uuid(),
  name text not null
);

alter table public.teams enable row level security;

comment on table public.teams is 'A team. People chat within one team.';
comment on column public.teams.id is 'Primary key.';
comment on column public.teams.name is 'What people call the team.';

create table public.users (
  id uuid primary key default gen_random_uuid(),
  full_name text not null,
  email text not null,
  avatar_url text,
  status text not null default 'active',
  team_id uuid references public.teams (id) on delete set null,
  constraint email_is_unique unique (email)
);

alter table public.users enable row level security;

create index users_team_idx on public.users (team_id);

comment on table public.users is 'A person. Whose status is ''active'' may use the chat.';
comment on column public.users.id is 'Primary key; the claim "sub" of the person''s tokens.';
comment on column public.users.full_name is 'Shown beside what the person writes.';
comment on column public.users.email is 'Shown to the team.';
comment on column public.users.avatar_url is 'Picture; null for none.';
comment on column public.users.status is '''active'' for who may use the chat; anything else sees and does nothing there.';
comment on column public.users.team_id is 'The team; null for nobody''s member.';
comment on index public.users_team_idx is 'search_users: the people of one team.';
