package com.gptdesk.chat.database;

import static com.gptdesk.chat.jooq.Tables.USERS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Everything runs as somebody, nothing of it stays behind, and a no says why. */
class ChatDatabaseTest {

  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final Person bob = database.bob();
  private final Person mallory = database.mallory();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void eachSeesTheirOwn() {
    UUID conversation = alice.talksTo(bob);
    assertEquals("hi", alice.sends(conversation, "hi").getContent());

    mallory.sees(USER_MESSAGES).nothing();
    mallory.isRefused(() -> mallory.sends(conversation, "hi"), "PT403");
    bob.sees(USER_MESSAGES).rows(1); // the control
  }

  @Test
  void nothingOfTheCallerStaysOnThePooledConnection() throws SQLException {
    try (HikariDataSource one = poolOfOne(Await.PATIENCE)) {
      ChatDatabase chat = new ChatDatabase(one);
      assertEquals(
          alice.id(),
          chat.as(alice.id(), tx -> tx.fetchSingle("select auth.uid()").get(0, UUID.class)));
      chat.call(alice.caller(), true, "select '1' from (select ?::json) a", "{}");
      chat.reading(alice.caller(), tx -> tx.fetchCount(USER_MESSAGES));

      try (Connection connection = one.getConnection();
          Statement statement = connection.createStatement();
          var row =
              statement.executeQuery(
                  "select current_user, current_setting('request.jwt.claims', true),"
                      + " current_setting('transaction_read_only')")) {
        row.next();
        assertEquals("chat_login", row.getString(1));
        assertEquals("", row.getString(2));
        assertEquals("off", row.getString(3));
      }
    }
  }

  /** Also behind a pooler that lets no {@code options} through: these connections have none. */
  @Test
  void nothingIsCompiledByTheDoor() {
    ChatDatabase chat = database.chat();
    assertEquals("on", shown(chat.asItself(tx -> tx.fetchValue("show jit")))); // the control
    assertEquals("off", shown(chat.as(alice.id(), tx -> tx.fetchValue("show jit"))));
    assertEquals(
        "off",
        chat.call(
            alice.caller(), true, "select current_setting('jit') from (select ?::json) a", "{}"));
  }

  @Test
  void theLoginAloneMayDoNothing() {
    DataAccessException no =
        assertThrows(
            DataAccessException.class,
            () ->
                org.jooq
                    .impl
                    .DSL
                    .using(database.dataSource(), org.jooq.SQLDialect.POSTGRES)
                    .fetchCount(USER_MESSAGES));
    assertEquals("42501", no.sqlState());
  }

  @Test
  void readingRefusesToWrite() {
    alice.isRefused(
        () ->
            database
                .chat()
                .reading(
                    alice.caller(),
                    tx ->
                        Routines.getOrCreateConversation(tx.configuration(), alice.id(), bob.id())),
        "25006");
    alice.talksTo(bob); // the control
  }

  /** As jOOQ wraps it when the connection is lost while it reads a field. */
  @Test
  void aConnectionLostInTheMiddleOfAResultIsNoFault() {
    var lost = new SQLException("An I/O error occurred while sending to the backend.", "08006");
    var wrapped =
        new DataAccessException("SQL [...]", new SQLException("Error while reading field", lost));
    RuntimeException meaning = Refusal.meaningOf(wrapped);
    assertTrue(meaning instanceof DatabaseUnavailable, meaning::toString);
    assertEquals(lost, meaning.getCause());
  }

  @Test
  void aRefusalCarriesWhatTheDatabaseSaid() {
    Refusal no = alice.isRefused(() -> alice.talksTo(mallory), "PT404");
    assertEquals("There is nobody with this id whom you could write to.", no.getMessage());
    assertTrue(String.valueOf(no.hint()).startsWith("Both must be active"));
    assertEquals("nobody", no.details());
  }

  @Test
  void aRefusalUndoesTheWholeTransaction() {
    alice.isRefused(
        () ->
            alice.tries(
                tx -> {
                  Routines.getOrCreateConversation(tx.configuration(), alice.id(), bob.id());
                  Routines.getOrCreateConversation(tx.configuration(), alice.id(), mallory.id());
                }),
        "PT404");
    assertEquals("0", database.ownerReads("select count(*) from public.user_conversations"));
  }

  @Test
  void aTransactionInsideIsASavepoint() {
    alice.tries(
        tx -> {
          Routines.getOrCreateConversation(tx.configuration(), alice.id(), bob.id());
          assertThrows(
              DataAccessException.class,
              () ->
                  tx.transaction(
                      inner -> Routines.getOrCreateConversation(inner, alice.id(), mallory.id())));
        });
    assertEquals("1", database.ownerReads("select count(*) from public.user_conversations"));
  }

  @Test
  void aLostRaceIsRunAgainAndOtherwiseRefused() {
    AtomicInteger tries = new AtomicInteger();
    String answer =
        alice.does(
            tx -> {
              if (tries.incrementAndGet() < 3) {
                tx.execute("do $$ begin raise sqlstate '40P01'; end $$");
              }
              return "done";
            });
    assertEquals("done", answer);
    assertEquals(3, tries.get());

    tries.set(0);
    alice.isRefused(
        () ->
            alice.tries(
                tx -> {
                  tries.incrementAndGet();
                  tx.execute("do $$ begin raise sqlstate '40001'; end $$");
                }),
        "40001");
    assertEquals(3, tries.get());
  }

  /** One connection: a second one would never come. */
  @Test
  void insideItsWorkTheCallerGuardJoinsTheTransaction() {
    try (HikariDataSource one = poolOfOne(Await.PATIENCE)) {
      ChatDatabase chat = new ChatDatabase(one);
      UUID conversation = alice.talksTo(bob);
      int backend = backend(chat);
      String statement = statement("send_message", "{conversation_id,content}");
      chat.as(
          alice.id(),
          tx -> {
            new UserChat(chat, alice.id()).sendMessage(conversation, "one");
            new UserChat(new ChatDatabase(one), alice.id()).sendMessage(conversation, "two");
            chat.call(
                alice.caller(),
                false,
                statement,
                "{\"conversation_id\":\"%s\",\"content\":\"three\"}".formatted(conversation));
            assertThrows(
                Refusal.class,
                () ->
                    chat.reading(
                        alice.caller(),
                        other ->
                            Routines.sendMessage(
                                other.configuration(),
                                conversation,
                                "no",
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null)));
            assertThrows(
                UnsupportedOperationException.class,
                () ->
                    chat.as(
                        alice.id(),
                        other -> {
                          new UserChat(chat, alice.id()).sendMessage(conversation, "undone");
                          throw new UnsupportedOperationException("no");
                        }));
            assertEquals("0", database.ownerReads("select count(*) from public.user_messages"));
            assertEquals(3, tx.fetchCount(USER_MESSAGES));
            return 3;
          });
      assertEquals("3", database.ownerReads("select count(*) from public.user_messages"));
      assertEquals(backend, backend(chat)); // nothing was left on it
    }
  }

  @Test
  void insideItsWorkSomebodyElseIsRefusedWithWhatToDo() {
    try (HikariDataSource one = poolOfOne(Await.PATIENCE)) {
      ChatDatabase chat = new ChatDatabase(one);
      DSLContext sql = DSL.using(one, SQLDialect.POSTGRES);
      List<Consumer<ChatDatabase>> others =
          List.of(
              other -> other.as(bob.id(), tx -> 1),
              other -> other.reading(bob.id(), tx -> 1),
              other -> other.asService(tx -> 1),
              other -> other.anonymous(tx -> 1),
              other -> other.asItself(tx -> 1),
              other -> other.call(bob.caller(), true, "select '1' from (select ?::json) a", "{}"));
      for (ChatDatabase outer : List.of(chat, ChatDatabase.on(sql.configuration()))) {
        for (ChatDatabase inner : List.of(chat, ChatDatabase.on(sql.configuration()))) {
          for (Consumer<ChatDatabase> other : others) {
            IllegalStateException no =
                assertThrows(
                    IllegalStateException.class,
                    () ->
                        outer.as(
                            alice.id(),
                            tx -> {
                              other.accept(inner);
                              return 1;
                            }));
            assertTrue(String.valueOf(no.getMessage()).contains("ChatDatabase.on("));
          }
        }
        assertThrows(
            IllegalStateException.class,
            () -> chat.asItself(tx -> outer.as(alice.id(), inside -> 1)));
        outer.as(alice.id(), tx -> outer.as(alice.id(), inside -> 1)); // the control
        others.forEach(other -> other.accept(outer)); // after the work
      }
    }
  }

  @Test
  void afterWorkInsideTheBareConnectionIsStillNoticed() {
    try (HikariDataSource one = poolOfOne(Await.PATIENCE)) {
      ChatDatabase chat = new ChatDatabase(one);
      int backend = backend(chat);
      chat.as(
          alice.id(),
          tx -> {
            chat.as(alice.id(), inside -> inside.fetchCount(USER_MESSAGES));
            return tx.connectionResult(Connection::isClosed);
          });
      assertNotEquals(backend, backend(chat));
    }
  }

  private static int backend(ChatDatabase chat) {
    return chat.asItself(tx -> tx.fetchSingle("select pg_backend_pid()").get(0, Integer.class));
  }

  @Test
  void callRunsAFunctionAndReturnsItsJson() {
    String statement = statement("get_or_create_conversation", "{user1_id,user2_id}");
    String id =
        database
            .chat()
            .call(
                alice.caller(),
                false,
                statement,
                "{\"user1_id\":\"%s\",\"user2_id\":\"%s\"}".formatted(alice.id(), bob.id()));
    assertEquals('"' + alice.talksTo(bob).toString() + '"', id);

    mallory.isRefused(
        () ->
            database
                .chat()
                .call(
                    mallory.caller(),
                    false,
                    statement,
                    "{\"user1_id\":\"%s\",\"user2_id\":\"%s\"}".formatted(alice.id(), bob.id())),
        "PT403");
  }

  @Test
  void aFaultIsNoRefusal() {
    assertThrows(
        DataAccessException.class, () -> alice.tries(tx -> tx.fetch("select * from nowhere")));
  }

  @Test
  void anAbsentDatabaseIsUnavailable() {
    Login nowhere = new Login("jdbc:postgresql://127.0.0.1:1/chat", "chat_login", "");
    ChatDatabase chat = new ChatDatabase(nowhere.dataSource());
    assertThrows(DatabaseUnavailable.class, () -> chat.as(alice.id(), tx -> tx.fetchCount(USERS)));
    assertThrows(
        DatabaseUnavailable.class, () -> chat.call(alice.caller(), true, "select 1", "{}"));
  }

  @Test
  void anExhaustedPoolIsUnavailable() throws SQLException {
    try (HikariDataSource one = poolOfOne(Duration.ofMillis(500));
        Connection taken = whenOneIsOpen(one)) {
      ChatDatabase chat = new ChatDatabase(one);
      assertThrows(
          DatabaseUnavailable.class, () -> chat.as(alice.id(), tx -> tx.fetchCount(USERS)));
      assertTrue(taken.isValid(0));
    }
  }

  /** A connection of a pool that waits less long than it may take to open one. */
  private static Connection whenOneIsOpen(HikariDataSource pool) {
    return Await.<Optional<Connection>>value(
            "the pool to have a connection",
            () -> {
              try {
                return Optional.of(pool.getConnection());
              } catch (SQLTransientConnectionException e) {
                return Optional.empty();
              }
            },
            Optional::isPresent)
        .orElseThrow();
  }

  @Test
  void aConnectionLostInTheMiddleIsUnavailable() {
    assertThrows(
        DatabaseUnavailable.class,
        () ->
            alice.tries(
                tx -> {
                  Integer backend = tx.fetchSingle("select pg_backend_pid()").get(0, Integer.class);
                  TestDatabase.asSuperuser("select pg_terminate_backend(" + backend + ")");
                  tx.fetchCount(USER_MESSAGES);
                }));
    alice.sees(USER_MESSAGES).nothing(); // the next one gets a new connection
  }

  /** A migration in the middle of a call: what it began with is gone, so it begins again. */
  @Test
  void whatAMigrationHasChangedMeanwhileIsRunAgain() throws Exception {
    database.asOwner(
        """
        create function public.gone() returns int language plpgsql as $$ begin return 1; end $$;
        create function public.answer() returns int language plpgsql as $$
        begin
          perform pg_advisory_xact_lock_shared(4711);
          return public.gone();
        end $$
        """);
    try (Connection migration = database.owner().connect();
        Statement statement = migration.createStatement();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      migration.setAutoCommit(false);
      statement.execute("select pg_advisory_xact_lock(4711)");
      Future<Integer> answer =
          threads.submit(
              () ->
                  alice.does(tx -> tx.fetchSingle("select public.answer()").get(0, Integer.class)));
      Await.until(
          "the call is in its middle",
          () ->
              database
                  .ownerReads(
                      "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted")
                  .equals("1"));
      statement.execute(
          "create or replace function public.answer() returns int language sql return 42; drop function public.gone()");
      migration.commit();
      assertEquals(42, answer.get());
    }
  }

  private HikariDataSource poolOfOne(Duration patience) {
    HikariConfig configuration = new HikariConfig();
    configuration.setDataSource(database.service().dataSource());
    configuration.setMaximumPoolSize(1);
    configuration.setConnectionTimeout(patience.toMillis());
    configuration.setInitializationFailTimeout(
        -1); // who waits for a connection tries as often as it takes
    return new HikariDataSource(configuration);
  }

  private String statement(String function, String arguments) {
    try (Connection connection = database.service().connect();
        Statement statement = connection.createStatement();
        var row =
            statement.executeQuery(
                "select chat.call_statement('%s', '%s')".formatted(function, arguments))) {
      row.next();
      return row.getString(1);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String shown(@Nullable Object value) {
    return String.valueOf(value);
  }
}
