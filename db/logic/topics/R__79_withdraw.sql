-- Rights follow the data: what nobody may show any more goes, and everybody on the topic is told.

create or replace function relay.withdraw_presence(user_ids uuid[])
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  delete from relay.presence p
  where (
      p.user_id = any (withdraw_presence.user_ids)
      or p.topic in (
        select 'conversation-' || c.id
        from public.user_conversations c
        where c.participant_1_id = any (withdraw_presence.user_ids)
          or c.participant_2_id = any (withdraw_presence.user_ids)
      )
    )
    and not relay.may_speak(p.topic, p.user_id)
$$;

comment on function relay.withdraw_presence(uuid[]) is
  'These people''s team or status changed: on topics where they may no longer speak, they are no longer there. Called by relay.record_person().';

create or replace function relay.record_end_of_conversation()
  returns trigger
  security definer                 -- relay.presence is granted to nobody
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  delete from relay.presence p
  using old_rows o
  where p.topic = 'conversation-' || o.id;
  return null;
end
$$;

comment on function relay.record_end_of_conversation() is 'Nobody is there any more.';

create or replace trigger withdraw_presence_delete
  after delete on public.user_conversations
  referencing old table as old_rows
  for each statement
  execute function relay.record_end_of_conversation();

comment on trigger withdraw_presence_delete on public.user_conversations is 'Ends the presence on the conversation''s topic.';

create or replace function relay.record_end_of_talk()
  returns trigger
  security definer                 -- relay.presence is granted to nobody
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  delete from relay.presence p
  using new_rows n, public.user_conversations c
  where c.participant_1_id = least(n.blocker_id, n.blocked_id)
    and c.participant_2_id = greatest(n.blocker_id, n.blocked_id)
    and p.topic = 'conversation-' || c.id;
  return null;
end
$$;

comment on function relay.record_end_of_talk() is 'Who blocks another no longer meets them on their topic.';

create or replace trigger withdraw_presence_insert
  after insert on public.user_blocks
  referencing new table as new_rows
  for each statement
  execute function relay.record_end_of_talk();

comment on trigger withdraw_presence_insert on public.user_blocks is 'Ends the presence on the conversation''s topic.';

create or replace function relay.tell_sight()
  returns trigger
  security definer                 -- relay.presence is granted to nobody
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  logged bigint;
begin
  insert into relay.change_log (table_name, operation, audience, record)
  with changed as (
    select b.blocker_id, b.blocked_id
    from changed_rows b
    where not exists (                             -- else nothing changes for the two
      select
      from public.user_blocks other
      where other.blocker_id = b.blocked_id
        and other.blocked_id = b.blocker_id
    )
  ),
  sights as (
    select c.blocker_id as seen, c.blocked_id as viewer
    from changed c
    union
    select c.blocked_id, c.blocker_id
    from changed c
  ),
  keyed as (
    select p.topic, s.viewer, to_json(p.key) || ':{"metas":[' || string_agg(relay.presence_meta(p.ref, p.meta), ',' order by p.ref) || ']}' as entry
    from sights s
    join relay.presence p on p.user_id = s.seen
    join public.users u on u.id = s.viewer and u.team_id = relay.team_of_topic(p.topic)
    group by p.topic, s.viewer, p.key
  )
  select
    'presence',
    'UPDATE',
    array[k.viewer],
    format(
      case tg_op
        when 'INSERT' then '{"topic":%s,"xid":"%s","payload":{"joins":{},"leaves":{%s}}}'
        else '{"topic":%s,"xid":"%s","payload":{"joins":{%s},"leaves":{}}}'
      end,
      to_json(k.topic), pg_current_xact_id(), string_agg(k.entry, ','))
  from keyed k
  group by k.topic, k.viewer;
  get diagnostics logged = row_count;
  if logged > 0 then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.tell_sight() is
  'On the topic of their team a block lets each of the two leave for the other; when no block is left, each is there again.';

create or replace trigger tell_sight_insert
  after insert on public.user_blocks
  referencing new table as changed_rows
  for each statement
  execute function relay.tell_sight();

comment on trigger tell_sight_insert on public.user_blocks is 'Tells who is there no more.';

create or replace trigger tell_sight_delete
  after delete on public.user_blocks
  referencing old table as changed_rows
  for each statement
  execute function relay.tell_sight();

comment on trigger tell_sight_delete on public.user_blocks is 'Tells who is there again.';

revoke all on function
  relay.withdraw_presence, relay.record_end_of_conversation, relay.record_end_of_talk, relay.tell_sight
from public, anon, authenticated, service_role;
