-- The feed of messages: what the change log tells, and to whom.

-- A row as clients are told of it, by the columns of relay.published_<table>: what a DBA adds to a table for their own use stays there.
-- One expression, which the planner puts in the place of the call.

create or replace function relay.published_message(message public.user_messages)
  returns relay.published_user_messages
  immutable
  language sql
return row(
  message.id, message.conversation_id, message.sender_id, message.content, message.message_type, message.file_url,
  message.file_name, message.file_size, message.created_at, message.updated_at, message.is_edited,
  message.is_deleted, message.read_by, message.metadata, message.recipient_id, message.seq, message.sent_revision,
  message.revision, message.written_at, message.client_id
)::relay.published_user_messages;

comment on function relay.published_message(public.user_messages) is 'A row of public.user_messages as clients are told of it.';

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
  notified boolean;
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, audience, record)
    -- Not relay.published_message(new): NEW is a partition's row, which would be made one of the table's anew for each column.
    values ('user_messages', 'INSERT', array[new.sender_id, new.recipient_id], row_to_json(row(
      new.id, new.conversation_id, new.sender_id, new.content, new.message_type, new.file_url, new.file_name,
      new.file_size, new.created_at, new.updated_at, new.is_edited, new.is_deleted, new.read_by, new.metadata,
      new.recipient_id, new.seq, new.sent_revision, new.revision, new.written_at, new.client_id
    )::relay.published_user_messages)::text);
  elsif tg_op = 'UPDATE' then
    -- Not for read_by alone: the read position says it, and once for the whole conversation. By revision, so by the statement.
    insert into relay.change_log (table_name, operation, audience, record, old_record)
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
    where (
        n.sender_id, n.recipient_id, n.revision, n.content, n.message_type, n.file_url, n.file_name, n.file_size, n.is_edited,
        n.is_deleted, n.metadata, n.updated_at, n.written_at, n.client_id
      ) is distinct from (
        o.sender_id, o.recipient_id, o.revision, o.content, o.message_type, o.file_url, o.file_name, o.file_size, o.is_edited,
        o.is_deleted, o.metadata, o.updated_at, o.written_at, o.client_id
      )
    order by n.conversation_id, n.revision;
  else
    insert into relay.change_log (table_name, operation, audience, old_record)
    select 'user_messages', 'DELETE', array[o.sender_id, o.recipient_id], row_to_json(relay.published_message(o))::text
    from old_rows o;
  end if;
  if found then
    notified := relay.notify_relays();   -- an assignment costs a fifth of a PERFORM
  end if;
  return null;
end
$$;

comment on function relay.record_message() is 'Logs messages for their two people.';

-- Row by row: it is what happens most.
create or replace trigger record_insert
  after insert on public.user_messages
  for each row
  execute function relay.record_message();

comment on trigger record_insert on public.user_messages is 'Writes the change log.';

-- By the statement, since changed messages are told by revision.
create or replace trigger record_update
  after update on public.user_messages
  referencing old table as old_rows new table as new_rows
  for each statement
  execute function relay.record_message();

comment on trigger record_update on public.user_messages is 'Writes the change log.';

create or replace trigger record_delete
  after delete on public.user_messages
  referencing old table as old_rows
  for each statement
  execute function relay.record_message();

comment on trigger record_delete on public.user_messages is 'Writes the change log.';

revoke all on function relay.published_message, relay.record_message from public, anon, authenticated, service_role;
