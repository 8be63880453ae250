-- Devices that want a push notification for messages to who is away, and the notices that wait to be sent.
-- Locks: new tables; a moment's SHARE ROW EXCLUSIVE on public.users for the foreign key; chat.settings, one row, ACCESS EXCLUSIVE.

-- One row, whose settings have a check of their range.
-- squawk-ignore-file prefer-bigint-over-int, adding-field-with-default, constraint-missing-not-valid

create table public.push_subscriptions (
  id uuid primary key default chat.uuid7(),
  user_id uuid not null references public.users (id) on delete cascade,
  endpoint text not null,
  p256dh bytea not null,
  auth bytea not null,
  label text,
  shows_text boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_used_at timestamptz,
  constraint push_endpoint_is_known_once unique (endpoint),
  constraint push_endpoint_length check (octet_length(endpoint) between 10 and 2000),
  constraint push_key_is_a_point check (octet_length(p256dh) = 65 and get_byte(p256dh, 0) = 4),
  constraint push_secret_length check (octet_length(auth) = 16),
  constraint push_label_length check (char_length(label) between 1 and 200)
);

alter table public.push_subscriptions enable row level security;

create index push_subscriptions_user_idx on public.push_subscriptions (user_id);

comment on table public.push_subscriptions is 'A browser that wants a push notification for messages to its person, who is away. Written by functions.';
comment on column public.push_subscriptions.id is 'Primary key, UUIDv7.';
comment on column public.push_subscriptions.user_id is 'Whose messages it is told of.';
comment on column public.push_subscriptions.endpoint is 'The address at the browser''s push service that notices are posted to. Whoever knows it and the keys holds the subscription.';
comment on column public.push_subscriptions.p256dh is 'The browser''s public key: a point of P-256, uncompressed. Nobody may read it.';
comment on column public.push_subscriptions.auth is 'The browser''s secret of 16 bytes. Nobody may read it.';
comment on column public.push_subscriptions.label is 'What the person calls the device; null for nothing.';
comment on column public.push_subscriptions.shows_text is 'Whether the person wants the text of the message in the notice, where the operator allows it.';
comment on column public.push_subscriptions.created_at is 'When it was first given.';
comment on column public.push_subscriptions.updated_at is 'When the browser last gave it. After chat.settings.push_subscription_days it is removed.';
comment on column public.push_subscriptions.last_used_at is 'When the push service last took a notice; null for never.';
comment on index public.push_subscriptions_user_idx is 'The devices of one person; deleting the person.';

create table chat.push_notices (
  subscription_id uuid not null references public.push_subscriptions (id) on delete cascade,
  conversation_id uuid not null,
  message_id uuid not null,
  message_seq bigint not null,
  due_at timestamptz not null,
  tries int not null default 0,
  primary key (subscription_id, conversation_id)
);

alter table chat.push_notices enable row level security;

-- No foreign keys to the conversation and the message: who takes a notice asks for both again.
create index push_notices_due_idx on chat.push_notices (due_at);

comment on table chat.push_notices is 'What is to be sent to a device: the newest message of a conversation. Sent at least once, or dropped when it is read or no longer wanted.';
comment on column chat.push_notices.subscription_id is 'The device.';
comment on column chat.push_notices.conversation_id is 'The conversation. A newer message takes the place of the one before it.';
comment on column chat.push_notices.message_id is 'The message.';
comment on column chat.push_notices.message_seq is 'Its number.';
comment on column chat.push_notices.due_at is 'From when on it may be sent; while one node does it, when another may try.';
comment on column chat.push_notices.tries is 'How often it was taken to be sent.';
comment on index chat.push_notices_due_idx is 'chat.take_push_notices: what has waited longest.';

alter table chat.settings
  add column push_public_key text,
  add column push_hosts text[] not null default '{}',
  add column max_push_subscriptions int not null default 10,
  add column max_push_endpoint_length int not null default 1000,
  add column push_subscription_days int not null default 90,
  add constraint push_public_key_length check (char_length(push_public_key) = 87),
  add constraint push_hosts_range check (cardinality(push_hosts) <= 100 and array_position(push_hosts, null) is null),
  add constraint max_push_subscriptions_range check (max_push_subscriptions between 1 and 1000),
  add constraint max_push_endpoint_length_range check (max_push_endpoint_length between 10 and 2000),
  add constraint push_subscription_days_range check (push_subscription_days between 1 and 3650);

comment on column chat.settings.push_public_key is 'The service''s public key for push notifications, base64url; null: there are none. The service sets it.';
comment on column chat.settings.push_hosts is 'Push services that notices may be posted to, such as ''fcm.googleapis.com'' or ''*.notify.windows.com''. The service sets it.';
comment on column chat.settings.max_push_subscriptions is 'Devices of one person.';
comment on column chat.settings.max_push_endpoint_length is 'Bytes of a push service''s address for a device.';
comment on column chat.settings.push_subscription_days is 'Days after which a device is removed whose browser did not give it again.';

create type public.push_subscription_view as (
  id uuid,
  endpoint text,
  label text,
  shows_text boolean,
  created_at timestamptz,
  updated_at timestamptz,
  last_used_at timestamptz
);

comment on type public.push_subscription_view is 'A device of the caller that gets push notifications.';
