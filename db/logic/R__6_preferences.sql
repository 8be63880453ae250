-- What a person keeps to himself: archive, mute, blocks. Its owner sees it, functions write it.

create or replace function chat.demand_participant(conversation_id uuid)
  returns public.user_conversations
  volatile
  security definer                 -- called by definer functions; sees the caller's conversation and no other
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
  conversation public.user_conversations;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  select c.* into conversation
  from public.user_conversations c
  where c.id = demand_participant.conversation_id
    and me in (c.participant_1_id, c.participant_2_id)
  for key share;                   -- stays until the preference is written; stops no message
  if not found then
    raise sqlstate 'PT403' using
      message = 'You are not in this conversation.',
      hint = 'get_conversations lists yours.';
  end if;
  return conversation;
end
$$;

comment on function chat.demand_participant(uuid) is 'The caller''s conversation, kept from being deleted; PT403 for another''s or none.';

create or replace function public.set_archived(conversation_id uuid, archived boolean)
  returns void
  volatile
  security definer                 -- bringing a conversation back also lifts the operator's archive, a column nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  conversation public.user_conversations := chat.demand_participant(set_archived.conversation_id);
begin
  if archived is null then
    raise sqlstate 'PT400' using
      message = 'set_archived takes true or false.';
  end if;

  if not archived and conversation.is_archived then
    update public.user_conversations c
    set is_archived = false
    where c.id = conversation.id;
  end if;

  insert into public.conversation_preferences as p (conversation_id, user_id, archived_at, archived_seq)
  values (
    conversation.id,
    chat.me(),
    case when set_archived.archived then clock_timestamp() end,
    case when set_archived.archived then conversation.last_message_seq end
  )
  on conflict on constraint conversation_preferences_pkey do update set
    archived_at = excluded.archived_at,
    archived_seq = excluded.archived_seq;
end
$$;

comment on function public.set_archived is
  'Puts a conversation away for the caller alone, or brings it back; a new message brings it back by itself. PT403 for others'' conversations.';

create or replace function public.set_muted(conversation_id uuid, until timestamptz)
  returns void
  volatile
  security definer                 -- functions alone write preferences
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  conversation public.user_conversations := chat.demand_participant(set_muted.conversation_id);
begin
  insert into public.conversation_preferences as p (conversation_id, user_id, muted_until)
  values (conversation.id, chat.me(), case when set_muted.until > now() then set_muted.until end)
  on conflict on constraint conversation_preferences_pkey do update set
    muted_until = excluded.muted_until;
end
$$;

comment on function public.set_muted is
  'Mutes a conversation for the caller alone until a moment (''infinity'' for good); null or a past moment lifts it and is kept as null. PT403 for others'' conversations.';

create or replace function public.block_user(user_id uuid)
  returns void
  volatile
  security definer                 -- functions alone write blocks; asks whether the caller knows the person
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if block_user.user_id = me then
    raise sqlstate 'PT400' using
      message = 'You cannot block yourself.';
  end if;
  if not exists (select from chat.people(array[block_user.user_id])) then
    raise sqlstate 'PT404' using
      message = 'You know nobody with this id.',
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
  me uuid := chat.demand_me();     -- not in the query: where there is no block, it might never ask
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

-- Policies.

drop policy if exists "Only active people use the chat" on public.conversation_preferences;
create policy "Only active people use the chat" on public.conversation_preferences
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

drop policy if exists "Users can view their own preferences" on public.conversation_preferences;
create policy "Users can view their own preferences" on public.conversation_preferences
  for select
  to authenticated
  using (user_id = (select auth.uid()));

drop policy if exists "The service can view preferences" on public.conversation_preferences;
create policy "The service can view preferences" on public.conversation_preferences
  for select
  to service_role
  using ((select chat.claims_hold()));

drop policy if exists "Only active people use the chat" on public.user_blocks;
create policy "Only active people use the chat" on public.user_blocks
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

drop policy if exists "Users can view whom they block" on public.user_blocks;
create policy "Users can view whom they block" on public.user_blocks
  for select
  to authenticated
  using (blocker_id = (select auth.uid()));

drop policy if exists "The service can view blocks" on public.user_blocks;
create policy "The service can view blocks" on public.user_blocks
  for select
  to service_role
  using ((select chat.claims_hold()));

-- No insert, update or delete: the functions ask first.

comment on policy "Only active people use the chat" on public.conversation_preferences is 'Cuts across the others: who is not active sees nothing.';
comment on policy "Users can view their own preferences" on public.conversation_preferences is 'The other participant does not learn of them.';
comment on policy "The service can view preferences" on public.conversation_preferences is 'Back ends see all.';
comment on policy "Only active people use the chat" on public.user_blocks is 'Cuts across the others: who is not active sees nothing.';
comment on policy "Users can view whom they block" on public.user_blocks is 'The blocked person does not see it.';
comment on policy "The service can view blocks" on public.user_blocks is 'Back ends see all.';

revoke all on table public.conversation_preferences, public.user_blocks from public, anon, authenticated, service_role;
grant select on table public.conversation_preferences, public.user_blocks to authenticated, service_role;

revoke all on function chat.demand_participant, public.set_archived, public.set_muted, public.block_user, public.unblock_user
from public, anon, authenticated, service_role;
grant execute on function public.set_archived, public.set_muted, public.block_user, public.unblock_user to authenticated;
