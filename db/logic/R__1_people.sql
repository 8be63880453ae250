-- Who I am, who the others are, and whether one may write to another.
-- People are read here alone: a platform's own policies on users and teams may show less, or more, than the contract says.

create or replace function chat.claims_hold()
  returns boolean
  stable
  security definer                 -- reads the secret, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  known record;
  claims text;
  body text;
begin
  select s.claims_pads, s.previous_claims_pads into known
  from chat.settings s;
  if known.claims_pads is null then
    return true;
  end if;
  if current_setting('role', true) = 'none' then
    -- No client's role: a DBA, whom rights alone hold, or the login by itself.
    return pg_has_role(session_user, (select c.relowner from pg_class c where c.oid = 'chat.settings'::regclass), 'member');
  end if;

  -- {...,"chat_expires":<ms>,"chat_signature":"<hex>"}: the signature is of all that stands before it.
  claims := coalesce(current_setting('request.jwt.claims', true), '');
  body := left(claims, -85);
  if right(claims, 85) is distinct from (
    select format(',"chat_signature":"%s"}', s.signature)
    from (
      select encode(sha256(p.pads[2] || sha256(p.pads[1] || convert_to(body, 'UTF8'))), 'hex') as signature
      from (values (known.claims_pads), (known.previous_claims_pads)) p (pads)
    ) s
    where s.signature = left(right(claims, 66), 64)
    limit 1
  ) then
    return false;
  end if;
  return (claims::json ->> 'role') = current_setting('role', true)
    and (claims::json ->> 'chat_expires')::bigint > extract(epoch from now()) * 1000;
end
$$;

comment on function chat.claims_hold() is
  'Whether the claims are to be believed: always without chat.settings.claims_secret; else when the service has signed them (HMAC-SHA256) for the role that is in use, for a time that had not ended when the transaction began.';

create or replace function chat.me()
  returns uuid
  stable
  security definer                 -- the caller may not be allowed to read public.users
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select u.id
  from public.users u
  where u.id = (select auth.uid())
    and u.status = 'active'
    and chat.claims_hold()
$$;

comment on function chat.me() is 'The calling person''s id; null without a token, and for who is not active.';

create or replace function chat.my_team()
  returns uuid
  stable
  security definer                 -- as chat.me()
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select u.team_id
  from public.users u
  where u.id = (select auth.uid())
    and u.status = 'active'
    and chat.claims_hold()
$$;

comment on function chat.my_team() is 'The calling person''s team; null for nobody''s member and for who is not active.';

create or replace function chat.demand_claims()
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if chat.claims_hold() then
    return true;
  end if;
  raise sqlstate 'PT403' using
    message = 'The claims are not signed, or no longer hold.',
    hint = 'This database believes signed claims alone (chat.settings.claims_secret): set CHAT_CLAIMS_SECRET to the same secret, and the clocks right.';
end
$$;

comment on function chat.demand_claims() is 'True; PT403 when the claims do not hold.';

create or replace function chat.demand_claims_of(role_name text)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return current_setting('role', true) is distinct from demand_claims_of.role_name or chat.demand_claims();
end
$$;

comment on function chat.demand_claims_of(text) is
  'True; PT403 when this role is in use and its claims do not hold. For functions of the relay, which triggers call as others, too.';

create or replace function chat.demand_me()
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.me();
begin
  if me is null then
    perform chat.demand_claims();
    raise sqlstate 'PT403' using
      message = 'Only an active person can do this.',
      hint = 'Sign in as a person whose status is active.';
  end if;
  return me;
end
$$;

comment on function chat.demand_me() is 'The calling person''s id; PT403 without one.';

create or replace function chat.page(page_size int)
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
    hint = 'Set page_size between 1 and 200, and ask for the next page by key.';
end
$$;

comment on function chat.page(int) is 'The page size; PT400 when it is not from 1 to 200.';

create or replace function chat.people(ids uuid[])
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
    where u.id = any (people.ids)
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

comment on function chat.people(uuid[]) is
  'Of these people those whom the caller knows: his team, and whom he has a conversation with. Presence for his team alone.';

create or replace function chat.presence_now(status text, last_seen timestamptz)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select case
    when presence_now.last_seen > clock_timestamp() - (select s.presence_timeout_ms from chat.settings s) * interval '1 ms'
      then presence_now.status
    else 'offline'
  end
$$;

comment on function chat.presence_now(text, timestamptz) is 'The status as it holds now: offline when nothing was heard for presence_timeout_ms.';

create or replace function chat.senders(ids uuid[])
  returns jsonb
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select coalesce(
    jsonb_object_agg(p.id, jsonb_build_object('id', p.id, 'full_name', p.full_name, 'avatar_url', p.avatar_url)),
    '{}')
  from chat.people(senders.ids) p
$$;

comment on function chat.senders(uuid[]) is 'An object: for each id what a message shows of its sender.';

create or replace function chat.demand_card()
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
  return coalesce(card, jsonb_build_object('id', chat.demand_me()));   -- which refuses
end
$$;

comment on function chat.demand_card() is 'What a message shows of its sender when that is the caller, as chat.senders(); PT403 as chat.demand_me().';

create or replace function chat.why_not(sender_id uuid, recipient_id uuid)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is set up at each call
as $$
begin
  return (select case
    when not exists (
      select
      from public.users s
      join public.users r on r.team_id = s.team_id
      where s.id = why_not.sender_id
        and r.id = why_not.recipient_id
        and s.id <> r.id
        and s.status = 'active'
        and r.status = 'active'
    ) then 'apart'
    when exists (
      select
      from public.user_blocks b
      where b.blocker_id = why_not.recipient_id
        and b.blocked_id = why_not.sender_id
    ) then 'blocked'
    when exists (
      select
      from public.user_blocks b
      where b.blocker_id = why_not.sender_id
        and b.blocked_id = why_not.recipient_id
    ) then 'blocking'
  end);
end
$$;

comment on function chat.why_not(uuid, uuid) is
  'Why one may not write to another: ''apart'' (not two active people of one team), ''blocked'', ''blocking''; null when he may. For definer functions alone: it tells of anybody.';

create or replace function chat.demand_reachable(sender_id uuid, recipient_id uuid)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  reason text := chat.why_not(demand_reachable.sender_id, demand_reachable.recipient_id);
begin
  if reason is null then
    return demand_reachable.recipient_id;
  end if;
  raise sqlstate 'PT403' using
    message = case reason
      when 'apart' then 'You two can no longer write to each other.'
      when 'blocked' then 'This person does not take messages from you.'
      else 'You have blocked this person.'
    end,
    detail = reason,
    hint = case reason
      when 'apart' then 'Both must be active and in one team; what was said stays readable.'
      when 'blocked' then 'Nothing was sent, and it will not be until the block is lifted.'
      else 'Call unblock_user first.'
    end;
end
$$;

comment on function chat.demand_reachable(uuid, uuid) is 'PT403 when one may not write to the other; the error''s detail is the reason: apart, blocked or blocking.';

create or replace function chat.refuse_old_snapshot()
  returns void
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  raise sqlstate 'PT412' using
    message = format('What depends on rights is written in a READ COMMITTED transaction, not in one that is %s.', upper(current_setting('transaction_isolation'))),
    detail = 'Its snapshot may be older than a block, a deactivation or a change of team.',
    hint = 'Begin the transaction with READ COMMITTED, or set default_transaction_isolation of the login to it.';
end
$$;

comment on function chat.refuse_old_snapshot() is
  'PT412. Called by whatever writes on the strength of rights when the transaction''s isolation keeps one snapshot: each statement must see the rights of its own moment.';

create or replace function chat.may_talk_to(other uuid)
  returns boolean
  stable
  security definer                 -- reads whom and whose blocks the caller may not see; answers for the caller alone
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  return chat.why_not(chat.me(), may_talk_to.other) is null;
end
$$;

comment on function chat.may_talk_to(uuid) is 'Whether the caller may open a conversation with that person: for opening it, so PT412 in a transaction with an old snapshot.';

create or replace function public.search_users(query text, team_id uuid default null, page_size int default 10)
  returns setof public.person_view
  stable
  security definer                 -- as chat.people(): shows the caller's team, whatever the platform's policies are
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
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
    limit chat.page(search_users.page_size);
end
$$;

comment on function public.search_users is
  'Active people of the caller''s team, without the caller, whose name or address contains the query (any case); an empty query finds all. Names that begin with it come first.';

revoke all on function
  chat.claims_hold, chat.demand_claims, chat.demand_claims_of, chat.me, chat.my_team, chat.demand_me, chat.page, chat.people, chat.presence_now, chat.senders, chat.demand_card, chat.why_not,
  chat.demand_reachable, chat.refuse_old_snapshot, chat.may_talk_to, public.search_users
from public, anon, authenticated, service_role;

grant execute on function
  chat.claims_hold, chat.demand_claims, chat.me, chat.my_team, chat.demand_me, chat.page, chat.people, chat.senders, chat.refuse_old_snapshot, chat.may_talk_to
to authenticated, service_role;

grant execute on function public.search_users to authenticated;
