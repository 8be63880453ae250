-- Both people of a conversation see its reactions.

drop policy if exists "Only active people use the chat" on public.message_reactions;
create policy "Only active people use the chat" on public.message_reactions
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.message_reactions is 'Cuts across the others: who is not active sees nothing.';

drop policy if exists "Users can view reactions in their conversations" on public.message_reactions;
create policy "Users can view reactions in their conversations" on public.message_reactions
  for select
  to authenticated
  using ((select auth.uid()) in (sender_id, recipient_id));

comment on policy "Users can view reactions in their conversations" on public.message_reactions is 'Both people of the conversation.';

drop policy if exists "The service can view reactions" on public.message_reactions;
create policy "The service can view reactions" on public.message_reactions
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view reactions" on public.message_reactions is 'Back ends see all.';

-- No insert, update or delete: a reaction is a change of its message and takes a revision under the conversation's lock.

revoke all on table public.message_reactions from public, anon, authenticated, service_role;
grant select on table public.message_reactions to authenticated, service_role;
