-- What is said on a topic and kept nowhere: by people and back ends through the service, and by triggers of a team's own.

create or replace function relay.write_broadcast(
  topic text,
  event text,
  body text,
  origin text,
  audience uuid[],
  team_audience uuid[]
)
  returns void
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  insert into relay.change_log (table_name, operation, audience, team_audience, record)
  values (
    'broadcast',
    'INSERT',
    write_broadcast.audience,
    write_broadcast.team_audience,
    -- The body last and as it came: relays hand it on without reading it.
    format(
      '{"topic":%s,"event":%s,"origin":%s,%s}',
      to_json(write_broadcast.topic),
      to_json(write_broadcast.event),
      coalesce(to_json(write_broadcast.origin)::text, 'null'),
      write_broadcast.body));
  perform relay.notify_relays();
end
$$;

comment on function relay.write_broadcast is
  'Writes a broadcast into the log for this audience. body: the member payload, any JSON, or binary, in base64; it comes last.';

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
      detail = 'broadcast',
      hint = 'Give payload or binary, not both.';
  end if;
  if send.sender_id is not null then
    perform relay.demand_topic(send.topic, send.sender_id);
  end if;
  select t.audience, t.team_audience into may_hear
  from relay.audience_of_topic(send.topic) t;
  if cardinality(may_hear.audience) + cardinality(may_hear.team_audience) = 0 then
    return;                        -- a back end's word where nobody can be
  end if;

  perform set_config('synchronous_commit', 'off', true);
  perform relay.write_broadcast(
    send.topic,
    send.event,
    case
      when send.payload is not null then '"payload":' || send.payload::text
      else '"binary":"' || translate(encode(send."binary", 'base64'), e'\n', '') || '"'
    end,
    send.origin,
    may_hear.audience,
    may_hear.team_audience);
end
$$;

comment on function relay.send is
  'Broadcasts to those who may use the topic and have joined it. sender_id: by whose right, null for a back end. PT403 for who may not. Nothing is kept, so the commit of its transaction, one of its own, does not wait for the disk.';

revoke all on function relay.write_broadcast, relay.send from public, anon, authenticated, service_role;

grant execute on function relay.send to chat_relay;

-- What triggers of a team's own call, with Supabase's names and arguments. Where schema realtime is somebody else's, its functions stay.
do $do$
begin
  if (select n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'realtime') is distinct from current_user::regrole then
    return;
  end if;

  execute $sql$
    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
      returns void
      volatile
      security definer             -- writes the log, which nobody is granted
      set search_path = pg_catalog, pg_temp
      language plpgsql
    as $$
    declare
      may_hear record;
    begin
      perform chat.demand_claims_of('service_role');
      if send.topic is null
        or coalesce(octet_length(send.event), 0) not between 1 and 255
        or coalesce(octet_length(send.payload::text), 0) not between 1 and 1000000
      then
        raise sqlstate 'PT400' using
          message = 'A broadcast has a topic, an event of 1 to 255 bytes, and a payload of at most 1,000,000.',
          detail = 'broadcast',
          hint = 'Send the id of a long row, and let clients read the row.';
      end if;
      select t.audience, t.team_audience into may_hear
      from relay.topic_audience(send.topic) t;
      if cardinality(may_hear.audience) + cardinality(may_hear.team_audience) > 0 then
        perform relay.write_broadcast(
          send.topic,
          send.event,
          '"payload":' || (
            case
              when jsonb_typeof(send.payload) = 'object' and not send.payload ? 'id' then send.payload || jsonb_build_object('id', gen_random_uuid())
              else send.payload
            end
          )::text,
          null,
          may_hear.audience,
          may_hear.team_audience);
      end if;
    end
    $$;

    comment on function realtime.send(jsonb, text, text, boolean) is
      'Broadcasts at commit to those who may use the topic and have joined it; with an id, unless the payload has one. Whoever may execute it may send to any topic. private is for the signature alone: each topic has its rights. PT400 for what is no broadcast, PT403 for a service_role whose claims do not hold.';

    create or replace function realtime.broadcast_changes(
      topic_name text,
      event_name text,
      operation text,
      table_name text,
      table_schema text,
      new record,
      old record,
      level text default 'ROW'
    )
      returns void
      volatile
      set search_path = pg_catalog, pg_temp
      language plpgsql
    as $$
    begin
      if broadcast_changes.level = 'STATEMENT' then
        raise sqlstate 'PT400' using
          message = 'realtime.broadcast_changes is for triggers of rows.',
          detail = 'broadcast',
          hint = 'Create the trigger for each row.';
      end if;
      perform realtime.send(
        jsonb_build_object(
          'schema', broadcast_changes.table_schema,
          'table', broadcast_changes.table_name,
          'operation', broadcast_changes.operation,
          'record', broadcast_changes.new,
          'old_record', broadcast_changes.old),
        broadcast_changes.event_name,
        broadcast_changes.topic_name);
    end
    $$;

    comment on function realtime.broadcast_changes(text, text, text, text, text, record, record, text) is
      'Broadcasts a row that changed, as realtime.send: {schema, table, operation, record, old_record, id}. For a trigger of rows: PT400 for one of statements.';

    revoke all on function realtime.send, realtime.broadcast_changes from public, anon, authenticated, service_role;

    grant execute on function realtime.send, realtime.broadcast_changes to service_role;
  $sql$;
end
$do$;
