-- Whether one may write to another, and see whether they are there.

create or replace function chat.unreachable_reason(sender_id uuid, recipient_id uuid)
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
      where s.id = unreachable_reason.sender_id
        and r.id = unreachable_reason.recipient_id
        and s.id <> r.id
        and s.status = 'active'
        and r.status = 'active'
    ) then 'apart'
    when exists (
      select
      from public.user_blocks b
      where b.blocker_id = unreachable_reason.recipient_id
        and b.blocked_id = unreachable_reason.sender_id
    ) then 'blocked'
    when exists (
      select
      from public.user_blocks b
      where b.blocker_id = unreachable_reason.sender_id
        and b.blocked_id = unreachable_reason.recipient_id
    ) then 'blocking'
  end);
end
$$;

comment on function chat.unreachable_reason(uuid, uuid) is
  'Why one may not write to another: ''apart'' (not two active people of one team), ''blocked'', ''blocking''; null when they may. For definer functions alone: it tells of anybody.';

create or replace function chat.people_hidden_from(user_id uuid)
  returns uuid[]
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- as chat.unreachable_reason
as $$
begin
  return array(
    select b.blocked_id
    from public.user_blocks b
    where b.blocker_id = people_hidden_from.user_id
    union
    select b.blocker_id
    from public.user_blocks b
    where b.blocked_id = people_hidden_from.user_id
    order by 1
  );
end
$$;

comment on function chat.people_hidden_from(uuid) is
  'Whom a person has blocked, and who has blocked them: neither sees the other''s presence. For definer functions alone: it tells of anybody.';

create or replace function chat.people_hidden_from_me()
  returns uuid[]
  stable
  security definer                 -- who has blocked the caller is not the caller's to see; answers for the policy of presence alone
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return chat.people_hidden_from(chat.me());
end
$$;

comment on function chat.people_hidden_from_me() is 'Whose presence the caller does not see, although they may be of one team.';

create or replace function chat.require_reachable(sender_id uuid, recipient_id uuid)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  reason text := chat.unreachable_reason(require_reachable.sender_id, require_reachable.recipient_id);
begin
  if reason is null then
    return require_reachable.recipient_id;
  end if;
  raise sqlstate 'PT403' using
    message = case reason
      when 'apart' then 'You two can no longer write to each other.'
      when 'blocked' then 'This person does not take messages from you.'
      else 'You have blocked this person.'
    end,
    detail = case
      when reason <> 'apart' then reason                    -- blocked, blocking
      when exists (select from public.users u where u.id = require_reachable.recipient_id and u.status = 'active') then 'apart'
      else 'gone'
    end,
    hint = case reason
      when 'apart' then 'Both must be active and in one team; what was said stays readable.'
      when 'blocked' then 'Nothing was sent, and it will not be until the block is lifted.'
      else 'Call unblock_user first.'
    end;
end
$$;

comment on function chat.require_reachable(uuid, uuid) is 'PT403 when one may not write to the other; the error''s detail is the reason: apart, gone, blocked or blocking.';

create or replace function chat.refuse_old_snapshot()
  returns void
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  raise sqlstate 'PT412' using
    message = format('What depends on rights is written in a READ COMMITTED transaction, not in one that is %s.', upper(current_setting('transaction_isolation'))),
    detail = 'old_snapshot',
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
  return chat.unreachable_reason(chat.me(), may_talk_to.other) is null;
end
$$;

comment on function chat.may_talk_to(uuid) is 'Whether the caller may open a conversation with that person: for opening it, so PT412 in a transaction with an old snapshot.';

revoke all on function
  chat.unreachable_reason, chat.people_hidden_from, chat.people_hidden_from_me, chat.require_reachable, chat.refuse_old_snapshot,
  chat.may_talk_to
from public, anon, authenticated, service_role;

grant execute on function chat.refuse_old_snapshot, chat.may_talk_to to authenticated, service_role;
grant execute on function chat.people_hidden_from_me to authenticated;
