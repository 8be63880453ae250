package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.connection.PasswordFile;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestServer;
import com.zaxxer.hikari.HikariDataSource;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A database password in a file changes without a restart, under load. */
class PasswordFileTest {

  private static TestServer server;

  @TempDir Path directory;

  @BeforeAll
  static void start() {
    server = TestServer.start();
    Migrations.of(server.owner(), null).migrate();
    server.admitService();
  }

  @AfterAll
  static void end() {
    server.close();
  }

  @ParameterizedTest
  @EnumSource(ListenDriver.class)
  void newConnectionsUseTheNewPasswordAndNoRequestFails(ListenDriver driver) throws Exception {
    Path file = directory.resolve("password");
    String old = "before " + driver;
    setPassword(old);
    Files.writeString(file, old + "\n");
    DatabaseSettings settings =
        DatabaseSettings.from(
            new Settings(
                Map.of(
                    "CHAT_DATABASE_URL",
                    server.service().url(),
                    "CHAT_DATABASE_USER",
                    "chat_login",
                    "CHAT_DATABASE_PASSWORD_FILE",
                    file.toString(),
                    "CHAT_POOL_SIZE",
                    "2")));
    Login login = Objects.requireNonNull(settings.service());
    try (Metrics metrics = new Metrics(null);
        HikariDataSource pool = Pools.requests(login, settings, metrics);
        Relay relay =
            new Relay(
                RelaySettings.of(login.url(), login.user(), login.secret()).withDriver(driver),
                new FanOut())) {
      relay.start();
      Await.until("the relay", relay::isUpToDate);
      var stopped = new AtomicBoolean();
      var calls = new AtomicInteger();
      Queue<String> failures = new ConcurrentLinkedQueue<>();
      var load =
          new FutureTask<Integer>(
              () -> {
                while (!stopped.get()) {
                  try (Connection connection = pool.getConnection();
                      Statement statement = connection.createStatement()) {
                    statement.execute("select 1");
                    calls.incrementAndGet();
                  } catch (SQLException e) {
                    failures.add(e.toString());
                  }
                }
                return calls.get();
              });
      Thread.ofVirtual().start(load);
      try {
        Files.writeString(file, "after " + driver + "\n");
        newConnections(pool, calls); // the role has the old password still

        setPassword("after " + driver);
        newConnections(pool, calls);
        SQLException no =
            assertThrows(
                SQLException.class, () -> new Login(login.url(), "chat_login", old).connect());
        assertEquals("28P01", no.getSQLState());

        long before = relay.reconnects();
        run(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chat_login'"
                + " and application_name in ('gptdesk-chat relay', 'gptdesk-chat listener')");
        Await.until("the relay's new connections", () -> relay.reconnects() > before);
        Await.until("the relay", relay::isUpToDate);
      } finally {
        stopped.set(true);
      }
      assertTrue(Await.result(load) > 0);
      assertEquals(List.of(), List.copyOf(failures));
    }
  }

  @Test
  void whileTheFileIsEmptyOrGoneTheLastPasswordHolds() throws Exception {
    Path file = directory.resolve("password");
    PasswordFile password = new PasswordFile(file);
    assertThrows(UncheckedIOException.class, password::get);
    Files.writeString(file, " one\n");
    assertEquals("one", password.get());
    Files.writeString(file, "");
    assertEquals("one", password.get());
    Files.delete(file);
    assertEquals("one", password.get());
    Files.writeString(file, "two");
    assertEquals("two", password.get());
    assertTrue(!password.toString().contains("two"));
  }

  @Test
  void aPasswordIsGivenInOneWay() throws Exception {
    Path file = Files.writeString(directory.resolve("password"), "one");
    Settings settings =
        new Settings(
            Map.of(
                "CHAT_DATABASE_URL", "jdbc:postgresql://localhost/chat",
                "CHAT_DATABASE_USER", "chat_login",
                "CHAT_DATABASE_PASSWORD", "two",
                "CHAT_DATABASE_PASSWORD_FILE", file.toString()));
    DatabaseSettings.from(settings);
    assertEquals(
        List.of("Set CHAT_DATABASE_PASSWORD or CHAT_DATABASE_PASSWORD_FILE, not both."),
        settings.problems());
  }

  /** All pooled ones are replaced, and calls succeed by the new ones. */
  private static void newConnections(HikariDataSource pool, AtomicInteger calls) throws Exception {
    pool.getHikariPoolMXBean().softEvictConnections();
    try (Connection one = pool.getConnection();
        Connection other = pool.getConnection()) {
      assertTrue(one.isValid(0) && other.isValid(0));
    }
    int before = calls.get();
    Await.until("more calls", () -> calls.get() > before + 10);
  }

  private static void setPassword(String password) throws SQLException {
    run("alter role chat_login password '" + password + "'");
  }

  private static void run(String sql) throws SQLException {
    try (Connection connection = server.superuser().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
