package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreezingProxy;
import com.gptdesk.chat.testing.TestDatabase;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A pooled connection that is half open costs a request a bounded time, and then a clear answer.
 */
class PoolsTest {
  private TestDatabase database;
  private FreezingProxy proxy;
  private Metrics metrics;
  private HikariDataSource pool;
  private ServiceDatabase chat;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    proxy = FreezingProxy.to(database.service());
    metrics = new Metrics(null);
    Login login = proxy.through(database.service());
    pool =
        Pools.requests(
            login,
            DatabaseSettings.from(
                new Settings(
                    Map.of(
                        "CHAT_POOL_SIZE", "1",
                        "CHAT_HEARTBEAT_TIMEOUT_MS", "500",
                        "CHAT_STATEMENT_TIMEOUT_MS", "900",
                        "CHAT_SOCKET_TIMEOUT_MS", "1000"))),
            metrics);
    chat = new ServiceDatabase(pool);
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
    pool.close();
    metrics.close();
    database.close();
  }

  @Test
  void aCallInTheMiddleOfWhichNothingArrivesFails() throws Exception {
    FutureTask<Integer> call =
        inBackground(
            tx -> {
              proxy.freezeAll();
              return tx.fetchSingle("select 1").get(0, Integer.class);
            });

    ExecutionException failure = assertThrows(ExecutionException.class, () -> Await.result(call));

    assertInstanceOf(DatabaseUnavailable.class, failure.getCause());
    assertEquals(1, Await.result(inBackground(PoolsTest::one))); // a new connection
  }

  @Test
  void anIdleConnectionIsCheckedBeforeItIsUsed() throws Exception {
    Await.until("a connection", () -> pool.getHikariPoolMXBean().getIdleConnections() == 1);
    String before = backend();
    // Hikari trusts a connection that was used within half a second.
    Await.until("an older connection", () -> isIdleForLong(before));

    proxy.freezeAll();

    assertEquals(1, Await.result(inBackground(PoolsTest::one)));
  }

  @Test
  void afterASilenceAllAreReplaced() throws Exception {
    String before = backend();
    proxy.freezeAll();

    Pools.replaceConnections(pool);

    assertEquals(1, Await.result(inBackground(PoolsTest::one)));
    assertNotEquals(before, backend());
  }

  private boolean isIdleForLong(String pid) {
    Boolean old =
        database
            .chat()
            .asItself(
                tx ->
                    tx.fetchSingle(
                            "select bool_and(clock_timestamp() - state_change > interval '2 s') from pg_stat_activity where pid = ?::int",
                            pid)
                        .get(0, Boolean.class));
    return Boolean.TRUE.equals(old);
  }

  private String backend() {
    String pid =
        chat.asItself(tx -> tx.fetchSingle("select pg_backend_pid()").get(0, String.class));
    return String.valueOf(pid);
  }

  private static Integer one(DSLContext tx) {
    return tx.fetchSingle("select 1").get(0, Integer.class);
  }

  private FutureTask<Integer> inBackground(Function<DSLContext, Integer> work) {
    var call = new FutureTask<>(() -> chat.anonymous(work));
    Thread.ofVirtual().start(call);
    return call;
  }
}
