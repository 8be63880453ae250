-- Who sees people and teams. Only where these tables are ours: an existing platform keeps its own policies, and the chat
-- reads people through chat.visible_people() either way.

drop policy if exists "People can view their team" on public.teams;
create policy "People can view their team" on public.teams
  for select
  to authenticated
  using (id = (select chat.my_team()));

drop policy if exists "People can view the people of their team" on public.users;
create policy "People can view the people of their team" on public.users
  for select
  to authenticated
  using (id = (select chat.me()) or team_id = (select chat.my_team()));

drop policy if exists "The service can view teams" on public.teams;
create policy "The service can view teams" on public.teams
  for select
  to service_role
  using ((select chat.claims_hold()));

drop policy if exists "The service can view people" on public.users;
create policy "The service can view people" on public.users
  for select
  to service_role
  using ((select chat.claims_hold()));

-- No insert, update or delete: people and teams are the platform's business.

comment on policy "People can view their team" on public.teams is 'Nobody''s member, and who is not active, sees none.';
comment on policy "People can view the people of their team" on public.users is 'And themselves; who is not active sees nobody.';
comment on policy "The service can view teams" on public.teams is 'Back ends see all.';
comment on policy "The service can view people" on public.users is 'Back ends see all.';

revoke all on table public.teams, public.users from public, anon, authenticated, service_role;
grant select on table public.teams, public.users to authenticated, service_role;
