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
  returns table (id uuid, full_name text, avatar_url text, status text, presence jsonb, reachability text)
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
  hidden uuid[] := chat.people_hidden_from(me);
begin
  return query
    select
      u.id,
      chat.clean_line(u.full_name::text),
      u.avatar_url::text,
      u.status::text,
      case when everybody or u.team_id = my_team and u.id <> all (hidden) then jsonb_build_object(
        'status', chat.presence_now(p.status, p.last_seen),
        'last_seen', p.last_seen)
      end,
      case
        when u.status <> 'active' then 'gone'
        when u.team_id is distinct from my_team then 'apart'
        when exists (
          select
          from public.user_blocks b
          where b.blocker_id = me
            and b.blocked_id = u.id
        ) then 'blocking'
        else 'active'
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
  'Of these people those whom the caller knows: their team, and those with whom they have a conversation. Presence for their team alone, and for nobody who has blocked the other; reachability is active, or the reason code of a refusal that the caller may know before: gone, apart, blocking.';

create or replace function chat.senders(ids uuid[])
  returns jsonb
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select coalesce(
      jsonb_object_agg(p.id, jsonb_build_object('id', p.id, 'full_name', p.full_name, 'avatar_url', p.avatar_url)),
      '{}')
    from chat.visible_people(senders.ids) p
  );
end
$$;

comment on function chat.senders(uuid[]) is 'An object: for each id what a message shows of its sender.';

create or replace function chat.card(id uuid, full_name text, avatar_url text)
  returns jsonb
  stable
  language sql
return jsonb_build_object('id', card.id, 'full_name', chat.clean_line(card.full_name), 'avatar_url', card.avatar_url);

comment on function chat.card(uuid, text, text) is 'What a message shows of its sender.';

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
  select chat.card(u.id, u.full_name::text, u.avatar_url::text) into card
  from public.users u
  where u.id = (select auth.uid())
    and u.status = 'active'
    and chat.claims_hold();
  return coalesce(card, jsonb_build_object('id', chat.require_active_user()));   -- which refuses
end
$$;

comment on function chat.sender_card() is 'What a message shows of its sender when that is the caller, as chat.senders(); PT403 as chat.require_active_user().';

create or replace function chat.searched_name(full_name text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  name text collate "C" := chat.fold(searched_name.full_name);
  spelt text collate "C";
begin
  if octet_length(searched_name.full_name) > char_length(searched_name.full_name) then
    -- Who has no such letter on the keyboard writes two.
    spelt := normalize(searched_name.full_name, nfc);
    if spelt ~ '[äöüøåÄÖÜØÅ]' then
      spelt := translate(spelt, 'ÄÖÜØÅ', 'äöüøå');
      name := name || ' ' || chat.fold(replace(replace(replace(replace(replace(spelt,
        'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe'), 'å', 'aa'));
    end if;
  end if;
  return name;
end
$$;

comment on function chat.searched_name(text) is 'A folded name, and the way it is written without umlauts.';

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
  size int := chat.checked_page_size(search_users.page_size);
  wanted text collate "C";
  words text[];
  tight text[];
begin
  if char_length(search_users.query) > 1000 then      -- each word is looked for in each name
    raise sqlstate 'PT413' using
      message = 'A search has at most 1000 characters.',
      detail = 'too_long',
      hint = 'Leave out some of the words.';
  end if;
  wanted := btrim(regexp_replace(chat.fold(coalesce(search_users.query, '')), e'[ \\t\\n\\v\\f\\r]+', ' ', 'g'), ' ');
  words := array_remove(string_to_array(wanted, ' '), '');
  -- The same words without what people leave out or write otherwise; too short a one would be found across two names.
  tight := array(
    select case
      when char_length(w.tight) >= 4 or octet_length(w.tight) > char_length(w.tight) then w.tight
    end
    from unnest(words) with ordinality t (word, place)
    cross join lateral (select t.word, translate(t.word, '''`-.,_', '') as tight) w
    order by t.place);
  return query
    select
      u.id,
      chat.clean_line(u.full_name::text),
      u.email::text,
      u.avatar_url::text,
      u.status::text,
      u.team_id,
      count(*) over () > size
    from public.users u
    cross join lateral (
      select
        coalesce(chat.searched_name(u.full_name::text), '') collate "C" as name,
        coalesce(chat.fold(u.email::text), '') collate "C" as email
      offset 0                       -- once a person, not once a word
    ) f
    where u.team_id = my_team
      and u.team_id = coalesce(search_users.team_id, my_team)
      and u.status = 'active'
      and u.id <> me
      -- strpos, not like: what somebody types is no pattern. "C": before 18 nothing is found in a nondeterministic collation.
      and not exists (
        select
        from unnest(words, tight) w (word, tight)
        where not (
          strpos(f.name, w.word) > 0
          or strpos(f.email, w.word) > 0
          or coalesce(strpos(translate(f.name, ' ''`-.,_', ''), w.tight) > 0, false)
        )
      )
    order by
      strpos(f.name, wanted) = 1 desc,
      strpos(' ' || f.name, ' ' || wanted) > 0 desc,
      u.full_name,
      u.id
    limit size;
end
$$;

comment on function public.search_users is
  'Active people of the caller''s team, without the caller, whose name or address contains each word of the query, in any order; case, accents, apostrophes, hyphens and width do not matter. An empty query finds all. Names that begin with it come first; has_more tells whether there are more than the page has. PT413 for more than 1000 characters.';

revoke all on function
  chat.checked_page_size, chat.visible_people, chat.card, chat.senders, chat.sender_card, chat.searched_name, public.search_users
from public, anon, authenticated, service_role;

grant execute on function chat.checked_page_size, chat.visible_people, chat.senders to authenticated, service_role;
grant execute on function public.search_users to authenticated;
