-- Messages are read by page, and what changed by revision.

-- Joined to each row of a page, so it is one the planner inlines: a set, and a body bound when it is made in place of a pinned path.
create or replace function chat.reactions_of(message_id uuid)
  returns table (reactions jsonb)
  stable
  language sql
begin atomic
  select coalesce(jsonb_agg(jsonb_build_object('reaction', r.reaction, 'user_ids', r.user_ids) order by r.since), '[]')
  from (
    select x.reaction, jsonb_agg(x.user_id order by x.created_at) as user_ids, min(x.created_at) as since
    from public.message_reactions x
    where x.message_id = reactions_of.message_id
    group by x.reaction
  ) r;
end;

comment on function chat.reactions_of(uuid) is 'One row, a list: each reaction to a message with the people who gave it, the oldest first.';

create or replace function public.get_messages(
  conversation_id uuid,
  before_seq bigint default null,
  after_seq bigint default null,
  page_size int default 50
)
  returns setof public.message_view
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  set enable_sort = off                      -- in the order of the index, one probe a partition: a long conversation is never read whole
  set enable_bitmapscan = off
  set jit = off                              -- before 18 each of these adds 1e10 to the cost, so each call would be compiled
  language plpgsql
as $$
#variable_conflict use_column
declare
  senders jsonb;
begin
  if before_seq is not null and after_seq is not null then
    raise sqlstate 'PT400' using
      message = 'Ask for messages before a number or after one, not both.',
      detail = 'page_bounds',
      hint = 'Leave out before_seq or after_seq; without either the newest page comes.';
  end if;

  select chat.senders(array[c.participant_1_id, c.participant_2_id]) into senders
  from public.user_conversations c
  where c.id = get_messages.conversation_id;

  if after_seq is null then
    return query
      select
        page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
        page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by,
        page.metadata, page.recipient_id, page.seq, page.sent_revision, page.revision,
        senders -> page.sender_id::text,
        r.reactions,
        page.written_at, page.client_id
      from (
        select m.*
        from public.user_messages m
        where m.conversation_id = get_messages.conversation_id
          and m.seq < coalesce(before_seq, 9223372036854775807)
        order by m.seq desc
        limit chat.checked_page_size(page_size)
      ) page
      cross join lateral chat.reactions_of(page.id) r
      order by page.seq;
  else
    return query
      select
        page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
        page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by,
        page.metadata, page.recipient_id, page.seq, page.sent_revision, page.revision,
        senders -> page.sender_id::text,
        r.reactions,
        page.written_at, page.client_id
      from (
        select m.*
        from public.user_messages m
        where m.conversation_id = get_messages.conversation_id
          and m.seq > after_seq
        order by m.seq
        limit chat.checked_page_size(page_size)
      ) page
      cross join lateral chat.reactions_of(page.id) r
      order by page.seq;
  end if;
end
$$;

comment on function public.get_messages is
  'A page of a conversation by number, ascending: the newest, or what comes just before or just after a number. Deleted messages are there, blanked. Nothing for whom it does not concern.';

create or replace function public.get_changes(conversation_id uuid, after_revision bigint, page_size int default 200)
  returns setof public.message_view
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  set enable_sort = off                      -- in the order of the index, one probe a partition: a long conversation is never read whole
  set enable_bitmapscan = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  senders jsonb;
begin
  if after_revision is null then
    raise sqlstate 'PT400' using
      message = 'get_changes needs the revision you have.',
      detail = 'missing',
      hint = 'Give after_revision: 0 for all, else the highest revision among your messages.';
  end if;

  select chat.senders(array[c.participant_1_id, c.participant_2_id]) into senders
  from public.user_conversations c
  where c.id = get_changes.conversation_id;

  return query
    select
      page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
      page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by, page.metadata,
      page.recipient_id, page.seq, page.sent_revision, page.revision,
      senders -> page.sender_id::text,
      r.reactions,
      page.written_at, page.client_id
    from (
      select m.*
      from public.user_messages m
      where m.conversation_id = get_changes.conversation_id
        and m.revision > after_revision
      order by m.revision
      limit chat.checked_page_size(page_size)
    ) page
    cross join lateral chat.reactions_of(page.id) r
    order by page.revision;
end
$$;

comment on function public.get_changes is
  'What was sent, edited, deleted or reacted to in a conversation after a revision, as it is now, by revision. Does not tell of reads, nor of what retention has dropped.';

create or replace function chat.changed_messages(conversation_id uuid, after_revision bigint, page_size int)
  returns table (id uuid, revision bigint, sent_revision bigint, at timestamptz, record text)
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'                       -- a record reads as in the change log
  set plan_cache_mode = force_generic_plan   -- as get_changes
  set enable_sort = off
  set enable_bitmapscan = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
begin
  return query
    select m.id, m.revision, m.sent_revision, m.updated_at, row_to_json(m)::text
    from (
      select
        x.id, x.conversation_id, x.sender_id, x.content, x.message_type, x.file_url, x.file_name, x.file_size,
        x.created_at, x.updated_at, x.is_edited, x.is_deleted, x.read_by, x.metadata, x.recipient_id, x.seq,
        x.sent_revision, x.revision, x.written_at, x.client_id
      from public.user_messages x
      where x.conversation_id = changed_messages.conversation_id
        and x.revision > after_revision
      order by x.revision
      limit chat.checked_page_size(page_size)
    ) m
    order by m.revision;
end
$$;

comment on function chat.changed_messages is
  'As get_changes, for those who resume a subscription: the rows alone, as the change log writes them.';

revoke all on function
  chat.reactions_of, public.get_messages, public.get_changes, chat.changed_messages
from public, anon, authenticated, service_role;

grant execute on function
  chat.reactions_of, public.get_messages, public.get_changes, chat.changed_messages
to authenticated, service_role;
