-- The history of another chat is brought over: an operator copies it into chat.imported_messages and calls chat.import_messages.
-- It can be stopped and called again at any time: what was imported is not imported again.

create or replace function chat.import_problem(message chat.imported_messages)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  days int := (select s.retention_days from chat.settings s);
  type text := coalesce(message.message_type, 'text');
  missing uuid;
begin
  if message.sender_id is null or message.recipient_id is null or message.sender_id = message.recipient_id then
    return 'A message is between two different people: give sender_id and recipient_id.';
  end if;
  select p.id into missing
  from unnest(array[message.sender_id, message.recipient_id]) p (id)
  where not exists (select from public.users u where u.id = p.id);
  if found then
    return format('There is no person %s in public.users: add them, or give the id that they have here.', missing);
  end if;
  if not exists (
      select
      from public.users a
      join public.users b on b.team_id = a.team_id
      where a.id = message.sender_id
        and b.id = message.recipient_id
    )
    and not exists (
      select
      from public.user_conversations c
      where c.participant_1_id = message.participant_1_id
        and c.participant_2_id = message.participant_2_id
    )
  then
    return 'The two people are not of one team: are they the right ones? Else put both into one team first.';
  end if;
  if message.sent_at is null or message.sent_at not between '2000-01-01 00:00:00+00' and clock_timestamp() then
    return 'sent_at must be between the year 2000 and now: were seconds read as milliseconds, or the other way round?';
  end if;
  if message.sent_at < now() - days * interval '1 day' then
    return format('Retention would drop it at once, as it is older than %s days: raise chat.settings.retention_days, or leave it out.', days);
  end if;
  if type not in ('text', 'file', 'image') then
    return 'message_type is ''text'', ''file'' or ''image''.';
  end if;
  if message.content is null or (type = 'text' and chat.is_invisible(chat.clean_text(message.content))) then
    return 'A message needs a text: give at least one character that can be seen, or leave it out; a file may have an empty one.';
  end if;
  if char_length(message.content) > 100000 then
    return 'A text has at most 100000 characters: split it into two rows.';
  end if;
  if type = 'text' and num_nonnulls(message.file_url, message.file_name, message.file_size) > 0 then
    return 'A message with a file has the message_type ''file'' or ''image''.';
  end if;
  if type <> 'text' and (chat.clean_address(message.file_url) !~* e'^https?://[^\\s]+$' or char_length(message.file_url) > 2048) is not false then
    return 'A file needs file_url, an http or https address of at most 2048 characters.';
  end if;
  if char_length(chat.clean_file_name(message.file_name)) not between 1 and 255 or message.file_size < 0 then
    return 'file_name has 1 to 255 characters, and file_size is not negative; null where they are not known.';
  end if;
  if jsonb_typeof(message.metadata) <> 'object' or octet_length(message.metadata::text) > 12000 then
    return 'metadata is an object of at most 12000 bytes.';
  end if;
  if jsonb_typeof(message.reactions) <> 'array' or exists (
    select
    from jsonb_array_elements(case jsonb_typeof(message.reactions) when 'array' then message.reactions else '[]' end) r
    where (
      r ->> 'user_id' in (message.sender_id::text, message.recipient_id::text)
      and chat.canonical_reaction(r ->> 'reaction') is not null
    ) is not true
  ) then
    return 'reactions is a list of {"user_id": one of the two people, "reaction": an emoji, or a name in colons of at most 30 letters}.';
  end if;
  return null;
end
$$;

comment on function chat.import_problem(chat.imported_messages) is
  'Why a row cannot be imported, and what to do; null when it can. The limits are those of the tables: chat.settings.max_message_length holds for new messages.';

create or replace function chat.ensure_import_partitions(months date[])
  returns int
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  oldest timestamptz;
begin
  select min(chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM [(]''([0-9a-f-]+)''[)]')::uuid)) into oldest
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.user_messages'::regclass;
  -- Months that were dropped stay dropped: where a conversation is older than what is kept, its numbers begin there.
  update chat.settings s
  set messages_kept_from = greatest(s.messages_kept_from, oldest)
  where (select min(m) from unnest(months) m) < oldest
    and exists (select from public.user_conversations c where c.created_at < oldest)
    and s.messages_kept_from is distinct from greatest(s.messages_kept_from, oldest);
  return chat.create_message_partitions(months);
end
$$;

comment on function chat.ensure_import_partitions(date[]) is
  'Makes the partitions of old months, and remembers from when on nothing was dropped, which check_invariants asks.';

create or replace function chat.import_step(source text, max_rows int default 1000)
  returns text
  volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off         -- the change log is never analysed, and the rows that wait change all the time
  set jit = off
  language plpgsql
as $$
declare
  pair record;
  lines bigint[];
  refused bigint;
  first_at timestamptz;
  first_sender uuid;
  months date[];
  before public.user_conversations;
  after public.user_conversations;
  base bigint;
  moved bigint;
  made bigint;
  read_1 bigint;
  read_2 bigint;
  delivered_1 bigint;
  delivered_2 bigint;
  marked_1 uuid;                             -- the first message that a participant has marked as unread
  marked_2 uuid;
begin
  if import_step.source is null or max_rows is null or max_rows not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'import_step takes a source and 1 to 10000 rows.',
      detail = 'import',
      hint = 'The source is that of the rows in chat.imported_messages; 1000 rows are a good step.';
  end if;

  -- The next conversation, and its oldest rows that wait.
  select i.participant_1_id, i.participant_2_id into pair
  from chat.imported_messages i
  where i.source = import_step.source
    and i.message_id is null
    and i.problem is null
  order by i.participant_1_id, i.participant_2_id, i.sent_at, i.line
  limit 1;
  if not found then
    return null;
  end if;
  lines := array(
    select i.line
    from chat.imported_messages i
    where i.source = import_step.source
      and (i.participant_1_id = pair.participant_1_id or (i.participant_1_id is null and pair.participant_1_id is null))
      and (i.participant_2_id = pair.participant_2_id or (i.participant_2_id is null and pair.participant_2_id is null))
      and i.message_id is null
      and i.problem is null
    order by i.sent_at, i.line
    limit max_rows
    for update);

  update chat.imported_messages i
  set problem = chat.import_problem(i)
  where i.line = any (lines)
    and chat.import_problem(i) is not null;
  get diagnostics refused = row_count;
  lines := array(
    select i.line
    from chat.imported_messages i
    where i.line = any (lines)
      and i.problem is null
      and i.message_id is null
    order by i.sent_at, i.line);
  if cardinality(lines) = 0 then
    return format('refused %s', refused);
  end if;

  -- Months that are missing are a step of their own, since what people write waits for it.
  months := array(
    select distinct date_trunc('month', i.sent_at at time zone 'UTC')::date as month
    from chat.imported_messages i
    where i.line = any (lines)
      and to_regclass('chat.user_messages_' || to_char(i.sent_at at time zone 'UTC', 'YYYY_MM')) is null
    order by month);
  if cardinality(months) > 0 then
    return format('partitions %s', chat.ensure_import_partitions(months));
  end if;

  select i.sent_at, i.sender_id into first_at, first_sender
  from chat.imported_messages i
  where i.line = lines[1];
  insert into public.user_conversations (participant_1_id, participant_2_id, created_at, created_by)
  values (pair.participant_1_id, pair.participant_2_id, first_at, first_sender)
  on conflict (participant_1_id, participant_2_id) do nothing;
  select c.* into before
  from public.user_conversations c
  where c.participant_1_id = pair.participant_1_id
    and c.participant_2_id = pair.participant_2_id
  for no key update;

  -- Later number, later time: what is there and came later moves behind. It changes by that, so it gets revisions anew, and a
  -- client that asks for changes sees all of it.
  base := coalesce(
    (select min(m.seq) - 1 from public.user_messages m where m.conversation_id = before.id and m.created_at > first_at),
    before.last_message_seq);

  select
    max(m.id::text) filter (where p.user_id = before.participant_1_id and p.unread_at_seq = before.participant_1_read_seq),
    max(m.id::text) filter (where p.user_id = before.participant_2_id and p.unread_at_seq = before.participant_2_read_seq)
  into marked_1, marked_2
  from public.conversation_preferences p
  join public.user_messages m on m.conversation_id = p.conversation_id and m.seq = p.unread_from_seq
  where p.conversation_id = before.id;

  with merged as materialized (
    select m.id, null::bigint as line, m.seq as old_seq, m.created_at as at
    from public.user_messages m
    where m.conversation_id = before.id
      and m.seq > base
    union all
    select
      (left(chat.uuid7_floor(i.sent_at)::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid,
      i.line,
      null,
      i.sent_at
    from chat.imported_messages i
    where i.line = any (lines)
  ),
  numbered as materialized (
    select n.*, row_number() over (order by n.at, n.old_seq, n.line) as place
    from merged n
  ),
  renumbered as (
    update public.user_messages m
    set seq = base + n.place, sent_revision = before.revision + n.place, revision = before.revision + n.place
    from numbered n
    where m.id = n.id
      and n.line is null
    returning m.id
  ),
  stored as (
    -- With a number, so the trigger number_message, which asks who may write now, stands aside.
    insert into public.user_messages (
      id, conversation_id, sender_id, recipient_id, content, message_type, file_url, file_name, file_size, created_at, updated_at,
      read_by, metadata, seq, sent_revision, revision)
    select
      n.id, before.id, i.sender_id, i.recipient_id, chat.clean_text(i.content), coalesce(i.message_type, 'text'),
      chat.clean_address(i.file_url), chat.clean_file_name(i.file_name), i.file_size,
      i.sent_at, greatest(i.sent_at, i.edited_at),
      case when i.is_read is false then '[]' else jsonb_build_array(i.recipient_id) end,
      coalesce(i.metadata, '{}') || jsonb_build_object('imported',
        jsonb_strip_nulls(jsonb_build_object('source', i.source, 'id', i.source_id, 'edited_at', i.edited_at))),
      base + n.place, before.revision + n.place, before.revision + n.place
    from numbered n
    join chat.imported_messages i on i.line = n.line
    returning id
  ),
  recorded as (
    update chat.imported_messages i
    set message_id = n.id
    from numbered n
    where i.line = n.line
    returning i.line
  )
  select
    (select count(*) from renumbered),
    (select count(*) from stored),
    greatest(
      before.participant_1_read_seq,
      max(base + n.place) filter (where n.old_seq = before.participant_1_read_seq),
      max(base + n.place) filter (where i.sender_id = before.participant_1_id or (i.recipient_id = before.participant_1_id and i.is_read is not false))),
    greatest(
      before.participant_2_read_seq,
      max(base + n.place) filter (where n.old_seq = before.participant_2_read_seq),
      max(base + n.place) filter (where i.sender_id = before.participant_2_id or (i.recipient_id = before.participant_2_id and i.is_read is not false))),
    greatest(
      before.participant_1_delivered_seq,
      max(base + n.place) filter (where n.old_seq = before.participant_1_delivered_seq)),
    greatest(
      before.participant_2_delivered_seq,
      max(base + n.place) filter (where n.old_seq = before.participant_2_delivered_seq))
  into moved, made, read_1, read_2, delivered_1, delivered_2
  from numbered n
  left join chat.imported_messages i on i.line = n.line;

  update public.conversation_preferences p
  set archived_seq = p.archived_seq + made
  where p.conversation_id = before.id
    and p.archived_seq > base;
  update public.user_conversations c
  set
    created_at = least(c.created_at, first_at),
    updated_at = clock_timestamp(),
    last_message_seq = m.seq,
    last_message_id = m.id,
    last_message_at = m.created_at,
    revision = c.revision + moved + made,
    participant_1_read_seq = read_1,
    participant_2_read_seq = read_2,
    participant_1_delivered_seq = delivered_1,
    participant_2_delivered_seq = delivered_2
  from (
    select x.id, x.seq, x.created_at
    from public.user_messages x
    where x.conversation_id = before.id
    order by x.seq desc
    limit 1
  ) m
  where c.id = before.id
  returning c.* into after;

  -- By other numbers, so what was taken back unread is counted anew. A mark as unread stays at its message.
  update public.conversation_preferences p
  set
    unread_at_seq = r.read_seq,
    unread_from_seq = marked.seq,
    unread_correction = chat.unread_correction(before.id, p.user_id, r.read_seq, marked.seq)
  from (
    values
      (before.participant_1_id, before.participant_1_read_seq, after.participant_1_read_seq, marked_1),
      (before.participant_2_id, before.participant_2_read_seq, after.participant_2_read_seq, marked_2)
  ) r (person, former_read_seq, read_seq, marked_id)
  left join public.user_messages marked on marked.id = r.marked_id
  where p.conversation_id = before.id
    and p.user_id = r.person
    and p.unread_at_seq = r.former_read_seq;

  insert into public.message_reactions (message_id, user_id, reaction, created_at, conversation_id, sender_id, recipient_id)
  select i.message_id, (r ->> 'user_id')::uuid, chat.canonical_reaction(r ->> 'reaction'), i.sent_at, before.id, i.sender_id, i.recipient_id
  from chat.imported_messages i
  cross join jsonb_array_elements(i.reactions) r
  where i.line = any (lines)
  on conflict on constraint unique_user_message_reaction do nothing;

  -- Nobody is told message by message. The log's rows were never seen by anybody, and in their place stands one for the conversation.
  delete from relay.change_log l
  where l.xid = pg_current_xact_id();
  if not exists (
    select
    from chat.imported_messages i
    where i.source = import_step.source
      and i.participant_1_id = pair.participant_1_id
      and i.participant_2_id = pair.participant_2_id
      and i.message_id is null
      and i.problem is null
  ) then
    insert into relay.change_log (table_name, operation, audience, record, old_record)
    values (
      'user_conversations',
      'UPDATE',
      array[after.participant_1_id, after.participant_2_id],
      row_to_json(relay.published_conversation(after))::text,
      row_to_json(relay.published_conversation(before))::text);
    perform relay.notify_relays();
  end if;
  perform chat.audit('import messages',
    jsonb_build_object('source', import_step.source, 'conversation', before.id, 'messages', made));
  return format('imported %s', made);
end
$$;

comment on function chat.import_step(text, int) is
  'One short step of chat.import_messages: ''imported'', ''refused'' some rows or made ''partitions''; null when nothing waits. Each step is a transaction.';

create or replace procedure chat.import_messages(source text, max_rows int default 1000)
  language plpgsql
as $$
declare
  done pg_catalog.text;            -- types by their schema: the path is not set yet
  imported pg_catalog.int8;
  refused pg_catalog.int8;
begin
  -- A procedure that commits may not pin its path, and a local one ends with each transaction: set at the head and after each commit.
  set local search_path = pg_catalog, pg_temp;
  imported := 0;
  loop
    done := chat.import_step(source, max_rows);
    commit;
    set local search_path = pg_catalog, pg_temp;
    exit when done is null;
    if done like 'imported %' then
      imported := imported + substr(done, 10)::bigint;
    end if;
  end loop;
  refused := (
    select count(*)
    from chat.imported_messages i
    where i.source = import_messages.source
      and i.problem is not null
  );
  raise notice 'imported % messages; % rows could not be: select problem, count(*) from chat.imported_messages where problem is not null group by problem', imported, refused;
end
$$;

comment on procedure chat.import_messages(text, int) is
  'Imports what waits of a source in chat.imported_messages, with its own times, some messages a transaction; may be ended and called again. Rows that cannot be imported say why. To be called by the owner, outside a transaction.';

revoke all on table chat.imported_messages from public, anon, authenticated, service_role, chat_relay;
revoke all on sequence chat.imported_messages_line_seq from public, anon, authenticated, service_role, chat_relay;
revoke all on function
  chat.import_problem, chat.ensure_import_partitions, chat.import_step
from public, anon, authenticated, service_role;

revoke all on procedure chat.import_messages from public, anon, authenticated, service_role;
