-- Reactions to messages.
-- Locks: new table; a moment's SHARE ROW EXCLUSIVE on public.user_messages for the foreign key.

create table public.message_reactions (
  id uuid primary key default gen_random_uuid(),
  message_id uuid not null references public.user_messages (id) on delete cascade,
  user_id uuid not null,
  reaction text not null,
  created_at timestamptz not null default now(),
  conversation_id uuid not null,
  sender_id uuid not null,
  recipient_id uuid not null,
  constraint unique_user_message_reaction unique (message_id, user_id, reaction),
  constraint reaction_length check (char_length(reaction) between 1 and 32 and reaction !~ '\s'),
  constraint reaction_of_a_participant check (user_id in (sender_id, recipient_id))
);

alter table public.message_reactions enable row level security;

-- No foreign key from user_id to users: who reacts is a participant, whose conversation goes with him; a second way to users
-- would deadlock with deleting a person.

comment on table public.message_reactions is 'A person''s reaction to a message. Written by functions.';
comment on column public.message_reactions.id is 'Primary key.';
comment on column public.message_reactions.message_id is 'The message.';
comment on column public.message_reactions.user_id is 'Who reacted.';
comment on column public.message_reactions.reaction is 'An emoji or a short name without spaces, at most 32 characters.';
comment on column public.message_reactions.created_at is 'When.';
comment on column public.message_reactions.conversation_id is 'The message''s conversation, so that a subscription can filter by it.';
comment on column public.message_reactions.sender_id is 'The message''s sender, so that the policy and a cascaded delete need no other table.';
comment on column public.message_reactions.recipient_id is 'The message''s recipient, for the same reason.';
