-- The rules of chat.check_invariants, each a select of its own with no care for memory: what InvariantsTest compares it with.
with messages as materialized (
  select
    m.*,
    row_number() over w = 1 as is_oldest_kept,
    lag(m.seq) over w as seq_before,
    lag(m.sent_revision) over w as sent_revision_before,
    lag(m.created_at) over w as created_before
  from public.user_messages m
  window w as (partition by m.conversation_id order by m.seq)
),
kept as materialized (
  -- Retention goes by id and numbers go by arrival: as an id may be a day older than its message, the numbers of the first day
  -- that is kept may have holes.
  select
    b.since,
    chat.uuid7_floor(b.since) as first_id,
    b.since + interval '1 day' as whole_from
  from (
    select greatest((select s.messages_kept_from from chat.settings s), min(chat.uuid7_time(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''([0-9a-f-]+)''\)')::uuid))) as since
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.user_messages'::regclass
  ) b
)

select 'numbers have no gaps and no repeats', format('conversation %s: %s after %s', m.conversation_id, m.seq, m.seq_before)
from messages m, kept
where m.seq_before is not null
  and (m.seq = m.seq_before or m.seq > m.seq_before + 1 and m.created_before >= kept.whole_from)

union all
select 'numbers begin with 1', format('conversation %s begins with %s', c.id, m.seq)
from public.user_conversations c
join messages m on m.conversation_id = c.id and m.is_oldest_kept
cross join kept
where m.seq <> 1
  and c.created_at >= kept.whole_from

union all
select 'a later number is a later message', format('message %s: sent_revision %s after %s, %s after %s',
  m.id, m.sent_revision, m.sent_revision_before, m.created_at, m.created_before)
from messages m
where m.sent_revision <= m.sent_revision_before
  or m.created_at < m.created_before

union all
select 'the last message is the last one', format('conversation %s: %s, number %s', c.id, c.last_message_id, c.last_message_seq)
from public.user_conversations c
cross join kept
left join public.user_messages m on m.id = c.last_message_id
where case
  when m.id is null then c.last_message_id >= kept.first_id
  else (m.conversation_id, m.seq, m.created_at) is distinct from (c.id, c.last_message_seq, c.last_message_at)
end

union all
select 'nothing is numbered past the last message', format('message %s: %s after %s', m.id, m.seq, c.last_message_seq)
from messages m
join public.user_conversations c on c.id = m.conversation_id
where m.seq > c.last_message_seq

union all
select 'read positions are within what was sent', format('conversation %s: %s and %s of %s',
  c.id, c.participant_1_read_seq, c.participant_2_read_seq, c.last_message_seq)
from public.user_conversations c
where not (
  c.participant_1_read_seq between 0 and c.last_message_seq
  and c.participant_2_read_seq between 0 and c.last_message_seq)

union all
select 'what was delivered was sent', format('conversation %s: %s and %s of %s',
  c.id, c.participant_1_delivered_seq, c.participant_2_delivered_seq, c.last_message_seq)
from public.user_conversations c
where not (
  c.participant_1_delivered_seq between 0 and c.last_message_seq
  and c.participant_2_delivered_seq between 0 and c.last_message_seq)

union all
select 'whoever sends has read', format('conversation %s: %s has sent %s', c.id, m.sender_id, max(m.seq))
from public.user_conversations c
join messages m on m.conversation_id = c.id
group by c.id, m.sender_id
having max(m.seq) > case m.sender_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end

union all
select 'whoever is in read_by has read so far', format('message %s, number %s', m.id, m.seq)
from messages m
join public.user_conversations c on c.id = m.conversation_id
where m.read_by ? m.recipient_id::text
  and m.seq > case m.recipient_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end

union all
select 'read_by holds readers, each once', format('message %s: %s', m.id, m.read_by)
from messages m
where m.read_by not in ('[]', jsonb_build_array(m.recipient_id))

union all
select 'a message is between the two of its conversation', format('message %s', m.id)
from messages m
left join public.user_conversations c on c.id = m.conversation_id
where (least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id))
  is distinct from (c.participant_1_id, c.participant_2_id)

union all
select 'a revision is one message''s', format('conversation %s: revision %s of %s messages', m.conversation_id, m.revision, count(*))
from messages m
group by m.conversation_id, m.revision
having count(*) > 1

union all
select 'no revision is ahead of its conversation', format('message %s: sent at %s, changed at %s, conversation at %s',
  m.id, m.sent_revision, m.revision, c.revision)
from messages m
join public.user_conversations c on c.id = m.conversation_id
where m.sent_revision > m.revision
  or m.revision > c.revision

union all
select 'the newest revision is some message''s', format('conversation %s: %s, its messages %s', c.id, c.revision, max(m.revision))
from public.user_conversations c
cross join kept
left join messages m on m.conversation_id = c.id
where c.created_at >= kept.whole_from            -- else the message may have been dropped
group by c.id, c.revision
having c.revision <> coalesce(max(m.revision), 0)

union all
select 'a deleted message is blank', format('message %s', m.id)
from messages m
where m.is_deleted
  and (
    m.content <> ''
    or m.metadata <> '{}'
    or exists (select from public.message_edits e where e.message_id = m.id)
    or exists (select from public.message_reactions r where r.message_id = m.id))

union all
select 'an edited message has its earlier texts', format('message %s', m.id)
from messages m
where not m.is_deleted
  and m.is_edited <> exists (select from public.message_edits e where e.message_id = m.id)

union all
select 'a message is found by its sender''s key', format('message %s, key %s', m.id, m.client_id)
from messages m
where m.client_id = m.id
  or (
    m.client_id is not null
    and m.id >= chat.uuid7_floor(now() - interval '29 days')
    and not exists (
      select
      from chat.message_keys k
      where k.sender_id = m.sender_id
        and k.key = m.client_id
        and k.message_id = m.id))

union all
select 'a key is its message''s', format('key %s of person %s, message %s', k.key, k.sender_id, k.message_id)
from chat.message_keys k
left join messages m on m.id = k.message_id
where (m.sender_id, m.client_id) is distinct from (k.sender_id, k.key)

union all
select 'a message is written before it is sent', format('message %s: written at %s, sent at %s', m.id, m.written_at, m.created_at)
from messages m
where m.written_at >= m.created_at

union all
select 'an edit knows its message', format('edit %s of message %s', e.id, e.message_id)
from public.message_edits e
left join messages m on m.id = e.message_id
where m.sender_id is distinct from e.sender_id
  or e.recipient_id <> m.recipient_id

union all
select 'a reaction knows its message', format('reaction %s to message %s', r.id, r.message_id)
from public.message_reactions r
left join messages m on m.id = r.message_id
where (m.conversation_id, m.sender_id, m.recipient_id) is distinct from (r.conversation_id, r.sender_id, r.recipient_id)

union all
select 'preferences are a participant''s', format('conversation %s, person %s, archived at %s of %s',
  p.conversation_id, p.user_id, p.archived_seq, c.last_message_seq)
from public.conversation_preferences p
left join public.user_conversations c on c.id = p.conversation_id
where c.id is null
  or p.user_id not in (c.participant_1_id, c.participant_2_id)
  or p.archived_seq > c.last_message_seq

union all
select 'what is unread is counted right', format('conversation %s: %s for %s', c.id, coalesce(p.unread_correction, 0), r.id)
from public.user_conversations c
cross join kept
cross join lateral (
  values (c.participant_1_id, c.participant_1_read_seq), (c.participant_2_id, c.participant_2_read_seq)
) r (id, read_seq)
left join public.conversation_preferences p on p.conversation_id = c.id and p.user_id = r.id and p.unread_at_seq = r.read_seq
where c.created_at >= kept.whole_from            -- else a message may have been dropped
  and (c.last_message_seq > r.read_seq or p.unread_at_seq is not null)
  and not exists (select from chat.erased_people e where e.user_id = r.id)
  and coalesce(p.unread_correction, 0) <> (
    select count(*)
    from messages m
    where m.conversation_id = c.id
      and m.recipient_id = r.id
      and not m.is_deleted
      and m.seq between p.unread_from_seq and r.read_seq
  ) - (
    select count(*)
    from messages m
    where m.conversation_id = c.id
      and m.is_deleted
      and m.seq > r.read_seq
  )

union all
select 'presence knows its team', format('person %s', p.user_id)
from public.user_presence p
left join public.users u on u.id = p.user_id
where u.id is null
  or u.team_id is distinct from p.team_id
  or (p.is_typing_to is null) <> (p.typing_started_at is null)
