-- A person's conversations, the newest first.

create or replace function chat.first_unread_seq(conversation_id uuid, me uuid, after_seq bigint)
  returns bigint
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- as get_messages
  set enable_sort = off
  set enable_bitmapscan = off
  set jit = off
  language plpgsql                 -- not inlined: a list that asks for none does not even open the partitions
as $$
begin
  return (
    select m.seq
    from public.user_messages m
    where m.conversation_id = first_unread_seq.conversation_id
      and m.seq > first_unread_seq.after_seq
      and m.recipient_id = first_unread_seq.me
      and not m.is_deleted
    order by m.seq
    limit 1
  );
end
$$;

comment on function chat.first_unread_seq(uuid, uuid, bigint) is
  'The first message after a number that the other person has written and not taken back; null for none. With the caller''s rights.';

create or replace function public.get_conversations(
  before timestamptz default null,
  before_id uuid default null,
  page_size int default 50,
  archived boolean default false,
  conversation_id uuid default null
)
  returns setof public.conversation_view
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  language plpgsql
as $$
#variable_conflict use_column
declare
  me uuid := chat.require_active_user();
begin
  if before is null and before_id is not null then
    raise sqlstate 'PT400' using
      message = 'before_id goes with before.',
      detail = 'page_bounds',
      hint = 'For the next page give the last row''s last_message_at (or created_at when that is null) as before, and its id as before_id.';
  end if;

  return query
    with page as (
      select
        c.*,
        coalesce(c.last_message_at, c.created_at) as moment,
        case me when c.participant_1_id then c.participant_2_id else c.participant_1_id end as other_id,
        case me when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end as my_read_seq,
        case me when c.participant_1_id then c.participant_2_read_seq else c.participant_1_read_seq end as their_read_seq,
        case me when c.participant_1_id then c.participant_1_delivered_seq else c.participant_2_delivered_seq end as my_delivered_seq,
        case me when c.participant_1_id then c.participant_2_delivered_seq else c.participant_1_delivered_seq end as their_delivered_seq,
        c.is_archived or coalesce(p.archived_seq = c.last_message_seq, false) as put_away,
        coalesce(p.muted_until > now(), false) as muted,
        p.muted_until,
        p.unread_at_seq,
        p.unread_from_seq,
        p.unread_correction
      from public.user_conversations c
      left join public.conversation_preferences p on p.conversation_id = c.id and p.user_id = me
      where me in (c.participant_1_id, c.participant_2_id)
        and case
          when get_conversations.conversation_id is not null then c.id = get_conversations.conversation_id
          else (c.last_message_seq > 0 or c.created_by = me)
            and (c.is_archived or coalesce(p.archived_seq = c.last_message_seq, false)) = coalesce(archived, false)
        end
        and (before is null or (coalesce(c.last_message_at, c.created_at), c.id)
          < (before, coalesce(before_id, '00000000-0000-0000-0000-000000000000')))
      order by moment desc, c.id desc
      limit chat.checked_page_size(page_size)
    ),
    counted as (
      select
        page.*,
        coalesce(case when page.unread_at_seq = page.my_read_seq then page.unread_from_seq - 1 end, page.my_read_seq) as read_to,
        page.last_message_seq - page.my_read_seq
          + case when page.unread_at_seq = page.my_read_seq then page.unread_correction else 0 end as unread
      from page
    ),
    others as (
      select o.*
      from chat.visible_people(array(select page.other_id from page)) o
    )
    select
      page.id,
      jsonb_build_object(
        'id', page.other_id,
        'full_name', others.full_name,
        'avatar_url', others.avatar_url,
        'status', others.status,
        'presence', others.presence),
      case when m.id is not null then jsonb_build_object(
        'id', m.id,
        'seq', m.seq,
        'sender_id', m.sender_id,
        'content', m.content,
        'message_type', m.message_type,
        'created_at', m.created_at,
        'is_deleted', m.is_deleted)
      end,
      page.last_message_at,
      page.last_message_seq,
      page.read_to,
      page.their_read_seq,
      page.unread,
      page.revision,
      page.put_away,
      page.muted,
      page.created_at,
      case
        when page.unread = 0 then null
        when (page.unread_at_seq = page.my_read_seq) is not true then page.my_read_seq + 1
        else chat.first_unread_seq(page.id, me, page.read_to)
      end,
      coalesce(others.reachability, 'gone'),
      nullif(page.muted_until, 'infinity'),
      greatest(page.my_delivered_seq, page.my_read_seq),
      greatest(page.their_delivered_seq, page.their_read_seq)
    from counted page
    left join others on others.id = page.other_id
    left join public.user_messages m on m.id = page.last_message_id
    order by page.moment desc, page.id desc;
end
$$;

comment on function public.get_conversations is
  'The caller''s conversations, newest first; empty ones only for who opened them. With conversation_id that one, archived or not. The next page: before = last_message_at (or created_at when that is null) and before_id = id of the last row.';

revoke all on function chat.first_unread_seq, public.get_conversations from public, anon, authenticated, service_role;

grant execute on function chat.first_unread_seq, public.get_conversations to authenticated;
