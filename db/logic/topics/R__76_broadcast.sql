-- What is said on a topic and kept nowhere.

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
  insert into relay.change_log (table_name, operation, audience, team_audience, record)
  values (
    'broadcast',
    'INSERT',
    may_hear.audience,
    may_hear.team_audience,
    -- The payload last and as it came: relays hand it on without reading it.
    format('{"topic":%s,"event":%s,"origin":%s,', to_json(send.topic), to_json(send.event), coalesce(to_json(send.origin)::text, 'null'))
      || case
        when send.payload is not null then '"payload":' || send.payload::text || '}'
        else '"binary":"' || translate(encode(send."binary", 'base64'), e'\n', '') || '"}'
      end);
  perform relay.notify_relays();
end
$$;

comment on function relay.send is
  'Broadcasts to those who may use the topic and have joined it. sender_id: by whose right, null for a back end. PT403 for who may not. Nothing is kept, so the commit of its transaction, one of its own, does not wait for the disk.';

revoke all on function relay.send from public, anon, authenticated, service_role;

grant execute on function relay.send to chat_relay;
