-- The feed of conversations: what the change log tells, and to whom.

-- A row as clients are told of it, by the columns of relay.published_<table>: what a DBA adds to a table for their own use stays there.
-- One expression, which the planner puts in the place of the call.

create or replace function relay.published_conversation(conversation public.user_conversations)
  returns relay.published_user_conversations
  immutable
  language sql
return row(
  conversation.id, conversation.participant_1_id, conversation.participant_2_id, conversation.created_at,
  conversation.updated_at, conversation.last_message_at, conversation.last_message_id, conversation.is_archived,
  conversation.created_by, conversation.last_message_seq, conversation.revision, conversation.participant_1_read_seq,
  conversation.participant_2_read_seq, conversation.participant_1_delivered_seq, conversation.participant_2_delivered_seq
)::relay.published_user_conversations;

comment on function relay.published_conversation(public.user_conversations) is 'A row of public.user_conversations as clients are told of it.';

create or replace function relay.record_conversation()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, audience, record)
    select 'user_conversations', 'INSERT', array[n.participant_1_id, n.participant_2_id], row_to_json(relay.published_conversation(n))::text
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, audience, record, old_record)
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
    insert into relay.change_log (table_name, operation, audience, old_record)
    select 'user_conversations', 'DELETE', array[o.participant_1_id, o.participant_2_id], row_to_json(relay.published_conversation(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.record_conversation() is 'Logs conversations for their participants: opened, delivered, read, archived, deleted.';

create or replace trigger record_insert
  after insert on public.user_conversations
  referencing new table as new_rows
  for each statement
  execute function relay.record_conversation();

comment on trigger record_insert on public.user_conversations is 'Writes the change log.';

-- Row by row, so WHEN passes over what is not told. Not for what a message's own row says: a send, an edit, a reaction.
create or replace trigger record_update
  after update on public.user_conversations
  for each row
  when (
    (new.participant_1_id, new.participant_2_id) is distinct from (old.participant_1_id, old.participant_2_id)
    or (
      new.revision = old.revision
      and (new.is_archived, new.participant_1_read_seq, new.participant_2_read_seq,
          new.participant_1_delivered_seq, new.participant_2_delivered_seq)
        is distinct from (old.is_archived, old.participant_1_read_seq, old.participant_2_read_seq,
          old.participant_1_delivered_seq, old.participant_2_delivered_seq)
    )
  )
  execute function relay.record_conversation();

comment on trigger record_update on public.user_conversations is 'Writes the change log.';

create or replace trigger record_delete
  after delete on public.user_conversations
  referencing old table as old_rows
  for each statement
  execute function relay.record_conversation();

comment on trigger record_delete on public.user_conversations is 'Writes the change log.';

revoke all on function
  relay.published_conversation, relay.record_conversation
from public, anon, authenticated, service_role;
