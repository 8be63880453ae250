-- Presence as it holds now, and what every change of it sets.

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

comment on trigger stamp_presence_insert on public.user_presence is 'Sets times and team.';

create or replace trigger stamp_presence_update
  before update of status, current_page, is_typing_to, typing_started_at on public.user_presence
  for each row
  execute function chat.stamp_presence();

comment on trigger stamp_presence_update on public.user_presence is 'Sets times. Not when last_seen alone is touched.';

revoke all on function chat.presence_now, chat.stamp_presence from public, anon, authenticated, service_role;
