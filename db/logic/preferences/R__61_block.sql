-- From whom a person takes no messages.

create or replace function public.block_user(user_id uuid)
  returns void
  volatile
  security definer                 -- functions alone write blocks; asks whether the caller knows the person
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if block_user.user_id = me then
    raise sqlstate 'PT400' using
      message = 'You cannot block yourself.',
      detail = 'yourself';
  end if;
  if not exists (select from chat.visible_people(array[block_user.user_id])) then
    raise sqlstate 'PT404' using
      message = 'You know nobody with this id.',
      detail = 'nobody',
      hint = 'Somebody of your team, or with whom you have a conversation, can be blocked.';
  end if;

  insert into public.user_blocks (blocker_id, blocked_id)
  values (me, block_user.user_id)
  on conflict do nothing;
end
$$;

comment on function public.block_user is
  'The caller takes no messages from that person; what was said stays. Again changes nothing. PT400 for oneself, PT404 for a stranger.';

create or replace function public.unblock_user(user_id uuid)
  returns void
  volatile
  security definer                 -- functions alone write blocks
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();     -- not in the query: where there is no block, it might never ask
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  delete from public.user_blocks b
  where b.blocker_id = me
    and b.blocked_id = unblock_user.user_id;
end
$$;

comment on function public.unblock_user is 'Lifts the caller''s block; again changes nothing.';

create or replace function public.get_blocked_users(
  before timestamptz default null,
  before_id uuid default null,
  page_size int default 50
)
  returns setof public.blocked_user
  stable
  security definer                 -- names somebody who has left the team meanwhile, whatever the platform's policies are
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
#variable_conflict use_column
declare
  me uuid := chat.require_active_user();
begin
  if before is null and before_id is not null then
    raise sqlstate 'PT400' using
      message = 'before_id goes with before.',
      detail = 'page_bounds',
      hint = 'For the next page give the last row''s blocked_at as before, and its id as before_id.';
  end if;
  return query
    select u.id, u.full_name::text, u.avatar_url::text, b.created_at
    from public.user_blocks b
    join public.users u on u.id = b.blocked_id
    where b.blocker_id = me
      and (before is null or (b.created_at, b.blocked_id)
        < (before, coalesce(before_id, '00000000-0000-0000-0000-000000000000')))
    order by b.created_at desc, b.blocked_id desc
    limit chat.checked_page_size(page_size);
end
$$;

comment on function public.get_blocked_users is
  'Whom the caller has blocked, the newest block first. The next page: before = blocked_at and before_id = id of the last row.';

revoke all on function public.block_user, public.unblock_user, public.get_blocked_users from public, anon, authenticated, service_role;

grant execute on function public.block_user, public.unblock_user, public.get_blocked_users to authenticated;
