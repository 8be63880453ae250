-- A client's key is apart from the message's id, and when a message was written is beside when it was sent.
-- Locks: public.user_messages and its partitions, ACCESS EXCLUSIVE, a moment: two nullable columns, no row is rewritten or read. A new
-- table; chat.settings, one row, ACCESS EXCLUSIVE.

-- One row, whose settings have a check of their range.
-- squawk-ignore-file prefer-bigint-over-int, adding-field-with-default, constraint-missing-not-valid

alter table public.user_messages
  add column written_at timestamptz,
  add column client_id uuid;

comment on column public.user_messages.written_at is
  'When it was written, as its sender''s client says, where that is more than a minute before it was sent; else null.';
comment on column public.user_messages.client_id is
  'The id that the sender''s client chose, where the message has another, since that one''s time was not now; else null. A client finds its own message by it.';
comment on column public.user_messages.id is
  'Primary key, UUIDv7: sorts by time, chooses the partition. A client may choose it in send_message, while its time is now.';

alter type public.message_view add attribute written_at timestamptz, add attribute client_id uuid;
alter type public.message_match add attribute written_at timestamptz, add attribute client_id uuid;
alter type relay.published_user_messages add attribute written_at timestamptz, add attribute client_id uuid;

create table chat.message_keys (
  sender_id uuid not null,
  key uuid not null,
  message_id uuid not null references public.user_messages (id) on delete cascade,
  primary key (sender_id, key)
);

alter table chat.message_keys enable row level security;

-- No time and no foreign key to users: the message has both, by its id and by its conversation.
create unique index message_keys_message_idx on chat.message_keys (message_id);

comment on table chat.message_keys is
  'Which message a sender''s key was for, where it is not the message''s id. For send_message, which returns that message to whoever tries again. Gone with the message, and after chat.settings.message_key_days.';
comment on column chat.message_keys.sender_id is 'Whose key it is: keys of different people do not meet.';
comment on column chat.message_keys.key is 'The id that their client gave to send_message.';
comment on column chat.message_keys.message_id is 'The message.';
comment on index chat.message_keys_message_idx is 'The key of one message; its cascade; the oldest keys.';

alter table chat.settings
  add column message_key_days int not null default 90,
  add constraint message_key_range check (message_key_days between 30 and 3650);

comment on column chat.settings.message_key_days is
  'Days that a sender''s key is remembered at the least where it is not the message''s id: so long a client may try again.';

-- The logic makes them with a parameter more, or no more at all.
drop function if exists public.send_message(uuid, text, text, uuid, text, text, bigint, jsonb);
drop function if exists chat.check_message_id(uuid);
