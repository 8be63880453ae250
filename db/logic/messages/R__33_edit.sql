-- A message's sender edits it and takes it back.

create or replace function chat.lock_own_message(message_id uuid)
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
  where c.id = (select m.conversation_id from public.user_messages m where m.id = lock_own_message.message_id and m.sender_id = me)
  for no key update;

  select m.* into message
  from public.user_messages m
  where m.id = lock_own_message.message_id
    and m.sender_id = me;
  if not found then
    raise sqlstate 'PT404' using
      message = 'You have sent no such message.',
      detail = 'no_message',
      hint = 'Only its sender can change a message.';
  end if;
  return message;
end
$$;

comment on function chat.lock_own_message(uuid) is 'A message the caller has sent, its conversation locked; PT404 when there is none.';

create or replace function chat.view_of(message public.user_messages)
  returns public.message_view
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  view public.message_view;
begin
  select
    (view_of.message).id, (view_of.message).conversation_id, (view_of.message).sender_id, (view_of.message).content,
    (view_of.message).message_type, (view_of.message).file_url, (view_of.message).file_name,
    (view_of.message).file_size, (view_of.message).created_at, (view_of.message).updated_at,
    (view_of.message).is_edited, (view_of.message).is_deleted, (view_of.message).read_by, (view_of.message).metadata,
    (view_of.message).recipient_id, (view_of.message).seq, (view_of.message).sent_revision, (view_of.message).revision,
    chat.sender_card(),
    r.reactions,
    (view_of.message).written_at, (view_of.message).client_id
  into view
  from chat.reactions_of((view_of.message).id) r;
  return view;
end
$$;

comment on function chat.view_of(public.user_messages) is 'A message of the caller''s own as its readers see it.';

create or replace function public.edit_message(message_id uuid, content text)
  returns public.message_view
  volatile
  security definer                 -- nobody is granted to update a message
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
  language plpgsql
as $$
declare
  message public.user_messages := chat.lock_own_message(edit_message.message_id);
  cleaned text;
begin
  if message.is_deleted then
    raise sqlstate 'PT409' using
      message = 'A deleted message cannot be edited.',
      detail = 'deleted',
      hint = 'Send a new one.';
  end if;
  perform chat.require_reachable(message.sender_id, message.recipient_id);
  cleaned := chat.checked_content(edit_message.content, message.message_type);

  if message.content <> cleaned then
    insert into public.message_edits (message_id, sender_id, recipient_id, content)
    values (message.id, message.sender_id, message.recipient_id, message.content);

    update public.user_messages m
    set
      content = cleaned,
      is_edited = true,
      updated_at = clock_timestamp(),
      revision = chat.next_revision(message.conversation_id)
    where m.id = message.id
    returning m.* into message;
  end if;
  return chat.view_of(message);
end
$$;

comment on function public.edit_message is
  'Gives a message of the caller''s a new text and returns it; the old one is kept for its two people. The same text again changes nothing. PT404 for others'' messages, PT409 for a deleted one.';

create or replace function public.delete_message(message_id uuid)
  returns public.message_view
  volatile
  security definer                 -- nobody is granted to update a message
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
  language plpgsql
as $$
declare
  message public.user_messages := chat.lock_own_message(delete_message.message_id);
begin
  if not message.is_deleted then
    update public.user_messages m
    set
      content = '',
      file_url = null,
      file_name = null,
      file_size = null,
      metadata = '{}',
      is_deleted = true,
      updated_at = clock_timestamp(),
      revision = chat.next_revision(message.conversation_id)
    where m.id = message.id
    returning m.* into message;

    delete from public.message_edits e
    where e.message_id = message.id;

    delete from public.message_reactions r
    where r.message_id = message.id;

    if message.message_type <> 'text' then
      delete from public.chat_files f
      where f.message_id = message.id;
    end if;
  end if;
  return chat.view_of(message);
end
$$;

comment on function public.delete_message is
  'Takes back a message of the caller''s: blanks it, its earlier texts, its reactions and its stored file; the number stays. Again changes nothing. PT404 for others'' messages.';

revoke all on function
  chat.lock_own_message, chat.view_of, public.edit_message, public.delete_message
from public, anon, authenticated, service_role;

grant execute on function public.edit_message, public.delete_message to authenticated;
