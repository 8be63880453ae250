-- Conversations: a participant sees them; two active people of one team may open one. What changes them is functions.

create or replace function public.get_or_create_conversation(user1_id uuid, user2_id uuid)
  returns uuid
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.demand_me();
  first_id uuid := least(user1_id, user2_id);
  second_id uuid := greatest(user1_id, user2_id);
  found_id uuid;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  if user1_id is null or user2_id is null or user1_id = user2_id then
    raise sqlstate 'PT400' using
      message = 'A conversation has two different people.',
      hint = 'Give your own id and that of somebody of your team.';
  end if;
  if me not in (user1_id, user2_id) then
    raise sqlstate 'PT403' using
      message = 'You can only open conversations of your own.',
      hint = 'One of the two ids must be yours.';
  end if;

  select c.id into found_id
  from public.user_conversations c
  where c.participant_1_id = first_id
    and c.participant_2_id = second_id;
  if found then
    return found_id;
  end if;

  if not chat.may_talk_to(case me when first_id then second_id else first_id end) then
    raise sqlstate 'PT404' using
      message = 'There is nobody with this id whom you could write to.',
      hint = 'Both must be active, in one team, and neither may have blocked the other. search_users finds people.';
  end if;

  insert into public.user_conversations (participant_1_id, participant_2_id)
  values (first_id, second_id)
  on conflict (participant_1_id, participant_2_id) do nothing
  returning id into found_id;
  if found then
    return found_id;
  end if;

  -- Somebody was quicker: a new statement sees that row, unless it is gone again.
  select c.id into found_id
  from public.user_conversations c
  where c.participant_1_id = first_id
    and c.participant_2_id = second_id;
  if not found then
    raise sqlstate '40001' using
      message = 'The conversation was opened by somebody else at this moment.',
      hint = 'Run the transaction again.';
  end if;
  return found_id;
end
$$;

comment on function public.get_or_create_conversation is
  'The conversation of two people, opened when there is none. The caller is one of them. PT400 for one person twice, PT403 for others'' conversations, PT404 for whom the caller may not write to.';

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
  me uuid := chat.demand_me();
begin
  if before is null and before_id is not null then
    raise sqlstate 'PT400' using
      message = 'before_id goes with before.',
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
        c.is_archived or coalesce(p.archived_seq = c.last_message_seq, false) as put_away,
        coalesce(p.muted_until > now(), false) as muted
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
      limit chat.page(page_size)
    ),
    others as (
      select o.*
      from chat.people(array(select page.other_id from page)) o
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
      page.my_read_seq,
      page.their_read_seq,
      page.last_message_seq - page.my_read_seq,
      page.revision,
      page.put_away,
      page.muted,
      page.created_at
    from page
    left join others on others.id = page.other_id
    left join public.user_messages m on m.id = page.last_message_id
    order by page.moment desc, page.id desc;
end
$$;

comment on function public.get_conversations is
  'The caller''s conversations, newest first; empty ones only for who opened them. With conversation_id that one, archived or not. The next page: before = last_message_at (or created_at when that is null) and before_id = id of the last row.';

create or replace function chat.lock_conversations()
  returns trigger
  volatile
  security definer                 -- whoever deletes a person may not be granted the chat's tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform
  from public.user_conversations c
  where old.id in (c.participant_1_id, c.participant_2_id)
  order by c.id
  for update;
  return old;
end
$$;

comment on function chat.lock_conversations() is
  'Before a person goes: locks the conversations that go along, by id as everywhere. The cascade would take them in any order and meet mark_as_read in a deadlock.';

create or replace trigger lock_conversations
  before delete on public.users
  for each row
  execute function chat.lock_conversations();

-- A platform's own users may belong to somebody else, who lets us hang a trigger there but not comment on it.
do $$
begin
  if pg_has_role((select c.relowner from pg_catalog.pg_class c where c.oid = 'public.users'::regclass), 'usage') then
    comment on trigger lock_conversations on public.users is 'Keeps the lock order. Delete people one a statement.';
  end if;
end
$$;

-- Policies.

drop policy if exists "Only active people use the chat" on public.user_conversations;
create policy "Only active people use the chat" on public.user_conversations
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

drop policy if exists "Users can view their own conversations" on public.user_conversations;
create policy "Users can view their own conversations" on public.user_conversations
  for select
  to authenticated
  using ((select auth.uid()) in (participant_1_id, participant_2_id));

-- The one policy that asks a function about its row: it runs once, for a row that is being made.
drop policy if exists "Users can create conversations" on public.user_conversations;
create policy "Users can create conversations" on public.user_conversations
  for insert
  to authenticated
  with check (
    (select auth.uid()) in (participant_1_id, participant_2_id)
    and created_by = (select auth.uid())
    and chat.may_talk_to(case (select auth.uid()) when participant_1_id then participant_2_id else participant_1_id end)
  );

drop policy if exists "The service can view conversations" on public.user_conversations;
create policy "The service can view conversations" on public.user_conversations
  for select
  to service_role
  using ((select chat.claims_hold()));

drop policy if exists "The service can create conversations" on public.user_conversations;
create policy "The service can create conversations" on public.user_conversations
  for insert
  to service_role
  with check ((select chat.claims_hold()));

drop policy if exists "The service can delete conversations" on public.user_conversations;
create policy "The service can delete conversations" on public.user_conversations
  for delete
  to service_role
  using ((select chat.claims_hold()));

-- No update for anybody: functions keep numbers, read positions and archive. No delete for people: it would take the other's words.

revoke all on table public.user_conversations from public, anon, authenticated, service_role;
grant select on table public.user_conversations to authenticated, service_role;
grant insert (participant_1_id, participant_2_id) on table public.user_conversations to authenticated;
grant insert (participant_1_id, participant_2_id, created_by) on table public.user_conversations to service_role;
grant delete on table public.user_conversations to service_role;

comment on policy "Only active people use the chat" on public.user_conversations is 'Cuts across the others: who is not active sees and opens nothing.';
comment on policy "Users can view their own conversations" on public.user_conversations is 'Both participants, also after one has left the team.';
comment on policy "Users can create conversations" on public.user_conversations is 'With an active person of one''s team; neither has blocked the other.';
comment on policy "The service can view conversations" on public.user_conversations is 'Back ends see all.';
comment on policy "The service can create conversations" on public.user_conversations is 'Back ends open conversations for people.';
comment on policy "The service can delete conversations" on public.user_conversations is 'Back ends erase a conversation, and with it all that was said.';

revoke all on function public.get_or_create_conversation, public.get_conversations, chat.lock_conversations
from public, anon, authenticated, service_role;
grant execute on function public.get_or_create_conversation, public.get_conversations to authenticated;
