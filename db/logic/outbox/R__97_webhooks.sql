-- Webhooks: operators say who is told; the service moves changes from the log into events, posts them, and says what became of them.
-- Whoever changes the events of a lane locks its row first, so a lane is there exactly as long as an event waits in it.

create or replace function chat.webhook_named(name text)
  returns uuid
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  found_id uuid := (select w.id from chat.webhooks w where w.name = webhook_named.name);
begin
  if found_id is null then
    raise sqlstate 'PT404' using
      message = format('There is no webhook "%s".', webhook_named.name),
      detail = 'no_webhook',
      hint = 'See the names in chat.webhook_states.';
  end if;
  return found_id;
end
$$;

comment on function chat.webhook_named(text) is 'The id of the webhook of this name; PT404 when there is none.';

create or replace function chat.new_webhook_secret()
  returns text
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select 'whsec_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64')
$$;

comment on function chat.new_webhook_secret() is 'A new secret: 32 bytes, of which 244 bits are random.';

create or replace function chat.add_webhook(
  name text,
  url text,
  tables text[] default '{user_messages}',
  operations text[] default '{INSERT,UPDATE,DELETE}',
  team_id uuid default null,
  max_per_second int default 50
)
  returns text
  volatile
  security definer                 -- writes webhooks, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  made text := chat.new_webhook_secret();
begin
  perform chat.demand_claims_of('service_role');
  perform chat.begin_reading('webhooks');
  begin
    insert into chat.webhooks (name, url, secret, tables, operations, team_id, max_per_second)
    values (add_webhook.name, add_webhook.url, made, add_webhook.tables, add_webhook.operations, add_webhook.team_id, add_webhook.max_per_second);
  exception
    when unique_violation then
      raise sqlstate 'PT409' using
        message = format('There is a webhook "%s" already.', add_webhook.name),
        detail = 'webhook_name',
        hint = 'Choose another name, or remove it first.';
    when check_violation or not_null_violation then
      raise sqlstate 'PT400' using
        message = 'This is not a webhook: ' || sqlerrm,
        detail = 'webhook',
        hint = 'See docs/webhooks.md for names, addresses, tables and rates.';
  end;
  return made;
end
$$;

comment on function chat.add_webhook(text, text, text[], text[], uuid, int) is
  'Adds a webhook, which gets what is committed from now on, and returns the secret that signs its events. PT409 for a name that is there, PT400 for what cannot be stored.';

create or replace function chat.remove_webhook(name text)
  returns bigint
  volatile
  security definer                 -- deletes webhooks, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  undelivered bigint;
  removed uuid;
begin
  perform chat.demand_claims_of('service_role');
  removed := chat.webhook_named(remove_webhook.name);
  undelivered := (select count(*) from chat.webhook_events e where e.webhook_id = removed);
  delete from chat.webhooks w
  where w.id = removed;
  -- Nobody is told any more, so nobody reads, and coming back later is no gap.
  delete from chat.log_readers r
  where r.name = 'webhooks'
    and not exists (select from chat.webhooks);
  return undelivered;
end
$$;

comment on function chat.remove_webhook(text) is 'Removes a webhook with all that waits for it; returns how many events were never acknowledged.';

create or replace function chat.pause_webhook(name text, paused boolean default true)
  returns boolean
  volatile
  security definer                 -- writes webhooks, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  changed uuid;
begin
  perform chat.demand_claims_of('service_role');
  changed := chat.webhook_named(pause_webhook.name);
  update chat.webhooks w
  set active = not pause_webhook.paused
  where w.id = changed
    and w.active = pause_webhook.paused;
  return found;
end
$$;

comment on function chat.pause_webhook(text, boolean) is 'Stops posting to a webhook, or goes on; meanwhile its events wait. Returns whether this changed anything.';

create or replace function chat.rotate_webhook_secret(name text)
  returns text
  volatile
  security definer                 -- writes webhooks, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  changed uuid;
  made text := chat.new_webhook_secret();
begin
  perform chat.demand_claims_of('service_role');
  changed := chat.webhook_named(rotate_webhook_secret.name);
  update chat.webhooks w
  set
    previous_secret = w.secret,
    secret = made
  where w.id = changed;
  return made;
end
$$;

comment on function chat.rotate_webhook_secret(text) is 'Gives a webhook a new secret and returns it. Events carry a signature by the former one as well, until chat.end_webhook_rotation.';

create or replace function chat.end_webhook_rotation(name text)
  returns boolean
  volatile
  security definer                 -- writes webhooks, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  changed uuid;
begin
  perform chat.demand_claims_of('service_role');
  changed := chat.webhook_named(end_webhook_rotation.name);
  update chat.webhooks w
  set previous_secret = null
  where w.id = changed
    and w.previous_secret is not null;
  return found;
end
$$;

comment on function chat.end_webhook_rotation(text) is 'Events are signed by the newest secret alone from now on; false when they were.';

create or replace function chat.queue_webhook_event(
  webhook_id uuid,
  conversation_id uuid,
  table_name text,
  operation text,
  at timestamptz,
  record text,
  old_record text
)
  returns text
  volatile
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  -- Takes the lane's lock, and makes the lane again when whoever held it has ended it.
  insert into chat.webhook_lanes as l (webhook_id, conversation_id)
  values (queue_webhook_event.webhook_id, queue_webhook_event.conversation_id)
  on conflict on constraint webhook_lanes_pkey do update set
    due_at = l.due_at;

  insert into chat.webhook_events (webhook_id, conversation_id, table_name, operation, at, record, old_record)
  values (
    queue_webhook_event.webhook_id,
    queue_webhook_event.conversation_id,
    queue_webhook_event.table_name,
    queue_webhook_event.operation,
    queue_webhook_event.at,
    queue_webhook_event.record,
    queue_webhook_event.old_record)
  returning message_id
$$;

comment on function chat.queue_webhook_event(uuid, uuid, text, text, timestamptz, text, text) is 'Puts an event at the end of its lane; returns its webhook-id.';

create or replace function chat.test_webhook(name text)
  returns text
  volatile
  security definer                 -- writes events, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('service_role');
  return chat.queue_webhook_event(
    chat.webhook_named(test_webhook.name),
    '00000000-0000-0000-0000-000000000000',
    '',
    'TEST',
    clock_timestamp(),
    '{}',
    null);
end
$$;

comment on function chat.test_webhook(text) is 'Has a webhook told of a TEST; returns its webhook-id. It waits while the webhook is paused.';

create or replace function chat.webhook_row(table_name text, told text, at timestamptz)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select case
    when exists (
      select
      from chat.erased_people p
      where p.user_id = (t.told ->> case webhook_row.table_name when 'user_messages' then 'sender_id' else 'user_id' end)::uuid
        and p.erased_at >= webhook_row.at
    ) then (t.told || t.blank)::text
    else webhook_row.told
  end
  from (
    select
      webhook_row.told::jsonb as told,
      case webhook_row.table_name
        when 'user_messages' then '{"content": "", "file_url": null, "file_name": null, "file_size": null, "metadata": {}, "written_at": null, "client_id": null}'
        when 'message_reactions' then '{"reaction": ""}'
        when 'conversation_preferences' then '{"archived_at": null, "archived_seq": null, "muted_until": null, "unread_from_seq": null}'
        else '{}'
      end::jsonb as blank
  ) t
$$;

comment on function chat.webhook_row(text, text, timestamptz) is
  'A row as a webhook may still be told of it: without what somebody said, gave or chose before they were erased.';

create or replace function chat.fill_webhook_events(max_rows int default 1000)
  returns bigint
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  change record;
  told record;
  row_told jsonb;
  lane uuid;
  read bigint := 0;
begin
  perform chat.demand_claims_of('chat_relay');
  if not exists (select from chat.webhooks) then
    return 0;
  end if;
  for change in
    select r.*
    from chat.read_log('webhooks', fill_webhook_events.max_rows) r
  loop
    read := read + 1;
    row_told := coalesce(change.record, change.old_record)::jsonb;
    lane := coalesce(
      row_told ->> 'conversation_id',
      case change.table_name when 'user_conversations' then row_told ->> 'id' end,
      change.audience[1]::text,
      '00000000-0000-0000-0000-000000000000')::uuid;
    for told in
      select w.id
      from chat.webhooks w
      where change.operation = 'GAP'
        or change.table_name = any (w.tables)
          and change.operation = any (w.operations)
          and (
            w.team_id is null
            or w.team_id = any (change.team_audience)
            or exists (select from public.users u where u.id = any (change.audience) and u.team_id = w.team_id)
          )
    loop
      perform chat.queue_webhook_event(
        told.id,
        lane,
        change.table_name,
        change.operation,
        change.at,
        chat.webhook_row(change.table_name, change.record, change.at),
        chat.webhook_row(change.table_name, change.old_record, change.at));
    end loop;
  end loop;
  return read;
end
$$;

comment on function chat.fill_webhook_events(int) is
  'Moves changes from the log into events, in one transaction with the position in the log; returns how many were read. 0 when there are none, no webhook, or another node reads. To be called until it returns 0.';

create or replace function chat.take_webhook_events(
  lease interval default '1 minute',
  batch_size int default 16,
  per_webhook int default 16,
  busy text[] default '{}'
)
  returns table (
    id bigint,
    message_id text,
    webhook text,
    url text,
    secret text,
    previous_secret text,
    table_name text,
    operation text,
    at timestamptz,
    record text,
    old_record text,
    tries int,
    age interval
  )
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  rows 16
  language plpgsql
as $$
#variable_conflict use_column
declare
  hook chat.webhooks;
  allowed double precision;
  due record;
  taken int := 0;
  of_hook int;
begin
  perform chat.demand_claims_of('chat_relay');
  if take_webhook_events.lease is null or take_webhook_events.lease not between interval '1 second' and interval '1 day' then
    raise sqlstate 'PT400' using
      message = 'take_webhook_events takes a lease from a second to a day.',
      detail = 'interval';
  end if;
  if (take_webhook_events.batch_size between 1 and 1000 and take_webhook_events.per_webhook between 1 and 1000) is not true then
    raise sqlstate 'PT400' using
      message = 'take_webhook_events takes 1 to 1000 events a step.',
      detail = 'batch_size';
  end if;

  -- One node at a time takes for a webhook, or its rate would be each node's. The one that waits longest is first.
  for hook in
    select w.*
    from chat.webhooks w
    where w.active
      and w.name <> all (take_webhook_events.busy)
      and exists (select from chat.webhook_lanes l where l.webhook_id = w.id and l.due_at <= clock_timestamp())
    order by w.allowance_at
    for no key update skip locked
  loop
    allowed := least(
      greatest(hook.max_per_second / 2.0, 1.0),
      hook.allowance + hook.max_per_second * extract(epoch from clock_timestamp() - hook.allowance_at));
    of_hook := 0;
    for due in
      select l.conversation_id, l.tries
      from chat.webhook_lanes l
      where l.webhook_id = hook.id
        and l.due_at <= clock_timestamp()
      order by l.due_at
      limit greatest(0, least(floor(allowed)::int, take_webhook_events.batch_size - taken, take_webhook_events.per_webhook))
      for update skip locked
    loop
      of_hook := of_hook + 1;
      update chat.webhook_lanes l
      set
        due_at = clock_timestamp() + take_webhook_events.lease,
        tries = l.tries + 1
      where l.webhook_id = hook.id
        and l.conversation_id = due.conversation_id;
      return query
        select
          e.id, e.message_id, hook.name, hook.url, hook.secret, hook.previous_secret, e.table_name, e.operation, e.at,
          e.record, e.old_record, due.tries + 1, clock_timestamp() - e.created_at
        from chat.webhook_events e
        where e.webhook_id = hook.id
          and e.conversation_id = due.conversation_id
          and e.dead_at is null
        order by e.id
        limit 1;
      if not found then            -- somebody deleted its events by hand
        delete from chat.webhook_lanes l
        where l.webhook_id = hook.id
          and l.conversation_id = due.conversation_id;
      end if;
    end loop;
    if of_hook > 0 then
      taken := taken + of_hook;
      update chat.webhooks w
      set
        allowance = allowed - of_hook,
        allowance_at = clock_timestamp()
      where w.id = hook.id;
    end if;
    exit when taken >= take_webhook_events.batch_size;
  end loop;
end
$$;

comment on function chat.take_webhook_events(interval, int, int, text[]) is
  'The next event of each conversation that is due, within each webhook''s rate, so many of one webhook at the most and none of those named busy. Until the lease has ended nobody else gets them; then somebody gets them again, unless chat.finish_webhook_event or chat.fail_webhook_event was told.';

create or replace function chat.next_of_webhook_lane(webhook_id uuid, conversation_id uuid)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  if exists (
    select
    from chat.webhook_events e
    where e.webhook_id = next_of_webhook_lane.webhook_id
      and e.conversation_id = next_of_webhook_lane.conversation_id
      and e.dead_at is null
  ) then
    update chat.webhook_lanes l
    set
      due_at = clock_timestamp(),
      tries = 0,
      last_error = null
    where l.webhook_id = next_of_webhook_lane.webhook_id
      and l.conversation_id = next_of_webhook_lane.conversation_id;
  else
    delete from chat.webhook_lanes l
    where l.webhook_id = next_of_webhook_lane.webhook_id
      and l.conversation_id = next_of_webhook_lane.conversation_id;
  end if;
end
$$;

comment on function chat.next_of_webhook_lane(uuid, uuid) is 'The next event of a lane is due, or the lane ends. To be called with the lane locked.';

create or replace function chat.finish_webhook_event(id bigint)
  returns boolean
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  lane record;
begin
  perform chat.demand_claims_of('chat_relay');
  select l.webhook_id, l.conversation_id into lane
  from chat.webhook_events e
  join chat.webhook_lanes l on l.webhook_id = e.webhook_id and l.conversation_id = e.conversation_id
  where e.id = finish_webhook_event.id
  for update of l;
  delete from chat.webhook_events e
  where e.id = finish_webhook_event.id;
  if not found then
    return false;
  end if;
  if lane.webhook_id is not null then
    perform chat.next_of_webhook_lane(lane.webhook_id, lane.conversation_id);
  end if;
  return true;
end
$$;

comment on function chat.finish_webhook_event(bigint) is 'The receiver has acknowledged the event: the next one of its conversation is due. False when another node said so before.';

create or replace function chat.fail_webhook_event(id bigint, problem text, pause interval)
  returns boolean
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  lane record;
begin
  perform chat.demand_claims_of('chat_relay');
  select l.webhook_id, l.conversation_id, l.tries into lane
  from chat.webhook_events e
  join chat.webhook_lanes l on l.webhook_id = e.webhook_id and l.conversation_id = e.conversation_id
  where e.id = fail_webhook_event.id
    and e.dead_at is null
  for update of l;
  if not found then
    return false;
  end if;
  if fail_webhook_event.pause is null then
    update chat.webhook_events e
    set
      dead_at = clock_timestamp(),
      tries = lane.tries,
      last_error = left(fail_webhook_event.problem, 500)
    where e.id = fail_webhook_event.id;
    perform chat.next_of_webhook_lane(lane.webhook_id, lane.conversation_id);
  else
    update chat.webhook_lanes l
    set
      due_at = clock_timestamp() + fail_webhook_event.pause,
      last_error = left(fail_webhook_event.problem, 500)
    where l.webhook_id = lane.webhook_id
      and l.conversation_id = lane.conversation_id;
  end if;
  return true;
end
$$;

comment on function chat.fail_webhook_event(bigint, text, interval) is
  'The event was not acknowledged: it is posted again after the pause, or becomes a dead letter when that is null. False when it waits no more.';

create or replace function chat.retry_dead_letters(name text, message_id text default null)
  returns bigint
  volatile
  security definer                 -- writes events, which nobody is granted
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  hook uuid;
  again bigint;
begin
  perform chat.demand_claims_of('service_role');
  hook := chat.webhook_named(retry_dead_letters.name);
  insert into chat.webhook_lanes as l (webhook_id, conversation_id)
  select distinct e.webhook_id, e.conversation_id
  from chat.webhook_events e
  where e.webhook_id = hook
    and e.dead_at is not null
    and (retry_dead_letters.message_id is null or e.message_id = retry_dead_letters.message_id)
  order by e.conversation_id
  on conflict on constraint webhook_lanes_pkey do update set
    due_at = l.due_at;
  update chat.webhook_events e
  set
    dead_at = null,
    created_at = clock_timestamp()
  where e.webhook_id = hook
    and e.dead_at is not null
    and (retry_dead_letters.message_id is null or e.message_id = retry_dead_letters.message_id)
    and exists (select from chat.webhook_lanes l where l.webhook_id = e.webhook_id and l.conversation_id = e.conversation_id);
  get diagnostics again = row_count;
  return again;
end
$$;

comment on function chat.retry_dead_letters(text, text) is
  'Has the dead letters of a webhook, or the one of this webhook-id, posted again; returns how many. They keep their webhook-id and come after what was acknowledged meanwhile.';

create or replace function chat.drop_dead_letters(days int, batch_size int default 1000)
  returns bigint
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  gone bigint;
begin
  perform chat.demand_claims_of('chat_relay');
  if drop_dead_letters.days is null or drop_dead_letters.days not between 1 and 3650 then
    raise sqlstate 'PT400' using
      message = 'drop_dead_letters takes 1 to 3650 days.',
      detail = 'interval';
  end if;
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'drop_dead_letters takes 1 to 10000 letters a step.',
      detail = 'batch_size';
  end if;
  delete from chat.webhook_events e
  where e.id = any (array(
    select x.id
    from chat.webhooks w
    cross join lateral (
      select y.id
      from chat.webhook_events y
      where y.webhook_id = w.id
        and y.dead_at < clock_timestamp() - drop_dead_letters.days * interval '1 day'
      order by y.dead_at
      limit drop_dead_letters.batch_size
    ) x));
  get diagnostics gone = row_count;
  return gone;
end
$$;

comment on function chat.drop_dead_letters(int, int) is 'Deletes dead letters that were given up so many days ago, at most batch_size of each webhook; returns how many. PT400 for other than 1 to 3650 days and 1 to 10000 letters.';

create or replace function chat.webhook_figures()
  returns table (webhooks bigint, waiting bigint, dead bigint, oldest_seconds double precision, gaps bigint)
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  rows 1
  language sql
as $$
  select
    (select count(*) from chat.webhooks),
    (select count(*) from chat.webhook_events e where e.dead_at is null),
    (select count(*) from chat.webhook_events e where e.dead_at is not null),
    (
      select coalesce(extract(epoch from clock_timestamp() - min(e.created_at)), 0)
      from chat.webhook_events e
      join chat.webhooks w on w.id = e.webhook_id
      where e.dead_at is null
        and w.active
    ),
    (select coalesce(sum(r.gaps), 0)::bigint from chat.log_readers r where r.name = 'webhooks')
  where (select chat.demand_claims_of('chat_relay'))
$$;

comment on function chat.webhook_figures() is 'For monitoring: webhooks, events that wait, dead letters, the age of the oldest that waits for an active webhook, and gaps in what was read.';

create or replace view chat.dead_letters with (security_invoker = true) as
select w.name as webhook, e.message_id, e.dead_at, e.tries, e.last_error, e.conversation_id, e.table_name, e.operation, e.at, e.record, e.old_record
from chat.webhook_events e
join chat.webhooks w on w.id = e.webhook_id
where e.dead_at is not null;

comment on view chat.dead_letters is 'Events that were given up, for operators. chat.retry_dead_letters has them posted again.';
comment on column chat.dead_letters.webhook is 'The name of the webhook.';
comment on column chat.dead_letters.message_id is 'Its webhook-id.';
comment on column chat.dead_letters.dead_at is 'When it was given up.';
comment on column chat.dead_letters.tries is 'How often it was posted.';
comment on column chat.dead_letters.last_error is 'Why the last time failed.';
comment on column chat.dead_letters.conversation_id is 'The conversation; for what belongs to none the person, or zeros.';
comment on column chat.dead_letters.table_name is 'The table; empty for GAP and TEST.';
comment on column chat.dead_letters.operation is 'INSERT, UPDATE, DELETE, GAP or TEST.';
comment on column chat.dead_letters.at is 'When the change was made.';
comment on column chat.dead_letters.record is 'The new row as JSON.';
comment on column chat.dead_letters.old_record is 'The old row as JSON.';

create or replace view chat.webhook_states with (security_invoker = true) as
select
  w.name,
  w.url,
  w.tables,
  w.operations,
  w.team_id,
  w.active,
  w.max_per_second,
  w.previous_secret is not null as rotating,
  w.created_at,
  (select count(*) from chat.webhook_events e where e.webhook_id = w.id and e.dead_at is null) as waiting,
  (select count(*) from chat.webhook_events e where e.webhook_id = w.id and e.dead_at is not null) as dead,
  (select min(e.created_at) from chat.webhook_events e where e.webhook_id = w.id and e.dead_at is null) as oldest_at,
  (select l.last_error from chat.webhook_lanes l where l.webhook_id = w.id and l.last_error is not null order by l.due_at desc limit 1) as last_error
from chat.webhooks w;

comment on view chat.webhook_states is 'The webhooks, without their secrets, and what waits for them, for operators.';
comment on column chat.webhook_states.name is 'What operators call it.';
comment on column chat.webhook_states.url is 'Where events are posted.';
comment on column chat.webhook_states.tables is 'The tables whose changes it gets.';
comment on column chat.webhook_states.operations is 'The operations that it gets.';
comment on column chat.webhook_states.team_id is 'Only what people of this team see; null for all.';
comment on column chat.webhook_states.active is 'False while it is paused.';
comment on column chat.webhook_states.max_per_second is 'Posts a second, by all nodes together.';
comment on column chat.webhook_states.rotating is 'Whether the former secret signs, too.';
comment on column chat.webhook_states.created_at is 'When it was added.';
comment on column chat.webhook_states.waiting is 'Events that wait.';
comment on column chat.webhook_states.dead is 'Dead letters.';
comment on column chat.webhook_states.oldest_at is 'Since when the oldest event waits; null for none.';
comment on column chat.webhook_states.last_error is 'A reason why posting failed that still holds; null for none.';

revoke all on chat.webhooks, chat.webhook_lanes, chat.webhook_events, chat.dead_letters, chat.webhook_states
from public, anon, authenticated, service_role, chat_relay;

revoke all on function
  chat.webhook_named, chat.new_webhook_secret, chat.add_webhook, chat.remove_webhook, chat.pause_webhook, chat.rotate_webhook_secret,
  chat.end_webhook_rotation, chat.queue_webhook_event, chat.test_webhook, chat.webhook_row, chat.fill_webhook_events, chat.take_webhook_events,
  chat.next_of_webhook_lane, chat.finish_webhook_event, chat.fail_webhook_event, chat.retry_dead_letters, chat.drop_dead_letters,
  chat.webhook_figures
from public, anon, authenticated, service_role;

grant execute on function
  chat.add_webhook, chat.remove_webhook, chat.pause_webhook, chat.rotate_webhook_secret, chat.end_webhook_rotation, chat.test_webhook,
  chat.retry_dead_letters
to service_role;

grant execute on function
  chat.fill_webhook_events, chat.take_webhook_events, chat.finish_webhook_event, chat.fail_webhook_event, chat.drop_dead_letters,
  chat.webhook_figures
to chat_relay;
