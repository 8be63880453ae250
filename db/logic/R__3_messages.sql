-- Messages: both people of a conversation read them, its sender writes, edits and takes back, functions do the writing.
-- Lock order, everywhere: conversations by id, then messages, then the rest.

create or replace function chat.check_message_id(id uuid)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if substr(check_message_id.id::text, 15, 1) = '7'
    and chat.uuid7_time(check_message_id.id)
      between clock_timestamp() - interval '1 day' and clock_timestamp() + interval '5 minutes'   -- a transaction may last
  then
    return check_message_id.id;
  end if;
  raise sqlstate 'PT400' using
    message = 'A message id is a UUIDv7 of this moment.',
    detail = format('%s is %s.', check_message_id.id, case
      when substr(check_message_id.id::text, 15, 1) <> '7' then 'not version 7'
      else 'of ' || chat.uuid7_time(check_message_id.id)
    end),
    hint = 'Make the id when the message is written, at most a day ago and five minutes ahead, or leave it out.';
end
$$;

comment on function chat.check_message_id(uuid) is
  'The id; PT400 unless it is version 7 and its time from one day ago to five minutes ahead: retention goes by id, so a client must not steer it.';

create or replace function chat.check_content(content text, message_type text)
  returns text
  stable
  security definer                 -- reads chat.settings, which nobody else reads
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  maximum int := (select s.max_message_length from chat.settings s);
begin
  if check_content.content is null or (check_content.message_type = 'text' and check_content.content !~ e'\\S') then
    raise sqlstate 'PT400' using
      message = 'A message needs a text.',
      hint = 'Give at least one character that is not white space; files and images may have an empty text, but not null.';
  end if;
  if char_length(check_content.content) > maximum then
    raise sqlstate 'PT413' using
      message = format('A message has at most %s characters; this one has %s.', maximum, char_length(check_content.content)),
      hint = 'Shorten it or send it in parts. The limit is chat.settings.max_message_length.';
  end if;
  return check_content.content;
end
$$;

comment on function chat.check_content(text, text) is 'The text; PT400 for an empty one, PT413 for one longer than chat.settings.max_message_length characters.';

create or replace function chat.number_message()
  returns trigger
  security definer                 -- numbers the conversation, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  moment timestamptz := clock_timestamp();
begin
  if current_setting('transaction_isolation') <> 'read committed' and current_setting('role') <> 'none' then
    perform chat.refuse_old_snapshot();                  -- the owner, who has no role, may
  end if;
  if current_setting('role', true) in ('anon', 'authenticated') and new.sender_id is distinct from auth.uid() then
    raise sqlstate 'PT403' using
      message = 'You can only send messages of your own.',
      hint = 'sender_id must be the person the token speaks for.';
  end if;
  new.id := chat.check_message_id(new.id);
  new.content := chat.check_content(new.content, new.message_type);

  -- The lock and the number in one statement. Members only, so that a stranger waits for nobody and leaves no trace.
  update public.user_conversations c
  set
    last_message_seq = c.last_message_seq + 1,
    revision = c.revision + 1,
    last_message_id = new.id,
    last_message_at = greatest(clock_timestamp(), c.last_message_at),
    updated_at = clock_timestamp(),
    is_archived = false,
    participant_1_read_seq = case when c.participant_1_id = new.sender_id then c.last_message_seq + 1 else c.participant_1_read_seq end,
    participant_2_read_seq = case when c.participant_2_id = new.sender_id then c.last_message_seq + 1 else c.participant_2_read_seq end
  where c.id = new.conversation_id
    and new.sender_id in (c.participant_1_id, c.participant_2_id)
  returning
    c.last_message_seq,
    c.revision,
    c.last_message_at,
    case new.sender_id when c.participant_1_id then c.participant_2_id else c.participant_1_id end
  into new.seq, new.revision, moment, new.recipient_id;
  if not found then
    raise sqlstate 'PT403' using
      message = 'You are not in this conversation.',
      hint = 'Open one with get_or_create_conversation; get_conversations lists yours.';
  end if;
  new.recipient_id := chat.demand_reachable(new.sender_id, new.recipient_id);

  new.sent_revision := new.revision;
  new.created_at := moment;
  new.updated_at := moment;
  new.is_edited := false;
  new.is_deleted := false;
  new.read_by := '[]';
  return new;
end
$$;

comment on function chat.number_message() is
  'Checks a new message and gives it number, revision, recipient and time under its conversation''s lock, which it keeps the last message, the sender''s read position and the revision of.';

create or replace trigger number_message
  before insert on public.user_messages
  for each row
  execute function chat.number_message();

comment on trigger number_message on public.user_messages is 'Numbers each new message, whoever inserts it.';

-- Joined to each row of a page, so it is one the planner inlines: a set, and a body bound when it is made in place of a pinned path.
create or replace function chat.reactions_of(message_id uuid)
  returns table (reactions jsonb)
  stable
  language sql
begin atomic
  select coalesce(jsonb_agg(jsonb_build_object('reaction', r.reaction, 'user_ids', r.user_ids) order by r.since), '[]')
  from (
    select x.reaction, jsonb_agg(x.user_id order by x.created_at) as user_ids, min(x.created_at) as since
    from public.message_reactions x
    where x.message_id = reactions_of.message_id
    group by x.reaction
  ) r;
end;

comment on function chat.reactions_of(uuid) is 'One row, a list: each reaction to a message with the people who gave it, the oldest first.';

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
    chat.demand_card(),
    r.reactions
  into view
  from chat.reactions_of((view_of.message).id) r;
  return view;
end
$$;

comment on function chat.view_of(public.user_messages) is 'A message of the caller''s own as its readers see it.';

create or replace function public.send_message(
  conversation_id uuid,
  content text,
  message_type text default 'text',
  id uuid default null,
  file_url text default null,
  file_name text default null,
  file_size bigint default null,
  metadata jsonb default '{}'
)
  returns public.message_view
  volatile
  security definer                 -- a client-chosen id must be compared with messages the caller may not see
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  card jsonb := chat.demand_card();
  me uuid := card ->> 'id';
  wanted_id uuid;
  view public.message_view;
begin
  if send_message.id is not null then
    wanted_id := chat.check_message_id(send_message.id);   -- before the insert: a row without a partition is refused less clearly

    -- A retry waits here for the first try and then finds it, so it takes no number; so does the same id in another conversation.
    -- Members only: a stranger waits for nobody.
    perform pg_advisory_xact_lock(hashtextextended(wanted_id::text, 0))
    from public.user_conversations c
    where c.id = send_message.conversation_id
      and me in (c.participant_1_id, c.participant_2_id)
    for no key update;

    select
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      r.reactions
    into view
    from public.user_messages m
    cross join lateral chat.reactions_of(m.id) r
    where m.id = wanted_id;
  end if;

  if view.id is null then
    -- What it returns is at hand: nobody has reacted yet. Reading it back was two fifths of a send.
    insert into public.user_messages as m (id, conversation_id, sender_id, content, message_type, file_url, file_name, file_size, metadata)
    values (
      coalesce(wanted_id, chat.uuid7()),
      send_message.conversation_id,
      me,
      send_message.content,
      coalesce(send_message.message_type, 'text'),
      send_message.file_url,
      send_message.file_name,
      send_message.file_size,
      coalesce(send_message.metadata, '{}')
    )
    returning
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      '[]'::jsonb
    into view;
  end if;

  if view.sender_id is distinct from me or view.conversation_id <> send_message.conversation_id then
    raise sqlstate 'PT409' using
      message = 'This message id is taken.',
      hint = 'Make a new UUIDv7 for each message; send the same one again only to retry the same message.';
  end if;
  return view;
end
$$;

comment on function public.send_message is
  'Sends a message and returns it. The same id again from the same sender in the same conversation returns that message as it is now and sends nothing. PT400 for an id or content that cannot be, PT403 where the caller may not write, PT409 for an id that is taken, PT413 for too long a text.';

create or replace function public.get_messages(
  conversation_id uuid,
  before_seq bigint default null,
  after_seq bigint default null,
  page_size int default 50
)
  returns setof public.message_view
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  set enable_sort = off                      -- in the order of the index, one probe a partition: a long conversation is never read whole
  set enable_bitmapscan = off
  set jit = off                              -- before 18 each of these adds 1e10 to the cost, so each call would be compiled
  language plpgsql
as $$
#variable_conflict use_column
declare
  senders jsonb;
begin
  if before_seq is not null and after_seq is not null then
    raise sqlstate 'PT400' using
      message = 'Ask for messages before a number or after one, not both.',
      hint = 'Leave out before_seq or after_seq; without either the newest page comes.';
  end if;

  select chat.senders(array[c.participant_1_id, c.participant_2_id]) into senders
  from public.user_conversations c
  where c.id = get_messages.conversation_id;

  if after_seq is null then
    return query
      select
        page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
        page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by,
        page.metadata, page.recipient_id, page.seq, page.sent_revision, page.revision,
        senders -> page.sender_id::text,
        r.reactions
      from (
        select m.*
        from public.user_messages m
        where m.conversation_id = get_messages.conversation_id
          and m.seq < coalesce(before_seq, 9223372036854775807)
        order by m.seq desc
        limit chat.page(page_size)
      ) page
      cross join lateral chat.reactions_of(page.id) r
      order by page.seq;
  else
    return query
      select
        page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
        page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by,
        page.metadata, page.recipient_id, page.seq, page.sent_revision, page.revision,
        senders -> page.sender_id::text,
        r.reactions
      from (
        select m.*
        from public.user_messages m
        where m.conversation_id = get_messages.conversation_id
          and m.seq > after_seq
        order by m.seq
        limit chat.page(page_size)
      ) page
      cross join lateral chat.reactions_of(page.id) r
      order by page.seq;
  end if;
end
$$;

comment on function public.get_messages is
  'A page of a conversation by number, ascending: the newest, or what comes just before or just after a number. Deleted messages are there, blanked. Nothing for whom it does not concern.';

create or replace function public.get_changes(conversation_id uuid, after_revision bigint, page_size int default 200)
  returns setof public.message_view
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  set enable_sort = off                      -- in the order of the index, one probe a partition: a long conversation is never read whole
  set enable_bitmapscan = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  senders jsonb;
begin
  if after_revision is null then
    raise sqlstate 'PT400' using
      message = 'get_changes needs the revision you have.',
      hint = 'Give after_revision: 0 for all, else the highest revision among your messages.';
  end if;

  select chat.senders(array[c.participant_1_id, c.participant_2_id]) into senders
  from public.user_conversations c
  where c.id = get_changes.conversation_id;

  return query
    select
      page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
      page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by, page.metadata,
      page.recipient_id, page.seq, page.sent_revision, page.revision,
      senders -> page.sender_id::text,
      r.reactions
    from (
      select m.*
      from public.user_messages m
      where m.conversation_id = get_changes.conversation_id
        and m.revision > after_revision
      order by m.revision
      limit chat.page(page_size)
    ) page
    cross join lateral chat.reactions_of(page.id) r
    order by page.revision;
end
$$;

comment on function public.get_changes is
  'What was sent, edited, deleted or reacted to in a conversation after a revision, as it is now, by revision. Does not tell of reads, nor of what retention has dropped.';

create or replace function chat.changed_messages(conversation_id uuid, after_revision bigint, page_size int)
  returns table (id uuid, revision bigint, sent_revision bigint, at timestamptz, record text)
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'                       -- a record reads as in the change log
  set plan_cache_mode = force_generic_plan   -- as get_changes
  set enable_sort = off
  set enable_bitmapscan = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
begin
  return query
    select m.id, m.revision, m.sent_revision, m.updated_at, row_to_json(m)::text
    from (
      select
        x.id, x.conversation_id, x.sender_id, x.content, x.message_type, x.file_url, x.file_name, x.file_size,
        x.created_at, x.updated_at, x.is_edited, x.is_deleted, x.read_by, x.metadata, x.recipient_id, x.seq,
        x.sent_revision, x.revision
      from public.user_messages x
      where x.conversation_id = changed_messages.conversation_id
        and x.revision > after_revision
      order by x.revision
      limit chat.page(page_size)
    ) m
    order by m.revision;
end
$$;

comment on function chat.changed_messages is
  'As get_changes, for those who resume a subscription: the rows alone, as the change log writes them.';

create or replace function chat.own_message(message_id uuid)
  returns public.user_messages
  volatile
  security definer                 -- locks the conversation, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
  message public.user_messages;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  perform
  from public.user_conversations c
  where c.id = (select m.conversation_id from public.user_messages m where m.id = own_message.message_id and m.sender_id = me)
  for no key update;

  select m.* into message
  from public.user_messages m
  where m.id = own_message.message_id
    and m.sender_id = me;
  if not found then
    raise sqlstate 'PT404' using
      message = 'You have sent no such message.',
      hint = 'Only its sender can change a message.';
  end if;
  return message;
end
$$;

comment on function chat.own_message(uuid) is 'A message the caller has sent, its conversation locked; PT404 when there is none.';

create or replace function public.edit_message(message_id uuid, content text)
  returns public.message_view
  volatile
  security definer                 -- nobody is granted to update a message
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  message public.user_messages := chat.own_message(edit_message.message_id);
begin
  if message.is_deleted then
    raise sqlstate 'PT409' using
      message = 'A deleted message cannot be edited.',
      hint = 'Send a new one.';
  end if;
  perform chat.demand_reachable(message.sender_id, message.recipient_id);
  perform chat.check_content(edit_message.content, message.message_type);

  if message.content <> edit_message.content then
    insert into public.message_edits (message_id, sender_id, content)
    values (message.id, message.sender_id, message.content);

    update public.user_messages m
    set
      content = edit_message.content,
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
  'Gives a message of the caller''s a new text and returns it; the old one is kept for its sender. The same text again changes nothing. PT404 for others'' messages, PT409 for a deleted one.';

create or replace function public.delete_message(message_id uuid)
  returns public.message_view
  volatile
  security definer                 -- nobody is granted to update a message
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  message public.user_messages := chat.own_message(delete_message.message_id);
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
  end if;
  return chat.view_of(message);
end
$$;

comment on function public.delete_message is
  'Takes back a message of the caller''s: blanks it, its earlier texts and its reactions; the number stays. Again changes nothing. PT404 for others'' messages.';

create or replace function chat.next_revision(conversation_id uuid)
  returns bigint
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  update public.user_conversations c
  set revision = c.revision + 1, updated_at = clock_timestamp()
  where c.id = next_revision.conversation_id
  returning c.revision
$$;

comment on function chat.next_revision(uuid) is 'Takes the next revision of a conversation, whose lock the caller holds: one for each changed message.';

create or replace function public.mark_as_read(message_ids uuid[])
  returns bigint
  volatile
  security definer                 -- writes read_by and read positions, which nobody is granted to update
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
  conversation_ids uuid[];
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if message_ids is null or cardinality(message_ids) > 1000 then
    raise sqlstate 'PT400' using
      message = 'mark_as_read takes a list of at most 1000 messages.',
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
  me uuid := chat.demand_me();
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

-- A search has three ways, each for what the one before it did not find; the first two give up in time, so a rare word costs
-- little more than the third alone, which reads whatever the index has of a person's words.
create or replace function chat.newest_matches(words tsquery, me uuid, conversation_id uuid, before_id uuid, page_size int)
  returns public.user_messages[]
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- as get_messages
  set enable_sort = off                      -- in the order of the key, so it can stop at any row
  set enable_bitmapscan = off
  set enable_seqscan = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  -- Bounds, so that other months are not even opened.
  newest uuid := coalesce(newest_matches.before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  oldest uuid := chat.uuid7_floor(least(chat.uuid7_time(newest_matches.before_id), now()) - interval '31 days');
  message public.user_messages;
  matches public.user_messages[] := '{}';
  effort int := 4000;                        -- bytes of text to look into before the first match
begin
  for message in
    select newest.*
    from (
      select m.*
      from public.user_messages m
      where m.id between oldest and newest
        and (m.id < newest_matches.before_id) is not false
      order by m.id desc
      limit 50 * newest_matches.page_size    -- whoever's: who wrote less than every fiftieth or so is found by the index
    ) newest
    where newest_matches.me in (newest.sender_id, newest.recipient_id)
      and not newest.is_deleted
      and (newest.conversation_id = newest_matches.conversation_id) is not false
    order by newest.id desc
  loop
    effort := effort - 100 - octet_length(message.content);
    exit when effort < 0;
    if chat.search_terms(message.content, message.sender_id, message.recipient_id) @@ newest_matches.words then
      matches := matches || message;
      if cardinality(matches) = newest_matches.page_size then
        return matches;
      end if;
      effort := effort + 2000;
    end if;
  end loop;
  return null;
end
$$;

comment on function chat.newest_matches(tsquery, uuid, uuid, uuid, int) is
  'A page of search_messages in the order of the key, whoever the messages are of: for a common word of somebody who writes much. Null when so many rows, or so much text, did not fill it.';

create or replace function chat.matches_by_month(words tsquery, me uuid, conversation_id uuid, before_id uuid, page_size int)
  returns public.user_messages[]
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- as get_messages
  set enable_seqscan = off                   -- as search_messages
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  newest timestamptz := least(chat.uuid7_time(matches_by_month.before_id), now() + interval '5 minutes');   -- as chat.check_message_id
  month timestamp := date_trunc('month', newest at time zone 'UTC');
  next_month timestamp := month + interval '1 month';
  first_id uuid;
  next_first_id uuid := chat.uuid7_floor(next_month at time zone 'UTC');
  partition text;
  reach interval;
  more uuid[];
  ids uuid[] := '{}';
  newest_id uuid;
begin
  -- Also the lock that keeps the partitions from being dropped or detached until this ends.
  if exists (
    select
    from public.user_messages m
    where m.id >= next_first_id
      and m.id <= coalesce(matches_by_month.before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  then
    return null;                             -- of the future: nobody's clock but a DBA's hand
  end if;
  loop
    partition := 'chat.user_messages_' || to_char(month, 'YYYY_MM');
    first_id := chat.uuid7_floor(month at time zone 'UTC');
    if not exists (
      select
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.user_messages'::regclass
        and i.inhrelid = to_regclass(partition)
        and not i.inhdetachpending
        and c.relkind = 'r'
        and pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (%L) TO (%L)', first_id, next_first_id))
    then
      return null;                           -- before the first message, or not a partition as we make them
    end if;
    -- Of one partition, so that no bound stands in the statement which another index could serve; planned anew, at 0.1 ms.
    execute format(
      'with hits as materialized (
         select m.id
         from %s m
         where chat.search_terms(m.content, m.sender_id, m.recipient_id) @@ $1
           and $2 in (m.sender_id, m.recipient_id)
           and not m.is_deleted
           and (m.conversation_id = $3) is not false
           and (m.id < $4) is not false
       )
       select array(select hits.id from hits order by hits.id desc limit $5)', partition)
    using
      matches_by_month.words, matches_by_month.me, matches_by_month.conversation_id, matches_by_month.before_id,
      matches_by_month.page_size - cardinality(ids)
    into more;
    ids := ids || more;
    if cardinality(ids) = matches_by_month.page_size then
      newest_id := ids[1];
      return array(
        select m.message
        from unnest(ids) with ordinality hit(id, place)
        cross join lateral (
          select m as message
          from public.user_messages m
          where m.id = hit.id
            and m.id between first_id and newest_id   -- so that other months are not even opened
          limit 1
        ) m
        order by hit.place);
    end if;
    -- At this pace, would it take more than half a year? Then all at once is cheaper.
    reach := newest - month at time zone 'UTC';
    exit when reach > interval '45 days'
      and reach * matches_by_month.page_size > interval '200 days' * cardinality(ids);
    next_first_id := first_id;
    month := month - interval '1 month';
  end loop;
  return null;
end
$$;

comment on function chat.matches_by_month(tsquery, uuid, uuid, uuid, int) is
  'A page of search_messages by the index, the newest months one by one: what somebody wrote in years does not matter. Null when it would take more than some months.';

create or replace function public.search_messages(
  query text,
  conversation_id uuid default null,
  before_id uuid default null,
  page_size int default 20
)
  returns setof public.message_match
  stable
  security definer                 -- under row-level security @@ may not use the index (it is not leakproof); asks for both people itself
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off                   -- a partition nobody has analysed yet would be read whole
  set jit = off                              -- as get_messages
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  language plpgsql
as $$
#variable_conflict use_column
declare
  me uuid := chat.demand_me();
  words tsquery;
  mine tsquery;
  matches public.user_messages[];
begin
  if char_length(search_messages.query) > 1000 then   -- a query of very many words overflows the stack
    raise sqlstate 'PT413' using
      message = 'A search has at most 1000 characters.',
      hint = 'Leave out some of the words.';
  end if;
  words := plainto_tsquery('pg_catalog.simple', lower(translate(search_messages.query, '<>', '  ')));   -- as chat.search_terms
  mine := words && quote_literal(me)::tsquery;
  if coalesce(numnode(words), 0) = 0 then
    raise sqlstate 'PT400' using
      message = 'A search needs a word.',
      hint = 'Give at least one whole word; all words must be in the message.';
  end if;

  page_size := chat.page(page_size);
  matches := chat.newest_matches(mine, me, conversation_id, before_id, page_size);
  if matches is null then
    matches := chat.matches_by_month(mine, me, conversation_id, before_id, page_size);
  end if;
  if matches is null then
    with hits as materialized (
      select m.*
      from public.user_messages m
      where chat.search_terms(m.content, m.sender_id, m.recipient_id) @@ mine
        and me in (m.sender_id, m.recipient_id)   -- the index narrows; somebody may write another's id into a text
        and not m.is_deleted
        and (search_messages.conversation_id is null or m.conversation_id = search_messages.conversation_id)
        and (before_id is null or m.id < before_id)
    )
    select array(
      select row(newest.*)::public.user_messages
      from (
        select hits.*
        from hits
        order by hits.id desc
        limit page_size
      ) newest
      order by newest.id desc
    ) into matches;
  end if;
  if matches = '{}' then
    return;
  end if;

  return query
    with page as materialized (
      select page.*
      from unnest(matches) page
    ),
    names as materialized (
      select chat.senders(array(select distinct page.sender_id from page)) as senders
    )
    select
      page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
      page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by, page.metadata,
      page.recipient_id, page.seq, page.sent_revision, page.revision,
      names.senders -> page.sender_id::text,
      r.reactions,
      -- A headline leaves out what looks like a tag, so '<' passes it as U+0001.
      translate(
        ts_headline('pg_catalog.simple', translate(page.content, e'<\uE000\uE001\u0001', e'\u0001'), words,
          e'StartSel=\uE000,StopSel=\uE001,MaxWords=30,MinWords=10'),
        e'\u0001', '<')
    from page
    cross join names
    cross join lateral chat.reactions_of(page.id) r
    order by page.id desc;
end
$$;

comment on function public.search_messages is
  'The caller''s messages, sent and received, that contain all words of the query (whole words, any case), newest first; the next page: before_id = id of the last row. headline is plain text with each hit between U+E000 and U+E001. PT400 without a word, PT413 for more than 1000 characters.';

-- Policies.

drop policy if exists "Only active people use the chat" on public.user_messages;
create policy "Only active people use the chat" on public.user_messages
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

drop policy if exists "Users can view messages in their conversations" on public.user_messages;
create policy "Users can view messages in their conversations" on public.user_messages
  for select
  to authenticated
  using ((select auth.uid()) in (sender_id, recipient_id));

-- That both are in the conversation is the numbering trigger's to demand; it has run before this check.
drop policy if exists "Users can send messages to their conversations" on public.user_messages;
create policy "Users can send messages to their conversations" on public.user_messages
  for insert
  to authenticated
  with check (sender_id = (select auth.uid()));

drop policy if exists "The service can view messages" on public.user_messages;
create policy "The service can view messages" on public.user_messages
  for select
  to service_role
  using ((select chat.claims_hold()));

drop policy if exists "The service can send messages for people" on public.user_messages;
create policy "The service can send messages for people" on public.user_messages
  for insert
  to service_role
  with check ((select chat.claims_hold()));

-- No update or delete for anybody: functions lock the conversation first, and a message is blanked, so the numbering keeps its meaning.

comment on policy "Only active people use the chat" on public.user_messages is 'Cuts across the others: who is not active reads and sends nothing.';
comment on policy "Users can view messages in their conversations" on public.user_messages is 'Both people of the conversation, also after one has left the team.';
comment on policy "Users can send messages to their conversations" on public.user_messages is 'As oneself; the trigger number_message demands the rest.';
comment on policy "The service can view messages" on public.user_messages is 'Back ends see all.';
comment on policy "The service can send messages for people" on public.user_messages is 'Back ends write for a participant; the trigger number_message demands that it is one.';

drop policy if exists "Only active people use the chat" on public.message_edits;
create policy "Only active people use the chat" on public.message_edits
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

drop policy if exists "Users can view earlier texts of their messages" on public.message_edits;
create policy "Users can view earlier texts of their messages" on public.message_edits
  for select
  to authenticated
  using (sender_id = (select auth.uid()));

drop policy if exists "The service can view earlier texts" on public.message_edits;
create policy "The service can view earlier texts" on public.message_edits
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "Only active people use the chat" on public.message_edits is 'Cuts across the others: who is not active reads nothing.';
comment on policy "Users can view earlier texts of their messages" on public.message_edits is 'The sender alone.';
comment on policy "The service can view earlier texts" on public.message_edits is 'Back ends see all.';

-- The id is not granted: chosen in a plain insert, it could take a number and then lose to the same id elsewhere.
revoke all on table public.user_messages, public.message_edits from public, anon, authenticated, service_role;
grant select on table public.user_messages, public.message_edits to authenticated, service_role;
grant insert (conversation_id, sender_id, content, message_type, file_url, file_name, file_size, metadata)
  on table public.user_messages to authenticated, service_role;

revoke all on function
  chat.check_message_id, chat.check_content, chat.number_message, chat.reactions_of, chat.view_of, chat.changed_messages, chat.own_message,
  chat.next_revision, chat.unread_in, chat.newest_matches, chat.matches_by_month, public.send_message, public.get_messages,
  public.get_changes, public.edit_message, public.delete_message, public.mark_as_read, public.mark_conversation_as_read,
  public.search_messages
from public, anon, authenticated, service_role;

grant execute on function chat.reactions_of, chat.changed_messages to authenticated, service_role;
grant execute on function public.get_messages, public.get_changes to authenticated, service_role;
grant execute on function
  public.send_message, public.edit_message, public.delete_message, public.mark_as_read, public.mark_conversation_as_read,
  public.search_messages
to authenticated;
