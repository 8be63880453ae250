-- The feed of reactions: what the change log tells, and to whom.

-- A row as clients are told of it, by the columns of relay.published_<table>: what a DBA adds to a table for their own use stays there.
-- One expression, which the planner puts in the place of the call.

create or replace function relay.published_reaction(reaction public.message_reactions)
  returns relay.published_message_reactions
  immutable
  language sql
return row(
  reaction.id, reaction.message_id, reaction.user_id, reaction.reaction, reaction.created_at,
  reaction.conversation_id, reaction.sender_id, reaction.recipient_id
)::relay.published_message_reactions;

comment on function relay.published_reaction(public.message_reactions) is 'A row of public.message_reactions as clients are told of it.';

create or replace function relay.record_reaction()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, audience, record)
    select 'message_reactions', 'INSERT', array[n.sender_id, n.recipient_id], row_to_json(relay.published_reaction(n))::text
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, audience, record, old_record)
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
    insert into relay.change_log (table_name, operation, audience, old_record)
    select 'message_reactions', 'DELETE', array[o.sender_id, o.recipient_id], row_to_json(relay.published_reaction(o))::text
    from old_rows o;
  end if;
  if found then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.record_reaction() is 'Logs reactions for the two people of their message.';

create or replace trigger record_insert
  after insert on public.message_reactions
  referencing new table as new_rows
  for each statement
  execute function relay.record_reaction();

comment on trigger record_insert on public.message_reactions is 'Writes the change log.';

-- Row by row, so WHEN passes over what is not told: what only a DBA's own column says.
create or replace trigger record_update
  after update on public.message_reactions
  for each row
  when (
    (new.id, new.message_id, new.user_id, new.reaction, new.created_at, new.conversation_id, new.sender_id, new.recipient_id)
    is distinct from (old.id, old.message_id, old.user_id, old.reaction, old.created_at, old.conversation_id, old.sender_id, old.recipient_id)
  )
  execute function relay.record_reaction();

comment on trigger record_update on public.message_reactions is 'Writes the change log.';

create or replace trigger record_delete
  after delete on public.message_reactions
  referencing old table as old_rows
  for each statement
  execute function relay.record_reaction();

comment on trigger record_delete on public.message_reactions is 'Writes the change log.';

revoke all on function relay.published_reaction, relay.record_reaction from public, anon, authenticated, service_role;
