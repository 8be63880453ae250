-- Each gives and takes back their own reactions.

create or replace function chat.message_of_mine(message_id uuid)
  returns public.user_messages
  volatile
  security definer                 -- locks the conversation, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  message public.user_messages;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  perform
  from public.user_conversations c
  where c.id = (
    select m.conversation_id
    from public.user_messages m
    where m.id = message_of_mine.message_id
      and me in (m.sender_id, m.recipient_id)
  )
  for no key update;

  select m.* into message
  from public.user_messages m
  where m.id = message_of_mine.message_id
    and me in (m.sender_id, m.recipient_id);
  if not found then
    raise sqlstate 'PT404' using
      message = 'There is no such message in your conversations.',
      detail = 'no_message',
      hint = 'It may have been removed; get_messages shows what is there.';
  end if;
  return message;
end
$$;

comment on function chat.message_of_mine(uuid) is 'A message sent or received by the caller, its conversation locked; PT404 when there is none.';

create or replace function public.add_reaction(message_id uuid, reaction text)
  returns void
  volatile
  security definer                 -- numbers the change in the message and its conversation, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  message public.user_messages := chat.message_of_mine(add_reaction.message_id);
  maximum int := (select s.max_reactions from chat.settings s);
  wanted text := chat.checked_reaction(add_reaction.reaction);
begin
  if message.is_deleted then
    raise sqlstate 'PT409' using
      message = 'A deleted message takes no reactions.',
      detail = 'deleted';
  end if;
  perform chat.require_reachable(me, case me when message.sender_id then message.recipient_id else message.sender_id end);
  if (
    select count(*)
    from public.message_reactions r
    where r.message_id = message.id
      and r.user_id = me
      and r.reaction <> wanted
  ) >= maximum then
    raise sqlstate 'PT409' using
      message = format('You have given this message %s reactions already.', maximum),
      detail = 'too_many_reactions',
      hint = 'Take one back first. The limit is chat.settings.max_reactions.';
  end if;

  insert into public.message_reactions (message_id, user_id, reaction, conversation_id, sender_id, recipient_id)
  values (message.id, me, wanted, message.conversation_id, message.sender_id, message.recipient_id)
  on conflict on constraint unique_user_message_reaction do nothing;
  if found then
    update public.user_messages m
    set revision = chat.next_revision(message.conversation_id)
    where m.id = message.id;
  end if;
end
$$;

comment on function public.add_reaction is
  'Gives a message of the caller''s conversations a reaction, an emoji in its one form or a name in colons; again changes nothing. PT400 for what is no reaction, PT403 where the caller may not write, PT404 for others'' messages, PT409 for a deleted message or too many.';

create or replace function public.remove_reaction(message_id uuid, reaction text)
  returns void
  volatile
  security definer                 -- as add_reaction
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  message public.user_messages := chat.message_of_mine(remove_reaction.message_id);
begin
  delete from public.message_reactions r
  where r.message_id = message.id
    and r.user_id = me
    and r.reaction in (chat.canonical_reaction(remove_reaction.reaction), remove_reaction.reaction);   -- those of before have any form
  if found then
    update public.user_messages m
    set revision = chat.next_revision(message.conversation_id)
    where m.id = message.id;
  end if;
end
$$;

comment on function public.remove_reaction is 'Takes the caller''s reaction back; again changes nothing. PT404 for others'' messages.';

revoke all on function
  chat.message_of_mine, public.add_reaction, public.remove_reaction
from public, anon, authenticated, service_role;

grant execute on function public.add_reaction, public.remove_reaction to authenticated;
