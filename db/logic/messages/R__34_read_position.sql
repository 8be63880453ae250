-- How far a person has read.

create or replace function chat.unread_in(me uuid, conversation_ids uuid[])
  returns bigint
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select coalesce(sum(c.last_message_seq - case unread_in.me
    when c.participant_1_id then c.participant_1_read_seq
    else c.participant_2_read_seq
  end), 0)::bigint
  from public.user_conversations c
  where c.id = any (unread_in.conversation_ids)
$$;

comment on function chat.unread_in(uuid, uuid[]) is 'Messages a participant has not read in these conversations: a subtraction, since whoever sends has read.';

create or replace function public.mark_as_read(message_ids uuid[])
  returns bigint
  volatile
  security definer                 -- writes read_by and read positions, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  conversation_ids uuid[];
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if message_ids is null or cardinality(message_ids) > 1000 then
    raise sqlstate 'PT400' using
      message = 'mark_as_read takes a list of at most 1000 messages.',
      detail = 'message_list',
      hint = 'Call it again for the rest, or mark_conversation_as_read for all.';
  end if;

  select array_agg(distinct m.conversation_id) into conversation_ids
  from public.user_messages m
  where m.id = any (message_ids)
    and me in (m.sender_id, m.recipient_id);

  perform
  from public.user_conversations c
  where c.id = any (conversation_ids)
  order by c.id
  for no key update;

  update public.user_messages m
  set read_by = m.read_by || to_jsonb(me)
  where m.id = any (message_ids)
    and m.recipient_id = me
    and not m.read_by ? me::text;

  update public.user_conversations c
  set
    participant_1_read_seq = case me when c.participant_1_id then greatest(c.participant_1_read_seq, r.seq) else c.participant_1_read_seq end,
    participant_2_read_seq = case me when c.participant_2_id then greatest(c.participant_2_read_seq, r.seq) else c.participant_2_read_seq end
  from (
    select m.conversation_id, max(m.seq) as seq
    from public.user_messages m
    where m.id = any (message_ids)
      and me in (m.sender_id, m.recipient_id)
    group by m.conversation_id
  ) r
  where c.id = r.conversation_id
    and r.seq > case me when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end;

  return chat.unread_in(me, conversation_ids);
end
$$;

comment on function public.mark_as_read is
  'The caller has read these messages, and so all before them in their conversations; returns what is still unread there. Others'' messages and unknown ids are passed over. At most 1000 ids, else PT400.';

create or replace function public.mark_conversation_as_read(conversation_id uuid, up_to_seq bigint default null)
  returns bigint
  volatile
  security definer                 -- as mark_as_read
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  conversation public.user_conversations;
  read_seq bigint;
  up_to bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  select c.* into conversation
  from public.user_conversations c
  where c.id = mark_conversation_as_read.conversation_id
    and me in (c.participant_1_id, c.participant_2_id)
  for no key update;
  if not found then
    raise sqlstate 'PT403' using
      message = 'You are not in this conversation.',
      detail = 'no_conversation',
      hint = 'get_conversations lists yours.';
  end if;

  read_seq := case me when conversation.participant_1_id then conversation.participant_1_read_seq else conversation.participant_2_read_seq end;
  up_to := least(up_to_seq, conversation.last_message_seq);
  if up_to > read_seq then
    update public.user_messages m
    set read_by = m.read_by || to_jsonb(me)
    where m.conversation_id = conversation.id
      and m.seq > read_seq
      and m.seq <= up_to
      and m.recipient_id = me
      and not m.read_by ? me::text;

    update public.user_conversations c
    set
      participant_1_read_seq = case me when c.participant_1_id then up_to else c.participant_1_read_seq end,
      participant_2_read_seq = case me when c.participant_2_id then up_to else c.participant_2_read_seq end
    where c.id = conversation.id;
  end if;

  return chat.unread_in(me, array[conversation.id]);
end
$$;

comment on function public.mark_conversation_as_read is
  'Moves the caller''s read position forward, never back, to a number or to the last message; returns what is still unread. PT403 for others'' conversations.';

revoke all on function
  chat.unread_in, public.mark_as_read, public.mark_conversation_as_read
from public, anon, authenticated, service_role;

grant execute on function public.mark_as_read, public.mark_conversation_as_read to authenticated;
