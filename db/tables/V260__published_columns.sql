-- What the change log tells of each table: these columns and no others. What a DBA adds to a table for their own use reaches no client. A
-- column of ours is told once it is an attribute here, too, and in relay.published_message and its like.
-- Locks: new types only.

create type relay.published_user_messages as (
  id uuid,
  conversation_id uuid,
  sender_id uuid,
  content text,
  -- squawk-ignore prefer-text-field
  message_type varchar(50),
  file_url text,
  file_name text,
  file_size bigint,
  created_at timestamptz,
  updated_at timestamptz,
  is_edited boolean,
  is_deleted boolean,
  read_by jsonb,
  metadata jsonb,
  recipient_id uuid,
  seq bigint,
  sent_revision bigint,
  revision bigint
);

create type relay.published_user_conversations as (
  id uuid,
  participant_1_id uuid,
  participant_2_id uuid,
  created_at timestamptz,
  updated_at timestamptz,
  last_message_at timestamptz,
  last_message_id uuid,
  is_archived boolean,
  created_by uuid,
  last_message_seq bigint,
  revision bigint,
  participant_1_read_seq bigint,
  participant_2_read_seq bigint
);

create type relay.published_user_presence as (
  user_id uuid,
  -- squawk-ignore prefer-text-field
  status varchar(20),
  last_seen timestamptz,
  is_typing_to uuid,
  typing_started_at timestamptz,
  updated_at timestamptz,
  team_id uuid
);

create type relay.published_message_reactions as (
  id uuid,
  message_id uuid,
  user_id uuid,
  reaction text,
  created_at timestamptz,
  conversation_id uuid,
  sender_id uuid,
  recipient_id uuid
);

create type relay.published_conversation_preferences as (
  conversation_id uuid,
  user_id uuid,
  archived_at timestamptz,
  archived_seq bigint,
  muted_until timestamptz
);

create type relay.published_user_blocks as (
  blocker_id uuid,
  blocked_id uuid,
  created_at timestamptz
);

comment on type relay.published_user_messages is 'A row of public.user_messages as clients are told of it.';
comment on type relay.published_user_conversations is 'A row of public.user_conversations as clients are told of it.';
comment on type relay.published_user_presence is 'A row of public.user_presence as clients are told of it. The page is nobody else''s.';
comment on type relay.published_message_reactions is 'A row of public.message_reactions as clients are told of it.';
comment on type relay.published_conversation_preferences is 'A row of public.conversation_preferences as clients are told of it.';
comment on type relay.published_user_blocks is 'A row of public.user_blocks as clients are told of it.';
