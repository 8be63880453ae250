-- Teams and people, where they are the chat's own: as an operator, a back end or an identity provider (SCIM 2.0) tells of them. On an existing
-- platform each of these refuses. One such change at a time, so that two do not add the same team or person.

create or replace function chat.own_people()
  returns void
  stable
  security definer                 -- reads the settings, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims();
  if (select s.platform from chat.settings s) <> 'standalone' then
    raise sqlstate 'PT403' using
      message = 'Teams and people belong to the platform that was here before the chat.',
      detail = 'platform',
      hint = 'Change them there.';
  end if;
end
$$;

comment on function chat.own_people() is
  'PT403 where teams and people are not the chat''s own, and when the claims do not hold.';

create or replace function chat.lock_people()
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.own_people();
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  perform pg_advisory_xact_lock(hashtext('people'));
end
$$;

comment on function chat.lock_people() is
  'Waits until no other transaction changes teams or people, and keeps others waiting until this one ends. PT403 as chat.own_people().';

create or replace function chat.told_line(line text)
  returns text
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  stripped text collate "C" := btrim(told_line.line, e' \t\r\n');
begin
  if stripped ~ e'[\\u0001-\\u001f\\u007f-\\u009f]' then
    raise sqlstate 'PT400' using
      message = format('There is a control character in "%s".', regexp_replace(stripped, e'[\\u0001-\\u001f\\u007f-\\u009f]', '?', 'g')),
      detail = 'person',
      hint = 'Leave it out.';
  end if;
  if char_length(stripped) > 1000 then
    raise sqlstate 'PT413' using
      message = 'What is told of a person has at most 1000 characters each.',
      detail = 'too_long',
      hint = 'Shorten it.';
  end if;
  return stripped;
end
$$;

comment on function chat.told_line(text) is
  'A text that somebody told of a person or team, without spaces around it; null stays null. PT400 for a control character, PT413 for more than 1000 characters.';

create or replace function chat.told_id(id text)
  returns uuid
  immutable
  parallel safe
  language sql
  return case
    when told_id.id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then told_id.id::uuid
  end;

comment on function chat.told_id(text) is 'The id that somebody told; null for a text that is none.';

create or replace function chat.team_called(name_or_id text)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  known uuid[] := array(
    select t.id
    from public.teams t
    where t.name = team_called.name_or_id
      or t.id = chat.told_id(team_called.name_or_id)
  );
begin
  if cardinality(known) > 1 then
    raise sqlstate 'PT409' using
      message = format('%s teams have the name "%s".', cardinality(known), team_called.name_or_id),
      detail = 'ambiguous',
      hint = 'Give the id.';
  end if;
  return known[1];
end
$$;

comment on function chat.team_called(text) is 'The team of this name or id; null for none. PT409 when several have the name.';

create or replace function chat.person_called(address_or_id text)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  known uuid[] := array(
    select u.id
    from public.users u
    where lower(u.email) = lower(btrim(person_called.address_or_id))
      or u.id = chat.told_id(btrim(person_called.address_or_id))
    limit 2
  );
begin
  if cardinality(known) > 1 then
    raise sqlstate 'PT409' using
      message = format('Several people have the address "%s".', btrim(person_called.address_or_id)),
      detail = 'ambiguous',
      hint = 'Give the id.';
  end if;
  return known[1];
end
$$;

comment on function chat.person_called(text) is
  'The person of this e-mail address, whatever its case, or id; null for nobody. PT409 when several have the address.';

create or replace function chat.store_team(name text)
  returns uuid
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  wanted text := chat.told_line(store_team.name);
  known uuid;
begin
  perform chat.lock_people();
  if coalesce(wanted, '') = '' then
    raise sqlstate 'PT400' using
      message = 'The name of the team is empty.',
      detail = 'person',
      hint = 'Give a name.';
  end if;
  known := chat.team_called(wanted);
  if known is null then
    insert into public.teams (name)
    values (wanted)
    returning id into known;
  end if;
  return known;
end
$$;

comment on function chat.store_team(text) is
  'Adds a team, or finds the one of this name, and returns its id. PT400 for an empty name, PT409 when several teams have it. For the owner and definer functions alone.';

create or replace function chat.store_person(
  id uuid,
  email text,
  full_name text,
  team text,
  avatar_url text,
  status text,
  creates_team boolean,
  out person_id uuid,
  out outcome text
)
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  address text := chat.told_line(store_person.email);
  shown_name text := chat.told_line(store_person.full_name);
  team_told text := chat.told_line(store_person.team);
  picture text := chat.told_line(store_person.avatar_url);
  state text := nullif(chat.told_line(store_person.status), '');
  team_meant uuid;
  of_address uuid;
  before public.users;
  after public.users;
begin
  perform chat.lock_people();
  if coalesce(address, '') !~ e'^[^@\\s]+@[^@\\s]+$' then
    raise sqlstate 'PT400' using
      message = format('This is no e-mail address: "%s".', address),
      detail = 'person',
      hint = 'Each person has one.';
  end if;
  if shown_name = '' then
    raise sqlstate 'PT400' using
      message = 'The full name is empty.',
      detail = 'person',
      hint = 'Give a name, or leave it out to keep the one that is there.';
  end if;
  if state not in ('active', 'inactive') then
    raise sqlstate 'PT400' using
      message = format('The status is active or inactive, not "%s".', state),
      detail = 'person',
      hint = 'Leave it out to keep the one that is there.';
  end if;

  if team_told <> '' then
    team_meant := chat.team_called(team_told);
    if team_meant is null and not store_person.creates_team then
      raise sqlstate 'PT404' using
        message = format('There is no team "%s".', team_told),
        detail = 'no_team',
        hint = 'Add it first: the function and the command add-team do.';
    elsif team_meant is null then
      team_meant := chat.store_team(team_told);
    end if;
  end if;

  of_address := chat.person_called(address);
  if of_address <> store_person.id then
    raise sqlstate 'PT409' using
      message = format('%s is the address of %s already.', address, of_address),
      detail = 'person_exists',
      hint = 'An address is of one person only, whatever its case.';
  end if;
  select u.* into before
  from public.users u
  where u.id = coalesce(store_person.id, of_address);

  if before.id is null then
    if shown_name is null then
      raise sqlstate 'PT400' using
        message = format('%s is new, so tell the full name.', address),
        detail = 'person',
        hint = 'Only who is there already keeps what is not told.';
    end if;
    insert into public.users (id, email, full_name, team_id, avatar_url, status)
    values (coalesce(store_person.id, gen_random_uuid()), address, shown_name, team_meant, nullif(picture, ''), coalesce(state, 'active'))
    returning users.id into store_person.person_id;
    outcome := 'added';
    return;
  end if;

  after := before;
  after.email := address;
  after.full_name := coalesce(shown_name, before.full_name);
  after.team_id := case when team_told is null then before.team_id else team_meant end;
  after.avatar_url := case when picture is null then before.avatar_url else nullif(picture, '') end;
  after.status := coalesce(state, before.status);
  if after is distinct from before then
    update public.users u
    set
      email = after.email,
      full_name = after.full_name,
      team_id = after.team_id,
      avatar_url = after.avatar_url,
      status = after.status
    where u.id = before.id;
  end if;
  person_id := before.id;
  outcome := case when after is distinct from before then 'changed' else 'unchanged' end;
end
$$;

comment on function chat.store_person(uuid, text, text, text, text, text, boolean) is
  'Adds a person, or changes the one of this id or address: added, changed or unchanged. Null leaves a value as it is; an empty text clears a team or a picture. For the owner and definer functions alone.';

create or replace function chat.set_person_active(who text, active boolean)
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  person_id uuid;
  wanted text := case when set_person_active.active then 'active' else 'inactive' end;
begin
  perform chat.lock_people();
  person_id := chat.person_called(set_person_active.who);
  if person_id is null then
    raise sqlstate 'PT404' using
      message = format('Nobody has the e-mail address or id "%s".', set_person_active.who),
      detail = 'no_person',
      hint = 'add_person adds somebody.';
  end if;
  update public.users u
  set status = wanted
  where u.id = person_id
    and u.status <> wanted;
  return found;
end
$$;

comment on function chat.set_person_active(text, boolean) is
  'Lets the person of this address or id use the chat, or no longer; whether this changed anything. PT404 for nobody. For the owner and definer functions alone.';

-- What an identity provider tells (SCIM 2.0). Whom an operator has added is found there, too, by their address.

create or replace function chat.provisioned(
  user_id uuid default null,
  user_name text default null,
  external_id text default null,
  skipped bigint default 0,
  page_size int default 200
)
  returns table (
    total bigint,
    id uuid,
    name text,
    external text,
    email text,
    full_name text,
    avatar_url text,
    is_active boolean,
    attributes jsonb,
    created_at timestamptz,
    changed_at timestamptz
  )
  stable
  security definer                 -- nobody is granted to read what an identity provider told
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan   -- one person is found by an index, a list is read whole
  language plpgsql
as $$
begin
  perform chat.own_people();
  return query
    with known as materialized (
      select u.id
      from public.users u
      left join chat.provisioned_people p on p.user_id = u.id
      where p.removed_at is null
        and (provisioned.user_id is null or u.id = provisioned.user_id)
        and (
          provisioned.user_name is null
          or u.id = any (array(
            select n.user_id
            from chat.provisioned_people n
            where lower(n.user_name) = lower(provisioned.user_name)
              and n.removed_at is null
            union all
            select a.id
            from public.users a
            where lower(a.email) = lower(provisioned.user_name)
              and not exists (select from chat.provisioned_people n where n.user_id = a.id)))
        )
        and (
          provisioned.external_id is null
          or u.id = any (array(
            select n.user_id
            from chat.provisioned_people n
            where n.external_id = provisioned.external_id
              and n.removed_at is null))
        )
    ),
    page as (
      select k.id
      from known k
      order by k.id
      offset provisioned.skipped
      limit provisioned.page_size
    )
    select
      (select count(*) from known),
      u.id,
      coalesce(p.user_name, u.email),
      p.external_id,
      u.email,
      u.full_name,
      u.avatar_url,
      u.status = 'active',
      coalesce(p.attributes, '{}'),
      p.created_at,
      p.changed_at
    from page
    join public.users u on u.id = page.id
    left join chat.provisioned_people p on p.user_id = u.id
    order by u.id;
end
$$;

comment on function chat.provisioned(uuid, text, text, bigint, int) is
  'People as an identity provider sees them: all, or who has this id, name (whatever its case) or id of its own. A page in the order of ids; total counts all. Whom it has deleted is left out.';

create or replace function chat.provision_person(
  user_id uuid,
  user_name text,
  external_id text,
  email text,
  full_name text,
  avatar_url text,
  is_active boolean,
  team text,
  attributes jsonb
)
  returns uuid
  volatile
  security definer                 -- nobody is granted to write people
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  login text := chat.told_line(provision_person.user_name);
  outer_id text := nullif(chat.told_line(provision_person.external_id), '');
  person uuid := provision_person.user_id;
begin
  perform chat.lock_people();
  if coalesce(login, '') = '' then
    raise sqlstate 'PT400' using
      message = 'The name that the person logs in with is empty.',
      detail = 'person',
      hint = 'Give a userName.';
  end if;
  if person is not null and not exists (select from chat.provisioned(person)) then
    raise sqlstate 'PT404' using
      message = format('There is no person %s.', person),
      detail = 'no_person',
      hint = 'Somebody may have deleted them.';
  end if;
  if exists (
    select from chat.provisioned(user_name => login) p where p.id is distinct from person
    union all
    select from chat.provisioned(external_id => outer_id) p where outer_id is not null and p.id is distinct from person
  ) then
    raise sqlstate 'PT409' using
      message = 'Another person has this userName or externalId.',
      detail = 'person_exists',
      hint = 'Change the one who is there.';
  end if;
  if person is null and chat.person_called(provision_person.email) is not null then
    raise sqlstate 'PT409' using
      message = format('%s is the address of a person who is there already.', provision_person.email),
      detail = 'person_exists',
      hint = 'Change the one who is there.';
  end if;

  if person is null then
    -- The provider's own id, where it can be one here: its tokens then name the person as they are.
    person := chat.told_id(outer_id);
    if person is null or exists (select from public.users u where u.id = person) then
      person := gen_random_uuid();
    end if;
  end if;
  perform chat.store_person(
    person,
    provision_person.email,
    provision_person.full_name,
    provision_person.team,
    provision_person.avatar_url,
    case when provision_person.is_active then 'active' else 'inactive' end,
    true);
  insert into chat.provisioned_people (user_id, user_name, external_id, attributes)
  values (person, login, outer_id, provision_person.attributes)
  on conflict on constraint provisioned_people_pkey do update
  set
    user_name = excluded.user_name,
    external_id = excluded.external_id,
    attributes = excluded.attributes,
    changed_at = now();
  return person;
end
$$;

comment on function chat.provision_person(uuid, text, text, text, text, text, boolean, text, jsonb) is
  'Adds a person whom an identity provider tells of, or replaces what it told of one, and returns their id. A new person has the provider''s own id where that is a UUID. A team is added where it is not there; null leaves the person where they are. PT409 for a name, id or address that is another''s, PT404 when there is no such person.';

create or replace function chat.remove_provisioned(user_id uuid)
  returns void
  volatile
  security definer                 -- nobody is granted to write people
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.lock_people();
  insert into chat.provisioned_people (user_id, user_name, removed_at)
  select p.id, p.name, now()
  from chat.provisioned(remove_provisioned.user_id) p
  on conflict on constraint provisioned_people_pkey do update
  set removed_at = excluded.removed_at;
  if not found then
    raise sqlstate 'PT404' using
      message = format('There is no person %s.', remove_provisioned.user_id),
      detail = 'no_person',
      hint = 'Somebody may have deleted them before.';
  end if;
  update public.users u
  set
    status = 'inactive',
    email = u.id || '@deleted.invalid'
  where u.id = remove_provisioned.user_id;
end
$$;

comment on function chat.remove_provisioned(uuid) is
  'Deactivates a person whom an identity provider deletes. What they wrote stays; their name, id and address there are free for another person, who does not get what was theirs. PT404 when there is no such person.';

revoke all on function
  chat.own_people, chat.lock_people, chat.told_line, chat.told_id, chat.team_called, chat.person_called, chat.store_team,
  chat.store_person, chat.set_person_active, chat.provisioned, chat.provision_person, chat.remove_provisioned
from public, anon, authenticated, service_role;

grant execute on function
  chat.own_people, chat.lock_people, chat.provisioned, chat.provision_person, chat.remove_provisioned
to service_role;

revoke all on table chat.provisioned_people from public, anon, authenticated, service_role;
