-- Presence: the team sees who is there; who types to whom is between the two. Everybody writes his own.

create or replace function chat.stamp_presence()
  returns trigger
  security definer                 -- reads the person's team from public.users
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' and current_setting('role') = 'authenticated' then
    perform chat.refuse_old_snapshot();
  end if;
  -- At each change, not at the first alone: a move of the person at that very moment would be missed for good.
  select u.team_id into new.team_id
  from public.users u
  where u.id = new.user_id;
  if new.status = 'offline' then
    new.is_typing_to := null;
  end if;
  if new.is_typing_to is null then
    new.typing_started_at := null;
  end if;
  if tg_op = 'INSERT' or new.user_id = auth.uid() then       -- expiry is no sign of life
    new.last_seen := clock_timestamp();
  end if;
  if tg_op = 'INSERT' or (new.status, new.is_typing_to) is distinct from (old.status, old.is_typing_to) then
    new.updated_at := clock_timestamp();
  end if;
  return new;
end
$$;

comment on function chat.stamp_presence() is
  'Times and team are ours to set; who is offline types to nobody. Only what people do themselves is a sign of life.';

create or replace trigger stamp_presence_insert
  before insert on public.user_presence
  for each row
  execute function chat.stamp_presence();

create or replace trigger stamp_presence_update
  before update of status, current_page, is_typing_to, typing_started_at on public.user_presence
  for each row
  execute function chat.stamp_presence();

comment on trigger stamp_presence_insert on public.user_presence is 'Sets times and team.';
comment on trigger stamp_presence_update on public.user_presence is 'Sets times. Not when last_seen alone is touched.';

create or replace function public.update_presence(status text, current_page text default null)
  returns void
  volatile
  security definer                 -- current_page may be written but not read by its owner's role
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
begin
  if update_presence.status is null or update_presence.status not in ('online', 'away', 'busy', 'offline') then
    raise sqlstate 'PT400' using
      message = 'There is no such status.',
      hint = 'Give online, away, busy or offline.';
  end if;

  insert into public.user_presence as p (user_id, status, current_page)
  values (me, update_presence.status, update_presence.current_page)
  on conflict (user_id) do update set
    status = excluded.status,
    current_page = excluded.current_page;
end
$$;

comment on function public.update_presence is
  'The caller is online, away, busy or offline; the team hears of it when it changes. current_page: where in the application, for nobody else. PT400 for another status.';

create or replace function public.update_typing_status(typing_to uuid)
  returns void
  volatile
  security definer                 -- typing may be written but not read by its owner's role; the other's blocks are not the caller's to see
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
begin
  if typing_to is not null then
    perform
    from public.user_conversations c
    where c.participant_1_id = least(me, typing_to)
      and c.participant_2_id = greatest(me, typing_to);
    if not found then
      raise sqlstate 'PT403' using
        message = 'You have no conversation with this person.',
        hint = 'Open one with get_or_create_conversation.';
    end if;
    perform chat.demand_reachable(me, typing_to);
  end if;

  if typing_to is null then
    update public.user_presence p
    set is_typing_to = null
    where p.user_id = me
      and p.is_typing_to is not null;
  else
    insert into public.user_presence as p (user_id, status, is_typing_to, typing_started_at)
    values (me, 'online', update_typing_status.typing_to, clock_timestamp())
    on conflict (user_id) do update set
      status = case p.status when 'offline' then 'online' else p.status end,
      is_typing_to = excluded.is_typing_to,
      typing_started_at = excluded.typing_started_at;
  end if;
end
$$;

comment on function public.update_typing_status is
  'The caller is typing to that person, or with null to nobody; ends by itself after chat.settings.typing_timeout_ms unless renewed. PT403 where the caller may not write.';

create or replace function chat.touch_presence(user_ids uuid[])
  returns int
  volatile
  security definer                 -- the service touches everybody it holds a socket of
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  touched int;
begin
  perform chat.demand_claims_of('chat_relay');
  update public.user_presence p
  set last_seen = clock_timestamp()
  from (
    select x.user_id
    from public.user_presence x
    where x.user_id = any (touch_presence.user_ids)
    order by x.user_id
    for no key update skip locked    -- somebody who is being written to is not forgotten
  ) seen
  where p.user_id = seen.user_id;
  get diagnostics touched = row_count;
  return touched;
end
$$;

comment on function chat.touch_presence(uuid[]) is 'These people were heard of just now. Nothing is published. Returns how many rows were touched.';

create or replace function chat.expire_presence()
  returns int
  volatile
  security definer                 -- the service calls it for everybody
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  settings chat.settings;
  expired int;
begin
  perform chat.demand_claims_of('chat_relay');
  select s.* into settings
  from chat.settings s;

  update public.user_presence p
  set
    status = case when gone.silent then 'offline' else p.status end,
    is_typing_to = null
  from (
    select x.user_id, x.last_seen < clock_timestamp() - settings.presence_timeout_ms * interval '1 ms' as silent
    from public.user_presence x
    where (x.status <> 'offline' and x.last_seen < clock_timestamp() - settings.presence_timeout_ms * interval '1 ms')
      or (x.is_typing_to is not null and x.typing_started_at < clock_timestamp() - settings.typing_timeout_ms * interval '1 ms')
    order by x.user_id
    for no key update skip locked
  ) gone
  where p.user_id = gone.user_id;
  get diagnostics expired = row_count;
  return expired;
end
$$;

comment on function chat.expire_presence() is
  'Whoever was not heard of for presence_timeout_ms is offline; typing not renewed for typing_timeout_ms has ended. The service calls it every few seconds; returns how many rows changed.';

create or replace function chat.come_online(user_ids uuid[])
  returns int
  volatile
  security definer                 -- the service says it of everybody who has connected
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  came int;
begin
  perform chat.demand_claims_of('chat_relay');
  insert into public.user_presence as p (user_id, status)
  select u.id, 'online'
  from public.users u
  where u.id = any (come_online.user_ids)
    and u.status = 'active'
  order by u.id
  on conflict (user_id) do update set
    status = excluded.status
  where chat.presence_now(p.status, p.last_seen) = 'offline';
  get diagnostics came = row_count;
  return came;
end
$$;

comment on function chat.come_online(uuid[]) is
  'These people have connected: who was offline, or not heard of for presence_timeout_ms, is online; who is away or busy stays so. Returns how many changed.';

create or replace function chat.go_offline(user_ids uuid[], silent_ms int)
  returns int
  volatile
  security definer                 -- the service says it of everybody who has left
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  went int;
begin
  perform chat.demand_claims_of('chat_relay');
  update public.user_presence p
  set status = 'offline'
  from (
    select x.user_id
    from public.user_presence x
    where x.user_id = any (go_offline.user_ids)
      and x.status <> 'offline'
      and x.last_seen < clock_timestamp() - go_offline.silent_ms * interval '1 ms'
    order by x.user_id
    for no key update skip locked
  ) gone
  where p.user_id = gone.user_id;
  get diagnostics went = row_count;
  return went;
end
$$;

comment on function chat.go_offline(uuid[], int) is
  'These people have left a node: who was not heard of since, on any node, is offline. Returns how many changed.';

create or replace function chat.expire_typing()
  returns int
  volatile
  security definer                 -- the service calls it for everybody
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  ended int;
begin
  perform chat.demand_claims_of('chat_relay');
  update public.user_presence p
  set is_typing_to = null
  from (
    select x.user_id
    from public.user_presence x
    where x.is_typing_to is not null
      and x.typing_started_at < clock_timestamp() - (select s.typing_timeout_ms from chat.settings s) * interval '1 ms'
    order by x.user_id
    for no key update skip locked
  ) silent
  where p.user_id = silent.user_id;
  get diagnostics ended = row_count;
  return ended;
end
$$;

comment on function chat.expire_typing() is
  'Typing not renewed for typing_timeout_ms has ended. The service calls it each second; it reads who types, not who is there. Returns how many rows changed.';

-- Policies.

drop policy if exists "Only active people use the chat" on public.user_presence;
create policy "Only active people use the chat" on public.user_presence
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

drop policy if exists "Users can view team member presence" on public.user_presence;
create policy "Users can view team member presence" on public.user_presence
  for select
  to authenticated
  using (team_id = (select chat.my_team()) or user_id = (select auth.uid()));

drop policy if exists "Users can create their own presence" on public.user_presence;
create policy "Users can create their own presence" on public.user_presence
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

drop policy if exists "Users can update their own presence" on public.user_presence;
create policy "Users can update their own presence" on public.user_presence
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

drop policy if exists "The service can view presence" on public.user_presence;
create policy "The service can view presence" on public.user_presence
  for select
  to service_role
  using ((select chat.claims_hold()));

-- No delete for people: offline is a status.

comment on policy "Only active people use the chat" on public.user_presence is 'Cuts across the others: who is not active sees nobody.';
comment on policy "Users can view team member presence" on public.user_presence is 'The team of today, and oneself.';
comment on policy "Users can create their own presence" on public.user_presence is 'Nobody says for another that he is there.';
comment on policy "Users can update their own presence" on public.user_presence is 'Nobody says for another that he is there.';
comment on policy "The service can view presence" on public.user_presence is 'Back ends see all.';

-- Typing and page are not granted: typing goes by function, which asks whether one may, and by real time to the two of them.
revoke all on table public.user_presence from public, anon, authenticated, service_role;
grant select (user_id, status, last_seen, updated_at, team_id) on table public.user_presence to authenticated, service_role;
grant insert (user_id, status, current_page) on table public.user_presence to authenticated;
grant update (status, current_page) on table public.user_presence to authenticated;

revoke all on function
  chat.stamp_presence, chat.touch_presence, chat.come_online, chat.go_offline, chat.expire_typing, chat.expire_presence,
  public.update_presence, public.update_typing_status
from public, anon, authenticated, service_role;
grant execute on function public.update_presence, public.update_typing_status to authenticated;
grant execute on function chat.touch_presence, chat.come_online, chat.go_offline, chat.expire_typing, chat.expire_presence to chat_relay;
