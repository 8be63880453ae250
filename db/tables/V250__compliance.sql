-- What the law asks of an operator: legal holds, a trail of what operators did, erasure, retention.
-- Locks: new tables only, and a moment's ACCESS EXCLUSIVE on chat.settings.

-- One row, whose settings have a check of their range.
-- squawk-ignore-file prefer-bigint-over-int, constraint-missing-not-valid

alter table chat.settings
  add column audit boolean not null default false,
  add column retention_days int,
  add column messages_kept_from timestamptz,
  add constraint retention_range check (retention_days between 1 and 36500);

comment on column chat.settings.audit is 'Whether chat.audit_log records what operators do. Off by default.';
comment on column chat.settings.retention_days is 'Days that messages are kept at the least; the service drops whole months after that. Null: for ever.';
comment on column chat.settings.messages_kept_from is 'Set by retention: older messages are gone, but for those under legal hold. Null while every month is whole or gone.';

create table chat.legal_holds (
  id bigint generated always as identity primary key,
  user_id uuid,
  conversation_id uuid,
  reason text not null,
  placed_at timestamptz not null default clock_timestamp(),
  placed_by text not null default session_user,
  released_at timestamptz,
  released_by text,
  constraint on_a_person_or_a_conversation check ((user_id is null) <> (conversation_id is null)),
  constraint reason_length check (char_length(reason) between 1 and 1000),
  constraint release_is_whole check ((released_at is null) = (released_by is null))
);

alter table chat.legal_holds enable row level security;

-- No foreign keys: a hold outlives what it is on, as evidence that it was there.
create index legal_holds_user_idx on chat.legal_holds (user_id) where released_at is null and user_id is not null;
create index legal_holds_conversation_idx on chat.legal_holds (conversation_id) where released_at is null and conversation_id is not null;

comment on table chat.legal_holds is 'What must be kept, by order: all conversations of a person, or one conversation. Retention and erasure obey.';
comment on column chat.legal_holds.id is 'Primary key; chat.release_hold takes it.';
comment on column chat.legal_holds.user_id is 'The person whose conversations are held; null for a hold on one conversation.';
comment on column chat.legal_holds.conversation_id is 'The conversation that is held; null for a hold on a person.';
comment on column chat.legal_holds.reason is 'Why, for instance the case number.';
comment on column chat.legal_holds.placed_at is 'When it was placed.';
comment on column chat.legal_holds.placed_by is 'Database login that placed it.';
comment on column chat.legal_holds.released_at is 'When it ended; null while it holds.';
comment on column chat.legal_holds.released_by is 'Database login that ended it.';
comment on index chat.legal_holds_user_idx is 'chat.is_held: holds on either participant.';
comment on index chat.legal_holds_conversation_idx is 'chat.is_held: holds on the conversation.';

create table chat.held_texts (
  id bigint generated always as identity primary key,
  message_id uuid not null,
  conversation_id uuid not null,
  sender_id uuid not null,
  content text not null,
  file_url text,
  file_name text,
  metadata jsonb not null,
  replaced_at timestamptz not null default clock_timestamp()
);

alter table chat.held_texts enable row level security;

create index held_texts_conversation_idx on chat.held_texts (conversation_id);

comment on table chat.held_texts is 'What a message under legal hold said before its sender changed it or took it back. For the owner alone; removed when the last hold ends.';
comment on column chat.held_texts.id is 'Primary key, in the order of the changes.';
comment on column chat.held_texts.message_id is 'The message.';
comment on column chat.held_texts.conversation_id is 'Its conversation.';
comment on column chat.held_texts.sender_id is 'Its sender.';
comment on column chat.held_texts.content is 'Its text before the change.';
comment on column chat.held_texts.file_url is 'Its file''s address before the change.';
comment on column chat.held_texts.file_name is 'Its file''s name before the change.';
comment on column chat.held_texts.metadata is 'Its metadata before the change.';
comment on column chat.held_texts.replaced_at is 'When it was changed.';
comment on index chat.held_texts_conversation_idx is 'chat.release_hold: what is no longer held.';

create table chat.erased_people (
  user_id uuid primary key,
  erased_at timestamptz not null default clock_timestamp()
);

alter table chat.erased_people enable row level security;

comment on table chat.erased_people is 'People whose half of their conversations was erased by chat.erase_person.';
comment on column chat.erased_people.user_id is 'The person.';
comment on column chat.erased_people.erased_at is 'When the erasure ended.';

create table chat.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  login text not null default session_user,
  acting_as text not null,
  address inet default inet_client_addr(),
  application text not null default current_setting('application_name'),
  action text not null,
  detail jsonb not null default '{}'::jsonb,
  constraint detail_is_object check (jsonb_typeof(detail) = 'object')
);

alter table chat.audit_log enable row level security;

comment on table chat.audit_log is 'What operators did, while chat.settings.audit is on. Rows are added and never changed.';
comment on column chat.audit_log.id is 'Primary key, in the order of the entries.';
comment on column chat.audit_log.at is 'When it was done.';
comment on column chat.audit_log.login is 'Database login.';
comment on column chat.audit_log.acting_as is 'Role in force when it was done.';
comment on column chat.audit_log.address is 'Address of the client; null for a local socket.';
comment on column chat.audit_log.application is 'application_name of the session.';
comment on column chat.audit_log.action is 'Function that was called, or statement and table.';
comment on column chat.audit_log.detail is 'Its arguments, or how many rows it changed.';

comment on sequence chat.legal_holds_id_seq is 'Numbers of holds.';
comment on sequence chat.held_texts_id_seq is 'Numbers of kept texts.';
comment on sequence chat.audit_log_id_seq is 'Numbers of entries; a rolled back one leaves a gap.';
