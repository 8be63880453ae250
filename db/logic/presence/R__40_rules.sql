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
  security definer                 -- reads the person's team from public.users, and the other's blocks
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- By a function or by a plain insert or update. For another's row the policy refuses, and nothing is asked about it before.
  by_themselves boolean := current_setting('role') = 'authenticated' and new.user_id = auth.uid();
  types boolean := new.is_typing_to is not null and (
    tg_op = 'INSERT'
    or (new.is_typing_to, new.typing_started_at) is distinct from (old.is_typing_to, old.typing_started_at)
  );
begin
  if current_setting('transaction_isolation') <> 'read committed' and current_setting('role') = 'authenticated' then
    perform chat.refuse_old_snapshot();
  end if;
  -- At each change, not at the first alone: a move of the person at that very moment would be missed for good.
  select u.team_id into new.team_id
  from public.users u
  where u.id = new.user_id;
  if by_themselves and types then
    perform
    from public.user_conversations c
    where c.participant_1_id = least(new.user_id, new.is_typing_to)
      and c.participant_2_id = greatest(new.user_id, new.is_typing_to);
    if not found then
      raise sqlstate 'PT403' using
        message = 'You have no conversation with this person.',
        detail = 'no_conversation',
        hint = 'Open one with get_or_create_conversation.';
    end if;
    perform chat.require_reachable(new.user_id, new.is_typing_to);
    new.typing_started_at := clock_timestamp();
    if new.status = 'offline' and (tg_op = 'INSERT' or old.status = 'offline') then
      new.status := 'online';      -- who types is there
    end if;
  end if;
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
  elsif by_themselves then
    new.updated_at := old.updated_at;
  end if;
  return new;
end
$$;

comment on function chat.stamp_presence() is
  'Times and team are ours to set, whatever is written; who is offline types to nobody, and who types is there. Only what people do themselves is a sign of life. PT403 where a person types to whom they may not write.';

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

create or replace trigger stamp_presence_times
  before update of last_seen, updated_at on public.user_presence
  for each row
  when (current_setting('role') = 'authenticated')
  execute function chat.stamp_presence();

comment on trigger stamp_presence_times on public.user_presence is
  'Sets times where a person writes them. The service touches last_seen of everybody every few seconds, and that stays cheap.';

revoke all on function chat.presence_now, chat.stamp_presence from public, anon, authenticated, service_role;
