-- A trail of what operators did, where chat.settings.audit is on. For the owner alone.

create or replace function chat.audit(action text, detail jsonb default '{}')
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  insert into chat.audit_log (acting_as, action, detail)
  select
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    audit.action,
    audit.detail
  from chat.settings s
  where s.audit
$$;

comment on function chat.audit(text, jsonb) is 'Adds an entry to chat.audit_log while chat.settings.audit is on; else does nothing.';

create or replace function chat.audit_statement()
  returns trigger
  security definer                 -- writes the trail, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  gone bigint;
begin
  -- People act through the service, which sets their claims. A session without claims is an operator's, and so is that of a login
  -- that is the owner or may become the owner, whatever claims and role it has set.
  if nullif(current_setting('request.jwt.claims', true), '') is not null and not pg_has_role(session_user, current_user, 'member')
    or not (select s.audit from chat.settings s)
  then
    return null;
  end if;
  if tg_op = 'TRUNCATE' then
    perform chat.audit(format('TRUNCATE %s.%s', tg_table_schema, tg_table_name));
  else
    select count(*) into gone from old_rows;
    if gone > 0 then
      perform chat.audit(format('%s %s.%s', tg_op, tg_table_schema, tg_table_name), jsonb_build_object('rows', gone));
    end if;
  end if;
  return null;
end
$$;

comment on function chat.audit_statement() is 'Records what an operator''s own statement changed or removed: the table and the number of rows.';

-- A trigger for each statement fires for the table that the statement names, so each partition has its own. They cost nothing else:
-- people's statements name public.user_messages.
create or replace function chat.audit_partition(partition regclass)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  execute format('create or replace trigger audit_update after update on %s referencing old table as old_rows for each statement execute function chat.audit_statement()', audit_partition.partition);
  execute format('create or replace trigger audit_delete after delete on %s referencing old table as old_rows for each statement execute function chat.audit_statement()', audit_partition.partition);
  execute format('create or replace trigger audit_truncate after truncate on %s for each statement execute function chat.audit_statement()', audit_partition.partition);
  execute format('comment on trigger audit_update on %s is %L', audit_partition.partition, 'Records an operator''s own UPDATE of the partition by its name.');
  execute format('comment on trigger audit_delete on %s is %L', audit_partition.partition, 'Records an operator''s own DELETE from the partition by its name.');
  execute format('comment on trigger audit_truncate on %s is %L', audit_partition.partition, 'Records an operator''s own TRUNCATE of the partition by its name.');
end
$$;

comment on function chat.audit_partition(regclass) is
  'Has chat.audit_log see what an operator does in a partition of messages by the partition''s own name. chat.create_message_partitions calls it.';

select chat.audit_partition(i.inhrelid::regclass)
from pg_catalog.pg_inherits i
where i.inhparent = 'public.user_messages'::regclass;

create or replace trigger audit_update
  after update on public.user_messages
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_update on public.user_messages is 'Records an operator''s own UPDATE.';

create or replace trigger audit_delete
  after delete on public.user_messages
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_delete on public.user_messages is 'Records an operator''s own DELETE.';

create or replace trigger audit_truncate
  after truncate on public.user_messages
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_truncate on public.user_messages is 'Records an operator''s own TRUNCATE.';

-- Not on user_conversations for UPDATE: each message updates one.
create or replace trigger audit_delete
  after delete on public.user_conversations
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_delete on public.user_conversations is 'Records an operator''s own DELETE, and that of a person by the platform.';

create or replace trigger audit_truncate
  after truncate on public.user_conversations
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_truncate on public.user_conversations is 'Records an operator''s own TRUNCATE.';

create or replace trigger audit_update
  after update on public.message_edits
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_update on public.message_edits is 'Records an operator''s own UPDATE.';

create or replace trigger audit_delete
  after delete on public.message_edits
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_delete on public.message_edits is 'Records an operator''s own DELETE.';

create or replace trigger audit_truncate
  after truncate on public.message_edits
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_truncate on public.message_edits is 'Records an operator''s own TRUNCATE.';

create or replace function chat.audit_settings()
  returns trigger
  security definer                 -- writes the trail, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  -- Switching the trail off is its last entry.
  insert into chat.audit_log (acting_as, action, detail)
  select
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    'UPDATE chat.settings',
    jsonb_object_agg(o.key, jsonb_build_array(o.value, n.value))
  from jsonb_each(to_jsonb(old)) o
  join jsonb_each(to_jsonb(new)) n using (key)
  where o.value <> n.value
    and o.key !~ 'secret'            -- a secret's change is another entry's business, never its value
    and (old.audit or new.audit)
  having count(*) > 0;
  return null;
end
$$;

comment on function chat.audit_settings() is 'Records each change of a setting, old and new value; secrets are left out.';

create or replace trigger audit_settings
  after update on chat.settings
  for each row
  execute function chat.audit_settings();

comment on trigger audit_settings on chat.settings is 'Records each change of a setting.';

create or replace function chat.refuse_change_of_trail()
  returns trigger
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  raise sqlstate 'PT403' using
    message = 'chat.audit_log is append-only.',
    detail = 'append_only',
    hint = 'Keep old entries elsewhere, too; the owner can drop the trigger append_only, which is an act that leaves a trace in the schema.';
end
$$;

comment on function chat.refuse_change_of_trail() is 'Refuses to change or remove entries of chat.audit_log: PT403.';

create or replace trigger append_only
  before update or delete or truncate on chat.audit_log
  for each statement
  execute function chat.refuse_change_of_trail();

comment on trigger append_only on chat.audit_log is 'Entries are added and never changed.';

revoke all on table chat.legal_holds, chat.held_texts, chat.erased_people, chat.audit_log from public, anon, authenticated, service_role;

revoke all on function
  chat.audit, chat.audit_statement, chat.audit_partition, chat.audit_settings, chat.refuse_change_of_trail
from public, anon, authenticated, service_role;
