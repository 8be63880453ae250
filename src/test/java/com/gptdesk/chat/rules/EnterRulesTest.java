package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;
import tools.jackson.databind.JsonNode;

/** {@code logic/session}: a function called as somebody, in one round trip. */
class EnterRulesTest extends Rules {

  @Test
  void enterIsForTheServicesLoginAlone() {
    String nobody =
        """
        Alice    42501
        Mallory  42501
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody("select chat.enter('{}', 'service_role', false)", nobody);
    everybody("select chat.call_statement('get_conversations', '{}')", nobody);
    everybody("select * from chat.callable_functions()", nobody);
    everybody("select * from chat.served_columns()", nobody);
    everybody("select * from chat.relationships()", nobody);
    everybody("select * from chat.row_functions('{}')", nobody);
    everybody("select chat.rows_statement('get_messages', '{}', '{}', null, false)", nobody);
    everybody("select chat.shaped_statement('get_messages', '{}', '{}', '{}')", nobody);
    everybody("select chat.condition_text('{}')", nobody);
    everybody("select chat.send_messages('{}', '{}')", nobody);
    assertEquals("1", called("{}", "anon", "select '1' from (select ?::json) a", "{}"));
  }

  @Test
  void nobodyGetsOutOfTheirRole() throws SQLException {
    // What a person can run is functions; were it statements, the database would still refuse.
    for (String sql :
        List.of(
            "select set_config('role', 'chat_owner', true)",
            "select chat.enter('{}', 'service_role', false)",
            "set role chat_owner",
            "set session authorization postgres")) {
      try (Connection connection = database.service().connect();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        statement.execute("set local role authenticated");
        SQLException refused = assertThrows(SQLException.class, () -> statement.execute(sql), sql);
        assertEquals("42501", refused.getSQLState(), sql);
      }
    }
  }

  @Test
  void everythingRunsAsWhoTheClaimsSay() {
    UUID conversation = alice.talksTo(bob);
    String send = statement("send_message", "conversation_id", "content");
    String arguments = "{\"conversation_id\":\"%s\",\"content\":\"hi\"}".formatted(conversation);
    JsonNode sent =
        json(String.valueOf(called(alice.caller().claims(), "authenticated", send, arguments)));
    assertEquals(alice.id().toString(), sent.path("sender_id").asString());
    assertTrue(sent.path("created_at").asString().endsWith("+00:00"));
    assertEquals("PT403", refusal(mallory.caller().claims(), "authenticated", send, arguments));
    assertEquals("PT403", refusal("{}", "authenticated", send, arguments));
    assertEquals("PT403", refusal(null, "authenticated", send, arguments));
    assertEquals("42501", refusal(alice.caller().claims(), "anon", send, arguments));
    assertEquals("42501", refusal(alice.caller().claims(), "service_role", send, arguments));
    assertEquals("22P02", refusal("{", "authenticated", send, arguments));
    alice.sees(com.gptdesk.chat.jooq.Tables.USER_MESSAGES).rows(1);
  }

  @Test
  void aTokensRoleIsOneOfThree() {
    for (String role :
        new String[] {
          "chat_relay",
          "chat_service",
          "chat_owner",
          "chat_login",
          "postgres",
          "none",
          "",
          "Anon",
          null
        }) {
      assertEquals("PT403", refusal("{}", role, "select '1' from (select ?::json) a", "{}"), role);
    }
    for (String role : List.of("anon", "authenticated", "service_role")) {
      assertEquals(
          "\"" + role + "\"",
          called("{}", role, "select to_json(current_user)::text from (select ?::json) a", "{}"));
    }
  }

  @Test
  void nothingStaysBehindForTheNext() throws SQLException {
    try (Connection connection = database.service().connect()) {
      call(
          connection,
          alice.caller().claims(),
          "authenticated",
          true,
          "select '1' from (select ?::json) a",
          "{}");
      try (Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "select current_user, current_setting('request.jwt.claims', true), current_setting('transaction_read_only')")) {
        row.next();
        assertEquals("chat_login", row.getString(1));
        assertEquals("", row.getString(2));
        assertEquals("off", row.getString(3));
      }
    }
  }

  @Test
  void whatIsReadOnlyWritesNothing() throws SQLException {
    String open = statement("get_or_create_conversation", "user1_id", "user2_id");
    String arguments = "{\"user1_id\":\"%s\",\"user2_id\":\"%s\"}".formatted(alice.id(), bob.id());
    try (Connection connection = database.service().connect()) {
      SQLException refused =
          assertThrows(
              SQLException.class,
              () ->
                  call(
                      connection, alice.caller().claims(), "authenticated", true, open, arguments));
      assertEquals("25006", refused.getSQLState());
      assertTrue(
          call(connection, alice.caller().claims(), "authenticated", false, open, arguments)
              != null);
    }
  }

  @Test
  void argumentsGoByNameAndDefaultsMayBeLeftOut() {
    UUID conversation = alice.talksTo(bob);
    String asAlice = alice.caller().claims();
    assertEquals(
        "3",
        asks(
            alice,
            "select count(*) from (select public.send_message('%s', n::text) from generate_series(1, 3) n) x"
                .formatted(conversation)));
    String page = statement("get_messages", "conversation_id", "page_size");
    JsonNode messages =
        json(
            String.valueOf(
                called(
                    asAlice,
                    "authenticated",
                    page,
                    "{\"conversation_id\":\"%s\",\"page_size\":2}".formatted(conversation))));
    assertEquals(2, messages.size());
    assertEquals("3", messages.get(1).path("content").asString());
    assertEquals(
        "[]",
        called(
            asAlice,
            "authenticated",
            statement("search_users", "query"),
            "{\"query\":\"nobody\"}"));
    assertEquals(
        "1",
        called(
            bob.caller().claims(),
            "authenticated",
            statement("mark_conversation_as_read", "conversation_id", "up_to_seq"),
            "{\"conversation_id\":\"%s\",\"up_to_seq\":2}".formatted(conversation)));
    String mute = statement("set_muted", "conversation_id", "until");
    assertTrue(
        String.valueOf(
                called(
                    asAlice,
                    "authenticated",
                    mute,
                    "{\"conversation_id\":\"%s\",\"until\":null}".formatted(conversation)))
            .isEmpty());
    assertTrue(
        json(String.valueOf(called(asAlice, "authenticated", statement("get_conversations"), "{}")))
            .isArray());
    assertEquals(
        "22P02",
        refusal(asAlice, "authenticated", mute, "{\"conversation_id\":\"x\",\"until\":null}"));
    assertEquals(
        "22007",
        refusal(
            asAlice,
            "authenticated",
            mute,
            "{\"conversation_id\":\"%s\",\"until\":\"soon\"}".formatted(conversation)));
    assertEquals("22P02", refusal(asAlice, "authenticated", mute, "{"));
  }

  @Test
  void anArgumentIsAValueAndNeverText() {
    UUID conversation = alice.talksTo(bob);
    String evil = "'); drop table public.users; --\\\" $1 {} %s";
    JsonNode sent =
        json(
            String.valueOf(
                called(
                    alice.caller().claims(),
                    "authenticated",
                    statement("send_message", "conversation_id", "content"),
                    "{\"conversation_id\":\"%s\",\"content\":\"%s\"}"
                        .formatted(conversation, evil))));
    assertEquals(evil.replace("\\\"", "\""), sent.path("content").asString());
  }

  @Test
  void onlyWhatClientsMayCallHasAStatement() throws SQLException {
    for (String name :
        List.of(
            "me",
            "enter",
            "nothing",
            "",
            "SEND_MESSAGE",
            "send_message(",
            "get_conversations()",
            "pg_sleep")) {
      assertEquals("PT404", refusalOfStatement(name), name);
    }
    assertEquals("PT404", refusalOfStatement("send_message")); // without what it needs
    assertEquals("PT404", refusalOfStatement("send_message", "conversation_id"));
    assertEquals(
        "PT404", refusalOfStatement("send_message", "conversation_id", "content", "sender_id"));
    statement("send_message", "content", "conversation_id"); // in any order
    database.asOwner(
        "create function public.secret() returns int language sql as 'select 1'; revoke all on function public.secret from public");
    try {
      assertEquals("PT404", refusalOfServed("sec*", "secret"));
      database.asOwner("grant execute on function public.secret to service_role");
      assertEquals("PT404", refusalOfStatement("secret"));
      String call = askForStatement(List.of("sec*"), "secret");
      assertEquals("42501", refusal(alice.caller().claims(), "authenticated", call, "{}"));
      assertEquals("1", called("{}", "service_role", call, "{}"));
    } finally {
      database.asOwner("drop function public.secret");
    }
  }

  @Test
  void whatIsNotOursIsServedByNameAlone() throws SQLException {
    database.asOwner(
        """
        create function public.report_a() returns int language sql as 'select 1';
        create function public.report_b(since date) returns int language sql as 'select 2';
        create function public.reportxa() returns int language sql as 'select 3';
        """);
    TestDatabase.asSuperuser("create role somebody_else nologin");
    String name = database.ownerReads("select current_database()");
    Login superuser = TestDatabase.server().at(TestDatabase.server().superuser(), name);
    try (Connection connection = superuser.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "create function public.send_message(conversation_id uuid) returns int language sql as 'select 4';"
              + " alter function public.send_message(uuid) owner to somebody_else");
      assertEquals("PT404", refusalOfStatement("report_a"));
      assertEquals("PT404", refusalOfStatement("send_message", "conversation_id"));
      askForStatement(List.of("report_a"), "report_a");
      askForStatement(List.of("other", "report_*"), "report_b", "since");
      assertEquals("PT404", refusalOfServed("report_a", "report_b", "since"));
      assertEquals("PT404", refusalOfServed("report_*", "reportxa"));
      assertEquals("PT404", refusalOfServed("report", "report_a"));
      assertEquals("PT404", refusalOfServed("", "report_a"));
      askForStatement(List.of("*"), "reportxa");
      // Nor does a hint name them.
      assertEquals("None that clients can call has this name.", hintFor("report_a"));
      String own = hintFor("send_message");
      assertTrue(own.startsWith("send_message(conversation_id, content,"), own);
      assertTrue(!own.contains(";"), own);
    } finally {
      try (Connection connection = superuser.connect();
          Statement statement = connection.createStatement()) {
        statement.execute(
            "drop function public.report_a, public.report_b, public.reportxa, public.send_message(uuid)");
      }
      TestDatabase.asSuperuser("drop role somebody_else");
    }
  }

  @Test
  void theContractIsCallable() {
    assertEquals(
        List.of(
            "activate_person",
            "add_person",
            "add_push_subscription",
            "add_reaction",
            "add_team",
            "block_user",
            "deactivate_person",
            "delete_message",
            "edit_message",
            "get_blocked_users",
            "get_changes",
            "get_conversations",
            "get_messages",
            "get_or_create_conversation",
            "get_push_subscriptions",
            "get_unread_total",
            "mark_as_delivered",
            "mark_as_read",
            "mark_as_unread",
            "mark_conversation_as_read",
            "remove_push_subscription",
            "remove_reaction",
            "search_messages",
            "search_users",
            "send_message",
            "set_archived",
            "set_muted",
            "unblock_user",
            "update_presence",
            "update_typing_status"),
        column("select name from chat.callable_functions() order by name"));
    assertEquals(
        List.of(
            "get_blocked_users",
            "get_changes",
            "get_conversations",
            "get_messages",
            "get_push_subscriptions",
            "get_unread_total",
            "search_messages",
            "search_users"),
        column("select name from chat.callable_functions() where not is_volatile order by name"));
    assertEquals(
        List.of(),
        column(
            "select name from chat.callable_functions() where has_function_privilege('anon', oid, 'execute')"));
  }

  private @Nullable String called(
      @Nullable String claims, @Nullable String role, String statement, String arguments) {
    try (Connection connection = database.dataSource().getConnection()) {
      return call(connection, claims, role, false, statement, arguments);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private String refusal(
      @Nullable String claims, @Nullable String role, String statement, String arguments) {
    try (Connection connection = database.dataSource().getConnection()) {
      return "no refusal, but " + call(connection, claims, role, false, statement, arguments);
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }

  private static @Nullable String call(
      Connection connection,
      @Nullable String claims,
      @Nullable String role,
      boolean readOnly,
      String statement,
      String arguments)
      throws SQLException {
    try (PreparedStatement call =
        connection.prepareStatement("select chat.enter(?, ?, ?); " + statement)) {
      call.setString(1, claims);
      call.setString(2, role);
      call.setBoolean(3, readOnly);
      call.setString(4, arguments);
      call.execute();
      call.getMoreResults();
      try (ResultSet row = call.getResultSet()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  private String statement(String function, String... arguments) {
    try {
      return askForStatement(function, arguments);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private String refusalOfStatement(String function, String... arguments) {
    try {
      return "no refusal, but " + askForStatement(function, arguments);
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }

  private String hintFor(String function) {
    PSQLException no =
        assertThrows(PSQLException.class, () -> askForStatement(List.of(), function, "x"));
    return String.valueOf(Objects.requireNonNull(no.getServerErrorMessage()).getHint());
  }

  private String refusalOfServed(String served, String function, String... arguments) {
    try {
      return "no refusal, but " + askForStatement(List.of(served), function, arguments);
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }

  private String askForStatement(String function, String... arguments) throws SQLException {
    return askForStatement(List.of(), function, arguments);
  }

  private String askForStatement(List<String> served, String function, String... arguments)
      throws SQLException {
    try (Connection connection = database.dataSource().getConnection();
        PreparedStatement ask =
            connection.prepareStatement("select chat.call_statement(?, ?, ?)")) {
      ask.setString(1, function);
      ask.setArray(2, connection.createArrayOf("text", arguments));
      ask.setArray(3, connection.createArrayOf("text", served.toArray()));
      try (ResultSet row = ask.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }
}
