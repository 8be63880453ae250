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

revoke all on function public.block_user, public.unblock_user from public, anon, authenticated, service_role;

grant execute on function public.block_user, public.unblock_user to authenticated;
