-- While one has blocked the other, neither sees the other's presence. What a team hears says who of it does not.
-- Locks: relay.change_log and its children, ACCESS EXCLUSIVE, for a change of the catalogue alone.

alter table relay.change_log add column hidden_from uuid[];

comment on column relay.change_log.hidden_from is 'Ids of people who may not see it although they are of a team that may; null for nobody.';

-- They get another parameter or another column; the logic makes them.
drop function if exists relay.presence_of(text);
drop function if exists chat.visible_people(uuid[]);

-- The functions that return it are made anew by R__21.
alter type public.conversation_view add attribute partner_status text;

comment on type public.conversation_view is
  'A conversation as one participant sees it. other_user {id, full_name, avatar_url, status, presence {status, last_seen}}; last_message {id, seq, sender_id, content, message_type, created_at, is_deleted}; first_unread_seq is null when nothing is unread; partner_status is active, or the reason code with which send_message refuses: gone, apart, blocking.';

create type public.blocked_user as (
  id uuid,
  full_name text,
  avatar_url text,
  blocked_at timestamptz
);

comment on type public.blocked_user is 'Somebody from whom the caller takes no messages.';
