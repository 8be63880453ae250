-- What a person sets for themselves alone in a conversation.

create or replace function chat.demand_participant(conversation_id uuid)
  returns public.user_conversations
  volatile
  security definer                 -- called by definer functions; sees the caller's conversation and no other
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
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
      detail = 'no_conversation',
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
      message = 'set_archived takes true or false.',
      detail = 'missing';
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

revoke all on function
  chat.demand_participant, public.set_archived, public.set_muted
from public, anon, authenticated, service_role;

grant execute on function public.set_archived, public.set_muted to authenticated;
