-- The team sees who is there; who types to whom is between the two. Everybody writes their own.

drop policy if exists "Only active people use the chat" on public.user_presence;
create policy "Only active people use the chat" on public.user_presence
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.user_presence is 'Cuts across the others: who is not active sees nobody.';

drop policy if exists "Users can view team member presence" on public.user_presence;
create policy "Users can view team member presence" on public.user_presence
  for select
  to authenticated
  using (
    (team_id = (select chat.my_team()) or user_id = (select auth.uid()))
    and user_id <> all ((select chat.people_hidden_from_me())::uuid[])
  );

comment on policy "Users can view team member presence" on public.user_presence is
  'The team of today, and oneself; not whom one has blocked, nor who has blocked one.';

drop policy if exists "Users can create their own presence" on public.user_presence;
create policy "Users can create their own presence" on public.user_presence
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

comment on policy "Users can create their own presence" on public.user_presence is 'Nobody says for another that they are there.';

drop policy if exists "Users can update their own presence" on public.user_presence;
create policy "Users can update their own presence" on public.user_presence
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

comment on policy "Users can update their own presence" on public.user_presence is 'Nobody says for another that they are there.';

drop policy if exists "The service can view presence" on public.user_presence;
create policy "The service can view presence" on public.user_presence
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view presence" on public.user_presence is 'Back ends see all.';

-- No delete for people: offline is a status.

-- Typing and page are not granted to be read: typing goes by real time to the two of them. What is written is checked, and times
-- are set, by the trigger stamp_presence.
revoke all on table public.user_presence from public, anon, authenticated, service_role;
grant select (user_id, status, last_seen, updated_at, team_id) on table public.user_presence to authenticated, service_role;
grant insert (user_id, status, current_page, is_typing_to, typing_started_at, last_seen, updated_at)
  on table public.user_presence to authenticated;
grant update (status, current_page, is_typing_to, typing_started_at, last_seen, updated_at)
  on table public.user_presence to authenticated;
