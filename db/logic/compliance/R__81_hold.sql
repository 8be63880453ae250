-- What must be kept, by order. For the owner alone.

create or replace function chat.is_held(conversation_id uuid)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
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
  );
end
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
      detail = 'hold',
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
      message = 'There is no such person or conversation.',
      detail = 'no_person';
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
      detail = 'no_hold',
      hint = 'select * from chat.legal_holds where released_at is null shows what is held.';
  end if;
  delete from chat.held_texts t
  where not chat.is_held(t.conversation_id);
  delete from public.chat_files f
  where f.state = 'held'
    and not chat.is_held(f.conversation_id);
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
    detail = 'held',
    hint = 'select * from chat.legal_holds says why. Nothing was deleted; a person can be deactivated instead.';
end
$$;

comment on function chat.refuse_to_delete_held() is
  'Keeps a conversation under legal hold and its messages from being deleted, also when one of its people is, and both tables from being truncated while any hold is in force: PT409.';

create or replace trigger refuse_to_delete_held
  before delete on public.user_conversations
  for each row
  execute function chat.refuse_to_delete_held();

comment on trigger refuse_to_delete_held on public.user_conversations is 'A conversation under legal hold stays.';

create or replace trigger refuse_to_truncate_held
  before truncate on public.user_conversations
  for each statement
  execute function chat.refuse_to_delete_held();

comment on trigger refuse_to_truncate_held on public.user_conversations is 'While a hold is in force nothing is truncated.';

create or replace trigger refuse_to_delete_held
  before delete on public.user_messages
  for each row
  execute function chat.refuse_to_delete_held();

comment on trigger refuse_to_delete_held on public.user_messages is 'A message under legal hold stays.';

create or replace trigger refuse_to_truncate_held
  before truncate on public.user_messages
  for each statement
  execute function chat.refuse_to_delete_held();

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

create or replace function chat.keep_held_file()
  returns trigger
  security definer                 -- reads the holds, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if old.state = 'uploading' or not chat.is_held(old.conversation_id) then
    return old;
  end if;
  update public.chat_files f
  set state = 'held'
  where f.id = old.id
    and f.state <> 'held';
  return null;
end
$$;

comment on function chat.keep_held_file() is 'Keeps a stored file under legal hold, and hides it, when it is removed or its message is taken back.';

create or replace trigger keep_held_file
  before delete on public.chat_files
  for each row
  execute function chat.keep_held_file();

comment on trigger keep_held_file on public.chat_files is 'Under legal hold, files are kept.';

create or replace trigger refuse_to_truncate_held
  before truncate on public.chat_files
  for each statement
  execute function chat.refuse_to_delete_held();

comment on trigger refuse_to_truncate_held on public.chat_files is 'While a hold is in force nothing is truncated.';

revoke all on function
  chat.is_held, chat.place_hold, chat.release_hold, chat.refuse_to_delete_held, chat.keep_held_text,
  chat.keep_held_edit, chat.keep_held_file
from public, anon, authenticated, service_role;
