-- What is unread, where the read position alone does not say it: messages that were taken back unread, and those that their reader has
-- marked as unread again. It is the reader's own, so it stands beside archive and mute, which nobody else sees.
-- Locks: public.conversation_preferences, ACCESS EXCLUSIVE, for a change of the catalogue; then what is unread is read once.

alter table public.conversation_preferences
  add column unread_at_seq bigint,
  add column unread_from_seq bigint,
  add column unread_correction bigint not null default 0;

comment on column public.conversation_preferences.unread_at_seq is
  'The person''s read position when the two columns after it were written. They hold while it is there: reading or sending ends them, without a write.';
comment on column public.conversation_preferences.unread_from_seq is
  'The first message that the person has marked as unread again; null for none. The other person does not learn of it.';
comment on column public.conversation_preferences.unread_correction is
  'What is added to last_message_seq less the read position to count the unread messages: those marked as unread again, less those taken back.';

alter type relay.published_conversation_preferences add attribute unread_from_seq bigint;

-- The functions that return it are made anew by R__21.
alter type public.conversation_view add attribute first_unread_seq bigint;

comment on type public.conversation_view is
  'A conversation as one participant sees it. other_user {id, full_name, avatar_url, status, presence {status, last_seen}}; last_message {id, seq, sender_id, content, message_type, created_at, is_deleted}; first_unread_seq is null when nothing is unread.';

create type public.unread_total as (
  messages bigint,
  conversations bigint
);

comment on type public.unread_total is 'What a badge shows: unread messages, and the conversations that they are in.';

-- What was taken back unread before this migration.
insert into public.conversation_preferences as p (conversation_id, user_id, unread_at_seq, unread_correction)
select c.id, reader.id, reader.read_seq, - taken_back.messages
from public.user_conversations c
cross join lateral (
  values (c.participant_1_id, c.participant_1_read_seq), (c.participant_2_id, c.participant_2_read_seq)
) reader (id, read_seq)
cross join lateral (
  select count(*) as messages
  from public.user_messages m
  where m.conversation_id = c.id
    and m.seq > reader.read_seq
    and m.is_deleted
) taken_back
where c.last_message_seq > reader.read_seq
  and taken_back.messages > 0
on conflict on constraint conversation_preferences_pkey do update set
  unread_at_seq = excluded.unread_at_seq,
  unread_correction = excluded.unread_correction;
