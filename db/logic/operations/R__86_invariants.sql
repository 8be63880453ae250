-- Whether all is as it must be.

-- Each line of a list is one rule and what breaks it. Messages come along their indexes, conversation by conversation, and what is
-- asked of each is looked up (lateral, limit 1; no exists, which may become a hash): nothing is sorted, hashed or kept but what is
-- broken, so it takes the same memory for any number of messages, also in one conversation.
create or replace function chat.check_invariants(conversation_id uuid)
  returns table (rule text, detail text)
  stable
  set search_path = pg_catalog, pg_temp
  set enable_sort = off
  set enable_hashjoin = off
  set enable_hashagg = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  first_conversation uuid := coalesce(check_invariants.conversation_id, '00000000-0000-0000-0000-000000000000');
  last_conversation uuid := coalesce(check_invariants.conversation_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  kept_from timestamptz;
  first_id_kept uuid;
  first_id_remembered uuid := chat.uuid7_floor(now() - interval '29 days');   -- message_key_days is at least 30
  whole_from timestamptz;
begin
  -- Retention goes by id and numbers go by arrival: as an id may be a day older than its message, the numbers of the first day
  -- that is kept may have holes.
  select greatest((select s.messages_kept_from from chat.settings s),
    min(chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM [(]''([0-9a-f-]+)''[)]')::uuid))) into kept_from
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.user_messages'::regclass;
  first_id_kept := chat.uuid7_floor(kept_from);
  whole_from := kept_from + interval '1 day';

  -- Messages by number. Whether one breaks a rule is asked once; only of those that do the list is made.
  return query
    select broken.rule, broken.detail
    from (
      select
        m.*,
        m.seq = m.seq_before or m.seq > m.seq_before + 1 and m.created_before >= whole_from as has_gap,
        m.is_oldest_kept and m.seq <> 1 and c.created_at >= whole_from as begins_late,
        m.sent_revision <= m.sent_revision_before or m.created_at < m.created_before as is_out_of_order,
        m.seq > c.last_message_seq as is_past_the_last,
        m.read_by ? m.recipient_id::text
          and m.seq > case m.recipient_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
          as is_read_ahead,
        m.read_by not in ('[]', jsonb_build_array(m.recipient_id)) as has_odd_readers,
        (least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id))
          is distinct from (c.participant_1_id, c.participant_2_id) as is_astray,
        c.id is not null and (m.sent_revision > m.revision or m.revision > c.revision) as is_revised_ahead,
        m.is_deleted and (
          not m.is_blank
          or (select true from public.message_edits e where e.message_id = m.id limit 1)
          or (select true from public.message_reactions r where r.message_id = m.id limit 1)
        ) as is_not_blank,
        not m.is_deleted and m.is_edited and (select true from public.message_edits e where e.message_id = m.id limit 1) is null
          as has_no_earlier_text,
        m.client_id is not null and (
          m.client_id = m.id
          or m.id >= first_id_remembered
            and (select true from chat.message_keys k where k.sender_id = m.sender_id and k.key = m.client_id and k.message_id = m.id) is null
        ) as is_not_remembered,
        m.written_at >= m.created_at as is_written_late,
        c.last_message_seq,
        c.revision as last_revision
      from (
        select
          m.id, m.conversation_id, m.sender_id, m.recipient_id, m.seq, m.sent_revision, m.revision, m.created_at, m.read_by,
          m.is_deleted, m.is_edited, m.written_at, m.client_id,
          m.content = '' and m.metadata = '{}' as is_blank,
          row_number() over w = 1 as is_oldest_kept,
          lag(m.seq) over w as seq_before,
          lag(m.sent_revision) over w as sent_revision_before,
          lag(m.created_at) over w as created_before
        from public.user_messages m
        where m.conversation_id between first_conversation and last_conversation
        window w as (partition by m.conversation_id order by m.seq)
      ) m
      left join lateral (
        select c.*
        from public.user_conversations c
        where c.id = m.conversation_id
        limit 1
      ) c on true
    ) m
    cross join lateral (
      values
        ('numbers have no gaps and no repeats', m.has_gap,
          format('conversation %s: %s after %s', m.conversation_id, m.seq, m.seq_before)),
        ('numbers begin with 1', m.begins_late,
          format('conversation %s begins with %s', m.conversation_id, m.seq)),
        ('a later number is a later message', m.is_out_of_order,
          format('message %s: sent_revision %s after %s, %s after %s',
            m.id, m.sent_revision, m.sent_revision_before, m.created_at, m.created_before)),
        ('nothing is numbered past the last message', m.is_past_the_last,
          format('message %s: %s after %s', m.id, m.seq, m.last_message_seq)),
        ('whoever is in read_by has read so far', m.is_read_ahead,
          format('message %s, number %s', m.id, m.seq)),
        ('read_by holds readers, each once', m.has_odd_readers,
          format('message %s: %s', m.id, m.read_by)),
        ('a message is between the two of its conversation', m.is_astray,
          format('message %s', m.id)),
        ('no revision is ahead of its conversation', m.is_revised_ahead,
          format('message %s: sent at %s, changed at %s, conversation at %s', m.id, m.sent_revision, m.revision, m.last_revision)),
        ('a deleted message is blank', m.is_not_blank,
          format('message %s', m.id)),
        ('an edited message has its earlier texts', m.has_no_earlier_text,
          format('message %s', m.id)),
        ('a message is found by its sender''s key', m.is_not_remembered,
          format('message %s, key %s', m.id, m.client_id)),
        ('a message is written before it is sent', m.is_written_late,
          format('message %s: written at %s, sent at %s', m.id, m.written_at, m.created_at))
    ) broken (rule, is_broken, detail)
    where (m.has_gap or m.begins_late or m.is_out_of_order or m.is_past_the_last or m.is_read_ahead or m.has_odd_readers
        or m.is_astray or m.is_revised_ahead or m.is_not_blank or m.has_no_earlier_text or m.is_not_remembered
        or m.is_written_late)
      and broken.is_broken;

  -- Messages by revision, which takes the index alone.
  return query
    select broken.rule, broken.detail
    from (
      select
        one.conversation_id,
        one.revision,
        one.messages,
        lead(one.revision) over (partition by one.conversation_id order by one.revision) is null as is_newest
      from (
        select m.conversation_id, m.revision, count(*) as messages
        from public.user_messages m
        where m.conversation_id between first_conversation and last_conversation
        group by m.conversation_id, m.revision
      ) one
    ) r
    left join lateral (
      select c.*
      from public.user_conversations c
      where c.id = r.conversation_id
        and r.is_newest
        and c.created_at >= whole_from             -- else the message may have been dropped
      limit 1
    ) c on true
    cross join lateral (
      values
        ('a revision is one message''s', r.messages > 1,
          format('conversation %s: revision %s of %s messages', r.conversation_id, r.revision, r.messages)),
        ('the newest revision is some message''s', c.revision <> r.revision,
          format('conversation %s: %s, its messages %s', c.id, c.revision, r.revision))
    ) broken (rule, is_broken, detail)
    where (r.messages > 1 or c.revision <> r.revision)
      and broken.is_broken;

  -- Conversations.
  return query
    select broken.rule, broken.detail
    from public.user_conversations c
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = c.last_message_id
      limit 1
    ) m on true
    cross join lateral (
      values
        ('the last message is the last one',
          case
            when m.id is null then c.last_message_id >= first_id_kept
            else (m.conversation_id, m.seq, m.created_at) is distinct from (c.id, c.last_message_seq, c.last_message_at)
          end,
          format('conversation %s: %s, number %s', c.id, c.last_message_id, c.last_message_seq)),
        ('read positions are within what was sent',
          not (c.participant_1_read_seq between 0 and c.last_message_seq and c.participant_2_read_seq between 0 and c.last_message_seq),
          format('conversation %s: %s and %s of %s', c.id, c.participant_1_read_seq, c.participant_2_read_seq, c.last_message_seq)),
        ('what was delivered was sent',
          not (c.participant_1_delivered_seq between 0 and c.last_message_seq and c.participant_2_delivered_seq between 0 and c.last_message_seq),
          format('conversation %s: %s and %s of %s', c.id, c.participant_1_delivered_seq, c.participant_2_delivered_seq, c.last_message_seq)),
        ('the newest revision is some message''s',
          c.created_at >= whole_from
            and c.revision <> 0
            and (select true from public.user_messages n where n.conversation_id = c.id limit 1) is null,
          format('conversation %s: %s, its messages ', c.id, c.revision))
    ) broken (rule, is_broken, detail)
    where c.id between first_conversation and last_conversation
      and broken.is_broken;

  return query
    select 'whoever sends has read', format('conversation %s: %s has sent %s', c.id, m.sender_id, m.seq)
    from public.user_conversations c
    cross join lateral (
      select m.sender_id, max(m.seq) as seq
      from public.user_messages m
      where m.conversation_id = c.id
        and m.seq > least(c.participant_1_read_seq, c.participant_2_read_seq)   -- which the index can look up
        and m.seq > case m.sender_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
      group by m.sender_id
    ) m
    where c.id between first_conversation and last_conversation;

  -- By the index from the read position or the mark on; of conversations that are read and unmarked nothing is looked up.
  return query
    select 'what is unread is counted right', format('conversation %s: %s for %s', c.id, kept.correction, reader.id)
    from public.user_conversations c
    cross join lateral (
      values (c.participant_1_id, c.participant_1_read_seq), (c.participant_2_id, c.participant_2_read_seq)
    ) reader (id, read_seq)
    left join lateral (
      select p.*
      from public.conversation_preferences p
      where p.conversation_id = c.id
        and p.user_id = reader.id
        and p.unread_at_seq = reader.read_seq
      limit 1
    ) p on true
    cross join lateral (select coalesce(p.unread_correction, 0) as correction) kept
    where c.id between first_conversation and last_conversation
      and c.created_at >= whole_from             -- else a message may have been dropped
      and (c.last_message_seq > reader.read_seq or p.unread_at_seq is not null)
      and kept.correction <> (
        select count(*) filter (where m.seq <= reader.read_seq and m.recipient_id = reader.id and not m.is_deleted)
          - count(*) filter (where m.seq > reader.read_seq and m.is_deleted)
        from public.user_messages m
        where m.conversation_id = c.id
          and m.seq >= coalesce(p.unread_from_seq, reader.read_seq + 1)
      )
      and (select true from chat.erased_people e where e.user_id = reader.id limit 1) is null;

  -- What hangs on messages.
  return query
    select broken.rule, broken.detail
    from (
      select e.*
      from public.message_edits e
      where check_invariants.conversation_id is null
      union all
      select e.*
      from public.user_messages m
      join public.message_edits e on e.message_id = m.id
      where m.conversation_id = check_invariants.conversation_id
    ) e
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = e.message_id
      limit 1
    ) m on true
    cross join lateral (
      values
        ('an edit knows its message',
          m.sender_id is distinct from e.sender_id or m.recipient_id is distinct from coalesce(e.recipient_id, m.recipient_id),
          format('edit %s of message %s', e.id, e.message_id)),
        ('an edited message has its earlier texts',
          not m.is_edited and not m.is_deleted
            and (select true from public.message_edits f where f.message_id = e.message_id and f.id < e.id limit 1) is null,
          format('message %s', m.id))
    ) broken (rule, is_broken, detail)
    where broken.is_broken;

  return query
    select 'a reaction knows its message', format('reaction %s to message %s', r.id, r.message_id)
    from (
      select r.*
      from public.message_reactions r
      where check_invariants.conversation_id is null
      union all
      select r.*
      from public.user_messages m
      join public.message_reactions r on r.message_id = m.id
      where m.conversation_id = check_invariants.conversation_id
    ) r
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = r.message_id
      limit 1
    ) m on true
    where (m.conversation_id, m.sender_id, m.recipient_id) is distinct from (r.conversation_id, r.sender_id, r.recipient_id);

  return query
    select 'a key is its message''s', format('key %s of person %s, message %s', k.key, k.sender_id, k.message_id)
    from (
      select k.*
      from chat.message_keys k
      where check_invariants.conversation_id is null
      union all
      select k.*
      from public.user_messages m
      join chat.message_keys k on k.message_id = m.id
      where m.conversation_id = check_invariants.conversation_id
    ) k
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = k.message_id
      limit 1
    ) m on true
    where (m.sender_id, m.client_id) is distinct from (k.sender_id, k.key);

  return query
    select broken.rule, format('file %s', f.id)
    from public.chat_files f
    left join lateral (
      select c.*
      from public.user_conversations c
      where c.id = f.conversation_id
      limit 1
    ) c on true
    left join lateral (
      select m.*
      from public.user_messages m
      where m.id = f.message_id
      limit 1
    ) m on true
    cross join lateral (
      values
        ('a file is between the two of its conversation',
          (least(f.uploader_id, f.recipient_id), greatest(f.uploader_id, f.recipient_id))
            is distinct from (c.participant_1_id, c.participant_2_id)),
        ('a sent file is what its message names',
          f.state = 'stored' and f.message_id is not null
            and (m.sender_id, m.file_url) is distinct from (f.uploader_id, f.conversation_id::text || '/' || f.name))
    ) broken (rule, is_broken)
    where f.conversation_id between first_conversation and last_conversation
      and broken.is_broken;

  return query
    select 'preferences are a participant''s', format('conversation %s, person %s, archived at %s of %s',
      p.conversation_id, p.user_id, p.archived_seq, c.last_message_seq)
    from public.conversation_preferences p
    left join lateral (
      select c.*
      from public.user_conversations c
      where c.id = p.conversation_id
      limit 1
    ) c on true
    where p.conversation_id between first_conversation and last_conversation
      and (
        c.id is null
        or p.user_id not in (c.participant_1_id, c.participant_2_id)
        or p.archived_seq > c.last_message_seq);
end
$$;

comment on function chat.check_invariants(uuid) is
  'What is not as it must be in one conversation, in all of them when null: the rule and the row that breaks it. For the owner.';

create or replace function chat.check_invariants()
  returns table (rule text, detail text)
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select b.rule, b.detail
  from chat.check_invariants(null) b

  union all
  select 'presence knows its team', format('person %s', p.user_id)
  from public.user_presence p
  left join public.users u on u.id = p.user_id
  where u.id is null
    or u.team_id is distinct from p.team_id
    or (p.is_typing_to is null) <> (p.typing_started_at is null)
$$;

comment on function chat.check_invariants() is
  'What is not as it must be: the rule and the row that breaks it; nothing when all is well. Reads whole tables in one snapshot, in the same memory however large they are; locks nothing. For the owner.';

revoke all on function
  chat.check_invariants(uuid), chat.check_invariants()
from public, anon, authenticated, service_role;
