-- Who has shown up on which topic, by which node: the presence of the realtime protocol, not public.user_presence.
-- Locks: new tables only.

create unlogged table relay.nodes (
  node uuid primary key,
  seen timestamptz not null default clock_timestamp()
);

alter table relay.nodes enable row level security;

comment on table relay.nodes is 'The nodes that hold presence, each since it said so. One that is not seen loses its presence.';
comment on column relay.nodes.node is 'Random, made by the node when it starts.';
comment on column relay.nodes.seen is 'When the node last said that it is there.';

-- No foreign key to users or conversations: what ends there ends here by trigger, so that everybody is told.
create unlogged table relay.presence (
  origin text primary key,
  node uuid not null,
  topic text not null,
  key text not null,
  ref text not null,
  user_id uuid not null,
  meta text not null,
  scopes uuid[] not null
);

alter table relay.presence enable row level security;

create index presence_topic_idx on relay.presence (topic);
create index presence_node_idx on relay.presence (node);
create index presence_user_idx on relay.presence (user_id);

comment on table relay.presence is 'One row for each channel that tracks something. Emptied by a crash; the nodes then write theirs again.';
comment on column relay.presence.origin is 'The channel: its node and its number there.';
comment on column relay.presence.node is 'The node that holds the socket.';
comment on column relay.presence.topic is 'As applications know it, without realtime: before it.';
comment on column relay.presence.key is 'What the client is found under in the state; several channels may share one.';
comment on column relay.presence.ref is 'Another one whenever meta changes: phx_ref.';
comment on column relay.presence.user_id is 'By whose right it is there.';
comment on column relay.presence.meta is 'What the client tracks: a JSON object as text, without phx_ref.';
comment on column relay.presence.scopes is 'Who was to see it when it was tracked, and therefore hears of its end.';
comment on index relay.presence_topic_idx is 'The state of a topic.';
comment on index relay.presence_node_idx is 'What ends with a node.';
comment on index relay.presence_user_idx is 'What ends with a person''s rights.';
