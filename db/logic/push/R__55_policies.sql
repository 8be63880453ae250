-- A device is its person's: they see it, functions write it.

drop policy if exists "Only active people use the chat" on public.push_subscriptions;
create policy "Only active people use the chat" on public.push_subscriptions
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.push_subscriptions is 'Cuts across the others: who is not active sees nothing.';

drop policy if exists "Users can view their own devices" on public.push_subscriptions;
create policy "Users can view their own devices" on public.push_subscriptions
  for select
  to authenticated
  using (user_id = (select auth.uid()));

comment on policy "Users can view their own devices" on public.push_subscriptions is 'Nobody learns where another is told of messages.';

drop policy if exists "The service can view devices" on public.push_subscriptions;
create policy "The service can view devices" on public.push_subscriptions
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view devices" on public.push_subscriptions is 'Back ends see all, without the keys.';

-- No insert, update or delete: the functions ask first. The keys are for the service's own functions alone.

revoke all on table public.push_subscriptions, chat.push_notices from public, anon, authenticated, service_role, chat_relay;
grant select (id, user_id, endpoint, label, shows_text, created_at, updated_at, last_used_at)
  on table public.push_subscriptions to authenticated, service_role;
