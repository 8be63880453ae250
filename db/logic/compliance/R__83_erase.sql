-- A person is taken out of the chat. For the owner alone.

create or replace procedure chat.erase_person(person uuid, batch_size int default 500)
  language plpgsql
as $$
declare
  conversation pg_catalog.uuid;    -- types by their schema: the path is not set yet
  position pg_catalog.int8;
  doomed pg_catalog.uuid[];
  last_of_batch pg_catalog.int8;
  base pg_catalog.int8;
  events pg_catalog.int8[];
begin
  -- A procedure that commits may not pin its path, and a local one ends with each transaction: set at the head and after each commit.
  set local search_path = pg_catalog, pg_temp;
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'erase_person takes 1 to 10000 messages a step.',
      detail = 'batch_size';
  end if;
  if not exists (select from public.users u where u.id = person) then
    raise sqlstate 'PT404' using
      message = format('There is no person %s.', person),
      detail = 'no_person',
      hint = 'Give an id of public.users.';
  end if;
  if exists (select from public.users u where u.id = person and u.status::text = 'active') then
    raise sqlstate 'PT409' using
      message = 'An active person would go on writing.',
      detail = 'active',
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
      detail = 'held',
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
          detail = 'held',
          hint = 'What was erased before stays erased; call again when the hold has ended.';
      end if;

      select array_agg(x.id order by x.seq), max(x.seq) into doomed, last_of_batch
      from (
        select m.id, m.seq
        from public.user_messages m
        where m.conversation_id = conversation
          and m.seq > position
          and (
            (m.sender_id = person and (not m.is_deleted or num_nonnulls(m.written_at, m.client_id) > 0))
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
        written_at = case m.sender_id when person then null else m.written_at end,
        client_id = case m.sender_id when person then null else m.client_id end,
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

      delete from chat.message_keys k
      where k.message_id = any (doomed)
        and k.sender_id = person;

      delete from public.message_reactions r
      using public.user_messages m
      where m.id = any (doomed)
        and r.message_id = m.id
        and (m.is_deleted or r.user_id = person);

      position := last_of_batch;
      commit;
      set local search_path = pg_catalog, pg_temp;
    end loop;

    delete from public.chat_files f
    where f.conversation_id = conversation
      and f.uploader_id = person;
    commit;
    set local search_path = pg_catalog, pg_temp;
  end loop;

  delete from public.conversation_preferences p where p.user_id = person;
  delete from public.user_blocks b where b.blocker_id = person;
  delete from public.user_presence p where p.user_id = person;
  delete from public.push_subscriptions d where d.user_id = person;
  delete from chat.upload_counts u where u.user_id = person;
  update chat.provisioned_people p
  set user_name = p.user_id || '@erased.invalid', external_id = null, attributes = '{}', removed_at = coalesce(p.removed_at, now())
  where p.user_id = person;
  if exists (select from chat.settings s where s.platform = 'standalone') then
    update public.users u
    set full_name = 'Former member', email = u.id || '@erased.invalid', avatar_url = null
    where u.id = person;
  else
    raise notice 'The row of % in public.users belongs to the platform: take name, address and picture from it there.', person;
  end if;
  insert into chat.erased_people (user_id)
  values (person)
  on conflict (user_id) do update set
    erased_at = excluded.erased_at;
  commit;
  set local search_path = pg_catalog, pg_temp;

  -- What webhooks are still to be told. Who reads the log for them now does not see the row above; who begins later does.
  perform from chat.log_readers r where r.name = 'webhooks' for update;
  commit;
  set local search_path = pg_catalog, pg_temp;
  position := 0;
  loop
    select array_agg(x.id), max(x.id) into events, position
    from (
      select e.id
      from chat.webhook_events e
      where e.id > position
        and (strpos(e.record, person::text) > 0 or strpos(e.old_record, person::text) > 0)
      order by e.id
      limit batch_size
    ) x;
    exit when events is null;
    update chat.webhook_events e
    set
      record = chat.webhook_row(e.table_name, e.record, e.at),
      old_record = chat.webhook_row(e.table_name, e.old_record, e.at)
    where e.id = any (events);
    commit;
    set local search_path = pg_catalog, pg_temp;
  end loop;
end
$$;

comment on procedure chat.erase_person(uuid, int) is
  'Blanks all that a person wrote and gave, in steps of so many messages, removes what they uploaded, empties what webhooks are still to be told of it, and keeps the other half of their conversations. It commits between steps and can be called again. The person must not be active (PT409); a legal hold refuses it (PT409). To erase both halves, delete the person. For the owner, outside a transaction.';

revoke all on procedure chat.erase_person from public, anon, authenticated, service_role;
