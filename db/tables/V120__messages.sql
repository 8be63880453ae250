-- Messages, in monthly partitions by their UUIDv7 id, and the earlier texts of edited ones.
-- Locks: new tables only.

-- What search_messages looks up: the words, and whose they are, in one index. Inlined by the planner, so no pinned path.
-- lower(): before 18 the parser folds case by lc_ctype alone, which under a builtin or ICU locale may be C.
create function chat.search_terms(content text, sender_id uuid, recipient_id uuid)
  returns tsvector
  immutable
  parallel safe
  language sql
as $$
  -- What looks like a tag is text here, and would else be left out.
  select to_tsvector('pg_catalog.simple'::regconfig, lower(translate(content, '<>', '  '))) || array_to_tsvector(array[sender_id::text, recipient_id::text])
$$;

comment on function chat.search_terms is 'The words of a message, in no particular language, and its two people as words: a search reads what one person wrote or got.';

revoke all on function chat.search_terms from public;
grant execute on function chat.search_terms to authenticated, service_role;   -- who inserts a row computes its index entry

create table public.user_messages (
  id uuid default chat.uuid7() primary key,
  conversation_id uuid not null references public.user_conversations (id) on delete cascade,
  sender_id uuid not null,
  content text not null,
  -- As specified; a wider one is a change of the catalogue alone.
  -- squawk-ignore prefer-text-field
  message_type varchar(50) not null default 'text',
  file_url text,
  file_name text,
  file_size bigint,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  is_edited boolean not null default false,
  is_deleted boolean not null default false,
  read_by jsonb not null default '[]'::jsonb,
  metadata jsonb not null default '{}'::jsonb,
  recipient_id uuid not null,
  seq bigint not null,
  sent_revision bigint not null,
  revision bigint not null,
  constraint message_type_is_known check (message_type in ('text', 'file', 'image')),
  constraint content_length check (char_length(content) <= 100000),
  constraint content_is_there check (is_deleted or message_type <> 'text' or content ~ '\S'),
  constraint attachment_fits_type check (case
    when is_deleted or message_type = 'text' then file_url is null and file_name is null and file_size is null
    else file_url ~* '^https?://[^\s]+$' and char_length(file_url) <= 2048 and file_url is not null
  end),
  constraint file_name_length check (char_length(file_name) between 1 and 255),
  constraint file_size_range check (file_size >= 0),
  constraint read_by_is_list check (jsonb_typeof(read_by) = 'array'),
  constraint metadata_is_object check (jsonb_typeof(metadata) = 'object'),
  constraint metadata_size check (octet_length(metadata::text) <= 16384),
  constraint not_to_oneself check (sender_id <> recipient_id),
  constraint numbers_start_at_one check (seq >= 1 and sent_revision >= 1 and revision >= sent_revision)
)
partition by range (id);

alter table public.user_messages enable row level security;

-- No default partition (it forbids detaching). No foreign key to users: the conversation has it, and a second one deadlocks
-- with deleting a person. No index on sender_id or created_at: every question goes by conversation, by id or by search.
create index idx_user_messages_conversation_id on public.user_messages (conversation_id, seq);
create index message_changes_idx on public.user_messages (conversation_id, revision);
create index idx_user_messages_content_search on public.user_messages using gin (chat.search_terms(content, sender_id, recipient_id));

comment on table public.user_messages is 'A message. Written by functions; never removed by a person, only blanked.';
comment on column public.user_messages.id is 'Primary key, UUIDv7: sorts by time, chooses the partition. A client may choose it in send_message: its idempotency key.';
comment on column public.user_messages.conversation_id is 'Where it was said.';
comment on column public.user_messages.sender_id is 'Who said it.';
comment on column public.user_messages.content is 'Plain text; empty once deleted.';
comment on column public.user_messages.message_type is '''text'', ''file'' or ''image''.';
comment on column public.user_messages.file_url is 'http(s) address of a file or image.';
comment on column public.user_messages.file_name is 'Name to show for it.';
comment on column public.user_messages.file_size is 'Its size in bytes.';
comment on column public.user_messages.created_at is 'When it was numbered. Later number, later time.';
comment on column public.user_messages.updated_at is 'When it was sent, last edited or deleted.';
comment on column public.user_messages.is_edited is 'Whether its text was changed.';
comment on column public.user_messages.is_deleted is 'Whether its sender took it back: content is empty, the number stays.';
comment on column public.user_messages.read_by is 'Ids of people who marked it as read, each once. Unread is counted by read positions, not by this.';
comment on column public.user_messages.metadata is 'What the client wants to keep with it: an object of at most 16384 bytes.';
comment on column public.user_messages.recipient_id is 'The other participant, so that its policy needs no other table.';
comment on column public.user_messages.seq is 'Its number in the conversation: 1, 2, 3 ... without gaps, in commit order.';
comment on column public.user_messages.sent_revision is 'The conversation''s revision when it was sent.';
comment on column public.user_messages.revision is 'The conversation''s revision when it last changed (edited, deleted, reacted to).';
comment on index public.idx_user_messages_conversation_id is 'get_messages: a page of one conversation.';
comment on index public.message_changes_idx is 'get_changes: what came after a revision.';
comment on index public.idx_user_messages_content_search is 'search_messages.';

create table public.message_edits (
  id uuid primary key default chat.uuid7(),
  message_id uuid not null references public.user_messages (id) on delete cascade,
  sender_id uuid not null,
  content text not null,
  edited_at timestamptz not null default clock_timestamp()
);

alter table public.message_edits enable row level security;

create index message_edits_message_idx on public.message_edits (message_id);

comment on table public.message_edits is 'What a message said before an edit, for its sender. Gone with the message, also when that is deleted.';
comment on column public.message_edits.id is 'Primary key, UUIDv7.';
comment on column public.message_edits.message_id is 'The message.';
comment on column public.message_edits.sender_id is 'Its sender, so that the policy needs no other table.';
comment on column public.message_edits.content is 'The text that was replaced.';
comment on column public.message_edits.edited_at is 'When it was replaced.';
comment on index public.message_edits_message_idx is 'The edits of one message; its cascade.';

-- The table's columns in the table's order, then what every client needs beside them. Whoever adds a column adds it here too.
create type public.message_view as (
  id uuid,
  conversation_id uuid,
  sender_id uuid,
  content text,
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
  revision bigint,
  sender jsonb,
  reactions jsonb
);

comment on type public.message_view is
  'A message as its readers see it: the row, sender {id, full_name, avatar_url} and reactions [{reaction, user_ids}].';

create type public.message_match as (
  id uuid,
  conversation_id uuid,
  sender_id uuid,
  content text,
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
  revision bigint,
  sender jsonb,
  reactions jsonb,
  headline text
);

comment on type public.message_match is
  'A message that search_messages found. headline: plain text with each hit between U+E000 and U+E001.';
