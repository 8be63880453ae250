-- The devices of a person that get push notifications: given by the browser, taken back by the person or the push service.

create or replace function chat.is_push_host(endpoint text, hosts text[])
  returns boolean
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- No user, no address in brackets, no letter that a parser could read in two ways.
  origin text := substring(endpoint from '^(https?://[a-z0-9.-]+(?::[0-9]{1,5})?)/[!-~]*$');
begin
  -- 'host' and 'host:port' mean https; '*.host' any host below it; 'http://127.0.0.1:port' is for trying.
  return origin is not null and exists (
    select
    from unnest(is_push_host.hosts) h (host)
    where case
      when starts_with(h.host, 'http://') then origin = h.host
      when starts_with(h.host, '*.') then starts_with(origin, 'https://') and right(origin, length(h.host) - 1) = substr(h.host, 2)
      else origin = 'https://' || h.host
    end
  );
end
$$;

comment on function chat.is_push_host(text, text[]) is 'Whether an address is one of a push service that is named: nothing is posted anywhere else.';

create or replace function public.add_push_subscription(endpoint text, p256dh text, auth text, label text default null, shows_text boolean default false)
  returns uuid
  volatile
  security definer                 -- functions alone write devices
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  settings chat.settings;
  key bytea;
  secret bytea;
  device uuid;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  select s.* into settings
  from chat.settings s;
  if settings.push_public_key is null then
    raise sqlstate 'PT404' using
      message = 'This service sends no push notifications.',
      detail = 'push_off',
      hint = 'An operator turns them on with CHAT_PUSH_KEY_FILE.';
  end if;
  if add_push_subscription.endpoint is null or add_push_subscription.shows_text is null then
    raise sqlstate 'PT400' using
      message = 'add_push_subscription takes an endpoint, and true or false for shows_text.',
      detail = 'missing';
  end if;
  if octet_length(add_push_subscription.endpoint) > settings.max_push_endpoint_length then
    raise sqlstate 'PT413' using
      message = format('The endpoint has more than %s bytes.', settings.max_push_endpoint_length),
      detail = 'push_endpoint',
      hint = 'An operator allows more with chat.settings.max_push_endpoint_length.';
  end if;
  if not chat.is_push_host(add_push_subscription.endpoint, settings.push_hosts) then
    raise sqlstate 'PT403' using
      message = 'The endpoint is not of a push service that is allowed here.',
      detail = 'push_host',
      hint = 'An operator names push services in CHAT_PUSH_HOSTS.';
  end if;
  if add_push_subscription.p256dh ~ '^[A-Za-z0-9_-]{87}=?$' and add_push_subscription.auth ~ '^[A-Za-z0-9_-]{22}(==)?$' then
    key := decode(translate(left(add_push_subscription.p256dh, 87), '-_', '+/') || '=', 'base64');
    secret := decode(translate(left(add_push_subscription.auth, 22), '-_', '+/') || '==', 'base64');
  end if;
  if key is null or get_byte(key, 0) <> 4 then
    raise sqlstate 'PT400' using
      message = 'p256dh is a point of P-256 (65 bytes) and auth has 16 bytes, both base64url.',
      detail = 'push_keys',
      hint = 'Give keys.p256dh and keys.auth of PushSubscription.toJSON().';
  end if;

  -- Two devices of one person at the same moment are counted one after the other.
  perform pg_advisory_xact_lock(hashtextextended('chat.push ' || me, 0));
  if (
    select count(*)
    from public.push_subscriptions p
    where p.user_id = me
      and p.endpoint <> add_push_subscription.endpoint
  ) >= settings.max_push_subscriptions then
    raise sqlstate 'PT409' using
      message = format('You get notifications on %s devices already.', settings.max_push_subscriptions),
      detail = 'push_devices',
      hint = 'Remove one with remove_push_subscription; get_push_subscriptions lists them.';
  end if;

  -- The browser's next person takes it over with the same keys; who knows the endpoint alone does not.
  insert into public.push_subscriptions as p (user_id, endpoint, p256dh, auth, label, shows_text)
  values (
    me,
    add_push_subscription.endpoint,
    key,
    secret,
    nullif(left(chat.clean_line(add_push_subscription.label), 200), ''),
    add_push_subscription.shows_text
  )
  on conflict on constraint push_endpoint_is_known_once do update set
    user_id = excluded.user_id,
    p256dh = excluded.p256dh,
    auth = excluded.auth,
    label = excluded.label,
    shows_text = excluded.shows_text,
    updated_at = clock_timestamp()
  where p.user_id = me
    or (p.p256dh = excluded.p256dh and p.auth = excluded.auth)
  returning p.id into device;
  if device is null then
    raise sqlstate 'PT409' using
      message = 'This endpoint is somebody else''s.',
      detail = 'push_taken',
      hint = 'Subscribe again, which gives another endpoint.';
  end if;
  return device;
end
$$;

comment on function public.add_push_subscription is
  'The caller''s browser wants push notifications, or says so again: endpoint and keys of PushSubscription.toJSON(). shows_text: with the message''s text, where the operator allows it. Returns the device''s id. PT404 where there are none; PT403 for another push service; PT409 for one device too many, or another''s endpoint.';

create or replace function public.remove_push_subscription(endpoint text)
  returns boolean
  volatile
  security definer                 -- functions alone write devices
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
begin
  delete from public.push_subscriptions p
  where p.endpoint = remove_push_subscription.endpoint
    and p.user_id = me;
  return found;
end
$$;

comment on function public.remove_push_subscription is
  'This browser of the caller gets no more push notifications. True when it had got them; others'' devices stay.';

create or replace function public.get_push_subscriptions()
  returns setof public.push_subscription_view
  stable
  set search_path = pg_catalog, pg_temp
  rows 10
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
begin
  return query
    select p.id, p.endpoint, p.label, p.shows_text, p.created_at, p.updated_at, p.last_used_at
    from public.push_subscriptions p
    where p.user_id = me
    order by p.id;
end
$$;

comment on function public.get_push_subscriptions is 'The caller''s devices that get push notifications, the oldest first.';

revoke all on function
  chat.is_push_host, public.add_push_subscription, public.remove_push_subscription, public.get_push_subscriptions
from public, anon, authenticated, service_role;

grant execute on function
  public.add_push_subscription, public.remove_push_subscription, public.get_push_subscriptions
to authenticated;
