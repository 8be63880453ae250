-- How far each person's devices have received a conversation: the tick between sent and read.
-- Locks: public.user_conversations, ACCESS EXCLUSIVE, for a change of the catalogue alone.

alter table public.user_conversations
  add column participant_1_delivered_seq bigint not null default 0,
  add column participant_2_delivered_seq bigint not null default 0;

comment on column public.user_conversations.participant_1_delivered_seq is
  'Up to which number a device of participant 1 has said that it has received the messages. Written where that is more than what is read.';
comment on column public.user_conversations.participant_2_delivered_seq is
  'Up to which number a device of participant 2 has said that it has received the messages. Written where that is more than what is read.';

alter type relay.published_user_conversations
  add attribute participant_1_delivered_seq bigint,
  add attribute participant_2_delivered_seq bigint;

-- The functions that return it are made anew by R__21.
alter type public.conversation_view
  add attribute delivered_seq bigint,
  add attribute other_delivered_seq bigint;

comment on column public.conversation_view.delivered_seq is
  'Up to which number a device of the caller has received the messages, or they have read them.';
comment on column public.conversation_view.other_delivered_seq is
  'Up to which number a device of the other person has received the messages, or they have read them.';
