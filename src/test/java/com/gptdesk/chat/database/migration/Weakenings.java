package com.gptdesk.chat.database.migration;

import java.util.List;

/** What a careless or hostile hand may do to a database of the chat, one act each. */
final class Weakenings {

  /**
   * An act of a superuser's. There are a schema {@code elsewhere}, which people may use, and a role
   * {@code clerk}.
   *
   * @param name what it is
   * @param sql a few statements
   * @param cause what a report must call it; * for anything
   */
  record Weakening(String name, String sql, String cause) {
    @Override
    public String toString() {
      return name;
    }
  }

  static final List<Weakening> ALL =
      List.of(
          new Weakening(
              "a table opened to anon",
              "grant select on public.user_messages to anon",
              "right public.user_messages anon"),
          new Weakening(
              "a table opened to everybody",
              "grant select on public.message_edits to public",
              "right public.message_edits PUBLIC"),
          new Weakening(
              "all tables opened to one role",
              "grant select on all tables in schema relay to authenticated",
              "right * authenticated"),
          new Weakening(
              "a column to be rewritten",
              "grant update (content) on public.user_messages to authenticated",
              "column right public.user_messages authenticated"),
          new Weakening(
              "a right more on a table",
              "grant insert, delete on public.user_blocks to authenticated",
              "right public.user_blocks authenticated"),
          new Weakening(
              "row-level security switched off",
              "alter table public.user_messages disable row level security",
              "row-level security public.user_messages"),
          new Weakening(
              "row-level security of a partition switched off",
              "do $$ begin execute 'alter table ' || (select min(inhrelid::regclass::text) from pg_inherits where inhparent = 'public.user_messages'::regclass) || ' disable row level security'; end $$",
              "row-level security chat.user_messages_*"),
          new Weakening(
              "a partition opened",
              "do $$ begin execute 'grant select on ' || (select min(inhrelid::regclass::text) from pg_inherits where inhparent = 'public.user_messages'::regclass) || ' to authenticated'; end $$",
              "right chat.user_messages_* authenticated"),
          new Weakening(
              "a policy dropped",
              "drop policy \"Only active people use the chat\" on public.user_messages",
              "policy public.user_messages Only active people use the chat"),
          new Weakening(
              "a policy that lets all",
              "alter policy \"Users can view messages in their conversations\" on public.user_messages using (true)",
              "policy public.user_messages Users can view messages in their conversations"),
          new Weakening(
              "a policy laxer for some rows",
              "alter policy \"Users can view messages in their conversations\" on public.user_messages using (auth.uid() in (sender_id, recipient_id) or message_type = 'system' and content like 'shared:%')",
              "policy public.user_messages Users can view messages in their conversations"),
          new Weakening(
              "a policy more",
              "create policy \"Support can view messages\" on public.user_messages for select to authenticated using (is_deleted)",
              "policy public.user_messages Support can view messages"),
          new Weakening(
              "a policy for everybody",
              "alter policy \"Users can view messages in their conversations\" on public.user_messages to public",
              "policy public.user_messages Users can view messages in their conversations"),
          new Weakening(
              "a body that answers anybody",
              "create or replace function chat.me() returns uuid stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$ begin return (select u.id from public.users u where u.id = (select auth.uid())); end $$",
              "body chat.me()"),
          new Weakening(
              "a function without its pinned path",
              "alter function chat.visible_people(uuid[]) reset search_path",
              "function chat.visible_people(ids uuid[])"),
          new Weakening(
              "a function that leaks to the planner",
              "alter function chat.me() leakproof",
              "function chat.me()"),
          new Weakening(
              "an invoker function made a definer",
              "alter function public.get_messages security definer",
              "function public.get_messages(*)"),
          new Weakening(
              "a helper opened to anon",
              "grant execute on function chat.visible_people(uuid[]) to anon",
              "right chat.visible_people(ids uuid[]) anon"),
          new Weakening(
              "a function of operators opened",
              "grant execute on function chat.export_person(uuid) to authenticated",
              "right chat.export_person(person uuid) authenticated"),
          new Weakening(
              "an overload of one of ours",
              "create function public.send_message(text) returns text language sql as 'select $1'",
              "function public.send_message(text)"),
          new Weakening(
              "a function that is gone",
              "drop function public.unblock_user",
              "function public.unblock_user(*)"),
          new Weakening(
              "a function that changed hands",
              "alter function chat.me() owner to clerk",
              "owner chat.me()"),
          new Weakening(
              "a table that changed hands",
              "alter table public.user_messages owner to clerk",
              "owner public.user_messages"),
          new Weakening(
              "several that changed hands",
              "alter table public.user_blocks owner to clerk; alter table chat.settings owner to clerk; alter function chat.my_team() owner to clerk",
              "owner *"),
          new Weakening(
              "an owner-rights view",
              "create view elsewhere.messages as select * from public.user_messages; grant select on elsewhere.messages to authenticated",
              "view elsewhere.messages"),
          new Weakening(
              "an owner-rights view behind another",
              "create view elsewhere.a as select * from public.user_messages; create view elsewhere.b as select id from elsewhere.a; grant select on elsewhere.b to anon",
              "view elsewhere.b"),
          new Weakening(
              "a view of a column",
              "create view elsewhere.typing as select is_typing_to from public.user_presence; grant select (is_typing_to) on elsewhere.typing to authenticated",
              "view elsewhere.typing"),
          new Weakening(
              "a materialized view",
              "create materialized view elsewhere.copy as select * from public.message_edits; grant select on elsewhere.copy to public",
              "materialized view elsewhere.copy"),
          new Weakening(
              "a view of ours with its owner's rights",
              "alter view chat.health set (security_invoker = false)",
              "relation chat.health"),
          new Weakening(
              "a definer function elsewhere",
              "create function elsewhere.peek() returns setof public.user_messages security definer language sql as 'select * from public.user_messages'",
              "function elsewhere.peek()"),
          new Weakening(
              "a definer function with a bound body",
              "create function elsewhere.count_all() returns bigint security definer language sql begin atomic select count(*) from public.user_messages; end",
              "function elsewhere.count_all()"),
          new Weakening(
              "a definer function that executes text",
              "create function elsewhere.run(statement text) returns void security definer language plpgsql as 'begin execute statement; end'",
              "function elsewhere.run(statement text)"),
          new Weakening(
              "the owner's role granted to a role that people have",
              "grant chat_owner to clerk; grant clerk to chat_login",
              "member role chat_login <owner>"),
          new Weakening(
              "the owner's role granted to the login",
              "grant chat_owner to chat_login",
              "member role chat_login <owner>"),
          new Weakening(
              "BYPASSRLS", "alter role authenticated bypassrls", "attributes role authenticated"),
          new Weakening(
              "BYPASSRLS of the login",
              "alter role chat_login bypassrls",
              "attributes role chat_login"),
          new Weakening(
              "CREATEROLE", "alter role chat_service createrole", "attributes role chat_service"),
          new Weakening(
              "all data to be read",
              "grant pg_read_all_data to authenticated",
              "member role authenticated pg_read_all_data"),
          new Weakening(
              "all data to be written",
              "grant pg_write_all_data to chat_relay",
              "member role chat_relay pg_write_all_data"),
          new Weakening(
              "programs of the server",
              "grant pg_execute_server_program to chat_login",
              "member role chat_login pg_execute_server_program"),
          new Weakening(
              "people who may become the service",
              "grant service_role to authenticated",
              "member role authenticated service_role"),
          new Weakening(
              "people who may read the log",
              "grant chat_relay to authenticated",
              "member role authenticated chat_relay"),
          new Weakening(
              "a parameter of the server",
              "grant set on parameter session_replication_role to authenticated",
              "right parameter session_replication_role authenticated"),
          new Weakening(
              "a parameter of the server for the login",
              "grant alter system on parameter log_statement to chat_login",
              "right parameter log_statement chat_login"),
          new Weakening(
              "default rights in a schema of ours",
              "alter default privileges for role chat_owner in schema chat grant select on tables to authenticated",
              "default right schema chat tables to authenticated, made by <owner>"),
          new Weakening(
              "default rights everywhere",
              "alter default privileges for role chat_owner grant select on tables to public",
              "default right every schema tables to PUBLIC, made by <owner>"),
          new Weakening(
              "a check dropped",
              "alter table public.user_messages drop constraint content_length",
              "constraint public.user_messages content_length"),
          new Weakening(
              "a check laxer",
              "alter table public.message_reactions drop constraint reaction_length, add constraint reaction_length check (char_length(reaction) < 999)",
              "constraint public.message_reactions reaction_length"),
          new Weakening(
              "a primary key gone",
              "alter table public.message_reactions drop constraint message_reactions_pkey",
              "constraint public.message_reactions message_reactions_pkey"),
          new Weakening(
              "an index gone",
              "drop index public.message_changes_idx",
              "index public.user_messages message_changes_idx"),
          new Weakening(
              "a trigger that copies",
              "create table elsewhere.copied (content text); create function elsewhere.copy_out() returns trigger security definer language plpgsql as 'begin insert into elsewhere.copied values (new.content); return new; end'; create trigger copy_out after insert on public.user_messages for each row execute function elsewhere.copy_out(); alter table elsewhere.copied enable row level security; create policy p on elsewhere.copied using (true); grant select on elsewhere.copied to authenticated",
              "trigger public.user_messages copy_out"),
          new Weakening(
              "a trigger switched off",
              "alter table public.user_messages disable trigger number_message",
              "trigger public.user_messages number_message"),
          new Weakening(
              "all triggers of a table switched off",
              "alter table public.user_blocks disable trigger all",
              "trigger *"),
          new Weakening(
              "a trigger gone",
              "drop trigger record_insert on public.user_messages",
              "trigger public.user_messages record_insert"),
          new Weakening(
              "a new open table beside ours",
              "create table elsewhere.notes (conversation_id uuid references public.user_conversations, text text); grant all on elsewhere.notes to authenticated",
              "table elsewhere.notes"),
          new Weakening(
              "a new open table in a schema of ours",
              "create table chat.notes (text text); grant select on chat.notes to anon",
              "relation chat.notes"),
          new Weakening(
              "a rule",
              "create rule sneak as on delete to public.user_blocks do instead nothing",
              "rule public.user_blocks sneak"),
          new Weakening(
              "a child",
              "create table elsewhere.more () inherits (public.user_presence)",
              "child public.user_presence elsewhere.more"),
          new Weakening(
              "a foreign table",
              "create foreign data wrapper nothing; create server far foreign data wrapper nothing; create foreign table elsewhere.far (id uuid) server far options (table_name 'user_messages'); grant select on elsewhere.far to authenticated",
              "foreign table elsewhere.far"),
          new Weakening(
              "a column that may be null",
              "alter table public.message_edits alter sender_id drop not null",
              "column public.message_edits sender_id"),
          new Weakening(
              "a column more",
              "alter table public.user_blocks add reason text",
              "column public.user_blocks reason"),
          new Weakening(
              "a default of ours changed",
              "alter table public.user_blocks alter created_at set default '-infinity'",
              "column public.user_blocks created_at"),
          new Weakening(
              "a schema of ours to make things in",
              "grant create on schema chat to authenticated",
              "right schema chat authenticated"),
          new Weakening(
              "the log's schema opened",
              "grant usage on schema relay to authenticated",
              "right schema relay authenticated"),
          new Weakening(
              "schema public to make things in",
              "grant create on schema public to public",
              "create schema public PUBLIC"),
          new Weakening(
              "the database to make things in",
              "do $$ begin execute format('grant create on database %I to authenticated', current_database()); end $$",
              "create database authenticated"),
          new Weakening(
              "files of the server",
              "grant execute on function pg_catalog.pg_read_file(text) to authenticated",
              "right pg_catalog.pg_read_file authenticated"),
          new Weakening(
              "claims that everybody has",
              "alter role authenticated set request.jwt.claims = '{}'",
              "setting authenticated request.jwt.claims"),
          new Weakening(
              "a library in each session",
              "do $$ begin execute format('alter database %I set local_preload_libraries = ''x''', current_database()); end $$",
              "setting database local_preload_libraries"));

  private Weakenings() {}
}
