-- What the chat holds of a person. For the owner alone.

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
  select 'provisioned', json_build_object(
    'user_name', p.user_name, 'external_id', p.external_id, 'attributes', p.attributes, 'created_at', p.created_at,
    'changed_at', p.changed_at, 'removed_at', p.removed_at)
  from chat.provisioned_people p
  where p.user_id = export_person_rows.person

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
    'delivered_up_to', case export_person_rows.person
      when c.participant_1_id then greatest(c.participant_1_delivered_seq, c.participant_1_read_seq)
      else greatest(c.participant_2_delivered_seq, c.participant_2_read_seq)
    end,
    'read_up_to', case export_person_rows.person when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end)
  from public.user_conversations c
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)

  union all
  select 'messages', json_build_object(
    'id', m.id, 'conversation_id', m.conversation_id, 'number', m.seq,
    'sender_id', m.sender_id, 'recipient_id', m.recipient_id,
    'type', m.message_type, 'content', m.content,
    'file_url', m.file_url, 'file_name', m.file_name, 'file_size', m.file_size, 'metadata', m.metadata,
    'created_at', m.created_at, 'written_at', m.written_at, 'client_id', m.client_id, 'updated_at', m.updated_at, 'is_edited', m.is_edited, 'is_deleted', m.is_deleted)
  from public.user_conversations c
  join lateral (
    select x.id, x.conversation_id, x.seq, x.sender_id, x.recipient_id, x.message_type, x.content, x.file_url, x.file_name,
      x.file_size, x.metadata, x.created_at, x.written_at, x.client_id, x.updated_at, x.is_edited, x.is_deleted
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
  select 'files', json_build_object(
    'id', f.id, 'conversation_id', f.conversation_id, 'name', f.name, 'state', f.state, 'size', f.size, 'content_type', f.content_type,
    'sha256', encode(f.sha256, 'hex'), 'metadata', f.metadata, 'details', f.details, 'message_id', f.message_id,
    'created_at', f.created_at, 'updated_at', f.updated_at)
  from public.user_conversations c
  join public.chat_files f on f.conversation_id = c.id and f.uploader_id = export_person_rows.person
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)

  union all
  select 'devices', json_build_object(
    'id', d.id, 'endpoint', d.endpoint, 'label', d.label, 'shows_text', d.shows_text, 'created_at', d.created_at,
    'updated_at', d.updated_at, 'last_used_at', d.last_used_at)
  from public.push_subscriptions d
  where d.user_id = export_person_rows.person

  union all
  select 'reactions', json_build_object('message_id', r.message_id, 'reaction', r.reaction, 'created_at', r.created_at)
  from public.user_conversations c
  join public.user_messages m on m.conversation_id = c.id
  join public.message_reactions r on r.message_id = m.id and r.user_id = export_person_rows.person
  where export_person_rows.person in (c.participant_1_id, c.participant_2_id)

  union all
  select 'webhook_events', json_build_object(
    'id', e.message_id, 'webhook', w.name, 'table', e.table_name, 'type', e.operation, 'timestamp', e.at, 'given_up_at', e.dead_at,
    'record', e.record::json, 'old_record', e.old_record::json)
  from chat.webhook_events e
  join chat.webhooks w on w.id = e.webhook_id
  where strpos(e.record, export_person_rows.person::text) > 0
    or strpos(e.old_record, export_person_rows.person::text) > 0
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
      detail = 'no_person',
      hint = 'Give an id of public.users.';
  end if;
  perform chat.audit('export_person', jsonb_build_object('user_id', export_person.person));
  select json_object_agg(known.section, coalesce(x.list, '[]') order by known.place) into document
  from unnest(array[
    'person', 'provisioned', 'presence', 'blocks', 'preferences', 'conversations', 'messages', 'earlier_texts', 'files', 'devices',
    'reactions', 'webhook_events'
  ])
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

revoke all on function chat.export_person_rows, chat.export_person from public, anon, authenticated, service_role;
