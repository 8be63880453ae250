package com.gptdesk.chat.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jooq.DSLContext;
import org.jooq.Result;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What a request may cost the database ends by itself, and says so; the relay waits as it likes.
 */
class TimeoutsTest {

  private static final Duration LONGEST = Duration.ofMillis(400);

  private static TestDatabase database;

  private static final String ANY_STATEMENT = "-c%20statement_timeout=0";
  private static final String ANY_LOCK = "%20-c%20lock_timeout=0";
  private static final String ANY_PAUSE = "%20-c%20idle_in_transaction_session_timeout=0";

  /** Over connections that end with their call, each with one limit, however slow this machine. */
  private static ChatDatabase brief;

  private static ChatDatabase unwaiting;
  private static ChatDatabase busy;

  /** The control. */
  private static ChatDatabase patient;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    brief = limited(ANY_LOCK + ANY_PAUSE);
    unwaiting = limited(ANY_STATEMENT + ANY_PAUSE);
    busy = limited(ANY_STATEMENT + ANY_LOCK);
    patient = limited(ANY_STATEMENT + ANY_LOCK + ANY_PAUSE);
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @Test
  void aStatementThatTakesTooLongIsStopped() {
    Refusal no = tooSlow(brief, tx -> tx.fetch("select pg_sleep(600)"));
    assertEquals("57014", no.code());
    assertEquals(1, as(patient, tx -> tx.fetch("select 1")));
  }

  @Test
  void aWaitForALockIsGivenUp() throws SQLException {
    try (Connection other = database.service().connect();
        Statement statement = other.createStatement()) {
      statement.execute("select pg_advisory_lock(4711)");
      Refusal no = tooSlow(unwaiting, tx -> tx.fetch("select pg_advisory_xact_lock(4711)"));
      assertEquals("55P03", no.code());
      statement.execute("select pg_advisory_unlock(4711)");
    }
    assertEquals(
        1, as(patient, tx -> tx.fetch("select pg_advisory_xact_lock(4711)"))); // the control
  }

  @Test
  void aTransactionThatIsLeftOpenIsEnded() {
    assertThrows(
        DatabaseUnavailable.class,
        () ->
            as(
                busy,
                tx -> {
                  awaitTheEndOf(
                      tx.fetchSingle("select pg_backend_pid()").get(0, Integer.class), tx);
                  return tx.fetch("select 1");
                }));
  }

  @Test
  void withoutALimitNothingIsSet() throws SQLException {
    assertEquals("0", shown(database.service(), Duration.ZERO));
    try (Connection relays = database.service().connect()) {
      assertEquals("0", shown(relays));
    }
    assertEquals("400ms", shown(database.service(), LONGEST)); // the control
  }

  @Test
  void theAddressOwnOptionsWin() throws SQLException {
    assertEquals("777ms", shown(withOptions("-c%20statement_timeout=777"), LONGEST));
  }

  private static ChatDatabase limited(String options) {
    return new ChatDatabase(withOptions(options).dataSource(LONGEST));
  }

  private static Login withOptions(String options) {
    Login login = database.service();
    String url = login.url() + (login.url().contains("?") ? "&" : "?");
    return new Login(url + "options=" + options, login.user(), login.password());
  }

  /** Work of one statement or more; how many rows the last one found is told. */
  private interface Work {
    Result<?> with(DSLContext tx);
  }

  private static int as(ChatDatabase chat, Work work) {
    return chat.as(database.alice().id(), tx -> work.with(tx).size());
  }

  private static Refusal tooSlow(ChatDatabase chat, Work work) {
    Refusal no =
        assertTimeoutPreemptively(
            Await.PATIENCE, () -> assertThrows(Refusal.class, () -> as(chat, work)));
    assertEquals(Refusal.Reason.TOO_SLOW, no.reason());
    return no;
  }

  /** Sees it from another connection, so that its own stays idle. */
  private static void awaitTheEndOf(int backend, DSLContext tx) {
    try (Connection other = database.service().connect();
        Statement statement = other.createStatement()) {
      Await.until(
          "the end of the session of " + tx,
          () -> {
            try (ResultSet row =
                statement.executeQuery("select from pg_stat_activity where pid = " + backend)) {
              return !row.next();
            }
          });
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String shown(Login login, Duration longest) throws SQLException {
    try (Connection connection = login.dataSource(longest).getConnection()) {
      return shown(connection);
    }
  }

  private static String shown(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("show statement_timeout")) {
      row.next();
      return row.getString(1);
    }
  }
}
