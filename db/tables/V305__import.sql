-- What an operator brings over from another chat: rows wait here to be imported, and stay as the record of what was.
-- Locks: new tables only.

create table chat.imported_messages (
  line bigint generated always as identity,
  source text not null,
  source_id text not null,
  sender_id uuid,
  recipient_id uuid,
  content text,
  message_type text default 'text',
  sent_at timestamptz,
  edited_at timestamptz,
  file_url text,
  file_name text,
  file_size bigint,
  metadata jsonb,
  is_read boolean,
  reactions jsonb,
  message_id uuid,
  problem text,
  participant_1_id uuid generated always as (least(sender_id, recipient_id)) stored,
  participant_2_id uuid generated always as (greatest(sender_id, recipient_id)) stored,
  primary key (source, source_id),
  constraint import_source_length check (char_length(source) between 1 and 100 and char_length(source_id) between 1 and 1000)
);

alter table chat.imported_messages enable row level security;

-- No foreign keys: a row may name a person who is not there, which import_step then says; and it outlives its message, so that a
-- second import of the same file makes nothing twice.
create unique index imported_messages_line_idx on chat.imported_messages (line);
create index imported_messages_waiting_idx on chat.imported_messages (source, participant_1_id, participant_2_id, sent_at, line)
  where message_id is null and problem is null;
create index imported_messages_problem_idx on chat.imported_messages (source, line)
  where problem is not null;

comment on table chat.imported_messages is
  'Messages of another chat. An operator copies them in and calls chat.import_messages. A row stays as the record that it was imported; delete the rows of a source when it will never be imported again.';
comment on column chat.imported_messages.line is 'The order of rows that were sent at the same moment.';
comment on column chat.imported_messages.source is 'Where it comes from, for instance ''slack''. With source_id its key: it is imported once.';
comment on column chat.imported_messages.source_id is 'Its id there.';
comment on column chat.imported_messages.sender_id is 'Who said it; a person of public.users.';
comment on column chat.imported_messages.recipient_id is 'To whom; of the same team.';
comment on column chat.imported_messages.content is 'Plain text, at most 100000 characters; may be empty for a file or an image.';
comment on column chat.imported_messages.message_type is '''text'', ''file'' or ''image''; null is ''text''.';
comment on column chat.imported_messages.sent_at is 'When it was sent: it becomes created_at, chooses the partition and the number.';
comment on column chat.imported_messages.edited_at is 'When it was last edited there; null for never. Kept in the message''s metadata, as its earlier text is not known.';
comment on column chat.imported_messages.file_url is 'http(s) address of a file or image.';
comment on column chat.imported_messages.file_name is 'Its name.';
comment on column chat.imported_messages.file_size is 'Its size in bytes.';
comment on column chat.imported_messages.metadata is 'An object that is kept with the message; null for none.';
comment on column chat.imported_messages.is_read is 'Whether the recipient has read it; null is true, so that history does not come as unread.';
comment on column chat.imported_messages.reactions is 'A list of {"user_id": …, "reaction": …}; null for none.';
comment on column chat.imported_messages.message_id is 'The message that it became; null while it waits.';
comment on column chat.imported_messages.problem is 'Why it was not imported and what to do; null while it waits. After mending, set it to null and import again.';
comment on column chat.imported_messages.participant_1_id is 'The smaller of the two ids, as in public.user_conversations.';
comment on column chat.imported_messages.participant_2_id is 'The larger of the two ids.';
comment on index chat.imported_messages_line_idx is 'The rows of one step.';
comment on index chat.imported_messages_waiting_idx is 'chat.import_step: the next conversation that waits, in the order of its messages.';
comment on index chat.imported_messages_problem_idx is 'What could not be imported.';
comment on sequence chat.imported_messages_line_seq is 'Numbers of rows.';
