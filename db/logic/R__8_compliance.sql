-- What the law asks of an operator: a trail of what operators did, export, legal hold, erasure. All for the owner alone.

-- The trail.

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

-- Not on user_conversations for UPDATE: each message updates one.
create or replace trigger audit_update
  after update on public.user_messages
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_delete
  after delete on public.user_messages
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_truncate
  after truncate on public.user_messages
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_delete
  after delete on public.user_conversations
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_truncate
  after truncate on public.user_conversations
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_delete
  after delete on public.message_edits
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_truncate
  after truncate on public.message_edits
  for each statement
  execute function chat.audit_statement();
create or replace trigger audit_update
  after update on public.message_edits
  referencing old table as old_rows
  for each statement
  execute function chat.audit_statement();

comment on trigger audit_update on public.user_messages is 'Records an operator''s own UPDATE.';
comment on trigger audit_delete on public.user_messages is 'Records an operator''s own DELETE.';
comment on trigger audit_truncate on public.user_messages is 'Records an operator''s own TRUNCATE.';
comment on trigger audit_delete on public.user_conversations is 'Records an operator''s own DELETE, and that of a person by the platform.';
comment on trigger audit_truncate on public.user_conversations is 'Records an operator''s own TRUNCATE.';
comment on trigger audit_delete on public.message_edits is 'Records an operator''s own DELETE.';
comment on trigger audit_truncate on public.message_edits is 'Records an operator''s own TRUNCATE.';
comment on trigger audit_update on public.message_edits is 'Records an operator''s own UPDATE.';

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
    hint = 'Keep old entries elsewhere, too; the owner can drop the trigger append_only, which is an act that leaves a trace in the schema.';
end
$$;

comment on function chat.refuse_change_of_trail() is 'Refuses to change or remove entries of chat.audit_log: PT403.';

create or replace trigger append_only
  before update or delete or truncate on chat.audit_log
  for each statement
  execute function chat.refuse_change_of_trail();

comment on trigger append_only on chat.audit_log is 'Entries are added and never changed.';

-- Legal hold.

create or replace function chat.is_held(conversation_id uuid)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select exists (
    select
    from chat.legal_holds h
    where h.conversation_id = is_held.conversation_id
      and h.released_at is null
  ) or exists (
    select
    from public.user_conversations c
    join chat.legal_holds h on h.user_id in (c.participant_1_id, c.participant_2_id)
    where c.id = is_held.conversation_id
      and h.released_at is null
  )
$$;

comment on function chat.is_held(uuid) is 'Whether a conversation is under legal hold, by itself or by one of its two people.';

create or replace function chat.place_hold(reason text, user_id uuid default null, conversation_id uuid default null)
  returns bigint
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  placed bigint;
begin
  if (place_hold.user_id is null) = (place_hold.conversation_id is null) or coalesce(place_hold.reason, '') = '' then
    raise sqlstate 'PT400' using
      message = 'place_hold takes a reason and either a person or a conversation.',
      hint = 'For instance: select chat.place_hold(''case 17'', user_id => …).';
  end if;
  -- Waits for deletes, edits and erasure under way; what comes later sees the hold.
  perform
  from public.user_conversations c
  where c.id = place_hold.conversation_id
    or place_hold.user_id in (c.participant_1_id, c.participant_2_id)
  order by c.id
  for share;

  if not exists (
    select
    from public.user_conversations c
    where c.id = place_hold.conversation_id
    union all
    select
    from public.users u
    where u.id = place_hold.user_id
  ) then
    raise sqlstate 'PT404' using
      message = 'There is no such person or conversation.';
  end if;
  insert into chat.legal_holds (user_id, conversation_id, reason)
  values (place_hold.user_id, place_hold.conversation_id, place_hold.reason)
  returning id into placed;
  perform chat.audit('place_hold', jsonb_build_object(
    'hold', placed, 'user_id', place_hold.user_id, 'conversation_id', place_hold.conversation_id, 'reason', place_hold.reason));
  return placed;
end
$$;

comment on function chat.place_hold(text, uuid, uuid) is
  'Holds all conversations of a person, or one: retention and erasure leave them, nothing deletes them, and what their people change is kept. Returns the hold''s id. PT400 unless exactly one is given, PT404 when it is not there.';

create or replace function chat.release_hold(id bigint)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  update chat.legal_holds h
  set released_at = clock_timestamp(), released_by = session_user
  where h.id = release_hold.id
    and h.released_at is null;
  if not found then
    raise sqlstate 'PT404' using
      message = format('There is no hold %s that could end.', release_hold.id),
      hint = 'select * from chat.legal_holds where released_at is null shows what is held.';
  end if;
  delete from chat.held_texts t
  where not chat.is_held(t.conversation_id);
  perform chat.audit('release_hold', jsonb_build_object('hold', release_hold.id));
end
$$;

comment on function chat.release_hold(bigint) is 'Ends a legal hold; what was kept because of it alone is removed. PT404 when no such hold is in force.';

create or replace function chat.refuse_to_delete_held()
  returns trigger
  security definer                 -- reads the holds, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  conversation uuid;
begin
  if not exists (select from chat.legal_holds h where h.released_at is null) then
    if tg_op = 'DELETE' then
      return old;
    end if;
    return null;
  end if;
  if tg_op = 'DELETE' then
    conversation := coalesce(to_jsonb(old) ->> 'conversation_id', to_jsonb(old) ->> 'id');
    if not chat.is_held(conversation) then
      return old;
    end if;
  end if;
  raise sqlstate 'PT409' using
    message = case tg_op when 'DELETE' then format('Conversation %s is under legal hold.', conversation) else 'Conversations are under legal hold.' end,
    hint = 'select * from chat.legal_holds says why. Nothing was deleted; a person can be deactivated instead.';
end
$$;

comment on function chat.refuse_to_delete_held() is
  'Keeps a conversation under legal hold and its messages from being deleted, also when one of its people is, and both tables from being truncated while any hold is in force: PT409.';

create or replace trigger refuse_to_delete_held
  before delete on public.user_conversations
  for each row
  execute function chat.refuse_to_delete_held();
create or replace trigger refuse_to_truncate_held
  before truncate on public.user_conversations
  for each statement
  execute function chat.refuse_to_delete_held();
create or replace trigger refuse_to_delete_held
  before delete on public.user_messages
  for each row
  execute function chat.refuse_to_delete_held();
create or replace trigger refuse_to_truncate_held
  before truncate on public.user_messages
  for each statement
  execute function chat.refuse_to_delete_held();

comment on trigger refuse_to_delete_held on public.user_conversations is 'A conversation under legal hold stays.';
comment on trigger refuse_to_truncate_held on public.user_conversations is 'While a hold is in force nothing is truncated.';
comment on trigger refuse_to_delete_held on public.user_messages is 'A message under legal hold stays.';
comment on trigger refuse_to_truncate_held on public.user_messages is 'While a hold is in force nothing is truncated.';

create or replace function chat.keep_held_text()
  returns trigger
  security definer                 -- writes what its people may not see
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if chat.is_held(old.conversation_id) then
    insert into chat.held_texts (message_id, conversation_id, sender_id, content, file_url, file_name, metadata)
    values (old.id, old.conversation_id, old.sender_id, old.content, old.file_url, old.file_name, old.metadata);
  end if;
  return null;
end
$$;

comment on function chat.keep_held_text() is 'Keeps what a message under legal hold said before it changes. Its people notice nothing.';

create or replace trigger keep_held_text
  after update on public.user_messages
  for each row
  when (old.content is distinct from new.content or old.is_deleted is distinct from new.is_deleted)
  execute function chat.keep_held_text();

comment on trigger keep_held_text on public.user_messages is 'Under legal hold, what a message said is kept.';

create or replace function chat.keep_held_edit()
  returns trigger
  security definer                 -- writes what its people may not see
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  insert into chat.held_texts (message_id, conversation_id, sender_id, content, metadata, replaced_at)
  select old.message_id, m.conversation_id, old.sender_id, old.content, '{}', old.edited_at
  from public.user_messages m
  where m.id = old.message_id
    and chat.is_held(m.conversation_id);
  return old;
end
$$;

comment on function chat.keep_held_edit() is 'Keeps the earlier texts of a message under legal hold when its sender takes it back.';

create or replace trigger keep_held_edit
  before delete on public.message_edits
  for each row
  execute function chat.keep_held_edit();

comment on trigger keep_held_edit on public.message_edits is 'Under legal hold, earlier texts are kept.';

-- Export.

create or replace function chat.export_person_rows(person uuid)
  returns table (section text, data json)
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language sql
as $$
  select 'person', json_build_object(
    'id', u.id, 'full_name', u.full_name, 'email', u.email, 'avatar_url', u.avatar_url, 'status', u.status, 'team_id', u.team_id)
  from public.users u
  where u.id = export_person_rows.person

  union all
  select 'presence', json_build_object(
    'status', p.status, 'last_seen', p.last_seen, 'current_page', p.current_page, 'typing_to', p.is_typing_to, 'updated_at', p.updated_at)
  from public.user_presence p
  where p.user_id = export_person_rows.person

  union all
  select 'blocks', json_build_object('blocked_id', b.blocked_id, 'created_at', b.created_at)
  from public.user_blocks b
  where b.blocker_id = export_person_rows.person

  union all
  select 'preferences', json_build_object(
    'conversation_id', p.conversation_id, 'archived_at', p.archived_at, 'muted_until', p.muted_until)
  from public.conversation_preferences p
  where p.user_id = export_person_rows.person

  union all
  select 'conversations', json_build_object(
    'id', c.id,
    'with', case export_person_rows.person when c.participant_1_id then c.participant_2_id else c.participant_1_id end,
    'created_at', c.created_at,
    'last_message_at', c.last_message_at,
    'messages', c.last_message_seq,
    'read_up_to', case export_person_rows.person when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end)
  from public.user_conversations c
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)

  union all
  select 'messages', json_build_object(
    'id', m.id, 'conversation_id', m.conversation_id, 'number', m.seq,
    'sender_id', m.sender_id, 'recipient_id', m.recipient_id,
    'type', m.message_type, 'content', m.content,
    'file_url', m.file_url, 'file_name', m.file_name, 'file_size', m.file_size, 'metadata', m.metadata,
    'created_at', m.created_at, 'updated_at', m.updated_at, 'is_edited', m.is_edited, 'is_deleted', m.is_deleted)
  from public.user_conversations c
  join lateral (
    select x.id, x.conversation_id, x.seq, x.sender_id, x.recipient_id, x.message_type, x.content, x.file_url, x.file_name,
      x.file_size, x.metadata, x.created_at, x.updated_at, x.is_edited, x.is_deleted
    from public.user_messages x
    where x.conversation_id = c.id
    order by x.seq
  ) m on true
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)

  union all
  select 'earlier_texts', json_build_object('message_id', e.message_id, 'content', e.content, 'edited_at', e.edited_at)
  from public.user_conversations c
  join public.user_messages m on m.conversation_id = c.id and m.is_edited and m.sender_id = export_person_rows.person
  join public.message_edits e on e.message_id = m.id
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)

  union all
  select 'reactions', json_build_object('message_id', r.message_id, 'reaction', r.reaction, 'created_at', r.created_at)
  from public.user_conversations c
  join public.user_messages m on m.conversation_id = c.id
  join public.message_reactions r on r.message_id = m.id and r.user_id = export_person_rows.person
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)
$$;

comment on function chat.export_person_rows(uuid) is
  'What the chat holds of a person, one JSON object a row: for COPY, where one document would be too long. Times are in UTC.';

create or replace function chat.export_person(person uuid)
  returns json
  volatile                         -- leaves its entry in the trail
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
declare
  document json;
begin
  if not exists (select from public.users u where u.id = export_person.person) then
    raise sqlstate 'PT404' using
      message = format('There is no person %s.', export_person.person),
      hint = 'Give an id of public.users.';
  end if;
  perform chat.audit('export_person', jsonb_build_object('user_id', export_person.person));
  select json_object_agg(known.section, coalesce(x.list, '[]') order by known.place) into document
  from unnest(array['person', 'presence', 'blocks', 'preferences', 'conversations', 'messages', 'earlier_texts', 'reactions'])
    with ordinality known (section, place)
  left join (
    select r.section, json_agg(r.data) as list
    from chat.export_person_rows(export_person.person) r
    group by r.section
  ) x on x.section = known.section;
  return document;
end
$$;

comment on function chat.export_person(uuid) is
  'Everything that the chat holds of a person as one JSON document of at most 1 GB, a list for each section; both halves of their conversations. PT404 when there is no such person.';

-- Erasure.

create or replace procedure chat.erase_person(person uuid, batch_size int default 500)
  language plpgsql
as $$
declare
  conversation pg_catalog.uuid;    -- types by their schema: the path is not set yet
  position pg_catalog.int8;
  doomed pg_catalog.uuid[];
  last_of_batch pg_catalog.int8;
  base pg_catalog.int8;
begin
  -- A procedure that commits may not pin its path, and a local one ends with each transaction: set at the head and after each commit.
  set local search_path = pg_catalog, pg_temp;
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'erase_person takes 1 to 10000 messages a step.';
  end if;
  if not exists (select from public.users u where u.id = person) then
    raise sqlstate 'PT404' using
      message = format('There is no person %s.', person),
      hint = 'Give an id of public.users.';
  end if;
  if exists (select from public.users u where u.id = person and u.status::text = 'active') then
    raise sqlstate 'PT409' using
      message = 'An active person would go on writing.',
      hint = format('First: update public.users set status = ''inactive'' where id = %L;', person);
  end if;
  if exists (
    select
    from public.user_conversations c
    where person in (c.participant_1_id, c.participant_2_id)
      and chat.is_held(c.id)
  ) then
    raise sqlstate 'PT409' using
      message = format('Conversations of %s are under legal hold.', person),
      hint = 'select * from chat.legal_holds where released_at is null says why; chat.release_hold ends a hold.';
  end if;
  perform chat.audit('erase_person', jsonb_build_object('user_id', person));
  commit;
  set local search_path = pg_catalog, pg_temp;

  for conversation in
    select c.id
    from public.user_conversations c
    where person in (c.participant_1_id, c.participant_2_id)
    order by c.id
  loop
    position := 0;
    loop
      -- The conversation first, then its messages: the lock order of a send.
      perform from public.user_conversations c where c.id = conversation for no key update;
      if chat.is_held(conversation) then   -- placed meanwhile
        raise sqlstate 'PT409' using
          message = format('Conversation %s is under legal hold.', conversation),
          hint = 'What was erased before stays erased; call again when the hold has ended.';
      end if;

      select array_agg(x.id order by x.seq), max(x.seq) into doomed, last_of_batch
      from (
        select m.id, m.seq
        from public.user_messages m
        where m.conversation_id = conversation
          and m.seq > position
          and (
            (m.sender_id = person and not m.is_deleted)
            or exists (select from public.message_reactions r where r.message_id = m.id and r.user_id = person)
          )
        order by m.seq
        limit batch_size
      ) x;
      exit when doomed is null;

      update public.user_conversations c
      set revision = c.revision + cardinality(doomed), updated_at = clock_timestamp()
      where c.id = conversation
      returning c.revision - cardinality(doomed) into base;

      update public.user_messages m
      set
        content = case m.sender_id when person then '' else m.content end,
        file_url = case m.sender_id when person then null else m.file_url end,
        file_name = case m.sender_id when person then null else m.file_name end,
        file_size = case m.sender_id when person then null else m.file_size end,
        metadata = case m.sender_id when person then '{}' else m.metadata end,
        is_deleted = m.is_deleted or m.sender_id = person,
        updated_at = case m.sender_id when person then clock_timestamp() else m.updated_at end,
        revision = base + d.place
      from unnest(doomed) with ordinality d (id, place)
      where m.id = d.id;

      delete from public.message_edits e
      using public.user_messages m
      where m.id = any (doomed)
        and m.is_deleted
        and e.message_id = m.id;

      delete from public.message_reactions r
      using public.user_messages m
      where m.id = any (doomed)
        and r.message_id = m.id
        and (m.is_deleted or r.user_id = person);

      position := last_of_batch;
      commit;
      set local search_path = pg_catalog, pg_temp;
    end loop;
    commit;
    set local search_path = pg_catalog, pg_temp;
  end loop;

  delete from public.conversation_preferences p where p.user_id = person;
  delete from public.user_blocks b where b.blocker_id = person;
  delete from public.user_presence p where p.user_id = person;
  if exists (select from chat.settings s where s.platform = 'standalone') then
    update public.users u
    set full_name = 'Former member', email = u.id || '@erased.invalid', avatar_url = null
    where u.id = person;
  else
    raise notice 'The row of % in public.users belongs to the platform: take name, address and picture from it there.', person;
  end if;
  insert into chat.erased_people (user_id)
  values (person)
  on conflict (user_id) do nothing;
end
$$;

comment on procedure chat.erase_person(uuid, int) is
  'Blanks all that a person wrote and gave, in steps of so many messages, and keeps the other half of their conversations. It commits between steps and can be called again. The person must not be active (PT409); a legal hold refuses it (PT409). To erase both halves, delete the person. For the owner, outside a transaction.';

revoke all on table chat.legal_holds, chat.held_texts, chat.erased_people, chat.audit_log
  from public, anon, authenticated, service_role;
revoke all on function
  chat.audit, chat.audit_statement, chat.audit_partition, chat.audit_settings, chat.refuse_change_of_trail, chat.is_held, chat.place_hold, chat.release_hold,
  chat.refuse_to_delete_held, chat.keep_held_text, chat.keep_held_edit, chat.export_person_rows, chat.export_person
from public, anon, authenticated, service_role;
revoke all on procedure chat.erase_person from public, anon, authenticated, service_role;
