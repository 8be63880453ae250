-- How a person is shown. The tables themselves are the platform's.
-- Locks: none that anybody waits for.

create type public.person_view as (
  id uuid,
  full_name text,
  email text,
  avatar_url text,
  status text,
  team_id uuid
);

comment on type public.person_view is 'A person of the caller''s team.';
