-- The service says who is connected, and ends what nobody renews.

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
  -- Who was sent off was last seen long before; who says that they are offline is seen when they say it.
  update public.user_presence p
  set status = 'online'
  from (
    select x.user_id
    from public.user_presence x
    where x.user_id = any (touch_presence.user_ids)
      and x.status = 'offline'
      and x.last_seen < x.updated_at - interval '1 s'
    order by x.user_id
    for no key update skip locked
  ) back
  where p.user_id = back.user_id;

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

comment on function chat.touch_presence(uuid[]) is 'These people were heard of just now. Nothing is published, unless somebody was taken for gone: they are online again. Returns how many rows were touched.';

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

revoke all on function
  chat.touch_presence, chat.expire_presence, chat.come_online, chat.go_offline, chat.expire_typing
from public, anon, authenticated, service_role;

grant execute on function
  chat.touch_presence, chat.expire_presence, chat.come_online, chat.go_offline, chat.expire_typing
to chat_relay;
