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

revoke all on function
  relay.withdraw_presence, relay.record_end_of_conversation, relay.record_end_of_talk
from public, anon, authenticated, service_role;
