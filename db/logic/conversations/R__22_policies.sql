-- A participant sees a conversation; two active people of one team may open one. What changes it is functions.

drop policy if exists "Only active people use the chat" on public.user_conversations;
create policy "Only active people use the chat" on public.user_conversations
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.user_conversations is 'Cuts across the others: who is not active sees and opens nothing.';

drop policy if exists "Users can view their own conversations" on public.user_conversations;
create policy "Users can view their own conversations" on public.user_conversations
  for select
  to authenticated
  using ((select auth.uid()) in (participant_1_id, participant_2_id));

comment on policy "Users can view their own conversations" on public.user_conversations is 'Both participants, also after one has left the team.';

-- The one policy that asks a function about its row: it runs once, for a row that is being made.
drop policy if exists "Users can create conversations" on public.user_conversations;
create policy "Users can create conversations" on public.user_conversations
  for insert
  to authenticated
  with check (
    (select auth.uid()) in (participant_1_id, participant_2_id)
    and created_by = (select auth.uid())
    and chat.may_talk_to(case (select auth.uid()) when participant_1_id then participant_2_id else participant_1_id end)
  );

comment on policy "Users can create conversations" on public.user_conversations is 'With an active person of one''s team; neither has blocked the other.';

drop policy if exists "The service can view conversations" on public.user_conversations;
create policy "The service can view conversations" on public.user_conversations
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view conversations" on public.user_conversations is 'Back ends see all.';

drop policy if exists "The service can create conversations" on public.user_conversations;
create policy "The service can create conversations" on public.user_conversations
  for insert
  to service_role
  with check ((select chat.claims_hold()));

comment on policy "The service can create conversations" on public.user_conversations is 'Back ends open conversations for people.';

drop policy if exists "The service can delete conversations" on public.user_conversations;
create policy "The service can delete conversations" on public.user_conversations
  for delete
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can delete conversations" on public.user_conversations is 'Back ends erase a conversation, and with it all that was said.';

-- No update for anybody: functions keep numbers, read positions and archive. No delete for people: it would take the other's words.

revoke all on table public.user_conversations from public, anon, authenticated, service_role;
grant select on table public.user_conversations to authenticated, service_role;
grant insert (participant_1_id, participant_2_id) on table public.user_conversations to authenticated;
grant insert (participant_1_id, participant_2_id, created_by) on table public.user_conversations to service_role;
grant delete on table public.user_conversations to service_role;
