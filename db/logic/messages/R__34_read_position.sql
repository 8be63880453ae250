-- How far a person has received and read.

create or replace function chat.unread_in(me uuid, conversation_ids uuid[])
  returns bigint
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select coalesce(sum(
      c.last_message_seq - r.read_seq + case when p.unread_at_seq = r.read_seq then p.unread_correction else 0 end), 0)::bigint
    from public.user_conversations c
    cross join lateral (
      select case unread_in.me when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end as read_seq
    ) r
    left join public.conversation_preferences p on p.conversation_id = c.id and p.user_id = unread_in.me
    where c.id = any (unread_in.conversation_ids)
  );
end
$$;

comment on function chat.unread_in(uuid, uuid[]) is
  'Messages a participant has not read in these conversations: a subtraction, since whoever sends has read, and the correction for what was taken back or marked as unread.';

create or replace function chat.unread_correction(conversation_id uuid, me uuid, read_seq bigint, from_seq bigint)
  returns bigint
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- as get_messages
  set enable_bitmapscan = off
  set jit = off
  language sql
as $$
  select count(*) filter (where m.seq <= unread_correction.read_seq and m.recipient_id = unread_correction.me and not m.is_deleted)
    - count(*) filter (where m.seq > unread_correction.read_seq and m.is_deleted)
  from public.user_messages m
  where m.conversation_id = unread_correction.conversation_id
    and m.seq >= coalesce(unread_correction.from_seq, unread_correction.read_seq + 1)
$$;

comment on function chat.unread_correction(uuid, uuid, bigint, bigint) is
  'conversation_preferences.unread_correction, counted: reads the messages from the mark on, or those after the read position.';

create or replace function chat.note_read(conversation_id uuid, me uuid, read_seq bigint, up_to bigint)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  from_seq bigint := case when up_to < read_seq then up_to + 1 end;
begin
  update public.conversation_preferences p
  set
    unread_at_seq = greatest(note_read.read_seq, note_read.up_to),
    unread_from_seq = from_seq,
    unread_correction = chat.unread_correction(p.conversation_id, p.user_id, greatest(note_read.read_seq, note_read.up_to), from_seq)
  where p.conversation_id = note_read.conversation_id
    and p.user_id = note_read.me
    and p.unread_at_seq = note_read.read_seq
    and note_read.up_to >= coalesce(p.unread_from_seq, note_read.read_seq + 1);
end
$$;

comment on function chat.note_read(uuid, uuid, bigint, bigint) is
  'A participant whose read position is read_seq reads up to a number: what is marked as unread, or was taken back, is counted from there on. The caller holds the conversation''s lock. Most conversations have neither, and nothing is written.';

create or replace function chat.count_taken_back()
  returns trigger
  security definer                 -- writes the reader's correction, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  read_seq bigint;
  change int := case when new.is_deleted then -1 else 1 end;
begin
  select case new.recipient_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
  into read_seq
  from public.user_conversations c
  where c.id = new.conversation_id
    and new.recipient_id in (c.participant_1_id, c.participant_2_id)
  for no key update;               -- which a delete_message holds already
  if new.seq > read_seq then
    insert into public.conversation_preferences as p (conversation_id, user_id, unread_at_seq, unread_correction)
    values (new.conversation_id, new.recipient_id, read_seq, change)
    on conflict on constraint conversation_preferences_pkey do update set
      unread_at_seq = excluded.unread_at_seq,
      unread_from_seq = case when p.unread_at_seq = excluded.unread_at_seq then p.unread_from_seq end,
      unread_correction = change + case when p.unread_at_seq = excluded.unread_at_seq then p.unread_correction else 0 end;
  else
    update public.conversation_preferences p
    set unread_correction = p.unread_correction + change
    where p.conversation_id = new.conversation_id
      and p.user_id = new.recipient_id
      and p.unread_at_seq = read_seq
      and p.unread_from_seq <= new.seq;
  end if;
  return null;
end
$$;

comment on function chat.count_taken_back() is
  'A message that is taken back unread is no longer counted for its reader, whoever takes it back.';

create or replace trigger count_taken_back
  after update of is_deleted on public.user_messages
  for each row
  when (new.is_deleted is distinct from old.is_deleted)
  execute function chat.count_taken_back();

comment on trigger count_taken_back on public.user_messages is 'Counts unread messages right.';

create or replace function public.mark_as_read(message_ids uuid[])
  returns bigint
  volatile
  security definer                 -- writes read_by and read positions, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  conversation_ids uuid[];
  seqs bigint[];
  read_seq bigint;
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

  select array_agg(r.conversation_id), array_agg(r.seq)
  into conversation_ids, seqs
  from (
    select m.conversation_id, max(m.seq) as seq
    from public.user_messages m
    where m.id = any (message_ids)
      and me in (m.sender_id, m.recipient_id)
    group by m.conversation_id
  ) r;

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

  for place in 1..coalesce(cardinality(conversation_ids), 0) loop
    read_seq := (
      select case me when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
      from public.user_conversations c
      where c.id = conversation_ids[place]
    );
    perform chat.note_read(conversation_ids[place], me, read_seq, seqs[place]);
    if seqs[place] > read_seq then
      update public.user_conversations c
      set
        participant_1_read_seq = case me when c.participant_1_id then seqs[place] else c.participant_1_read_seq end,
        participant_2_read_seq = case me when c.participant_2_id then seqs[place] else c.participant_2_read_seq end
      where c.id = conversation_ids[place];
    end if;
  end loop;

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
  set plan_cache_mode = force_generic_plan   -- planning over partitions costs more than running
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
  perform chat.note_read(conversation.id, me, read_seq, up_to);
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

create or replace function public.mark_as_unread(conversation_id uuid, from_seq bigint default null)
  returns bigint
  volatile
  security definer                 -- functions alone write what is unread
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  conversation public.user_conversations;
  read_seq bigint;
  marked_from bigint;
  first_seq bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  select c.* into conversation
  from public.user_conversations c
  where c.id = mark_as_unread.conversation_id
    and me in (c.participant_1_id, c.participant_2_id)
  for no key update;
  if not found then
    raise sqlstate 'PT403' using
      message = 'You are not in this conversation.',
      detail = 'no_conversation',
      hint = 'get_conversations lists yours.';
  end if;
  read_seq := case me when conversation.participant_1_id then conversation.participant_1_read_seq else conversation.participant_2_read_seq end;

  -- One's own are never unread, nor is what was taken back: the other's next one, else their last.
  first_seq := coalesce(
    chat.first_unread_seq(conversation.id, me, mark_as_unread.from_seq - 1),
    (
      select max(m.seq)
      from public.user_messages m
      where m.conversation_id = conversation.id
        and m.recipient_id = me
        and not m.is_deleted
    ));
  if first_seq is null then
    raise sqlstate 'PT404' using
      message = 'There is no message that could be unread.',
      detail = 'no_message',
      hint = 'Only what the other person has written, and not taken back, can be unread.';
  end if;

  select p.unread_from_seq into marked_from
  from public.conversation_preferences p
  where p.conversation_id = conversation.id
    and p.user_id = me
    and p.unread_at_seq = read_seq;
  if first_seq < coalesce(marked_from, read_seq + 1) then
    insert into public.conversation_preferences as p (conversation_id, user_id, unread_at_seq, unread_from_seq, unread_correction)
    values (conversation.id, me, read_seq, first_seq, chat.unread_correction(conversation.id, me, read_seq, first_seq))
    on conflict on constraint conversation_preferences_pkey do update set
      unread_at_seq = excluded.unread_at_seq,
      unread_from_seq = excluded.unread_from_seq,
      unread_correction = excluded.unread_correction;
  end if;

  return chat.unread_in(me, array[conversation.id]);
end
$$;

comment on function public.mark_as_unread is
  'The other person''s messages from a number on are unread again for the caller; from the last one when the number is null or none comes after it. Never marks anything as read. Returns what is unread. The other person does not learn of it: their ticks and read_by stay. PT403 for others'' conversations, PT404 where the other has written nothing.';

create or replace function public.mark_as_delivered(conversation_ids uuid[], up_to_seqs bigint[])
  returns bigint
  volatile
  security definer                 -- writes positions, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning costs more than running
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  mine uuid[];
  moved bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if (cardinality(conversation_ids) = cardinality(up_to_seqs) and cardinality(conversation_ids) <= 1000) is not true then
    raise sqlstate 'PT400' using
      message = 'mark_as_delivered takes two lists of one length, of at most 1000 conversations.',
      detail = 'message_list',
      hint = 'Give for each conversation the number of the last message that was received. Call it again for the rest.';
  end if;

  select array_agg(c.id) into mine
  from public.user_conversations c
  where c.id = any (conversation_ids)
    and me in (c.participant_1_id, c.participant_2_id);

  perform
  from public.user_conversations c
  where c.id = any (mine)
  order by c.id
  for no key update;

  update public.user_conversations c
  set
    participant_1_delivered_seq = case me when c.participant_1_id then least(r.seq, c.last_message_seq) else c.participant_1_delivered_seq end,
    participant_2_delivered_seq = case me when c.participant_2_id then least(r.seq, c.last_message_seq) else c.participant_2_delivered_seq end
  from (
    select given.id, max(given.seq) as seq
    from unnest(conversation_ids, up_to_seqs) given (id, seq)
    where given.id = any (mine)
    group by given.id
  ) r
  where c.id = r.id
    and least(r.seq, c.last_message_seq) > case me
      when c.participant_1_id then greatest(c.participant_1_delivered_seq, c.participant_1_read_seq)
      else greatest(c.participant_2_delivered_seq, c.participant_2_read_seq)
    end
    -- While one has blocked the other, neither learns whether the other is there.
    and not exists (
      select
      from public.user_blocks b
      where b.blocker_id in (c.participant_1_id, c.participant_2_id)
        and b.blocked_id in (c.participant_1_id, c.participant_2_id)
    );
  get diagnostics moved = row_count;
  return moved;
end
$$;

comment on function public.mark_as_delivered is
  'A device of the caller has received these conversations, each up to a number, or to the last message when that is null; returns how many positions moved forward. What is read already, others'' and unknown conversations, and those with a block between the two are passed over. At most 1000, else PT400.';

create or replace function public.get_unread_total()
  returns public.unread_total
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
  total public.unread_total;
begin
  select coalesce(sum(u.unread), 0)::bigint, count(*) into total
  from public.user_conversations c
  cross join lateral (
    select case me when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end as read_seq
  ) r
  left join public.conversation_preferences p on p.conversation_id = c.id and p.user_id = me
  cross join lateral (
    select c.last_message_seq - r.read_seq + case when p.unread_at_seq = r.read_seq then p.unread_correction else 0 end as unread
  ) u
  where me in (c.participant_1_id, c.participant_2_id)
    and u.unread > 0
    and not c.is_archived
    and (p.archived_seq = c.last_message_seq) is not true
    and (p.muted_until > now()) is not true;
  return total;
end
$$;

comment on function public.get_unread_total is
  'The caller''s unread messages and the conversations that they are in, over all conversations but those archived or muted: what a badge shows.';

revoke all on function
  chat.unread_in, chat.unread_correction, chat.note_read, chat.count_taken_back, public.mark_as_read,
  public.mark_conversation_as_read, public.mark_as_unread, public.mark_as_delivered, public.get_unread_total
from public, anon, authenticated, service_role;

grant execute on function
  public.mark_as_read, public.mark_conversation_as_read, public.mark_as_unread, public.mark_as_delivered, public.get_unread_total
to authenticated;
