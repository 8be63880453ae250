-- What back ends call to change teams and people. Only where these tables are ours: an existing platform has its own way, and may have
-- functions of these names.

create or replace function public.add_team(name text)
  returns uuid
  volatile
  security definer                 -- nobody is granted to write teams
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return chat.store_team(add_team.name);
end
$$;

comment on function public.add_team(text) is
  'Adds a team, or finds the one of this name, and returns its id. For service_role. PT400 for an empty name, PT409 when several teams have it.';

create or replace function public.add_person(
  email text,
  full_name text default null,
  team text default null,
  avatar_url text default null,
  id uuid default null
)
  returns uuid
  volatile
  security definer                 -- nobody is granted to write people
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return (
    select s.person_id
    from chat.store_person(
      add_person.id, add_person.email, add_person.full_name, add_person.team, add_person.avatar_url, null, false) s
  );
end
$$;

comment on function public.add_person(text, text, text, text, uuid) is
  'Adds a person, or changes the one of this id or e-mail address, and returns their id: the claim sub of their tokens. What is null stays as it is; an empty text clears a team or a picture. The team is told by its name or id. For service_role. PT400 for what is no address or name, PT404 for a team that is not there, PT409 for an address that is another''s.';

create or replace function public.activate_person(who text)
  returns boolean
  volatile
  security definer                 -- nobody is granted to write people
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return chat.set_person_active(activate_person.who, true);
end
$$;

comment on function public.activate_person(text) is
  'Lets the person of this e-mail address or id use the chat again; false when they could already. For service_role. PT404 for nobody.';

create or replace function public.deactivate_person(who text)
  returns boolean
  volatile
  security definer                 -- nobody is granted to write people
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return chat.set_person_active(deactivate_person.who, false);
end
$$;

comment on function public.deactivate_person(text) is
  'Lets the person of this e-mail address or id no longer use the chat, at once and whatever tokens they have; false when they could not. What they wrote stays. For service_role. PT404 for nobody.';

revoke all on function public.add_team, public.add_person, public.activate_person, public.deactivate_person
from public, anon, authenticated, service_role;

grant execute on function public.add_team, public.add_person, public.activate_person, public.deactivate_person to service_role;
