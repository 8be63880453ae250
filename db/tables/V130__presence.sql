-- Who is there, and who is typing to whom.
-- Locks: new table; a moment's SHARE ROW EXCLUSIVE on public.users for the foreign keys.

create table public.user_presence (
  user_id uuid primary key references public.users (id) on delete cascade,
  -- As specified; a wider one is a change of the catalogue alone.
  -- squawk-ignore prefer-text-field
  status varchar(20) not null default 'offline',
  last_seen timestamptz not null default now(),
  current_page text,
  is_typing_to uuid references public.users (id) on delete set null,
  typing_started_at timestamptz,
  updated_at timestamptz not null default now(),
  team_id uuid,
  constraint status_is_known check (status in ('online', 'away', 'busy', 'offline')),
  constraint current_page_length check (char_length(current_page) <= 500),
  constraint not_typing_to_oneself check (is_typing_to <> user_id)
)
-- last_seen is touched every few seconds: room on the page, and no index on it, keep that a HOT update.
with (fillfactor = 70);

alter table public.user_presence enable row level security;

create index user_presence_team_idx on public.user_presence (team_id);
create index user_presence_typing_idx on public.user_presence (is_typing_to) where is_typing_to is not null;

comment on table public.user_presence is 'Whether a person is there. One row a person, however many devices.';
comment on column public.user_presence.user_id is 'The person; primary key.';
comment on column public.user_presence.status is '''online'', ''away'', ''busy'' or ''offline''.';
comment on column public.user_presence.last_seen is 'When something was last heard of the person. Touches of it are not published.';
comment on column public.user_presence.current_page is 'Where in the application. Nobody else may read it.';
comment on column public.user_presence.is_typing_to is 'To whom the person is typing. For the two of them alone.';
comment on column public.user_presence.typing_started_at is 'Since when, or when it was last renewed.';
comment on column public.user_presence.updated_at is 'When status or typing last changed.';
comment on column public.user_presence.team_id is 'The person''s team, kept by triggers, so that the policy and the scopes of a cascaded delete need no other table.';
comment on index public.user_presence_team_idx is 'The policy: the presence of one team.';
comment on index public.user_presence_typing_idx is 'Deleting the person who is typed to.';
