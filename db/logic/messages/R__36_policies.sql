-- Both people of a conversation read a message; its sender alone reads what it said before.

drop policy if exists "Only active people use the chat" on public.user_messages;
create policy "Only active people use the chat" on public.user_messages
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.user_messages is 'Cuts across the others: who is not active reads and sends nothing.';

drop policy if exists "Users can view messages in their conversations" on public.user_messages;
create policy "Users can view messages in their conversations" on public.user_messages
  for select
  to authenticated
  using ((select auth.uid()) in (sender_id, recipient_id));

comment on policy "Users can view messages in their conversations" on public.user_messages is 'Both people of the conversation, also after one has left the team.';

-- That both are in the conversation is the numbering trigger's to demand; it has run before this check.
drop policy if exists "Users can send messages to their conversations" on public.user_messages;
create policy "Users can send messages to their conversations" on public.user_messages
  for insert
  to authenticated
  with check (sender_id = (select auth.uid()));

comment on policy "Users can send messages to their conversations" on public.user_messages is 'As oneself; the trigger number_message demands the rest.';

drop policy if exists "The service can view messages" on public.user_messages;
create policy "The service can view messages" on public.user_messages
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view messages" on public.user_messages is 'Back ends see all.';

drop policy if exists "The service can send messages for people" on public.user_messages;
create policy "The service can send messages for people" on public.user_messages
  for insert
  to service_role
  with check ((select chat.claims_hold()));

comment on policy "The service can send messages for people" on public.user_messages is 'Back ends write for a participant; the trigger number_message demands that it is one.';

-- No update or delete for anybody: functions lock the conversation first, and a message is blanked, so the numbering keeps its meaning.

drop policy if exists "Only active people use the chat" on public.message_edits;
create policy "Only active people use the chat" on public.message_edits
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.message_edits is 'Cuts across the others: who is not active reads nothing.';

drop policy if exists "Users can view earlier texts of their messages" on public.message_edits;
drop policy if exists "Users can view earlier texts in their conversations" on public.message_edits;
create policy "Users can view earlier texts in their conversations" on public.message_edits
  for select
  to authenticated
  using (sender_id = (select auth.uid()) or recipient_id = (select auth.uid()));

comment on policy "Users can view earlier texts in their conversations" on public.message_edits is
  'Sender and recipient, as the message itself.';

drop policy if exists "The service can view earlier texts" on public.message_edits;
create policy "The service can view earlier texts" on public.message_edits
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view earlier texts" on public.message_edits is 'Back ends see all.';

-- The id is not granted: chosen in a plain insert, it could take a number and then lose to the same id elsewhere.
revoke all on table public.user_messages, public.message_edits from public, anon, authenticated, service_role;
grant select on table public.user_messages, public.message_edits to authenticated, service_role;
grant insert (conversation_id, sender_id, content, message_type, file_url, file_name, file_size, metadata)
  on table public.user_messages to authenticated, service_role;
