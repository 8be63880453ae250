package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Somebody has SQL of their own on a connection of the service's, by an injection or with the
 * login's password: what they leave there, and what they make for themselves, gives them nothing of
 * others and stops nobody.
 */
class HostileSessionsTest extends Rules {

  HostileSessionsTest() {
    super(TestDatabase.fresh()); // in which PUBLIC may make temporary objects
  }

  // Names: what a session makes under the names that our functions use.

  /** With an empty path it runs as the owner, who may read every message and make a back door. */
  @Test
  void aTypeOfTheSessionsOwnIsNotTheOneOurFunctionsMean() throws SQLException {
    assertEquals("null", whoRanTheTrap());
    database.asOwner("alter function public.search_users set search_path = ''"); // the control
    assertEquals("chat_owner", whoRanTheTrap());
  }

  private String whoRanTheTrap() throws SQLException {
    try (Connection session = sessionOf(mallory)) {
      run(
          session,
          """
          create temp table loot (who text);
          grant all on loot to public;
          create function pg_temp.evil(v pg_catalog.uuid) returns boolean volatile language plpgsql as $$
          begin
            insert into pg_temp.loot select current_user;
            return true;
          end $$;
          create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.evil(value));
          """);
      assertEquals("0", query(session, "select count(*) from public.search_users('')"));
      return query(session, "select min(who) from pg_temp.loot");
    }
  }

  /**
   * A trap for each type, relation and function that a body of ours names, and operators, in the
   * session and where PUBLIC may create in schema public. Every function that somebody is granted
   * is called, tables are written and read; no trap runs as anybody but the session itself.
   */
  @Test
  void noTrapRunsAsAnybodyElse() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    UUID message = alice.sends(conversation, "hi").getId();
    asSuperuserHere(
        """
        create table public.loot (who text);
        grant all on public.loot to public;
        grant create on schema public to authenticated, chat_relay, chat_login;
        create function public.spy() returns text volatile language plpgsql as
          $$ begin insert into public.loot select current_user; return null; end $$;
        """);
    bob.sends(conversation, "what Alice can mark as unread");
    database.ownerReads("select chat.set_push_key(repeat('k', 87), '{push.example}')");
    List<String> statements = statements(conversation, message);
    try (Connection session = sessionOf(alice)) { // another one, whose types are PostgreSQL's
      trapsInPublic(session);
    }
    try (Connection session = sessionOf(alice)) {
      trapsOfTheSession(session);
      run(session, "set search_path = pg_temp, public, pg_catalog");
      for (String statement : statements) {
        if (statement.contains(" relay.") || CALLED_BY_THE_RELAY.matcher(statement).find()) {
          continue;
        }
        run(session, statement);
      }
      for (String table : column("select tablename from pg_tables where schemaname = 'public'")) {
        if (!Set.of("user_presence", "push_subscriptions")
            .contains(table)) { // some columns are granted
          run(session, "select * from public." + table);
        }
      }
      run(session, "set role chat_relay");
      for (String statement : statements) {
        if (statement.contains(" relay.") || CALLED_BY_THE_RELAY.matcher(statement).find()) {
          run(session, statement);
        }
      }
    }
    // chat.enter, with the traps that its first statement leaves.
    try (Connection session = database.service().connect()) {
      run(session, "set search_path = public, pg_catalog");
      for (String statement :
          List.of(
              "select * from chat.callable_functions('{report*}')",
              "select chat.call_statement('get_messages', '{conversation_id}', '{report*}')",
              "select chat.shaped_statement('get_messages', '{conversation_id}', '{report*}', '{\"and\": [{\"column\": \"seq\", \"operator\": \"gt\", \"value\": \"1\"}], \"order\": [{\"column\": \"seq\"}], \"limit\": 1}')",
              "select chat.enter('%s', 'authenticated', false); select public.search_users('')"
                  .formatted(alice.caller().claims()),
              "select chat.send_messages(array['%s'], array['{\"conversation_id\": \"%s\", \"content\": \"hi\"}'])"
                  .formatted(alice.caller().claims(), conversation))) {
        run(session, statement);
      }
    }
    // The owner, who has no say in who creates in public.
    database.asOwner("select chat.create_message_partition('2020-01-01')");
    database.asOwner("call chat.drop_messages_before('2021-01-01')");
    database.asOwner(
        "insert into chat.imported_messages (source, source_id, sender_id, recipient_id, content, sent_at) values ('old chat', '1', '%s', '%s', 'hi', now() - interval '100 days')"
            .formatted(alice.id(), bob.id()));
    database.asOwner("call chat.import_messages('old chat')");
    database.asOwner("select chat.archive_inactive_conversations('90 days')");
    database.asOwner("select * from chat.check_invariants()");
    database.asOwner("select * from chat.health");
    database.asOwner("select chat.export_person('%s')".formatted(ivan.id()));
    database.asOwner("call chat.erase_person('%s')".formatted(ivan.id()));
    Migrations.of(database.owner(), null).preconditions();
    database.asOwner("update chat.flyway_history set checksum = 0 where version is null");
    assertTrue(Migrations.of(database.owner(), null).migrate() > 5, "each R file ran again");

    assertEquals(List.of(), column("select who from public.loot where who <> 'authenticated'"));
    try (Connection session = sessionOf(alice)) { // the control: the traps are set
      run(session, "set search_path = public, pg_catalog");
      run(session, "select format('%s', 'x'::text)");
    }
    assertNotEquals("0", database.ownerReads("select count(*) from public.loot"));

    TreeSet<String> forgotten =
        new TreeSet<>(
            column(
                """
                select distinct p.pronamespace::regnamespace || '.' || p.proname
                from pg_proc p
                where p.pronamespace::regnamespace::text in ('public', 'chat', 'relay')
                  and p.proowner = 'chat_owner'::regrole
                  and (
                    has_function_privilege('authenticated', p.oid, 'execute')
                    or has_function_privilege('chat_relay', p.oid, 'execute'))
                """));
    forgotten.removeIf(name -> statements.stream().anyMatch(sql -> sql.contains(name + "(")));
    assertEquals(List.of("chat.refuse_old_snapshot"), List.copyOf(forgotten));
  }

  private static final Pattern CALLED_BY_THE_RELAY =
      Pattern.compile(
          "chat\\.(touch_presence|come_online|go_offline|expire_\\w+|ensure_message_partitions"
              + "|message_partitions_ahead|notification_queue_usage|apply_retention"
              + "|finish_\\w+|claim_upload|abandon_upload|take_file_removals|file_figures|sweep_\\w+|set_push_key|queue_push_notices|take_push_notices"
              + "|read_log|fill_webhook_events|take_webhook_events|fail_webhook_event|drop_dead_letters|webhook_figures)");

  private static final String WORDS =
      """
      (
        select w[1]
        from pg_proc p, regexp_matches(p.prosrc, '[a-z_][a-z0-9_]*', 'g') w
        where p.pronamespace::regnamespace::text in ('public', 'chat', 'relay')
          and p.proowner = 'chat_owner'::regrole
      )
      """;

  /** Domains and views in the session, which a lookup of types and relations finds first. */
  private void trapsOfTheSession(Connection session) throws SQLException {
    int made = 0;
    for (String type :
        column(
            "select typname from pg_type where typnamespace = 'pg_catalog'::regnamespace"
                + " and typtype = 'b' and typname in "
                + WORDS)) {
      made +=
          tries(
              session,
              "create domain pg_temp.\"%1$s\" as pg_catalog.\"%1$s\" check (public.spy() is null)"
                  .formatted(type));
    }
    for (String relation :
        column(
            "select distinct relname from pg_class where relnamespace::regnamespace::text in"
                + " ('pg_catalog', 'public', 'chat', 'relay') and relkind in ('r', 'p', 'v', 'S',"
                + " 'c') and relname in "
                + WORDS)) {
      made +=
          tries(
              session,
              "create temp view \"%s\" as select public.spy() as spied".formatted(relation));
    }
    made +=
        tries(
            session,
            """
            create type pg_temp.mine as (x pg_catalog.text);
            create function pg_temp.spied(pg_temp.mine) returns pg_catalog.uuid language plpgsql as
              $$ begin perform public.spy(); return null; end $$;
            create cast (pg_temp.mine as pg_catalog.uuid) with function pg_temp.spied(pg_temp.mine) as implicit
            """);
    assertTrue(made > 50, "traps of the session: " + made);
  }

  /** Functions that fit better than PostgreSQL's own, and operators, where PUBLIC may create. */
  private void trapsInPublic(Connection session) throws SQLException {
    int made = 0;
    String body =
        " language plpgsql as $$ begin perform public.spy(); return null; end $$;"
            .replace("$$", "'");
    for (String signature :
        column(
            """
            select format('%I(%s) returns %s', p.proname, replace(pg_get_function_identity_arguments(p.oid), '"any"', 'text'),
              pg_get_function_result(p.oid))
            from pg_proc p
            where p.pronamespace = 'pg_catalog'::regnamespace
              and p.prokind = 'f'
              and p.proname in\s\
            """
                + WORDS)) {
      made += tries(session, "create function public." + signature + body);
    }
    for (String name :
        column(
            "select distinct proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
                + " and prokind = 'f' and proname in "
                + WORDS)) {
      String arguments = "text";
      for (int i = 1; i <= 4; i++) {
        made +=
            tries(
                session,
                "create function public.\"%s\"(%s) returns text".formatted(name, arguments) + body);
        arguments += ", text";
      }
    }
    for (String type : List.of("text", "uuid", "bigint", "boolean", "timestamptz", "jsonb")) {
      tries(
          session,
          "create function public.spied(%1$s, %1$s) returns boolean".formatted(type) + body);
      for (String operator : List.of("=", "<>", "<", ">", "<=", ">=", "||", "-", "+", "&&", "@>")) {
        made +=
            tries(
                session,
                "create operator public.%1$s (leftarg = %2$s, rightarg = %2$s, function = public.spied)"
                    .formatted(operator, type));
      }
    }
    assertTrue(made > 300, "traps in public: " + made);
  }

  private static int tries(Connection session, String sql) {
    try {
      run(session, sql);
      return 1;
    } catch (SQLException e) {
      return 0; // not every type has a domain, not every name is free
    }
  }

  private static final List<String> SETTINGS =
      List.of(
          "standard_conforming_strings = off",
          "transform_null_equals = on",
          "quote_all_identifiers = on",
          "array_nulls = off",
          "intervalstyle = 'sql_standard'",
          "timezone = 'Asia/Kolkata'",
          "bytea_output = 'escape'",
          "default_text_search_config = 'pg_catalog.english'",
          "xmloption = 'document'",
          "extra_float_digits = -15",
          "plan_cache_mode = force_generic_plan");

  /** What a session sets for itself gives no text of ours another meaning. */
  @Test
  void aSettingOfTheSessionsOwnChangesNoRule() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    UUID message = alice.sends(conversation, "hi <b>S</b> ho").getId();
    bob.sends(conversation, "what Alice can mark as unread");
    List<String> statements = new ArrayList<>(statements(conversation, message));
    statements.removeIf(sql -> sql.contains(" relay.") || CALLED_BY_THE_RELAY.matcher(sql).find());
    statements.add("select public.send_message('%s', '  ')".formatted(conversation));
    statements.add("select public.send_message('%s', 'without one')".formatted(conversation));
    statements.add("select public.add_reaction('%s', 'a b')".formatted(message));
    statements.add("select public.add_reaction('%s', ':oops:')".formatted(message));
    try (Connection usual = sessionOf(alice)) {
      for (String setting : SETTINGS) {
        try (Connection other = sessionOf(alice)) {
          run(other, "set " + setting);
          for (String statement : statements) {
            assertEquals(
                outcome(usual, statement), outcome(other, statement), setting + ": " + statement);
          }
        }
      }
    }
  }

  /** The rows, without what differs each time; or the SQLSTATE. Undone. */
  private static String outcome(Connection session, String sql) throws SQLException {
    run(session, "begin");
    try (Statement statement = session.createStatement()) {
      StringBuilder outcome = new StringBuilder();
      if (statement.execute(sql)) {
        try (ResultSet rows = statement.getResultSet()) {
          while (rows.next()) {
            outcome.append(rows.getString(1)).append('\n');
          }
        }
      }
      return outcome
          .toString()
          .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id")
          .replaceAll("[0-9-]{10}[T ][0-9:.]+(Z|[+-][0-9:]+)?", "time");
    } catch (SQLException e) {
      return String.valueOf(e.getSQLState());
    } finally {
      run(session, "rollback");
    }
  }

  /** Row-level security is asked before whatever function a session has made, however cheap. */
  @Test
  void aFunctionOrViewOfTheSessionsOwnIsShownNoMoreThanItsPerson() throws SQLException {
    alice.sends(alice.talksTo(bob), "for Bob alone");
    try (Connection session = sessionOf(mallory)) {
      run(
          session,
          """
          create temp table loot (what text);
          create function pg_temp.leak(what text) returns boolean cost 0.0000001 language plpgsql as
            $$ begin insert into pg_temp.loot values (what); return true; end $$;
          create temp view everything as select * from public.user_messages;
          """);
      for (String table :
          List.of(
              "public.user_messages",
              "pg_temp.everything",
              "public.user_conversations",
              "public.message_edits",
              "public.message_reactions",
              "public.conversation_preferences",
              "public.user_blocks",
              "public.chat_files",
              "(select id, user_id, endpoint from public.push_subscriptions)")) {
        String count = "select count(*) from %s t where pg_temp.leak(t::text)".formatted(table);
        assertEquals("0", query(session, count), table);
      }
      assertEquals("0", query(session, "select count(*) from loot"));
      query(session, "select count(*) from public.users t where pg_temp.leak(t::text)");
      assertEquals( // the control
          "1", query(session, "select count(*) from loot where what like '%Mallory%'"));
      assertEquals("0", query(session, "select count(*) from loot where what ~ 'Alice|Bob'"));
      assertEquals(
          "0",
          query(
              session,
              "select count(*) from pg_stats where schemaname in ('public', 'chat', 'relay')"));
    }
  }

  /** Each would change what others meet, or keep a copy of theirs. */
  private static final List<String> THE_OWNERS =
      List.of(
          "create rule r as on insert to public.user_messages do also select 1",
          "create event trigger e on ddl_command_start execute function chat.audit_statement()",
          "create trigger t after insert on public.user_messages execute function"
              + " chat.audit_statement()",
          "create policy p on public.user_messages using (true)",
          "create view public.v as select 1 as x",
          "create materialized view public.m as select 1 as x",
          "create materialized view chat.m as select 1 as x",
          "create table public.f (id uuid references public.user_messages)",
          "create unlogged table public.f (id uuid)",
          "create sequence public.s",
          "create schema mine",
          "create statistics public.st on sender_id, recipient_id from public.user_messages",
          "create index on public.user_messages (content)",
          "create publication p for table public.user_messages",
          "create collation public.c from \"C\"",
          "create text search configuration public.simple (copy = pg_catalog.simple)",
          "create cast (text as uuid) with inout as implicit",
          "create operator class public.o default for type uuid using btree as operator 1 <",
          "create type public.uuid as enum ('x')",
          "create domain public.text as pg_catalog.text",
          "create function public.f() returns int language sql return 1",
          "alter table public.user_messages add column x int",
          "alter table public.user_messages disable row level security",
          "alter table public.user_messages disable trigger all",
          "alter function public.search_users set search_path = ''",
          "alter function chat.me() owner to authenticated",
          "alter default privileges for role chat_owner grant all on tables to public",
          "alter role authenticated bypassrls",
          "alter role chat_owner set search_path = ''",
          "grant select on chat.settings to authenticated",
          "comment on table public.user_messages is 'mine'",
          "reindex table public.user_messages",
          "cluster public.user_messages using user_messages_pkey",
          "begin; lock table public.user_messages in share mode",
          "begin; lock table public.user_conversations in exclusive mode",
          "select id from public.user_conversations for share",
          "select id from public.user_messages for key share",
          "truncate public.user_messages",
          "copy public.user_messages from program 'id'",
          "select pg_create_physical_replication_slot('mine')",
          "select pg_read_file('PG_VERSION')",
          "select pg_stat_reset()",
          "select pg_switch_wal()");

  @Test
  void whatIsTheOwnersIsNobodyElses() throws SQLException {
    try (Connection session = sessionOf(mallory)) {
      for (String role : List.of("anon", "authenticated", "chat_relay", "chat_service", "none")) {
        run(session, "set role " + role);
        for (String sql : THE_OWNERS) {
          SQLException no = assertThrows(SQLException.class, () -> run(session, sql), role);
          assertEquals("42501", no.getSQLState(), role + ": " + sql + ": " + no.getMessage());
          run(session, "rollback");
        }
      }
    }
  }

  /** A role may say what its own things are to be: it has none, and the owner's do not follow. */
  @Test
  void defaultRightsOfAPersonsAreOfNothing() throws SQLException {
    try (Connection session = sessionOf(mallory)) {
      run(session, "alter default privileges grant all on tables to public");
      run(session, "set role none; alter default privileges grant all on tables to public");
    }
    database.asOwner("select chat.create_message_partition('2035-01-01')");
    assertEquals(
        "0",
        database.ownerReads(
            "select count(*) from pg_class c, aclexplode(c.relacl) a where c.relname ="
                + " 'user_messages_2035_01' and a.grantee <> c.relowner"));
  }

  // What stays on a connection.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "prepare stolen as select 1",
        "deallocate all",
        "select 1; prepare \"S_1\" as select 1",
        "listen gptdesk_chat",
        "unlisten *",
        "declare kept cursor with hold for select 1",
        "declare kept no scroll cursor with hold for select 1",
        "set statement_timeout = 1",
        "set session synchronous_commit = off",
        "set search_path = pg_temp, public",
        "reset statement_timeout"
      })
  void whatWouldOutliveTheWorkIsStoppedBefore(String sql) {
    assertThrows(IllegalStateException.class, () -> mallory.tries(tx -> tx.execute(sql)));
  }

  @Test
  void whatIsLeftByAHiddenWayMeetsNobody() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "for Bob alone");
    try (HikariDataSource one = poolOfOne()) {
      ServiceDatabase chat = new ServiceDatabase(one);
      for (String left :
          List.of(
              "prepare stolen as select content from public.user_messages",
              "declare kept cursor with hold for select content from public.user_messages",
              "select pg_advisory_lock(1667785076, 0)",
              "listen gptdesk_chat",
              "create temp table loot (x text)",
              "set statement_timeout = 1",
              "set synchronous_commit = local",
              "set search_path = pg_temp, public")) {
        assertNothingIsThere(one);
        for (int i = 0; i < 6; i++) { // so often that the driver prepares what is its own
          assertEquals(1, (int) chat.as(alice.id(), tx -> tx.fetchCount(USER_MESSAGES)));
        }
        chat.as(
            mallory.id(),
            tx ->
                tx.connectionResult(
                    connection -> {
                      run(connection, left);
                      return left;
                    }));
        assertNothingIsThere(one);
        // Rolled back, too: what is prepared and locked does not ask.
        assertThrows(
            UnsupportedOperationException.class,
            () ->
                chat.as(
                    mallory.id(),
                    tx -> {
                      tx.execute("do $do$ begin execute '" + left + "'; end $do$");
                      throw new UnsupportedOperationException("half-way");
                    }));
        assertNothingIsThere(one);
      }
      assertEquals(1, (int) chat.as(alice.id(), tx -> tx.fetchCount(USER_MESSAGES)));
    }
  }

  @Test
  void whyTheWorkFailedIsToldThoughItsSessionCannotBeReset() throws SQLException {
    try (HikariDataSource one = poolOfOne()) {
      ServiceDatabase chat = new ServiceDatabase(one);
      assertThrows(
          UnsupportedOperationException.class,
          () ->
              chat.as(
                  alice.id(),
                  tx ->
                      tx.connectionResult(
                          connection -> {
                            connection.setAutoCommit(true);
                            run(connection, "begin");
                            assertThrows(SQLException.class, () -> run(connection, "select 1 / 0"));
                            throw new UnsupportedOperationException("half-way");
                          })));
      assertNothingIsThere(one);
    }
  }

  /** The driver's prepared statements are the session's: another one under its name would run. */
  @Test
  void aStatementThatTheDriverPreparedIsNotReplaced() throws SQLException {
    alice.sends(alice.talksTo(bob), "for Bob alone");
    try (HikariDataSource one = poolOfOne()) {
      ServiceDatabase chat = new ServiceDatabase(one);
      for (int i = 0; i < 12; i++) {
        assertEquals(0, (int) chat.as(mallory.id(), tx -> tx.fetchCount(USER_MESSAGES)));
      }
      chat.as(
          mallory.id(),
          tx ->
              tx.connectionResult(
                  connection -> {
                    List<String> names = new ArrayList<>();
                    try (Statement statement = connection.createStatement();
                        ResultSet row =
                            statement.executeQuery(
                                "select name from pg_prepared_statements where not from_sql and"
                                    + " statement like '%count(*)%'")) {
                      while (row.next()) {
                        names.add(row.getString(1));
                      }
                    }
                    assertFalse(names.isEmpty(), "the driver has prepared it");
                    for (String name : names) {
                      run(
                          connection,
                          "deallocate \"%1$s\"; prepare \"%1$s\" as select 4711".formatted(name));
                    }
                    return names;
                  }));
      assertEquals(1, (int) chat.as(alice.id(), tx -> tx.fetchCount(USER_MESSAGES)));
    }
  }

  @Test
  void whatAFunctionOfTheOperatorsLeavesIsGoneWithTheNextCall() throws SQLException {
    asSuperuserHere(
        """
        create function public.leaves_a_table() returns int language plpgsql as
          $$ begin create temp table if not exists left_behind as select 1; return 1; end $$;
        grant execute on function public.leaves_a_table to authenticated;
        """);
    try (HikariDataSource one = poolOfOne()) {
      ServiceDatabase chat = new ServiceDatabase(one);
      String leave = "select public.leaves_a_table()::text from (select ?::json) a";
      String there = "select to_regclass('pg_temp.left_behind')::text from (select ?::json) a";
      assertEquals("1", chat.call(mallory.caller(), false, leave, "{}"));
      assertEquals(null, chat.call(alice.caller(), false, there, "{}"));
      chat.as(mallory.id(), tx -> tx.fetch("select public.leaves_a_table()"));
      assertNothingIsThere(one);
    }
  }

  private static void assertNothingIsThere(HikariDataSource one) throws SQLException {
    try (Connection next = one.getConnection()) {
      assertEquals(
          "0 0 0 0 chat_login 0 0 \"$user\", public ",
          query(
              next,
              """
              select concat_ws(' ',
                (select count(*) from pg_prepared_statements where from_sql),
                (select count(*) from pg_cursors where is_holdable),
                (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
                (select count(*) from pg_listening_channels()),
                current_user,
                (select count(*) from pg_class where relnamespace = pg_my_temp_schema()),
                (select count(*) from pg_settings where name in ('synchronous_commit', 'statement_timeout') and setting <> reset_val),
                current_setting('search_path'),
                coalesce(current_setting('request.jwt.claims', true), ''))
              """));
    }
  }

  // Who one is.

  @Test
  void aLoginThatLeavesItsRoleIsTheLoginAndNobodyElse() throws SQLException {
    alice.sends(alice.talksTo(bob), "for Bob alone");
    try (Connection session = sessionOf(mallory)) {
      for (String way :
          List.of(
              "set session authorization postgres",
              "set session authorization chat_owner",
              "set role chat_owner",
              "set role postgres",
              "alter role chat_login superuser",
              "grant chat_owner to chat_login",
              "set session_replication_role = replica",
              "set row_security = off; select * from public.user_messages",
              "copy public.user_messages to program 'cat'",
              "create extension plpython3u")) {
        SQLException no = assertThrows(SQLException.class, () -> run(session, way), way);
        assertTrue(List.of("42501", "0A000").contains(no.getSQLState()), way + no.getSQLState());
        run(session, "reset row_security");
      }
      for (String way :
          List.of("reset role", "set role none", "set session authorization default")) {
        run(session, "set role authenticated; " + way);
        assertEquals("chat_login", query(session, "select current_user"));
        for (String table :
            List.of("public.user_messages", "public.users", "relay.change_log", "relay.leader")) {
          assertEquals(
              "42501",
              assertThrows(SQLException.class, () -> run(session, "select * from " + table))
                  .getSQLState(),
              table);
        }
      }
    }
  }

  // Old snapshots.

  @ParameterizedTest
  @ValueSource(strings = {"repeatable read", "serializable"})
  void nobodyWritesByTheRightsOfAnOldSnapshot(String isolation) throws SQLException {
    UUID conversation = alice.talksTo(bob);
    UUID message = alice.sends(conversation, "hi").getId();
    List<String> writes =
        List.of(
            "select public.send_message('%s', 'after the block')".formatted(conversation),
            "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', 'after')"
                .formatted(conversation, alice.id()),
            "select public.edit_message('%s', 'after')".formatted(message),
            "select public.delete_message('%s')".formatted(message),
            "select public.add_reaction('%s', ':x:')".formatted(message),
            "select public.remove_reaction('%s', 'x')".formatted(message),
            "select public.mark_as_read('{%s}')".formatted(message),
            "select public.mark_conversation_as_read('%s', 1)".formatted(conversation),
            "select public.mark_as_unread('%s', 1)".formatted(conversation),
            "select public.mark_as_delivered('{%s}', '{1}')".formatted(conversation),
            "select public.update_typing_status('%s')".formatted(bob.id()),
            "select public.update_presence('busy')",
            "insert into public.user_presence (user_id, status) values ('%s', 'busy')"
                .formatted(alice.id()),
            "select public.set_archived('%s', true)".formatted(conversation),
            "select public.set_muted('%s', 'infinity')".formatted(conversation),
            "select public.block_user('%s')".formatted(carol.id()),
            "select public.unblock_user('%s')".formatted(carol.id()),
            "select public.get_or_create_conversation('%s', '%s')"
                .formatted(alice.id(), carol.id()),
            "insert into public.user_conversations (participant_1_id, participant_2_id) values ('%s', '%s')"
                .formatted(alice.id(), carol.id()));
    for (String write : writes) {
      try (Connection old = sessionOf(alice)) {
        run(old, "begin isolation level " + isolation);
        assertEquals("1", query(old, "select count(*) from public.user_messages"));
        database.asOwner(
            "update public.users set status = 'inactive' where id = '" + alice.id() + "'");
        SQLException no = assertThrows(SQLException.class, () -> run(old, write), write);
        assertEquals("PT412", no.getSQLState(), write);
        run(old, "rollback");
        no = assertThrows(SQLException.class, () -> run(old, write), write); // the control
        assertTrue(List.of("PT403", "42501").contains(no.getSQLState()), write + no.getSQLState());
        database.asOwner(
            "update public.users set status = 'active' where id = '" + alice.id() + "'");
        // Reading is as old as its snapshot, and no older than the transaction.
        run(old, "begin isolation level " + isolation);
        run(old, "select public.get_messages('%s')".formatted(conversation));
        run(old, "select public.get_conversations()");
      }
    }
    assertEquals("1", database.ownerReads("select count(*) from public.user_messages"));
  }

  @Test
  void inATransactionOfOnesOwnABlockHoldsFromTheNextStatement() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    try (Connection mine = sessionOf(alice)) {
      run(mine, "begin");
      query(mine, "select count(*) from public.user_messages");
      bob.blocks(alice.id());
      SQLException no =
          assertThrows(
              SQLException.class,
              () -> run(mine, "select public.send_message('%s', 'hi')".formatted(conversation)));
      assertEquals("PT403", no.getSQLState());
    }
  }

  // Locks and notifications.

  @Test
  void advisoryLocksStopNeitherTheUpkeepNorALeaderNorTheRelay() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    try (Connection thief = sessionOf(mallory)) {
      run(
          thief,
          "select pg_advisory_lock(1667785076, k) from generate_series(0, 400) k; select"
              + " pg_advisory_lock(k) from generate_series(0, 400) k");
      try (Connection second = relaySession()) {
        try (Connection relay = relaySession()) {
          run(relay, "select relay.open()");
          assertNotEquals("another relay is at it", query(relay, "select relay.maintain()"));
          assertEquals("3", query(relay, "select chat.ensure_message_partitions(6)"));
          assertEquals("t", query(relay, "select relay.lead()"));
          assertEquals("t", query(relay, "select relay.lead()"));
          assertEquals("f", query(second, "select relay.lead()"));
        }
        // The thief has seen which lock the leader held, and takes it when the leader has ended.
        run(
            thief,
            "select pg_advisory_lock(%s)"
                .formatted(database.ownerReads("select lock_key from relay.leader")));
        assertEquals("t", query(second, "select relay.lead()"));
      }
      // All slots are taken: the relay polls, writers notify, and nothing is lost.
      MessageCounter received = new MessageCounter();
      try (Relay relay = new Relay(settings(), received)) {
        relay.start();
        Await.until("the relay to follow", relay::isUpToDate);
        for (int i = 1; i <= 3; i++) {
          alice.sends(conversation, "message " + i);
        }
        Await.until("three messages", () -> received.messages.get() == 3);
        assertEquals(0, relay.sleeps());
      }
    }
  }

  @Test
  void aLockOnOneMessagesIdStopsThatMessageAlone() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    UUID known = UUID.fromString(database.ownerReads("select chat.uuid7()"));
    UUID other = UUID.fromString(database.ownerReads("select chat.uuid7()"));
    try (Connection thief = sessionOf(mallory);
        Connection hers = sessionOf(alice)) {
      run(thief, "select pg_advisory_lock(hashtextextended('%s', 0))".formatted(known));
      alice.sends(conversation, "without an id");
      alice.sends(other, conversation, "with another id");
      run(hers, "set lock_timeout = '100ms'");
      String send =
          "select public.send_message('%s', 'that one', id => '%s')".formatted(conversation, known);
      SQLException late = assertThrows(SQLException.class, () -> run(hers, send));
      assertEquals("55P03", late.getSQLState());
      run(thief, "select pg_advisory_unlock_all()");
      run(hers, send);
      assertEquals("3", query(hers, "select count(*) from public.user_messages"));
    }
  }

  @Test
  void aFloodOfNotificationsCostsFewPolls() throws SQLException {
    UUID conversation = alice.talksTo(bob);
    MessageCounter received = new MessageCounter();
    try (Relay relay = new Relay(settings(), received);
        Connection thief = sessionOf(mallory)) {
      relay.start();
      Await.until("the relay to sleep", relay::isAsleep);
      long before = relay.polls();
      long began = System.nanoTime();
      for (int i = 0; i < 2000; i++) {
        run(thief, "notify gptdesk_chat, '%s'".formatted(i));
      }
      Await.until("the notifications to be received", () -> relay.notifications() >= 2000);
      long polls = relay.polls() - before;
      // Whoever notifies slowly, does so for longer; the relay pauses for 20 ms and more between
      // two.
      long few = 500 + Duration.ofNanos(System.nanoTime() - began).toMillis() / 20;
      assertTrue(polls < few, () -> "2000 notifications made " + polls + " polls; few are " + few);
      alice.sends(conversation, "received all the same");
      Await.until("the message", () -> received.messages.get() == 1);
    }
  }

  private static final class MessageCounter implements ChangeListener {
    private final AtomicInteger messages = new AtomicInteger();

    @Override
    public void changed(Change change) {
      if (change.table().equals("user_messages")) {
        messages.incrementAndGet();
      }
    }

    @Override
    public void resync(String reason) {}
  }

  // Rights that PostgreSQL gives to everybody.

  /**
   * On the database that was migrated; copies of it have rights of their own. Large objects are
   * taken from PUBLIC by the server that we bring; elsewhere that is a superuser's to do.
   */
  @Test
  void nobodyMakesTemporaryOrLargeObjects() throws SQLException {
    boolean ours = System.getProperty("chat.postgres", "18").matches("\\d+");
    Login migrated = TestDatabase.server().at(TestDatabase.server().service(), "chat");
    try (Connection session = migrated.connect()) {
      for (String role : List.of("none", "anon", "authenticated", "service_role")) {
        run(session, "set role " + role);
        for (String sql :
            List.of(
                "create temp table loot (x text)",
                "create domain pg_temp.uuid as pg_catalog.uuid",
                "create function pg_temp.evil() returns int language sql return 1",
                "select lo_create(0)",
                "select lo_creat(-1)",
                "select lo_from_bytea(0, 'x')")) {
          if (ours || !sql.startsWith("select lo_")) {
            SQLException no = assertThrows(SQLException.class, () -> run(session, sql), sql);
            assertEquals("42501", no.getSQLState(), role + ": " + sql);
          }
        }
      }
    }
  }

  // Sessions.

  /** The service's login, which has become somebody for the session, as an injection would find. */
  private Connection sessionOf(Person person) throws SQLException {
    Connection session = database.service().connect();
    run(
        session,
        "set role authenticated; select set_config('request.jwt.claims', '%s', false)"
            .formatted(person.caller().claims()));
    return session;
  }

  private Connection relaySession() throws SQLException {
    Connection session = database.service().connect();
    run(session, "set role chat_relay");
    return session;
  }

  private RelaySettings settings() {
    Login service = database.service();
    return RelaySettings.of(service.url(), service.user(), service.password())
        .withHeartbeat(Await.PATIENCE, Await.PATIENCE, Await.PATIENCE); // none is lost meanwhile
  }

  private HikariDataSource poolOfOne() {
    HikariConfig configuration = new HikariConfig();
    configuration.setDataSource(database.service().dataSource());
    configuration.setMaximumPoolSize(1);
    return new HikariDataSource(configuration);
  }

  private void asSuperuserHere(String sql) throws SQLException {
    String name = database.ownerReads("select current_database()");
    try (Connection superuser =
        TestDatabase.server().at(TestDatabase.server().superuser(), name).connect()) {
      run(superuser, sql);
    }
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      return row.next() ? String.valueOf(row.getString(1)) : "nothing";
    }
  }
}
