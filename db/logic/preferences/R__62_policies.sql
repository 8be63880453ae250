-- What a person keeps to themselves: its owner sees it, functions write it.

drop policy if exists "Only active people use the chat" on public.conversation_preferences;
create policy "Only active people use the chat" on public.conversation_preferences
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.conversation_preferences is 'Cuts across the others: who is not active sees nothing.';

drop policy if exists "Users can view their own preferences" on public.conversation_preferences;
create policy "Users can view their own preferences" on public.conversation_preferences
  for select
  to authenticated
  using (user_id = (select auth.uid()));

comment on policy "Users can view their own preferences" on public.conversation_preferences is 'The other participant does not learn of them.';

drop policy if exists "The service can view preferences" on public.conversation_preferences;
create policy "The service can view preferences" on public.conversation_preferences
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view preferences" on public.conversation_preferences is 'Back ends see all.';

drop policy if exists "Only active people use the chat" on public.user_blocks;
create policy "Only active people use the chat" on public.user_blocks
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.user_blocks is 'Cuts across the others: who is not active sees nothing.';

drop policy if exists "Users can view whom they block" on public.user_blocks;
create policy "Users can view whom they block" on public.user_blocks
  for select
  to authenticated
  using (blocker_id = (select auth.uid()));

comment on policy "Users can view whom they block" on public.user_blocks is 'The blocked person does not see it.';

drop policy if exists "The service can view blocks" on public.user_blocks;
create policy "The service can view blocks" on public.user_blocks
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view blocks" on public.user_blocks is 'Back ends see all.';

-- No insert, update or delete: the functions ask first.

revoke all on table public.conversation_preferences, public.user_blocks from public, anon, authenticated, service_role;
grant select on table public.conversation_preferences, public.user_blocks to authenticated, service_role;
