package com.gptdesk.chat.database;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever one tries on a connection that others use before and after: never another person's rows.
 * The pool has one connection, so that everybody gets the same.
 */
class EscapeTest {

  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final Person bob = database.bob();
  private final Person mallory = database.mallory();
  private final HikariDataSource one = poolOfOne();
  private final ChatDatabase chat = new ChatDatabase(one);
  private final UUID conversation = alice.talksTo(bob);

  EscapeTest() {
    alice.sends(conversation, "for Bob alone");
  }

  @AfterEach
  void nothingIsLeftOnTheConnection() throws SQLException {
    try (one;
        database) {
      assertTheConnectionIsNobodys();
      assertEquals(1, messagesSeenBy(alice.id())); // the control: the message is there
      assertEquals(0, messagesSeenBy(mallory.id()));
    }
  }

  @Test
  void whoForgetsTheDoorIsRefused() {
    DSLContext bare = DSL.using(one, SQLDialect.POSTGRES);
    messagesSeenBy(alice.id()); // the same connection, just before
    for (Function<DSLContext, ?> attempt :
        List.<Function<DSLContext, ?>>of(
            sql -> sql.fetchCount(USER_MESSAGES),
            sql -> sql.fetch("select * from public.user_messages"),
            sql -> sql.fetch("select * from chat.user_messages_2026_11"),
            sql -> sql.fetch("select * from relay.change_log"),
            sql -> Routines.getMessages(sql.configuration(), conversation, null, null, 50),
            sql -> sql.fetch("select * from public.users"))) {
      DataAccessException no = assertThrows(DataAccessException.class, () -> attempt.apply(bare));
      assertTrue(List.of("42501", "42P01").contains(no.sqlState()), no.sqlState());
    }
  }

  @Test
  void anotherPersonsWorkOnTheSameConnectionLeavesNothing() {
    for (int i = 0; i < 3; i++) {
      assertEquals(1, messagesSeenBy(alice.id()));
      assertEquals(0, messagesSeenBy(mallory.id()));
      assertEquals(1, messagesSeenBy(bob.id()));
      assertThrows(Refusal.class, () -> chat.anonymous(tx -> tx.fetchCount(USER_MESSAGES)));
      assertEquals(1, (int) chat.asService(tx -> tx.fetchCount(USER_MESSAGES)));
      assertEquals(0, messagesSeenBy(mallory.id()));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "set role service_role",
        "SET LOCAL ROLE service_role",
        "set session role = 'service_role'",
        "set \"role\" to service_role",
        "reset role",
        "reset all",
        "discard all",
        "set session authorization default",
        "  -- harmless\n /* indeed */ set role service_role",
        "select 1; set role service_role",
        "select 1;--\nset local role service_role",
        "select set_config('role', 'service_role', true)",
        "select \"set_config\"('request.jwt.claims', '{}', false)",
        "set request.jwt.claims = '{\"sub\": \"00000000-0000-4000-8000-00000000000a\"}'",
        "set \"request.jwt.claims\" to ''",
        "commit",
        "rollback",
        "select 1; commit; set role service_role",
        "abort",
        "END",
        " end work and no chain",
        "begin",
        "Begin Isolation Level Serializable",
        "start transaction read write",
        "prepare transaction 'mine'",
        "commit prepared 'mine'",
        "rollback/**/prepared 'mine'",
        ";;\t\u000b\f;END",
        "select 'a;b'; end",
        "select $$;$$; END; set role service_role",
        "-- to the end of the line\rend",
        "-- to the end of the line\rcommit",
        "/* one /* in another */ */ END",
        "/* one /* in another */ */ commit",
        "/* one /* in another */ */ set role service_role",
        "savepoint \"JDBC_SAVEPOINT_0\"",
        "rollback to savepoint \"JDBC_SAVEPOINT_0\"",
        "release jdbc_savepoint_0"
      })
  void whoBecomesSomebodyElseIsStoppedBefore(String sql) {
    IllegalStateException stopped =
        assertThrows(
            IllegalStateException.class,
            () ->
                chat.as(
                    mallory.id(),
                    tx -> {
                      tx.execute(sql);
                      return tx.fetchCount(USER_MESSAGES);
                    }));
    assertTrue(String.valueOf(stopped.getMessage()).contains("Only ChatDatabase.as"));
  }

  @Test
  void whoFindsAWayPastTheTextGetsNothingOfIt() {
    List<Function<DSLContext, Object>> ways =
        List.of(
            tx -> {
              tx.execute("do $$ begin execute 'set ' || 'role service_role'; end $$");
              return tx.fetchCount(USER_MESSAGES);
            },
            tx -> tx.connectionResult(connection -> run(connection, "set role service_role")),
            tx ->
                tx.connectionResult(
                    connection ->
                        run(
                            connection,
                            "select set_config('request.jwt.claims', '{\"sub\": \"%s\"}', true)"
                                .formatted(alice.id()))),
            tx -> tx.connectionResult(connection -> run(connection, "commit")),
            tx -> tx.connectionResult(connection -> run(connection, "commit; set role anon")));
    for (Function<DSLContext, Object> way : ways) {
      AtomicReference<Object> got = new AtomicReference<>();
      assertThrows(
          IllegalStateException.class,
          () ->
              got.set(
                  chat.as(
                      mallory.id(),
                      tx -> {
                        way.apply(tx);
                        return "something";
                      })));
      assertNull(got.get());
      assertEquals(0, messagesSeenBy(mallory.id()));
    }
  }

  /** Set for the session and covered by a local setting, it would show only to the next one. */
  @Test
  void whatIsSetForTheSessionDoesNotOutliveTheWork() {
    chat.as(
        mallory.id(),
        tx ->
            tx.connectionResult(
                connection ->
                    run(
                        connection,
                        "set role service_role; set local role authenticated;"
                            + " select set_config('request.jwt.claims', '{}', false),"
                            + " set_config('request.jwt.claims', '%s', true)"
                                .formatted(mallory.caller().claims()))));
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            chat.as(
                mallory.id(),
                tx -> {
                  tx.connection(
                      connection -> {
                        run(connection, "commit");
                        connection.setAutoCommit(true);
                        run(connection, "set role service_role");
                      });
                  throw new UnsupportedOperationException("half-way");
                }));
  }

  @Test
  void ordinarySettingsAndColumnsCalledRoleAreNoEscape() {
    chat.as(
        alice.id(),
        tx -> {
          tx.execute("set local statement_timeout = '5s'");
          tx.execute("create temporary table members (role text) on commit drop");
          tx.execute("insert into members values ('owner')");
          return tx.execute("update members set role = 'clerk'");
        });
  }

  /** Words of the same spelling, where they end nothing. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "do $$ begin perform 1; end $$",
        "select case when true then ';' end",
        "select '; end', '; begin', $a$; end$a$, \"end\" from (select 1 as \"end\") x",
        "select 1 as begin; select 2 as start /* ; end */ -- ; end",
        "create function pg_temp.one() returns int begin atomic select case when true then 1 end; end",
        "savepoint mine; rollback to savepoint mine; release mine"
      })
  void whatOnlyLooksLikeTheEndOfATransactionIsNone(String sql) {
    chat.as(alice.id(), tx -> tx.execute(sql));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'; set role service_role; select '",
        "' union select content from public.user_messages --",
        "%",
        "\\",
        "$$; commit; $$",
        "{\"sub\": \"00000000-0000-4000-8000-00000000000a\"}"
      })
  void sqlInAParameterIsText(String text) {
    UserChat carol = new UserChat(chat, database.carol().id());
    UUID own = carol.getOrCreateConversation(bob.id());
    assertEquals(text, carol.sendMessage(own, text).content());
    assertEquals(text, carol.getMessages(own).getLast().content());
    UserChat hers = new UserChat(chat, mallory.id());
    if (text.matches("(?s).*\\w.*")) {
      assertEquals(List.of(), hers.searchMessages(text));
    } else {
      assertThrows(Refusal.class, () -> hers.searchMessages(text)); // a search needs a word
    }
    assertEquals(List.of(), hers.searchUsers(text));
  }

  @Test
  void aFailureHalfWayUndoesAllAndLeavesNobodyBehind() {
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            chat.as(
                alice.id(),
                tx -> {
                  Routines.getOrCreateConversation(
                      tx.configuration(), alice.id(), database.carol().id());
                  throw new UnsupportedOperationException("half-way");
                }));
    assertEquals(0, messagesSeenBy(mallory.id()));
    assertThrows(
        StackOverflowError.class,
        () ->
            chat.as(
                alice.id(),
                tx -> {
                  throw new StackOverflowError("half-way");
                }));
    assertEquals(0, messagesSeenBy(mallory.id()));
    assertThrows(
        Refusal.class, () -> new UserChat(chat, alice.id()).getOrCreateConversation(mallory.id()));
    assertEquals(0, messagesSeenBy(mallory.id()));
    assertEquals("1", database.ownerReads("select count(*) from public.user_conversations"));
  }

  @Test
  void aContextThatOutlivesItsTransactionSeesNothing() {
    AtomicReference<DSLContext> kept = new AtomicReference<>();
    chat.as(
        alice.id(),
        tx -> {
          kept.set(tx);
          return tx.fetchCount(USER_MESSAGES);
        });
    assertThrows(DataAccessException.class, () -> kept.get().fetchCount(USER_MESSAGES));
  }

  @Test
  void aPoolThatGivesConnectionsWithoutAutocommitIsTheSame() throws SQLException {
    HikariConfig settings = new HikariConfig();
    settings.setDataSource(database.service().dataSource());
    settings.setMaximumPoolSize(1);
    settings.setAutoCommit(false);
    try (HikariDataSource manual = new HikariDataSource(settings)) {
      ChatDatabase chat = new ChatDatabase(manual);
      new UserChat(chat, alice.id()).sendMessage(conversation, "kept");
      assertEquals(0, (int) chat.as(mallory.id(), tx -> tx.fetchCount(USER_MESSAGES)));
      chat.call(alice.caller(), true, "select '1' from (select ?::json) a", "{}");
      try (Connection connection = manual.getConnection();
          Statement statement = connection.createStatement();
          var row = statement.executeQuery("select current_user")) {
        row.next();
        assertEquals("chat_login", row.getString(1));
      }
    }
    assertEquals(2, messagesSeenBy(alice.id()));
    database.asOwner("delete from public.user_messages where content = 'kept'");
  }

  private int messagesSeenBy(UUID user) {
    return chat.as(user, tx -> tx.fetchCount(USER_MESSAGES));
  }

  private void assertTheConnectionIsNobodys() throws SQLException {
    try (Connection connection = one.getConnection();
        Statement statement = connection.createStatement();
        var row =
            statement.executeQuery(
                "select current_user, current_setting('request.jwt.claims', true),"
                    + " current_setting('transaction_read_only')")) {
      row.next();
      assertEquals("chat_login", row.getString(1));
      assertTrue(row.getString(2) == null || row.getString(2).isEmpty());
      assertEquals("off", row.getString(3));
      assertTrue(connection.getAutoCommit());
    }
  }

  private static Object run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return sql;
    }
  }

  private HikariDataSource poolOfOne() {
    HikariConfig settings = new HikariConfig();
    settings.setDataSource(database.service().dataSource());
    settings.setMaximumPoolSize(1);
    settings.setConnectionTimeout(Await.PATIENCE.toMillis());
    return new HikariDataSource(settings);
  }
}
