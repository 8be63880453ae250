-- The change log: statement triggers write it, relays read it by these functions. Nobody else reaches it.

create or replace function relay.ring()
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  -- Four bells, each an advisory lock that a sleeping relay holds exclusively. Who can share all four knows that every relay
  -- is polling. Not a table: under an old snapshot (REPEATABLE READ) a row lies, a lock does not.
  for slot in 0..3 loop
    if not pg_try_advisory_xact_lock_shared(1667785076, slot) then
      perform pg_notify('gptdesk_chat', '');
      return true;
    end if;
  end loop;
  return false;
end
$$;

comment on function relay.ring() is 'Wakes sleeping relays at commit; costs no NOTIFY while all are awake. To be called after the row is in the log. 1667785076 is ''chat'' in ASCII.';

-- A row as clients are told of it, by the columns of relay.published_<table>: what a DBA adds to a table for their own use stays there. Each is
-- one expression, which the planner puts in the place of the call.

create or replace function relay.published_message(message public.user_messages)
  returns relay.published_user_messages
  immutable
  language sql
return row(
  message.id, message.conversation_id, message.sender_id, message.content, message.message_type, message.file_url,
  message.file_name, message.file_size, message.created_at, message.updated_at, message.is_edited,
  message.is_deleted, message.read_by, message.metadata, message.recipient_id, message.seq, message.sent_revision,
  message.revision
)::relay.published_user_messages;

comment on function relay.published_message(public.user_messages) is 'A row of public.user_messages as clients are told of it.';

create or replace function relay.published_conversation(conversation public.user_conversations)
  returns relay.published_user_conversations
  immutable
  language sql
return row(
  conversation.id, conversation.participant_1_id, conversation.participant_2_id, conversation.created_at,
  conversation.updated_at, conversation.last_message_at, conversation.last_message_id, conversation.is_archived,
  conversation.created_by, conversation.last_message_seq, conversation.revision, conversation.participant_1_read_seq,
  conversation.participant_2_read_seq
)::relay.published_user_conversations;

comment on function relay.published_conversation(public.user_conversations) is 'A row of public.user_conversations as clients are told of it.';

create or replace function relay.published_reaction(reaction public.message_reactions)
  returns relay.published_message_reactions
  immutable
  language sql
return row(
  reaction.id, reaction.message_id, reaction.user_id, reaction.reaction, reaction.created_at,
  reaction.conversation_id, reaction.sender_id, reaction.recipient_id
)::relay.published_message_reactions;

comment on function relay.published_reaction(public.message_reactions) is 'A row of public.message_reactions as clients are told of it.';

create or replace function relay.published_preference(preference public.conversation_preferences)
  returns relay.published_conversation_preferences
  immutable
  language sql
return row(
  preference.conversation_id, preference.user_id, preference.archived_at, preference.archived_seq,
  preference.muted_until
)::relay.published_conversation_preferences;

comment on function relay.published_preference(public.conversation_preferences) is 'A row of public.conversation_preferences as clients are told of it.';

create or replace function relay.published_block(block public.user_blocks)
  returns relay.published_user_blocks
  immutable
  language sql
return row(
  block.blocker_id, block.blocked_id, block.created_at
)::relay.published_user_blocks;

comment on function relay.published_block(public.user_blocks) is 'A row of public.user_blocks as clients are told of it.';

create or replace function relay.record_message()
  returns trigger
  security definer                 -- writes the log, which nobody is granted
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set enable_nestloop = off        -- a plan from smaller statements would take the square of a larger one
  set jit = off
  language plpgsql
as $$
declare
  rang boolean;
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, scopes, record)
    -- Not relay.published_message(new): NEW is a partition's row, which would be made one of the table's anew for each column.
    values ('user_messages', 'INSERT', array[new.sender_id, new.recipient_id], row_to_json(row(
      new.id, new.conversation_id, new.sender_id, new.content, new.message_type, new.file_url, new.file_name,
      new.file_size, new.created_at, new.updated_at, new.is_edited, new.is_deleted, new.read_by, new.metadata,
      new.recipient_id, new.seq, new.sent_revision, new.revision
    )::relay.published_user_messages)::text);
  elsif tg_op = 'UPDATE' then
    -- Not for read_by alone: the read position says it, and once for the whole conversation. By revision, so by the statement.
    insert into relay.change_log (table_name, operation, scopes, record, old_record)
    select
      'user_messages',
      'UPDATE',
      case when (n.sender_id, n.recipient_id) is distinct from (o.sender_id, o.recipient_id)
        then array[n.sender_id, n.recipient_id, o.sender_id, o.recipient_id]
        else array[n.sender_id, n.recipient_id]
      end,
      row_to_json(relay.published_message(n))::text,
      row_to_json(relay.published_message(o))::text
    from new_rows n
    join old_rows o on o.id = n.id
    where (n.sender_id, n.recipient_id, n.revision, n.content, n.message_type, n.file_url, n.file_name, n.file_size, n.is_edited, n.is_deleted, n.metadata, n.updated_at)
      is distinct from (o.sender_id, o.recipient_id, o.revision, o.content, o.message_type, o.file_url, o.file_name, o.file_size, o.is_edited, o.is_deleted, o.metadata, o.updated_at)
    order by n.conversation_id, n.revision;
  else
    insert into relay.change_log (table_name, operation, scopes, old_record)
    select 'user_messages', 'DELETE', array[o.sender_id, o.recipient_id], row_to_json(relay.published_message(o))::text
    from old_rows o;
  end if;
  if found then
    rang := relay.ring();            -- an assignment costs a fifth of a PERFORM
  end if;
  return null;
end
$$;

comment on function relay.record_message() is 'Logs messages for their two people.';

create or replace function relay.record_conversation()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, scopes, record)
    select 'user_conversations', 'INSERT', array[n.participant_1_id, n.participant_2_id], row_to_json(relay.published_conversation(n))::text
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, scopes, record, old_record)
    values (
      'user_conversations',
      'UPDATE',
      case when (new.participant_1_id, new.participant_2_id) is distinct from (old.participant_1_id, old.participant_2_id)
        then array[new.participant_1_id, new.participant_2_id, old.participant_1_id, old.participant_2_id]
        else array[new.participant_1_id, new.participant_2_id]
      end,
      row_to_json(relay.published_conversation(new))::text,
      row_to_json(relay.published_conversation(old))::text);
  else
    insert into relay.change_log (table_name, operation, scopes, old_record)
    select 'user_conversations', 'DELETE', array[o.participant_1_id, o.participant_2_id], row_to_json(relay.published_conversation(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.ring();
  end if;
  return null;
end
$$;

comment on function relay.record_conversation() is 'Logs conversations for their participants: opened, read, archived, deleted.';

create or replace function relay.team_presence(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', presence.status,
    'last_seen', presence.last_seen,
    'updated_at', presence.updated_at,
    'team_id', presence.team_id)::text
$$;

comment on function relay.team_presence(public.user_presence) is 'Presence as the team may see it: without typing and page.';

create or replace function relay.typing_presence(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', presence.status,
    'last_seen', presence.last_seen,
    'updated_at', presence.updated_at,
    'is_typing_to', presence.is_typing_to,
    'typing_started_at', presence.typing_started_at)::text
$$;

comment on function relay.typing_presence(public.user_presence) is 'Presence as the two people of a typing may see it: without page and team.';

create or replace function relay.not_typing(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', presence.status,
    'last_seen', presence.last_seen,
    'updated_at', presence.updated_at,
    'is_typing_to', null,
    'typing_started_at', null)::text
$$;

comment on function relay.not_typing(public.user_presence) is 'The same for one of the two when the typing is no business of theirs.';

create or replace function relay.record_presence()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
declare
  logged bigint := 0;
  more bigint := 0;
begin
  -- One row, two audiences. The person himself beside the team, as in the policy: he may be in none.
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, scopes, team_scopes, record)
    select 'user_presence', 'INSERT', array[n.user_id], array_remove(array[n.team_id], null), relay.team_presence(n)
    from new_rows n;
    get diagnostics logged = row_count;

    insert into relay.change_log (table_name, operation, scopes, record)
    select 'user_presence', 'INSERT', array[n.user_id, n.is_typing_to], relay.typing_presence(n)
    from new_rows n
    where n.is_typing_to is not null;
    get diagnostics more = row_count;
  elsif tg_op = 'UPDATE' then
    if (new.status, new.team_id) is distinct from (old.status, old.team_id) then
      insert into relay.change_log (table_name, operation, scopes, team_scopes, record, old_record)
      values (
        'user_presence',
        'UPDATE',
        array[new.user_id],
        array_remove(array[new.team_id, case when old.team_id is distinct from new.team_id then old.team_id end], null),
        relay.team_presence(new),
        relay.team_presence(old));
      logged := 1;
    end if;

    if (new.is_typing_to, new.typing_started_at) is distinct from (old.is_typing_to, old.typing_started_at) then
      insert into relay.change_log (table_name, operation, scopes, record, old_record)
      values (
        'user_presence',
        'UPDATE',
        array_remove(array[new.user_id, new.is_typing_to, case when new.is_typing_to is null then old.is_typing_to end], null),
        relay.typing_presence(new),
        case when new.is_typing_to is null or new.is_typing_to = old.is_typing_to
          then relay.typing_presence(old)
          else relay.not_typing(old)
        end);
      logged := logged + 1;
    end if;

    -- Who was typed to hears that it is over, and not to whom it is now; nor does the next one hear who it was before.
    if old.is_typing_to <> new.is_typing_to then
      insert into relay.change_log (table_name, operation, scopes, record, old_record)
      values ('user_presence', 'UPDATE', array[old.is_typing_to], relay.not_typing(new), relay.typing_presence(old));
    end if;
  else
    insert into relay.change_log (table_name, operation, scopes, team_scopes, old_record)
    select 'user_presence', 'DELETE', array[o.user_id], array_remove(array[o.team_id], null), relay.team_presence(o)
    from old_rows o;
    get diagnostics more = row_count;
  end if;
  if logged + more > 0 then
    perform relay.ring();
  end if;
  return null;
end
$$;

comment on function relay.record_presence() is 'Logs presence twice: status for the team, typing for the two it is between. A touched last_seen is not logged.';

create or replace function relay.record_reaction()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, scopes, record)
    select 'message_reactions', 'INSERT', array[n.sender_id, n.recipient_id], row_to_json(relay.published_reaction(n))::text
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, scopes, record, old_record)
    values (
      'message_reactions',
      'UPDATE',
      case when (new.sender_id, new.recipient_id) is distinct from (old.sender_id, old.recipient_id)
        then array[new.sender_id, new.recipient_id, old.sender_id, old.recipient_id]
        else array[new.sender_id, new.recipient_id]
      end,
      row_to_json(relay.published_reaction(new))::text,
      row_to_json(relay.published_reaction(old))::text);
  else
    insert into relay.change_log (table_name, operation, scopes, old_record)
    select 'message_reactions', 'DELETE', array[o.sender_id, o.recipient_id], row_to_json(relay.published_reaction(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.ring();
  end if;
  return null;
end
$$;

comment on function relay.record_reaction() is 'Logs reactions for the two people of their message.';

create or replace function relay.record_preference()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, scopes, record)
    select 'conversation_preferences', 'INSERT', array[n.user_id], row_to_json(relay.published_preference(n))::text
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, scopes, record, old_record)
    values ('conversation_preferences', 'UPDATE', array[new.user_id], row_to_json(relay.published_preference(new))::text, row_to_json(relay.published_preference(old))::text);
  else
    insert into relay.change_log (table_name, operation, scopes, old_record)
    select 'conversation_preferences', 'DELETE', array[o.user_id], row_to_json(relay.published_preference(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.ring();
  end if;
  return null;
end
$$;

comment on function relay.record_preference() is 'Logs a person''s archive and mute for that person.';

create or replace function relay.record_block()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, scopes, record)
    select 'user_blocks', 'INSERT', array[n.blocker_id], row_to_json(relay.published_block(n))::text
    from new_rows n;
  else
    insert into relay.change_log (table_name, operation, scopes, old_record)
    select 'user_blocks', 'DELETE', array[o.blocker_id], row_to_json(relay.published_block(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.ring();
  end if;
  return null;
end
$$;

comment on function relay.record_block() is 'Logs a block for who blocked. A block is never updated.';

create or replace function relay.record_person()
  returns trigger
  security definer                 -- as relay.record_message(); keeps user_presence.team_id
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, scopes)
    values ('users', 'UPDATE', array[new.id]);

    update public.user_presence p
    set team_id = new.team_id
    where p.user_id = new.id
      and p.team_id is distinct from new.team_id;

    perform relay.withdraw_presence(array_append('{}', new.id));
    perform relay.ring();
  else
    insert into relay.change_log (table_name, operation, scopes)
    select 'users', 'DELETE', array[o.id]
    from old_rows o;
    if found then
      perform relay.withdraw_presence(array(select o.id from old_rows o));
      perform relay.ring();
    end if;
  end if;
  return null;
end
$$;

comment on function relay.record_person() is
  'A person''s team or status changed, or he is gone: a row for relays alone, who then ask again what his connections may hear.';

-- Rows that come or go, and messages that change, which are told by revision, are logged by the statement, from its transition tables.
-- Else a changed row is logged by itself, and WHEN passes over what is not told: joined, the old rows and the new of a statement over
-- thousands took the square of that. A message that comes, too, is logged by itself, since that is what happens most.
do $$
declare
  logged record;
begin
  for logged in
    select *
    from (values
      ('user_messages', 'insert', 'record_message', '', true),
      ('user_messages', 'update', 'record_message', '', false),
      ('user_messages', 'delete', 'record_message', '', false),
      ('user_conversations', 'insert', 'record_conversation', '', false),
      -- Not for what a message's own row says: a send, an edit, a reaction.
      ('user_conversations', 'update', 'record_conversation', $when$
        (new.participant_1_id, new.participant_2_id) is distinct from (old.participant_1_id, old.participant_2_id)
        or (
          new.revision = old.revision
          and (new.is_archived, new.participant_1_read_seq, new.participant_2_read_seq)
            is distinct from (old.is_archived, old.participant_1_read_seq, old.participant_2_read_seq)
        )
        $when$, true),
      ('user_conversations', 'delete', 'record_conversation', '', false),
      ('user_presence', 'insert', 'record_presence', '', false),
      -- Not for last_seen alone: everybody, every few seconds.
      ('user_presence', 'update', 'record_presence', $when$
        (new.status, new.team_id, new.is_typing_to, new.typing_started_at)
        is distinct from (old.status, old.team_id, old.is_typing_to, old.typing_started_at)
        $when$, true),
      ('user_presence', 'delete', 'record_presence', '', false),
      ('message_reactions', 'insert', 'record_reaction', '', false),
      -- Not for what only a DBA's own column says.
      ('message_reactions', 'update', 'record_reaction', $when$
        (new.id, new.message_id, new.user_id, new.reaction, new.created_at, new.conversation_id, new.sender_id, new.recipient_id)
        is distinct from (old.id, old.message_id, old.user_id, old.reaction, old.created_at, old.conversation_id, old.sender_id, old.recipient_id)
        $when$, true),
      ('message_reactions', 'delete', 'record_reaction', '', false),
      ('conversation_preferences', 'insert', 'record_preference', '', false),
      ('conversation_preferences', 'update', 'record_preference', $when$
        (new.conversation_id, new.user_id, new.archived_at, new.archived_seq, new.muted_until)
        is distinct from (old.conversation_id, old.user_id, old.archived_at, old.archived_seq, old.muted_until)
        $when$, true),
      ('conversation_preferences', 'delete', 'record_preference', '', false),
      ('user_blocks', 'insert', 'record_block', '', false),
      ('user_blocks', 'delete', 'record_block', '', false),
      ('users', 'update', 'record_person', '(new.team_id, new.status::text) is distinct from (old.team_id, old.status::text)', true),
      ('users', 'delete', 'record_person', '', false)
    ) as x (table_name, event, function_name, condition, each_row)
  loop
    execute format(
      'create or replace trigger %I after %s on public.%I %s execute function relay.%I()',
      'record_' || logged.event,
      logged.event,
      logged.table_name,
      case
        when not logged.each_row
          then format('referencing %s for each statement', case logged.event
            when 'insert' then 'new table as new_rows'
            when 'update' then 'old table as old_rows new table as new_rows'
            else 'old table as old_rows'
          end)
        when logged.condition = '' then 'for each row'
        else format('for each row when (%s)', logged.condition)
      end,
      logged.function_name);
    -- A platform's own users may belong to somebody else, who lets us hang a trigger there but not comment on it.
    if pg_has_role((select c.relowner from pg_class c where c.oid = format('public.%I', logged.table_name)::regclass), 'usage') then
      execute format(
        'comment on trigger %I on public.%I is %L',
        'record_' || logged.event,
        logged.table_name,
        'Writes the change log.');
    end if;
  end loop;
end
$$;

-- What relays call.

create or replace function relay.open()
  returns table (epoch uuid, snapshot text)
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off         -- the log is never analysed
  set jit = off
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  -- A dump restored on a server not so far on brings changes, an epoch and segments of transactions that are still to come here: the
  -- first would be told at every poll, the second would turn every relay away, the third would never be let go.
  delete from relay.change_log l
  where l.xid >= pg_snapshot_xmax(pg_current_snapshot());
  delete from relay.epoch e
  where e.kept_from > pg_snapshot_xmin(pg_current_snapshot());
  delete from relay.segments s
  where s.sealed_before >= pg_snapshot_xmax(pg_current_snapshot());

  if not exists (select from relay.epoch) then     -- ON CONFLICT alone would wait for relay.maintain()
    insert into relay.epoch default values
    on conflict do nothing;
  end if;

  return query
    select e.id, pg_current_snapshot()::text
    from relay.epoch e;
end
$$;

comment on function relay.open() is
  'Where to begin reading: the epoch, made when a crash has taken it or a dump brought one of another server, and a snapshot of now.';

drop function if exists relay.tail(uuid, text, int);   -- it may be one that returned fewer columns

create function relay.tail(epoch uuid, last text, max_rows int)
  returns table (
    snapshot text,
    seq bigint,
    table_name text,
    operation text,
    at timestamptz,
    scopes uuid[],
    team_scopes uuid[],
    record text,
    old_record text
  )
  volatile                         -- each statement its own snapshot
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off         -- the log is never analysed
  set jit = off
  set max_parallel_workers_per_gather = 0
  set plan_cache_mode = force_generic_plan   -- planned anew, a poll that finds nothing costs four times as much
  rows 10
  language plpgsql
as $$
#variable_conflict use_column
declare
  seen pg_snapshot := split_part(tail.last, ' ', 1)::pg_snapshot;
  until pg_snapshot := nullif(split_part(tail.last, ' ', 2), '')::pg_snapshot;
  after bigint := coalesce(nullif(split_part(tail.last, ' ', 3), '')::bigint, 0);
begin
  perform chat.demand_claims_of('chat_relay');
  if until is null then
    -- The new snapshot and what it sees that the last one did not, in one statement. = any (array(...)) uses the index, in (...) does not.
    return query
      with page as materialized (
        select l.seq, l.table_name, l.operation, l.at, l.scopes, l.team_scopes, l.record, l.old_record
        from relay.change_log l
        where l.xid >= pg_snapshot_xmax(seen) or l.xid = any (array(select pg_snapshot_xip(seen)))
        order by l.seq + 0       -- no plan may begin with the index of seq: it would read the whole log to find nothing
        limit tail.max_rows
      )
      select
        case
          when count(*) < tail.max_rows then pg_current_snapshot()::text
          else concat_ws(' ', seen, pg_current_snapshot(), max(p.seq))
        end,
        null::bigint, null::text, null::text, null::timestamptz, null::uuid[], null::uuid[], null::text, null::text
      from page p
      union all
      select null::text, p.seq, p.table_name, p.operation, p.at, p.scopes, p.team_scopes, p.record, p.old_record
      from page p;
  else
    -- A full page was not the last one: the same new snapshot is gone on with, behind the page's end. What it sees, it sees later, too.
    -- The rows are the same as above; said like this only the index of seq can find them, so a page reads no row of the pages before it.
    return query
      with page as materialized (
        select l.seq, l.table_name, l.operation, l.at, l.scopes, l.team_scopes, l.record, l.old_record
        from relay.change_log l
        where l.seq > after
          and not pg_visible_in_snapshot(l.xid, seen)
          and pg_visible_in_snapshot(l.xid, until)
        order by l.seq
        limit tail.max_rows
      )
      select
        case
          when count(*) < tail.max_rows then until::text
          else concat_ws(' ', seen, until, max(p.seq))
        end,
        null::bigint, null::text, null::text, null::timestamptz, null::uuid[], null::uuid[], null::text, null::text
      from page p
      union all
      select null::text, p.seq, p.table_name, p.operation, p.at, p.scopes, p.team_scopes, p.record, p.old_record
      from page p;
  end if;

  -- After the read, with a new snapshot: it sees a TRUNCATE that the read may have waited for.
  if not exists (
    select
    from relay.epoch e
    where e.id = tail.epoch
      and pg_snapshot_xmin(seen) >= e.kept_from
      and pg_snapshot_xmax(coalesce(until, seen)) <= pg_snapshot_xmax(pg_current_snapshot())   -- else it is of another server
  ) then
    raise sqlstate 'PT410' using
      message = case
        when exists (select from relay.epoch e where e.id = tail.epoch and pg_snapshot_xmin(seen) < e.cut_before)
          then 'The change log was over chat.settings.change_log_max_mb and lost what this relay had not read yet.'
        else 'The change log does not reach back to what this relay saw last.'
      end,
      hint = 'Call relay.open() and tell clients to catch up.';
  end if;
end
$$;

comment on function relay.tail(uuid, text, int) is
  'What became visible since a snapshot: first a row that says where to go on from, then the changes by seq, a page of max_rows at most. Where to go on is the new snapshot once all that it brings was returned; before that the old one, the new one and the page''s last seq. Nothing is left out and nothing comes twice, however late a transaction commits. PT410 when the epoch is another or the log no longer reaches back.';

create or replace function relay.claim_slot()
  returns int
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  for slot in 0..3 loop
    if pg_try_advisory_lock(1667785076, 100 + slot) then
      return slot;
    end if;
  end loop;
  return null;
end
$$;

comment on function relay.claim_slot() is 'A bell of one''s own, 0 to 3, for this session; null when four relays have them all: then poll and do not sleep.';

create or replace function relay.sleep(slot int)
  returns boolean
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select pg_try_advisory_lock(1667785076, sleep.slot)
$$;

comment on function relay.sleep(int) is
  'True when every transaction that saw this relay awake has ended; from then on writers ring. Poll once more before waiting. Once granted not to be asked again before relay.wake.';

create or replace function relay.wake(slot int)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform pg_advisory_unlock(1667785076, wake.slot);
end
$$;

comment on function relay.wake(int) is 'This relay polls again; writers need not ring.';

create or replace function relay.leading_session()
  returns int
  volatile                         -- each call its own snapshot
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select l.pid
  from relay.leader l
  join pg_catalog.pg_locks k on k.pid = l.pid and k.classid::bigint = l.lock_key >> 32 and k.objid::bigint = l.lock_key & 4294967295
  where k.locktype = 'advisory'
    and k.objsubid = 1
    and k.granted
    and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
$$;

comment on function relay.leading_session() is
  'The server process that leads; null when there is none. It holds a lock whose key was drawn when it began: who takes that lock later is another process.';

create or replace function relay.lead()
  returns boolean
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  leads int := relay.leading_session();
  drawn bigint;
begin
  perform chat.demand_claims_of('chat_relay');
  if leads is not null then
    return leads = pg_backend_pid();
  end if;

  insert into relay.leader (pid, lock_key)
  values (0, 0)
  on conflict do nothing;
  perform
  from relay.leader l
  for update skip locked;
  if not found or relay.leading_session() is not null then
    return false;                  -- another is taking it, or just has
  end if;

  drawn := ('x' || left(gen_random_uuid()::text, 8))::bit(32)::bigint << 31 | ('x' || right(gen_random_uuid()::text, 8))::bit(32)::bigint;
  if not pg_try_advisory_lock(drawn) then
    return false;
  end if;
  update relay.leader l
  set pid = pg_backend_pid(), lock_key = drawn;
  return true;
end
$$;

comment on function relay.lead() is
  'True when this session leads the relays of a cluster from now on, or does already; another that does has to end first. For as long as the session lives.';

create or replace function relay.scopes_of_person(user_id uuid)
  returns table (scopes uuid[], team_scopes uuid[])
  stable
  security definer                 -- reads public.users
  set search_path = pg_catalog, pg_temp
  rows 1
  language sql
as $$
  select array_remove(array[u.id], null), array_remove(array[u.team_id], null)
  from (select) as always
  left join public.users u on u.id = scopes_of_person.user_id
    and u.status = 'active'
    and (select chat.demand_claims_of('chat_relay'))
$$;

comment on function relay.scopes_of_person(uuid) is
  'What a person''s connections hear: the person''s id among the people, the team''s among the teams; two empty lists for who is not active.';

create or replace function relay.published_columns()
  returns table (table_name text, column_name text, type_name text, is_key boolean)
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select c.relname::text, a.attname::text, t.typname::text, coalesce(a.attnum = any (k.conkey), false)
  from pg_catalog.pg_class p
  join pg_catalog.pg_class c on p.relname = 'published_' || c.relname and c.relnamespace = 'public'::regnamespace
  join pg_catalog.pg_attribute told on told.attrelid = p.oid
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = told.attname
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
  where p.relnamespace = 'relay'::regnamespace
    and p.relkind = 'c'
    and told.attnum > 0
    and not told.attisdropped
  order by c.relname, told.attnum
$$;

comment on function relay.published_columns() is
  'The columns of the tables that clients may subscribe to, in the order of relay.published_<table>; type_name as in pg_type.typname.';

create or replace function relay.maintain()
  returns text
  volatile
  security definer                 -- truncates a child and moves the epoch
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '50ms'
  language plpgsql
as $$
declare
  -- Read while this transaction has no id: the one that it gets comes after those of all who may still write to an earlier segment.
  current bigint := coalesce(pg_sequence_last_value('relay.segment_seq'::regclass), 3);
  kept interval;
  max_bytes bigint;
  bytes bigint;
  segment record;
  done text := '';
begin
  perform chat.demand_claims_of('chat_relay');
  if pg_current_xact_id_if_assigned() is not null then
    return 'called in a transaction that has changed something; next time';
  end if;
  -- No advisory lock, which anybody can take: nobody else may lock this row.
  perform
  from relay.epoch e
  for update skip locked;
  if not found or current <> coalesce(pg_sequence_last_value('relay.segment_seq'::regclass), 3) then
    return 'another relay is at it';
  end if;
  select s.change_log_hours * interval '1 hour', s.change_log_max_mb * 1048576::bigint into kept, max_bytes
  from chat.settings s;

  delete from relay.segments s
  where s.generation not between current - 3 and current;
  insert into relay.segments (generation)
  select g
  from generate_series(current - 3, current) g
  on conflict do nothing;
  update relay.segments s
  set sealed_before = pg_current_xact_id()
  where s.generation < current
    and s.sealed_before is null;
  update relay.segments s
  set drained_at = clock_timestamp()
  where s.drained_at is null
    and s.sealed_before <= pg_snapshot_xmin(pg_current_snapshot());

  -- Sizes, not rows: what they cost does not grow with the log.
  for segment in
    select s.*, format('relay.change_log_%s', s.generation & 3) as child
    from relay.segments s
    where s.generation < current
      and pg_relation_size(format('relay.change_log_%s', s.generation & 3)::regclass) > 0
    order by s.generation
  loop
    bytes := (
      select sum(pg_total_relation_size(i.inhrelid))
      from pg_catalog.pg_inherits i
      where i.inhparent = 'relay.change_log'::regclass
    );
    if bytes <= max_bytes and segment.drained_at >= clock_timestamp() - kept then
      exit;                        -- the segments after it are younger
    end if;
    if segment.drained_at is null then
      done := done || 'an open transaction holds ' || segment.child || '; ';
      exit;
    end if;
    begin
      update relay.epoch set
        kept_from = greatest(kept_from, segment.sealed_before);
      if segment.drained_at >= clock_timestamp() - kept then
        update relay.epoch set
          cut_before = kept_from,
          cut_at = clock_timestamp();
        raise warning 'The change log has % MB, more than change_log_max_mb: what % holds goes before change_log_hours', bytes / 1048576, segment.child
          using hint = 'Raise chat.settings.change_log_max_mb, or lower change_log_hours.';
        done := done || 'over change_log_max_mb: ';
      end if;
      execute format('truncate %s', segment.child);
      done := done || 'truncated ' || segment.child || '; ';
    exception
      when lock_not_available then
        done := done || 'a lock was busy; next time';
        exit;
    end;
  end loop;

  -- Writers go to the next child once this one is old, or has a quarter of what the log may have.
  select s.began_at, format('relay.change_log_%s', s.generation & 3) as child, format('relay.change_log_%s', (s.generation + 1) & 3) as next_child
  into segment
  from relay.segments s
  where s.generation = current;
  if pg_relation_size(segment.next_child::regclass) = 0
    and pg_relation_size(segment.child::regclass) > 0
    and (segment.began_at < clock_timestamp() - kept or pg_total_relation_size(segment.child::regclass) > max_bytes / 4)
  then
    delete from relay.segments s
    where s.generation = current - 3;
    insert into relay.segments (generation)
    values (current + 1);
    perform setval('relay.segment_seq', current + 1);   -- last: no rollback takes it back
    done := done || 'left ' || segment.child || '; ';
  end if;
  return coalesce(nullif(rtrim(done, '; '), ''), 'nothing to truncate');
exception
  when lock_not_available then
    return 'a lock was busy; next time';
end
$$;

comment on function relay.maintain() is
  'Empties the log behind the relays: a whole segment, change_log_hours after its last transaction has ended, or earlier while the log is over change_log_max_mb; and has writers begin the next one. Never waits more than 50 ms for a lock; says what it did.';

create or replace function relay.log_state()
  returns table (bytes bigint, max_bytes bigint, cut_at timestamptz)
  stable
  security definer                 -- reads the settings and the epoch
  set search_path = pg_catalog, pg_temp
  rows 1
  language sql
as $$
  select
    (
      select sum(pg_total_relation_size(i.inhrelid))::bigint
      from pg_catalog.pg_inherits i
      where i.inhparent = 'relay.change_log'::regclass
    ),
    s.change_log_max_mb * 1048576::bigint,
    (select e.cut_at from relay.epoch e)
  from chat.settings s
  where (select chat.demand_claims_of('chat_relay'))
$$;

comment on function relay.log_state() is
  'For monitoring: how large the log is and may be, and when it last lost changes before change_log_hours for that; null for never.';

revoke all on table relay.change_log, relay.change_log_0, relay.change_log_1, relay.change_log_2, relay.change_log_3, relay.epoch, relay.segments, relay.leader
from public, anon, authenticated, service_role, chat_relay;
revoke all on sequence relay.change_seq, relay.segment_seq from public, anon, authenticated, service_role, chat_relay;
revoke all on all functions in schema relay from public, anon, authenticated, service_role;
grant execute on function
  relay.open, relay.tail, relay.claim_slot, relay.sleep, relay.wake, relay.lead, relay.scopes_of_person, relay.published_columns, relay.maintain, relay.log_state
to chat_relay;
