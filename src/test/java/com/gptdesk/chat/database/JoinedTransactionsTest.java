package com.gptdesk.chat.database;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.DataSourceConnectionProvider;
import org.jooq.impl.DefaultConfiguration;
import org.jooq.impl.ThreadLocalTransactionProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** In somebody's own jOOQ: it joins the transaction that is open, and never ends it. */
class JoinedTransactionsTest {

  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final Person bob = database.bob();
  private final Person mallory = database.mallory();
  private final HikariDataSource pool = pool();
  private final DSLContext sql = DSL.using(pool, SQLDialect.POSTGRES);
  private final UUID conversation = alice.talksTo(bob);

  JoinedTransactionsTest() {
    // A team's own table, beside the chat.
    database.asOwner(
        "create table public.orders (id int); grant all on public.orders to chat_login");
  }

  @AfterEach
  void close() {
    pool.close();
    database.close();
  }

  @Test
  void withoutATransactionItIsOne() {
    chatOf(sql, alice).sendMessage(conversation, "hi");
    assertEquals(1, stored());
    assertEquals("chat_login", asker(sql));
  }

  @Test
  void aMessageAndAnOrderAreStoredTogether() {
    sql.transaction(
        trx -> {
          trx.dsl().execute("insert into orders values (1)");
          chatOf(trx.dsl(), alice).sendMessage(conversation, "ordered");
          assertEquals("chat_login", asker(trx.dsl()));
          trx.dsl().execute("insert into orders values (2)");
        });
    assertEquals("2", database.ownerReads("select count(*) from orders"));
    assertEquals(1, stored());
  }

  @Test
  void whoseTransactionItIsKeepsTheirJit() {
    sql.transaction(
        trx -> {
          chatOf(trx.dsl(), alice).sendMessage(conversation, "hi");
          assertEquals("on", String.valueOf(trx.dsl().fetchValue("show jit")));
        });
  }

  @Test
  void theTransactionOfAThreadIsJoinedWhereOneIsOpen() throws SQLException {
    AtomicReference<Connection> open = new AtomicReference<>();
    ChatDatabase joining = ChatDatabase.joining(pool, open::get);
    UserChat hers = new UserChat(joining, alice.id());
    hers.sendMessage(conversation, "alone");
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      open.set(connection);
      hers.sendMessage(conversation, "with an order that is given up");
      assertThrows(
          Refusal.class, () -> new UserChat(joining, mallory.id()).sendMessage(conversation, "hi"));
      assertEquals(2, hers.getMessages(conversation).size());
      assertEquals("chat_login", asker(DSL.using(connection)));
      connection.rollback();
    }
    open.set(null);
    assertEquals(1, stored());
  }

  @Test
  void orNotAtAll() {
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            sql.transaction(
                trx -> {
                  chatOf(trx.dsl(), alice).sendMessage(conversation, "ordered");
                  throw new UnsupportedOperationException("out of stock");
                }));
    assertEquals(0, stored());
  }

  @Test
  void aRefusalUndoesItsOwnPartAlone() {
    sql.transaction(
        trx -> {
          trx.dsl().execute("insert into orders values (1)");
          assertThrows(
              Refusal.class, () -> chatOf(trx.dsl(), mallory).sendMessage(conversation, "hi"));
          assertEquals("chat_login", asker(trx.dsl()));
          trx.dsl().execute("insert into orders values (2)");
          chatOf(trx.dsl(), alice).sendMessage(conversation, "still");
        });
    assertEquals("2", database.ownerReads("select count(*) from orders"));
    assertEquals(1, stored());
  }

  @Test
  void readingIsOverWhenItIsOver() {
    sql.transaction(
        trx -> {
          ChatDatabase.on(trx).reading(alice.id(), tx -> tx.fetchCount(USER_MESSAGES));
          trx.dsl().execute("insert into orders values (1)");
        });
    sql.transaction(
        trx -> {
          trx.dsl().execute("set transaction read only");
          assertEquals(0, chatOf(trx.dsl(), alice).getMessages(conversation).size());
          Refusal no =
              assertThrows(
                  Refusal.class, () -> chatOf(trx.dsl(), alice).sendMessage(conversation, "hi"));
          assertEquals(Refusal.Reason.READ_ONLY, no.reason());
        });
  }

  @Test
  void insideTheDoorSomebodyElseMayAskForAWhile() {
    new ChatDatabase(pool)
        .as(
            alice.id(),
            tx -> {
              chatOf(tx, alice).sendMessage(conversation, "one");
              assertEquals(
                  0,
                  (int)
                      ChatDatabase.on(tx.configuration())
                          .as(mallory.id(), other -> other.fetchCount(USER_MESSAGES)));
              assertEquals(1, tx.fetchCount(USER_MESSAGES));
              assertThrows(
                  UnsupportedOperationException.class,
                  () ->
                      tx.transaction(
                          inner -> {
                            chatOf(inner.dsl(), bob).sendMessage(conversation, "two");
                            assertEquals(2, inner.dsl().fetchCount(USER_MESSAGES));
                            throw new UnsupportedOperationException("no");
                          }));
              return tx.fetchCount(USER_MESSAGES);
            });
    assertEquals(1, stored());
  }

  @Test
  void aTransactionOfPlainJdbcStaysItsOwners() throws SQLException {
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      DSLContext mine = DSL.using(connection, SQLDialect.POSTGRES);
      chatOf(mine, alice).sendMessage(conversation, "one");
      assertThrows(Refusal.class, () -> chatOf(mine, mallory).sendMessage(conversation, "hi"));
      assertEquals("chat_login", asker(mine));
      assertFalse(connection.getAutoCommit());
      assertEquals(0, stored()); // not committed behind its owner's back
      connection.rollback();
      chatOf(mine, alice).sendMessage(conversation, "two");
      connection.commit();
      connection.setAutoCommit(true);
    }
    assertEquals(
        "two", database.ownerReads("select string_agg(content, ',') from public.user_messages"));
  }

  @Test
  void aTransactionOfTheThreadIsJoined() {
    DefaultConfiguration configuration = new DefaultConfiguration();
    var connections = new DataSourceConnectionProvider(pool);
    configuration.set(SQLDialect.POSTGRES);
    configuration.set(connections);
    configuration.set(new ThreadLocalTransactionProvider(connections, true));
    DSLContext threaded = DSL.using(configuration);
    UserChat chat = chatOf(threaded, alice);
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            threaded.transaction(
                () -> {
                  chat.sendMessage(conversation, "one");
                  throw new UnsupportedOperationException("no");
                }));
    assertEquals(0, stored());
    chat.sendMessage(conversation, "two");
    assertEquals(1, stored());
  }

  @Test
  void whatLostARaceIsTheOwnersToRepeat() {
    AtomicInteger tries = new AtomicInteger();
    Refusal lost =
        assertThrows(
            Refusal.class,
            () ->
                ChatDatabase.on(sql.configuration())
                    .as(
                        alice.id(),
                        tx -> {
                          tries.incrementAndGet();
                          return tx.execute("do $$ begin raise sqlstate '40001'; end $$");
                        }));
    assertEquals(Refusal.Reason.LOST_RACE, lost.reason());
    assertEquals(1, tries.get());
  }

  @Test
  void callLeavesNothingBehindInAnOpenTransaction() {
    sql.transaction(
        trx -> {
          ChatDatabase.on(trx)
              .call(alice.caller(), true, "select '1' from (select ?::json) a", "{}");
          assertEquals("chat_login", asker(trx.dsl()));
        });
  }

  @Test
  void whatIsTemporaryInATeamsTransactionStaysTheTeams() {
    sql.transaction(
        trx -> {
          trx.dsl().execute("create temporary table basket (id int) on commit drop");
          ChatDatabase.on(trx)
              .call(alice.caller(), true, "select '1' from (select ?::json) a", "{}");
          chatOf(trx.dsl(), alice).sendMessage(conversation, "ordered");
          assertEquals(0, trx.dsl().fetchCount(DSL.table("basket")));
        });
  }

  private static UserChat chatOf(DSLContext sql, Person person) {
    return new UserChat(ChatDatabase.on(sql.configuration()), person.id());
  }

  private static String asker(DSLContext sql) {
    var row =
        sql.fetchSingle(
            "select current_user::text, coalesce(current_setting('request.jwt.claims', true), '')");
    assertEquals("", row.get(1));
    return String.valueOf(row.get(0));
  }

  private int stored() {
    return Integer.parseInt(database.ownerReads("select count(*) from public.user_messages"));
  }

  private HikariDataSource pool() {
    HikariConfig settings = new HikariConfig();
    settings.setDataSource(database.service().dataSource());
    settings.setMaximumPoolSize(2);
    settings.setConnectionTimeout(Await.PATIENCE.toMillis());
    return new HikariDataSource(settings);
  }
}
