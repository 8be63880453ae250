-- Who the others are. People are read here alone: a platform's own policies on users and teams may show less, or more, than the
-- contract says.

create or replace function chat.checked_page_size(page_size int)
  returns int
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if page_size between 1 and 200 then
    return page_size;
  end if;
  raise sqlstate 'PT400' using
    message = format('A page has 1 to 200 rows, not %s.', coalesce(page_size::text, 'null')),
    detail = 'page_size',
    hint = 'Set page_size between 1 and 200, and ask for the next page by key.';
end
$$;

comment on function chat.checked_page_size(int) is 'The page size; PT400 when it is not from 1 to 200.';

create or replace function chat.visible_people(ids uuid[])
  returns table (id uuid, full_name text, avatar_url text, status text, presence jsonb)
  stable
  security definer                 -- reads public.users whatever the platform's policies are, and shows no more than this
  set search_path = pg_catalog, pg_temp
  rows 10
  language plpgsql
as $$
#variable_conflict use_column
declare
  me uuid := chat.me();
  my_team uuid := chat.my_team();
  everybody boolean := current_setting('role', true) = 'service_role' and chat.claims_hold();
begin
  return query
    select
      u.id,
      u.full_name::text,
      u.avatar_url::text,
      u.status::text,
      case when everybody or u.team_id = my_team then jsonb_build_object(
        'status', chat.presence_now(p.status, p.last_seen),
        'last_seen', p.last_seen)
      end
    from public.users u
    left join public.user_presence p on p.user_id = u.id
    where u.id = any (visible_people.ids)
      and (
        everybody
        or u.id = me
        or u.team_id = my_team
        or exists (
          select
          from public.user_conversations c
          where c.participant_1_id = least(u.id, me)
            and c.participant_2_id = greatest(u.id, me)
        )
      );
end
$$;

comment on function chat.visible_people(uuid[]) is
  'Of these people those whom the caller knows: their team, and those with whom they have a conversation. Presence for their team alone.';

create or replace function chat.senders(ids uuid[])
  returns jsonb
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select coalesce(
    jsonb_object_agg(p.id, jsonb_build_object('id', p.id, 'full_name', p.full_name, 'avatar_url', p.avatar_url)),
    '{}')
  from chat.visible_people(senders.ids) p
$$;

comment on function chat.senders(uuid[]) is 'An object: for each id what a message shows of its sender.';

create or replace function chat.sender_card()
  returns jsonb
  stable
  security definer                 -- as chat.me()
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  card jsonb;
begin
  select jsonb_build_object('id', u.id, 'full_name', u.full_name::text, 'avatar_url', u.avatar_url::text) into card
  from public.users u
  where u.id = (select auth.uid())
    and u.status = 'active'
    and chat.claims_hold();
  return coalesce(card, jsonb_build_object('id', chat.require_active_user()));   -- which refuses
end
$$;

comment on function chat.sender_card() is 'What a message shows of its sender when that is the caller, as chat.senders(); PT403 as chat.require_active_user().';

create or replace function public.search_users(query text, team_id uuid default null, page_size int default 10)
  returns setof public.person_view
  stable
  security definer                 -- as chat.visible_people(): shows the caller's team, whatever the platform's policies are
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  my_team uuid := chat.my_team();
  wanted text := lower(btrim(coalesce(search_users.query, '')));
begin
  return query
    select
      u.id,
      u.full_name::text,
      u.email::text,
      u.avatar_url::text,
      u.status::text,
      u.team_id
    from public.users u
    where u.team_id = my_team
      and u.team_id = coalesce(search_users.team_id, my_team)
      and u.status = 'active'
      and u.id <> me
      -- strpos, not like: what somebody types is no pattern. "C": before 18 nothing is found in a nondeterministic collation.
      and (strpos(lower(u.full_name) collate "C", wanted) > 0 or strpos(lower(u.email) collate "C", wanted) > 0)
    order by strpos(lower(u.full_name) collate "C", wanted) = 1 desc, u.full_name, u.id
    limit chat.checked_page_size(search_users.page_size);
end
$$;

comment on function public.search_users is
  'Active people of the caller''s team, without the caller, whose name or address contains the query (any case); an empty query finds all. Names that begin with it come first.';

revoke all on function
  chat.checked_page_size, chat.visible_people, chat.senders, chat.sender_card, public.search_users
from public, anon, authenticated, service_role;

grant execute on function chat.checked_page_size, chat.visible_people, chat.senders to authenticated, service_role;
grant execute on function public.search_users to authenticated;
