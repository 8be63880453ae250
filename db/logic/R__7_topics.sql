-- Topics: what people say to each other and show of themselves on a channel. Broadcasts and presence go through the change log, so they
-- take one path on one node and on many. A conversation's topic is for its two people, a team's for its members, a person's for that
-- person; no other name carries anything.

create or replace function relay.team_of_topic(topic text)
  returns uuid
  immutable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select case when team_of_topic.topic ~ '^team-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then right(team_of_topic.topic, 36)::uuid end
$$;

comment on function relay.team_of_topic(text) is 'The team that team-<id> is the topic of; null for any other name.';

create or replace function relay.scopes_of_topic(topic text)
  returns table (scopes uuid[], team_scopes uuid[])
  stable
  security definer                 -- reads people and conversations for the relay
  set search_path = pg_catalog, pg_temp
  rows 1
  language plpgsql
as $$
declare
  named uuid;
begin
  perform chat.demand_claims_of('chat_relay');
  scopes := '{}';
  team_scopes := '{}';
  if scopes_of_topic.topic ~ '^(conversation|team|user)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    named := right(scopes_of_topic.topic, 36)::uuid;
    case split_part(scopes_of_topic.topic, '-', 1)
      when 'conversation' then
        scopes := array(
          select u.id
          from public.user_conversations c
          join public.users u on u.id in (c.participant_1_id, c.participant_2_id)
          where c.id = named
            and u.status = 'active'
          order by u.id
        );
      when 'team' then
        team_scopes := array(
          select named
          where exists (
            select
            from public.users u
            where u.team_id = named
          )
        );
      else
        scopes := array(
          select u.id
          from public.users u
          where u.id = named
            and u.status = 'active'
        );
    end case;
  end if;
  return next;
end
$$;

comment on function relay.scopes_of_topic(text) is
  'Who may use a topic: the active people of conversation-<id>, the members of the team of team-<id>, the person of user-<id>. Two empty lists for any other name.';

create or replace function relay.may_use_topic(topic text, user_id uuid)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select p.scopes && t.scopes or p.team_scopes && t.team_scopes
  from relay.scopes_of_person(may_use_topic.user_id) p
  cross join relay.scopes_of_topic(may_use_topic.topic) t
$$;

comment on function relay.may_use_topic(text, uuid) is 'Whether this person may hear what is said on a topic, and see who is there.';

drop function if exists relay.scopes_of(uuid);         -- the two did not tell a team's id from a person's
drop function if exists relay.topic_scopes(text);

create or replace function relay.other_of(topic text, user_id uuid)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select case other_of.user_id
    when c.participant_1_id then c.participant_2_id
    else c.participant_1_id
  end
  from public.user_conversations c
  where other_of.topic like 'conversation-%'
    and c.id = right(other_of.topic, 36)::uuid
$$;

comment on function relay.other_of(text, uuid) is 'The other person of a conversation''s topic; null on any other topic.';

create or replace function relay.may_speak(topic text, user_id uuid)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select relay.may_use_topic(may_speak.topic, may_speak.user_id)
    and (
      may_speak.topic not like 'conversation-%'
      or chat.why_not(may_speak.user_id, relay.other_of(may_speak.topic, may_speak.user_id)) is null
    )
$$;

comment on function relay.may_speak(text, uuid) is
  'Whether this person may say something on a topic, or show that he is there: in a conversation, while the two may write to each other.';

create or replace function relay.demand_topic(topic text, user_id uuid)
  returns void
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  other uuid;
begin
  if relay.may_use_topic(demand_topic.topic, demand_topic.user_id) is not true then
    raise sqlstate 'PT403' using
      message = format('You may not use the topic %s.', demand_topic.topic),
      hint = 'conversation-<id> is for its two people, team-<id> for its members, user-<id> for oneself; no other topic carries broadcast or presence.';
  end if;
  other := relay.other_of(demand_topic.topic, demand_topic.user_id);
  if other is not null then
    perform chat.demand_reachable(demand_topic.user_id, other);
  end if;
end
$$;

comment on function relay.demand_topic(text, uuid) is 'PT403 with the reason when this person may not speak on a topic.';

create or replace function relay.send(topic text, event text, payload json, "binary" bytea, origin text, sender_id uuid)
  returns void
  volatile
  security definer                 -- writes the log, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  may_hear record;
begin
  if send.topic is null or coalesce(octet_length(send.event), 0) not between 1 and 255 or num_nonnulls(send.payload, send."binary") <> 1 then
    raise sqlstate 'PT400' using
      message = 'A broadcast has a topic, an event of 1 to 255 bytes, and a payload.',
      hint = 'Give payload or binary, not both.';
  end if;
  if send.sender_id is not null then
    perform relay.demand_topic(send.topic, send.sender_id);
  end if;
  select t.scopes, t.team_scopes into may_hear
  from relay.scopes_of_topic(send.topic) t;
  if cardinality(may_hear.scopes) + cardinality(may_hear.team_scopes) = 0 then
    return;                        -- a back end's word where nobody can be
  end if;

  perform set_config('synchronous_commit', 'off', true);
  insert into relay.change_log (table_name, operation, scopes, team_scopes, record)
  values (
    'broadcast',
    'INSERT',
    may_hear.scopes,
    may_hear.team_scopes,
    -- The payload last and as it came: relays hand it on without reading it.
    format('{"topic":%s,"event":%s,"origin":%s,', to_json(send.topic), to_json(send.event), coalesce(to_json(send.origin)::text, 'null'))
      || case
        when send.payload is not null then '"payload":' || send.payload::text || '}'
        else '"binary":"' || translate(encode(send."binary", 'base64'), e'\n', '') || '"}'
      end);
  perform relay.ring();
end
$$;

comment on function relay.send is
  'Broadcasts to those who may use the topic and have joined it. sender_id: by whose right, null for a back end. PT403 for who may not. Nothing is kept, so the commit of its transaction, one of its own, does not wait for the disk.';

-- Presence.

create or replace function relay.presence_meta(ref text, meta text)
  returns text
  immutable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select '{"phx_ref":' || to_json(presence_meta.ref) || case presence_meta.meta
    when '{}' then '}'
    else ',' || substr(presence_meta.meta, 2)
  end
$$;

comment on function relay.presence_meta(text, text) is 'What was tracked as clients are told it: with its phx_ref.';

create or replace function relay.presence_of(topic text)
  returns table (snapshot text, state text)
  stable
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  -- One statement, so one snapshot: what it does not see yet comes as a diff, what it sees is not told again.
  select
    pg_current_snapshot()::text,
    '{' || coalesce((
      select string_agg(to_json(k.key) || ':{"metas":[' || k.metas || ']}', ',')
      from (
        select p.key, string_agg(relay.presence_meta(p.ref, p.meta), ',' order by p.ref) as metas
        from relay.presence p
        where p.topic = presence_of.topic
          and (select chat.demand_claims_of('chat_relay'))
        group by p.key
      ) k
    ), '') || '}'
$$;

comment on function relay.presence_of(text) is 'Who is there, as the protocol''s presence_state, and the snapshot it was read by.';

create or replace function relay.tell_presence(came relay.presence[], went relay.presence[])
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if cardinality(came) + cardinality(went) = 0 then
    return;
  end if;
  insert into relay.change_log (table_name, operation, scopes, team_scopes, record)
  with moved as (
    select true as comes, c.topic, c.key, c.ref, c.meta, c.scopes
    from unnest(came) c
    union all
    select false, w.topic, w.key, w.ref, w.meta, w.scopes
    from unnest(went) w
  ),
  keyed as (
    select m.topic, m.comes, to_json(m.key) || ':{"metas":[' || string_agg(relay.presence_meta(m.ref, m.meta), ',' order by m.ref) || ']}' as entry
    from moved m
    group by m.topic, m.comes, m.key
  )
  select
    'presence',
    'UPDATE',
    array(
      select distinct s.scope
      from moved m
      cross join unnest(m.scopes) as s (scope)
      where m.topic = k.topic
        and relay.team_of_topic(k.topic) is null
    ),
    array_remove(array[relay.team_of_topic(k.topic)], null),
    format(
      '{"topic":%s,"xid":"%s","payload":{"joins":{%s},"leaves":{%s}}}',
      to_json(k.topic),
      pg_current_xact_id(),
      string_agg(k.entry, ',') filter (where k.comes),
      string_agg(k.entry, ',') filter (where not k.comes))
  from keyed k
  group by k.topic;

  perform relay.ring();
end
$$;

comment on function relay.tell_presence(relay.presence[], relay.presence[]) is
  'Writes one presence_diff for each topic; with the transaction, so that whoever has read the state knows whether it is in there.';

create or replace function relay.record_tracked()
  returns trigger
  security definer                 -- as relay.send
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    perform relay.tell_presence(array(select n::relay.presence from new_rows n), '{}');
  elsif tg_op = 'UPDATE' then
    perform relay.tell_presence(array(select n::relay.presence from new_rows n), array(select o::relay.presence from old_rows o));
  else
    perform relay.tell_presence('{}', array(select o::relay.presence from old_rows o));
  end if;
  return null;
end
$$;

comment on function relay.record_tracked() is 'Tells those on the topic who came and who went; another meta is both.';

create or replace trigger record_insert
  after insert on relay.presence
  referencing new table as new_rows
  for each statement
  execute function relay.record_tracked();

create or replace trigger record_update
  after update on relay.presence
  referencing old table as old_rows new table as new_rows
  for each statement
  execute function relay.record_tracked();

create or replace trigger record_delete
  after delete on relay.presence
  referencing old table as old_rows
  for each statement
  execute function relay.record_tracked();

comment on trigger record_insert on relay.presence is 'Writes the change log.';
comment on trigger record_update on relay.presence is 'Writes the change log.';
comment on trigger record_delete on relay.presence is 'Writes the change log.';

create or replace function relay.track(origin text, node uuid, topic text, key text, ref text, user_id uuid, meta text)
  returns text
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  now_ref text;
begin
  perform relay.demand_topic(track.topic, track.user_id);
  if not exists (select from relay.nodes n where n.node = track.node) then
    raise sqlstate 'PT410' using
      message = 'This node is not known, or no longer.',
      hint = 'Call relay.touch_node(), then relay.track_again() with all that the node holds.';
  end if;
  perform set_config('synchronous_commit', 'off', true);

  insert into relay.presence as p (origin, node, topic, key, ref, user_id, meta, scopes)
  values (
    track.origin, track.node, track.topic, track.key, track.ref, track.user_id, track.meta,
    (select t.scopes from relay.scopes_of_topic(track.topic) t))
  on conflict on constraint presence_pkey do update set
    ref = excluded.ref,
    meta = excluded.meta,
    scopes = excluded.scopes
  where p.meta <> excluded.meta
  returning p.ref into now_ref;
  if found then
    return now_ref;
  end if;
  return (
    select p.ref
    from relay.presence p
    where p.origin = track.origin
  );
end
$$;

comment on function relay.track is
  'A channel shows something of its person; the same again is nothing new. Returns the ref it is known by. PT403 for who may not, PT410 when the node has to introduce itself.';

create or replace function relay.untrack(origins text[])
  returns int
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  gone int;
begin
  perform chat.demand_claims_of('chat_relay');
  perform set_config('synchronous_commit', 'off', true);
  delete from relay.presence p
  where p.origin = any (untrack.origins);
  get diagnostics gone = row_count;
  return gone;
end
$$;

comment on function relay.untrack(text[]) is 'These channels show nothing any more; returns how many did.';

create or replace function relay.track_again(node uuid, tracked json)
  returns int
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  written int;
begin
  perform chat.demand_claims_of('chat_relay');
  insert into relay.presence (origin, node, topic, key, ref, user_id, meta, scopes)
  select t.origin, track_again.node, t.topic, t.key, t.ref, t.user_id, t.meta, s.scopes
  from json_to_recordset(track_again.tracked) as t (origin text, topic text, key text, ref text, user_id uuid, meta text)
  cross join relay.scopes_of_topic(t.topic) s
  where relay.may_speak(t.topic, t.user_id)
  on conflict do nothing;
  get diagnostics written = row_count;
  return written;
end
$$;

comment on function relay.track_again(uuid, json) is
  'All that a node holds, after the table was emptied or the node was taken for dead; returns how much of it was missing.';

create or replace function relay.touch_node(node uuid)
  returns boolean
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  perform set_config('synchronous_commit', 'off', true);
  update relay.nodes n
  set seen = clock_timestamp()
  where n.node = touch_node.node;
  if found then
    return true;
  end if;
  insert into relay.nodes (node)
  values (touch_node.node)
  on conflict do nothing;
  return false;
end
$$;

comment on function relay.touch_node(uuid) is 'This node is there; false when it was not known, so that what it holds has to be written again.';

create or replace function relay.forget_node(node uuid)
  returns int
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  gone int;
begin
  perform chat.demand_claims_of('chat_relay');
  delete from relay.nodes n
  where n.node = forget_node.node;
  delete from relay.presence p
  where p.node = forget_node.node;
  get diagnostics gone = row_count;
  return gone;
end
$$;

comment on function relay.forget_node(uuid) is 'This node stops; returns how many channels of it showed something.';

create or replace function relay.expire_nodes()
  returns int
  volatile
  security definer                 -- relays are granted functions, not tables
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  dead uuid[];
  gone int;
begin
  perform chat.demand_claims_of('chat_relay');
  dead := array(
    select n.node
    from relay.nodes n
    where n.seen < clock_timestamp() - (select s.presence_timeout_ms from chat.settings s) * interval '1 ms'
    for update skip locked
  );
  if cardinality(dead) = 0 then
    return 0;
  end if;
  delete from relay.nodes n
  where n.node = any (dead);
  delete from relay.presence p
  where p.node = any (dead);
  get diagnostics gone = row_count;
  return gone;
end
$$;

comment on function relay.expire_nodes() is
  'A node not seen for presence_timeout_ms has died, and who was there by it has left. Every node calls it; returns how many channels went.';

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
  'These people''s team or status changed: on topics where somebody may no longer speak, he is no longer there. Called by relay.record_person().';

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

comment on function relay.record_end_of_talk() is 'Who blocks another no longer meets him on their topic.';

create or replace trigger withdraw_presence_insert
  after insert on public.user_blocks
  referencing new table as new_rows
  for each statement
  execute function relay.record_end_of_talk();

comment on trigger withdraw_presence_insert on public.user_blocks is 'Ends the presence on the conversation''s topic.';

revoke all on table relay.nodes, relay.presence from public, anon, authenticated, service_role, chat_relay;
revoke all on function
  relay.team_of_topic, relay.scopes_of_topic, relay.may_use_topic, relay.other_of, relay.may_speak, relay.demand_topic, relay.send,
  relay.presence_meta, relay.presence_of, relay.tell_presence, relay.record_tracked, relay.track, relay.untrack,
  relay.track_again, relay.touch_node, relay.forget_node, relay.expire_nodes, relay.withdraw_presence,
  relay.record_end_of_conversation, relay.record_end_of_talk
from public, anon, authenticated, service_role;
grant execute on function
  relay.scopes_of_topic, relay.may_use_topic, relay.send, relay.presence_of, relay.track, relay.untrack, relay.track_again,
  relay.touch_node, relay.forget_node, relay.expire_nodes
to chat_relay;
