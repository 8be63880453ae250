-- Who is there on a topic, and what they show.

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

create or replace function relay.presence_of(topic text, viewer_id uuid default null)
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
          and p.user_id <> all (hidden.ids)
          and (select chat.demand_claims_of('chat_relay'))
        group by p.key
      ) k
    ), '') || '}'
  from (select coalesce(chat.people_hidden_from(presence_of.viewer_id), '{}') as ids) hidden
$$;

comment on function relay.presence_of(text, uuid) is
  'Who is there, as the protocol''s presence_state, and the snapshot it was read by: for this person, who does not see whom they have blocked, nor who has blocked them.';

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
  insert into relay.change_log (table_name, operation, audience, team_audience, hidden_from, record)
  with moved as (
    select true as comes, c.topic, c.key, c.ref, c.meta, c.audience, chat.people_hidden_from(c.user_id) as hidden
    from unnest(came) c
    union all
    select false, w.topic, w.key, w.ref, w.meta, w.audience, chat.people_hidden_from(w.user_id)
    from unnest(went) w
  ),
  keyed as (
    select m.topic, m.hidden, m.comes, to_json(m.key) || ':{"metas":[' || string_agg(relay.presence_meta(m.ref, m.meta), ',' order by m.ref) || ']}' as entry
    from moved m
    group by m.topic, m.hidden, m.comes, m.key
  )
  select
    'presence',
    'UPDATE',
    array(
      select distinct a.id
      from moved m
      cross join unnest(m.audience) as a (id)
      where m.topic = k.topic
        and relay.team_of_topic(k.topic) is null
    ),
    array_remove(array[relay.team_of_topic(k.topic)], null),
    case when relay.team_of_topic(k.topic) is not null then k.hidden end,
    format(
      '{"topic":%s,"xid":"%s","payload":{"joins":{%s},"leaves":{%s}}}',
      to_json(k.topic),
      pg_current_xact_id(),
      string_agg(k.entry, ',') filter (where k.comes),
      string_agg(k.entry, ',') filter (where not k.comes))
  from keyed k
  group by k.topic, k.hidden;

  perform relay.notify_relays();
end
$$;

comment on function relay.tell_presence(relay.presence[], relay.presence[]) is
  'Writes one presence_diff for each topic and each circle of those who do not see it; with the transaction, so that whoever has read the state knows whether it is in there.';

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

comment on trigger record_insert on relay.presence is 'Writes the change log.';

create or replace trigger record_update
  after update on relay.presence
  referencing old table as old_rows new table as new_rows
  for each statement
  execute function relay.record_tracked();

comment on trigger record_update on relay.presence is 'Writes the change log.';

create or replace trigger record_delete
  after delete on relay.presence
  referencing old table as old_rows
  for each statement
  execute function relay.record_tracked();

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
      detail = 'unknown_node',
      hint = 'Call relay.touch_node(), then relay.track_again() with all that the node holds.';
  end if;
  perform set_config('synchronous_commit', 'off', true);

  insert into relay.presence as p (origin, node, topic, key, ref, user_id, meta, audience)
  values (
    track.origin, track.node, track.topic, track.key, track.ref, track.user_id, track.meta,
    (select t.audience from relay.audience_of_topic(track.topic) t))
  on conflict on constraint presence_pkey do update set
    ref = excluded.ref,
    meta = excluded.meta,
    audience = excluded.audience
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
  insert into relay.presence (origin, node, topic, key, ref, user_id, meta, audience)
  select t.origin, track_again.node, t.topic, t.key, t.ref, t.user_id, t.meta, s.audience
  from json_to_recordset(track_again.tracked) as t (origin text, topic text, key text, ref text, user_id uuid, meta text)
  cross join relay.audience_of_topic(t.topic) s
  where relay.may_speak(t.topic, t.user_id)
  on conflict do nothing;
  get diagnostics written = row_count;
  return written;
end
$$;

comment on function relay.track_again(uuid, json) is
  'All that a node holds, after the table was emptied or the node was taken for dead; returns how much of it was missing.';

revoke all on table relay.nodes, relay.presence from public, anon, authenticated, service_role, chat_relay;

revoke all on function
  relay.presence_meta, relay.presence_of, relay.tell_presence, relay.record_tracked, relay.track, relay.untrack,
  relay.track_again
from public, anon, authenticated, service_role;

grant execute on function relay.presence_of, relay.track, relay.untrack, relay.track_again to chat_relay;
