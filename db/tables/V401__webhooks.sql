-- Changes for other systems: whom to tell, and what waits to be told.
-- Locks: new tables only.

create table chat.webhooks (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  url text not null,
  secret text not null,
  previous_secret text,
  tables text[] not null,
  operations text[] not null,
  team_id uuid,
  active boolean not null default true,
  -- squawk-ignore prefer-bigint-over-int
  max_per_second int not null,
  allowance double precision not null default 1,
  allowance_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  constraint webhook_name check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
  constraint webhook_url check (url ~ '^https?://[^[:space:]@]+$' and char_length(url) <= 2000),
  constraint webhook_secret check (secret ~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$'),
  constraint webhook_previous_secret check (previous_secret ~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$'),
  constraint webhook_tables check (
    cardinality(tables) > 0
    and tables <@ '{user_conversations,user_messages,message_reactions,conversation_preferences,user_blocks}'
  ),
  constraint webhook_operations check (cardinality(operations) > 0 and operations <@ '{INSERT,UPDATE,DELETE}'),
  constraint webhook_rate check (max_per_second between 1 and 1000)
);

alter table chat.webhooks enable row level security;

create unique index webhooks_name_idx on chat.webhooks (name);

comment on table chat.webhooks is 'Addresses of other systems that are told of changes. An operator adds them by chat.add_webhook; without a row nothing is read and nothing waits.';
comment on column chat.webhooks.id is 'Its id.';
comment on column chat.webhooks.name is 'What operators call it.';
comment on column chat.webhooks.url is 'Where events are posted. The service decides whether it may go there: by default https, and no private address.';
comment on column chat.webhooks.secret is 'Signs events: whsec_ and 24 to 64 bytes in Base64.';
comment on column chat.webhooks.previous_secret is 'Signs them, too, while the receiver changes to the new one; null for none.';
comment on column chat.webhooks.tables is 'The tables of schema public whose changes it gets.';
comment on column chat.webhooks.operations is 'INSERT, UPDATE and DELETE, or some of them.';
comment on column chat.webhooks.team_id is 'Only what people of this team see; null for all.';
comment on column chat.webhooks.active is 'False: events wait and nothing is posted.';
comment on column chat.webhooks.max_per_second is 'Posts a second, by all nodes together.';
comment on column chat.webhooks.allowance is 'Posts that may be begun at allowance_at.';
comment on column chat.webhooks.allowance_at is 'When posts were last begun.';
comment on column chat.webhooks.created_at is 'When it was added. It gets what is committed later.';
comment on index chat.webhooks_name_idx is 'An operator''s name is one webhook.';

create table chat.webhook_lanes (
  webhook_id uuid not null references chat.webhooks (id) on delete cascade,
  conversation_id uuid not null,
  due_at timestamptz not null default clock_timestamp(),
  -- squawk-ignore prefer-bigint-over-int
  tries int not null default 0,
  last_error text,
  primary key (webhook_id, conversation_id)
);

alter table chat.webhook_lanes enable row level security;

create index webhook_lanes_due_idx on chat.webhook_lanes (webhook_id, due_at);

comment on table chat.webhook_lanes is 'One row for each conversation with events that wait for a webhook: its next event goes when it is due, the others after it.';
comment on column chat.webhook_lanes.webhook_id is 'The webhook.';
comment on column chat.webhook_lanes.conversation_id is 'The conversation; for what belongs to none the person, or zeros.';
comment on column chat.webhook_lanes.due_at is 'When its next event is to be posted. While somebody posts it: when another node may.';
comment on column chat.webhook_lanes.tries is 'How often the next event was posted.';
comment on column chat.webhook_lanes.last_error is 'Why that failed last; null before.';
comment on index chat.webhook_lanes_due_idx is 'chat.take_webhook_events: what is due.';

create table chat.webhook_events (
  id bigint generated always as identity primary key,
  webhook_id uuid not null,
  conversation_id uuid not null,
  message_id text not null default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  table_name text not null,
  operation text not null,
  at timestamptz not null,
  record text,
  old_record text,
  created_at timestamptz not null default clock_timestamp(),
  dead_at timestamptz,
  -- squawk-ignore prefer-bigint-over-int
  tries int not null default 0,
  last_error text,
  constraint event_of_webhook foreign key (webhook_id) references chat.webhooks (id) on delete cascade
);

alter table chat.webhook_events enable row level security;

create index webhook_events_waiting_idx on chat.webhook_events (webhook_id, conversation_id, id)
  where dead_at is null;
create index webhook_events_dead_idx on chat.webhook_events (webhook_id, dead_at);

comment on table chat.webhook_events is 'What webhooks are still to be told, and dead letters. What was acknowledged is deleted.';
comment on column chat.webhook_events.id is 'Their order.';
comment on column chat.webhook_events.webhook_id is 'Who is to be told.';
comment on column chat.webhook_events.conversation_id is 'The lane.';
comment on column chat.webhook_events.message_id is 'The header webhook-id: the same each time the event is posted.';
comment on column chat.webhook_events.table_name is 'The table; empty for GAP and TEST.';
comment on column chat.webhook_events.operation is 'INSERT, UPDATE or DELETE; GAP when changes may be lost, TEST when an operator asked for it.';
comment on column chat.webhook_events.at is 'When the change was made.';
comment on column chat.webhook_events.record is 'The new row as JSON; null for DELETE.';
comment on column chat.webhook_events.old_record is 'The old row as JSON; null for INSERT.';
comment on column chat.webhook_events.created_at is 'When it was read from the change log.';
comment on column chat.webhook_events.dead_at is 'When it was given up; null while it waits.';
comment on column chat.webhook_events.tries is 'How often it was posted before it was given up.';
comment on column chat.webhook_events.last_error is 'Why it was given up.';
comment on index chat.webhook_events_waiting_idx is 'The next event of a lane.';
comment on index chat.webhook_events_dead_idx is 'chat.dead_letters, and their end.';
comment on sequence chat.webhook_events_id_seq is 'Numbers of events.';
