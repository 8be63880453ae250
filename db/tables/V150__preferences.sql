-- What a person keeps to himself: archived and muted conversations, and whom he does not want to hear from.
-- Locks: new tables; a moment's SHARE ROW EXCLUSIVE on public.users and public.user_conversations for the foreign keys.

create table public.conversation_preferences (
  conversation_id uuid not null references public.user_conversations (id) on delete cascade,
  user_id uuid not null,
  archived_at timestamptz,
  archived_seq bigint,
  muted_until timestamptz,
  primary key (conversation_id, user_id),
  constraint archive_is_whole check ((archived_at is null) = (archived_seq is null))
);

alter table public.conversation_preferences enable row level security;

-- No foreign key from user_id to users: a participant's conversation goes with him.

comment on table public.conversation_preferences is 'One participant''s archive and mute of a conversation.';
comment on column public.conversation_preferences.conversation_id is 'The conversation.';
comment on column public.conversation_preferences.user_id is 'Whose preference it is.';
comment on column public.conversation_preferences.archived_at is 'When it was put away; null when it is not.';
comment on column public.conversation_preferences.archived_seq is 'The last message at that moment. A later one brings the conversation back, without a write.';
comment on column public.conversation_preferences.muted_until is 'No sound or badge until then; ''infinity'' for good; null for not muted.';

create table public.user_blocks (
  blocker_id uuid not null references public.users (id) on delete cascade,
  blocked_id uuid not null references public.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (blocker_id, blocked_id),
  constraint not_oneself check (blocker_id <> blocked_id)
);

alter table public.user_blocks enable row level security;

create index user_blocks_blocked_idx on public.user_blocks (blocked_id);

comment on table public.user_blocks is 'Who wants no messages from whom. The blocked person cannot see it, but is refused.';
comment on column public.user_blocks.blocker_id is 'Who blocked.';
comment on column public.user_blocks.blocked_id is 'Who is blocked.';
comment on column public.user_blocks.created_at is 'When.';
comment on index public.user_blocks_blocked_idx is 'Deleting the blocked person.';
