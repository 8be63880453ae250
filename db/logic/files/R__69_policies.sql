-- Both people of a conversation see what is stored, who uploads also what is on its way. Functions do the writing.

drop policy if exists "Only active people use the chat" on public.chat_files;
create policy "Only active people use the chat" on public.chat_files
  as restrictive
  for all
  to authenticated
  using ((select chat.me()) is not null);

comment on policy "Only active people use the chat" on public.chat_files is 'Cuts across the others: who is not active sees no file.';

drop policy if exists "Users can view files of their conversations" on public.chat_files;
create policy "Users can view files of their conversations" on public.chat_files
  for select
  to authenticated
  using (
    (select auth.uid()) = uploader_id and state <> 'held'
    or (select auth.uid()) = recipient_id and state = 'stored'
  );

comment on policy "Users can view files of their conversations" on public.chat_files is 'Both people of the conversation, also after one has left the team; what is uploading its uploader alone, what is held nobody.';

drop policy if exists "The service can view files" on public.chat_files;
create policy "The service can view files" on public.chat_files
  for select
  to service_role
  using ((select chat.claims_hold()));

comment on policy "The service can view files" on public.chat_files is 'Back ends see all.';

-- No insert, update or delete for anybody: functions ask for the other person, count, and keep what is under legal hold.

revoke all on table public.chat_files from public, anon, authenticated, service_role;
grant select on table public.chat_files to authenticated, service_role;

revoke all on table chat.upload_counts, chat.file_removals from public, anon, authenticated, service_role;
