-- Which nodes there are; who was there by one that died has left.

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

revoke all on function
  relay.touch_node, relay.forget_node, relay.expire_nodes
from public, anon, authenticated, service_role;

grant execute on function relay.touch_node, relay.forget_node, relay.expire_nodes to chat_relay;
