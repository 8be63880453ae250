-- The feed of archive, mute and blocks: what the change log tells, and to whom.

-- A row as clients are told of it, by the columns of relay.published_<table>: what a DBA adds to a table for their own use stays there.
-- One expression, which the planner puts in the place of the call.

create or replace function relay.published_preference(preference public.conversation_preferences)
  returns relay.published_conversation_preferences
  immutable
  language sql
return row(
  preference.conversation_id, preference.user_id, preference.archived_at, preference.archived_seq,
  preference.muted_until, preference.unread_from_seq
)::relay.published_conversation_preferences;

comment on function relay.published_preference(public.conversation_preferences) is 'A row of public.conversation_preferences as clients are told of it.';

create or replace function relay.record_preference()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, audience, record)
    select 'conversation_preferences', 'INSERT', array[n.user_id], row_to_json(relay.published_preference(n))::text
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, audience, record, old_record)
    values ('conversation_preferences', 'UPDATE', array[new.user_id], row_to_json(relay.published_preference(new))::text, row_to_json(relay.published_preference(old))::text);
  else
    insert into relay.change_log (table_name, operation, audience, old_record)
    select 'conversation_preferences', 'DELETE', array[o.user_id], row_to_json(relay.published_preference(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.record_preference() is 'Logs a person''s archive, mute and mark as unread for that person.';

create or replace trigger record_insert
  after insert on public.conversation_preferences
  referencing new table as new_rows
  for each statement
  execute function relay.record_preference();

comment on trigger record_insert on public.conversation_preferences is 'Writes the change log.';

-- Row by row, so WHEN passes over what is not told: what only a DBA's own column says.
create or replace trigger record_update
  after update on public.conversation_preferences
  for each row
  when (
    (new.conversation_id, new.user_id, new.archived_at, new.archived_seq, new.muted_until, new.unread_from_seq)
    is distinct from (old.conversation_id, old.user_id, old.archived_at, old.archived_seq, old.muted_until, old.unread_from_seq)
  )
  execute function relay.record_preference();

comment on trigger record_update on public.conversation_preferences is 'Writes the change log.';

create or replace trigger record_delete
  after delete on public.conversation_preferences
  referencing old table as old_rows
  for each statement
  execute function relay.record_preference();

comment on trigger record_delete on public.conversation_preferences is 'Writes the change log.';

create or replace function relay.published_block(block public.user_blocks)
  returns relay.published_user_blocks
  immutable
  language sql
return row(
  block.blocker_id, block.blocked_id, block.created_at
)::relay.published_user_blocks;

comment on function relay.published_block(public.user_blocks) is 'A row of public.user_blocks as clients are told of it.';

create or replace function relay.record_block()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, audience, record)
    select 'user_blocks', 'INSERT', array[n.blocker_id], row_to_json(relay.published_block(n))::text
    from new_rows n;
  else
    insert into relay.change_log (table_name, operation, audience, old_record)
    select 'user_blocks', 'DELETE', array[o.blocker_id], row_to_json(relay.published_block(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.record_block() is 'Logs a block for who blocked. A block is never updated.';

create or replace trigger record_insert
  after insert on public.user_blocks
  referencing new table as new_rows
  for each statement
  execute function relay.record_block();

comment on trigger record_insert on public.user_blocks is 'Writes the change log.';

create or replace trigger record_delete
  after delete on public.user_blocks
  referencing old table as old_rows
  for each statement
  execute function relay.record_block();

comment on trigger record_delete on public.user_blocks is 'Writes the change log.';

revoke all on function
  relay.published_preference, relay.record_preference, relay.published_block, relay.record_block
from public, anon, authenticated, service_role;
