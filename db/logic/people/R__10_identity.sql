-- Who asks: the claims of the transaction, and the person they speak for.

create or replace function chat.signature_holds(claims text, role_name text, pads bytea[], previous_pads bytea[])
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- {...,"chat_expires":<ms>,"chat_signature":"<hex>"}: the signature is of all that stands before it.
  body text := left(signature_holds.claims, -85);
begin
  if right(signature_holds.claims, 85) is distinct from (
    select format(',"chat_signature":"%s"}', s.signature)
    from (
      select encode(sha256(p.pads[2] || sha256(p.pads[1] || convert_to(body, 'UTF8'))), 'hex') as signature
      from (values (signature_holds.pads), (signature_holds.previous_pads)) p (pads)
    ) s
    where s.signature = left(right(signature_holds.claims, 66), 64)
    limit 1
  ) then
    return false;
  end if;
  return (signature_holds.claims::json ->> 'role') = signature_holds.role_name
    and (signature_holds.claims::json ->> 'chat_expires')::bigint > extract(epoch from now()) * 1000;
end
$$;

comment on function chat.signature_holds(text, text, bytea[], bytea[]) is
  'Whether claims are signed (HMAC-SHA256) with one of two keys, for this role and for a time that had not ended when the transaction began.';

create or replace function chat.claims_hold()
  returns boolean
  stable
  security definer                 -- reads the secret, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  known record;
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
  return chat.signature_holds(
    coalesce(current_setting('request.jwt.claims', true), ''),
    current_setting('role', true),
    known.claims_pads,
    known.previous_claims_pads
  );
end
$$;

comment on function chat.claims_hold() is
  'Whether the claims are to be believed: always without chat.settings.claims_secret; else when the service has signed them (HMAC-SHA256) for the role that is in use, for a time that had not ended when the transaction began.';

create or replace function chat.me()
  returns uuid
  stable
  security definer                 -- the caller may not be allowed to read public.users
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select u.id
    from public.users u
    where u.id = (select auth.uid())
      and u.status = 'active'
      and chat.claims_hold()
  );
end
$$;

comment on function chat.me() is 'The calling person''s id; null without a token, and for who is not active.';

create or replace function chat.my_team()
  returns uuid
  stable
  security definer                 -- as chat.me()
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select u.team_id
    from public.users u
    where u.id = (select auth.uid())
      and u.status = 'active'
      and chat.claims_hold()
  );
end
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
    detail = 'unsigned',
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

create or replace function chat.require_active_user()
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
      detail = 'inactive',
      hint = 'Sign in as a person whose status is active.';
  end if;
  return me;
end
$$;

comment on function chat.require_active_user() is 'The calling person''s id; PT403 without one.';

revoke all on function
  chat.signature_holds, chat.claims_hold, chat.me, chat.my_team, chat.demand_claims, chat.demand_claims_of, chat.require_active_user
from public, anon, authenticated, service_role;

grant execute on function
  chat.claims_hold, chat.me, chat.my_team, chat.demand_claims, chat.require_active_user
to authenticated, service_role;
