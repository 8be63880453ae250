-- Conversations between two people of a team.
-- Locks: new tables; a moment's SHARE ROW EXCLUSIVE on public.users for the foreign keys.

create table public.user_conversations (
  id uuid primary key default gen_random_uuid(),
  participant_1_id uuid not null references public.users (id) on delete cascade,
  participant_2_id uuid not null references public.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_message_at timestamptz,
  last_message_id uuid,
  is_archived boolean not null default false,
  created_by uuid not null default auth.uid(),
  last_message_seq bigint not null default 0,
  revision bigint not null default 0,
  participant_1_read_seq bigint not null default 0,
  participant_2_read_seq bigint not null default 0,
  constraint unique_conversation unique (participant_1_id, participant_2_id),
  constraint canonical_order check (participant_1_id < participant_2_id),
  constraint created_by_a_participant check (created_by in (participant_1_id, participant_2_id)),
  constraint last_message_is_whole check (
    (last_message_seq = 0) = (last_message_id is null) and (last_message_seq = 0) = (last_message_at is null)),
  constraint read_what_was_sent check (
    participant_1_read_seq between 0 and last_message_seq and participant_2_read_seq between 0 and last_message_seq)
)
-- Every message updates its conversation: room on the page, and no index on what it changes, keep that a HOT update.
with (fillfactor = 70);

alter table public.user_conversations enable row level security;

-- participant_1_id is served by unique_conversation. No index on updated_at or last_message_at: see above.
create index idx_user_conversations_participant_2 on public.user_conversations (participant_2_id);

comment on table public.user_conversations is 'A conversation of two people. Its row is the lock under which its messages are numbered.';
comment on column public.user_conversations.id is 'Primary key.';
comment on column public.user_conversations.participant_1_id is 'The participant with the smaller id.';
comment on column public.user_conversations.participant_2_id is 'The participant with the larger id.';
comment on column public.user_conversations.created_at is 'When it was opened.';
comment on column public.user_conversations.updated_at is 'When it or a message in it was last written.';
comment on column public.user_conversations.last_message_at is 'created_at of the last message; null until there is one.';
comment on column public.user_conversations.last_message_id is 'The last message; null until there is one. No foreign key: the message already points here, and its partition may be dropped.';
comment on column public.user_conversations.is_archived is 'Put away by the operator for both, until the next message. A person''s own archive is in conversation_preferences.';
comment on column public.user_conversations.created_by is 'Who opened it; while empty it is listed for that person alone.';
comment on column public.user_conversations.last_message_seq is 'Number of the last message, and so how many were ever sent.';
comment on column public.user_conversations.revision is 'Counts changes of messages (sent, edited, deleted, reacted to), not reads. Who holds revision r asks get_changes for the rest.';
comment on column public.user_conversations.participant_1_read_seq is 'Up to which number participant 1 has read. Whoever sends has read.';
comment on column public.user_conversations.participant_2_read_seq is 'Up to which number participant 2 has read. Whoever sends has read.';
comment on index public.idx_user_conversations_participant_2 is 'get_conversations: mine as the second participant.';

create type public.conversation_view as (
  id uuid,
  other_user jsonb,
  last_message jsonb,
  last_message_at timestamptz,
  last_message_seq bigint,
  read_seq bigint,
  other_read_seq bigint,
  unread_count bigint,
  revision bigint,
  is_archived boolean,
  is_muted boolean,
  created_at timestamptz
);

comment on type public.conversation_view is
  'A conversation as one participant sees it. other_user {id, full_name, avatar_url, status, presence {status, last_seen}}; last_message {id, seq, sender_id, content, message_type, created_at, is_deleted}.';
