-- Stored files of conversations, what each person has uploaded today, and objects that are to be removed from the store.
-- Locks: new tables; a moment's SHARE ROW EXCLUSIVE on public.user_conversations and public.user_messages for the foreign keys, and ACCESS
-- EXCLUSIVE on public.user_messages and its partitions for a check, for which no row is read; chat.settings, one row, ACCESS EXCLUSIVE.

-- One row, whose settings have a check of their range.
-- squawk-ignore-file prefer-bigint-over-int, adding-field-with-default, constraint-missing-not-valid

create table public.chat_files (
  id uuid primary key default chat.uuid7(),
  conversation_id uuid not null references public.user_conversations (id) on delete cascade,
  name text not null,
  uploader_id uuid not null,
  recipient_id uuid not null,
  state text not null default 'uploading',
  size bigint,
  content_type text,
  sha256 bytea,
  metadata jsonb not null default '{}'::jsonb,
  details jsonb not null default '{}'::jsonb,
  replaces boolean not null default false,
  message_id uuid references public.user_messages (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint file_state_is_known check (state in ('uploading', 'stored', 'held')),
  constraint file_path_length check (char_length(name) between 1 and 1024),
  constraint stored_size_range check (size >= 0),
  constraint content_type_length check (char_length(content_type) <= 255),
  constraint sha256_length check (octet_length(sha256) = 32),
  constraint what_is_stored_is_measured check (state = 'uploading' or num_nulls(size, content_type, sha256) = 0),
  constraint what_is_sent_is_stored check (message_id is null or state <> 'uploading'),
  constraint file_metadata_is_object check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 4096),
  constraint file_details_are_object check (jsonb_typeof(details) = 'object' and octet_length(details::text) <= 4096),
  constraint not_uploaded_to_oneself check (uploader_id <> recipient_id)
);

alter table public.chat_files enable row level security;

-- No foreign keys to users: the conversation has them.
create unique index stored_files_idx on public.chat_files (conversation_id, name) where state = 'stored';
create index chat_files_conversation_idx on public.chat_files (conversation_id);
create unique index chat_files_message_idx on public.chat_files (message_id) where message_id is not null;
create index unsent_files_idx on public.chat_files (updated_at) where message_id is null;

comment on table public.chat_files is 'A file of a conversation. Written by functions. The bytes lie in the service''s store under the row''s id, which is never used again.';
comment on column public.chat_files.id is 'Primary key, UUIDv7, and the key of the object in the store: the database makes it.';
comment on column public.chat_files.conversation_id is 'The conversation, which is the first part of the storage path.';
comment on column public.chat_files.name is 'The rest of the storage path: parts between slashes. Once for each conversation among what is stored.';
comment on column public.chat_files.uploader_id is 'Who uploaded it.';
comment on column public.chat_files.recipient_id is 'The other participant, so that its policy needs no other table.';
comment on column public.chat_files.state is '''uploading'': bytes are on their way. ''stored'': they are there. ''held'': taken back under legal hold; kept, and shown to nobody.';
comment on column public.chat_files.size is 'Bytes: while it is uploading as the client says, or null; then as measured.';
comment on column public.chat_files.content_type is 'While it is uploading as the client says, or null; then by its content.';
comment on column public.chat_files.sha256 is 'SHA-256 of the bytes; null while it is uploading.';
comment on column public.chat_files.metadata is 'What the uploader wants to keep with it: an object of at most 4096 bytes.';
comment on column public.chat_files.details is 'What the service measured, such as width, height and a placeholder: an object of at most 4096 bytes.';
comment on column public.chat_files.replaces is 'Whether it takes the place of a file of that name when it is stored.';
comment on column public.chat_files.message_id is 'The message that it was sent in; null until then. It goes with the message.';
comment on column public.chat_files.created_at is 'When the upload began.';
comment on column public.chat_files.updated_at is 'When it began, was stored or was last moved.';
comment on index public.stored_files_idx is 'One stored file for each path; download and list.';
comment on index public.chat_files_conversation_idx is 'Its cascade, and the files of one person there.';
comment on index public.chat_files_message_idx is 'The file of one message; its cascade.';
comment on index public.unsent_files_idx is 'chat.sweep_files: what was never sent, the oldest first.';

create table chat.upload_counts (
  day date not null,
  user_id uuid not null,
  files int not null,
  bytes bigint not null,
  primary key (day, user_id)
);

alter table chat.upload_counts enable row level security;

comment on table chat.upload_counts is 'What a person has begun to upload on a day, whatever became of it. For the limits of a day; kept for two days.';
comment on column chat.upload_counts.day is 'The day in UTC.';
comment on column chat.upload_counts.user_id is 'The person.';
comment on column chat.upload_counts.files is 'Uploads.';
comment on column chat.upload_counts.bytes is 'Their bytes: as the client says when one begins, as measured when it is stored.';

create table chat.file_removals (
  file_id uuid primary key,
  due_at timestamptz not null default now(),
  tries int not null default 0
);

alter table chat.file_removals enable row level security;

create index file_removals_due_idx on chat.file_removals (due_at);

comment on table chat.file_removals is 'Objects that no row has any more, until the service has removed them from its store: each is removed at least once.';
comment on column chat.file_removals.file_id is 'The id of the former row: the object''s key.';
comment on column chat.file_removals.due_at is 'From when on it may be removed; while one node does it, when another may try.';
comment on column chat.file_removals.tries is 'How often it was taken to be removed.';
comment on index chat.file_removals_due_idx is 'chat.take_file_removals: what has waited longest.';

alter table chat.settings
  add column max_file_bytes bigint not null default 104857600,
  add column max_files_a_day int not null default 500,
  add column max_file_bytes_a_day bigint not null default 2147483648,
  add column file_types text[],
  add column unfinished_upload_hours int not null default 24,
  add column unsent_file_hours int not null default 24,
  add constraint max_file_bytes_range check (max_file_bytes between 1 and 5497558138880),
  add constraint max_files_a_day_range check (max_files_a_day between 1 and 1000000),
  add constraint max_file_bytes_a_day_range check (max_file_bytes_a_day between 1 and 1125899906842624),
  add constraint file_types_range check (cardinality(file_types) between 1 and 1000 and array_position(file_types, null) is null),
  add constraint unfinished_upload_range check (unfinished_upload_hours between 1 and 720),
  add constraint unsent_file_range check (unsent_file_hours between 1 and 8760);

comment on column chat.settings.max_file_bytes is 'Bytes of one uploaded file.';
comment on column chat.settings.max_files_a_day is 'Uploads that a person may begin on a day (UTC).';
comment on column chat.settings.max_file_bytes_a_day is 'Bytes that a person may upload on a day (UTC).';
comment on column chat.settings.file_types is 'Content types that may be stored, such as ''application/pdf'' or ''image/*''; null for any.';
comment on column chat.settings.unfinished_upload_hours is 'Hours after which an upload that was not finished is given up.';
comment on column chat.settings.unsent_file_hours is 'Hours after which a stored file that was never sent is removed.';

create type public.file_view as (
  id uuid,
  conversation_id uuid,
  name text,
  uploader_id uuid,
  state text,
  size bigint,
  content_type text,
  sha256 text,
  metadata jsonb,
  details jsonb,
  message_id uuid,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.file_view is 'A file of a conversation; sha256 in hexadecimal digits.';

create type public.listed_file as (
  name text,
  id uuid,
  size bigint,
  content_type text,
  sha256 text,
  metadata jsonb,
  details jsonb,
  uploader_id uuid,
  message_id uuid,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.listed_file is 'What is in a folder: a file by the last part of its path, or a folder, which has no id.';

-- The address of a message's file may be a storage path. Wider than it was, so what is there meets it.
-- Migrations validates it after the commit, since that reads each row; by hand, the partitions first:
-- alter table public.user_messages validate constraint attachment_fits_type
alter table public.user_messages
  drop constraint attachment_fits_type,
  add constraint attachment_fits_type check (case
    when is_deleted or message_type = 'text' then file_url is null and file_name is null and file_size is null
    else (file_url ~* '^https?://[^\s]+$' or starts_with(file_url, conversation_id::text || '/'))
      and char_length(file_url) <= 2048 and file_url is not null
  end) not valid;

comment on column public.user_messages.file_url is 'http(s) address of a file or image, or the storage path of one in public.chat_files: conversation_id/name.';
