package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/**
 * A database of a test's own, with the real schema and the cast in it: Alice, Bob and Carol of team
 * Blue, Ivan of the same team but not active, Mallory of team Red; Anon, who has no name; and the
 * service.
 *
 * <p>One PostgreSQL ({@link TestServer} says which) serves all tests of a JVM; each {@link #fresh}
 * database is a copy of one that was migrated once (some 50 ms).
 *
 * <pre>{@code
 * try (TestDatabase database = TestDatabase.fresh()) {
 *   UUID conversation = database.alice().talksTo(database.bob());
 *   …
 * }
 * }</pre>
 */
public final class TestDatabase implements AutoCloseable {

  public static final UUID BLUE = UUID.fromString("00000000-0000-4000-8000-0000000000b1");
  public static final UUID RED = UUID.fromString("00000000-0000-4000-8000-0000000000ed");

  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  private static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  private static final UUID CAROL = UUID.fromString("00000000-0000-4000-8000-00000000000c");
  private static final UUID IVAN = UUID.fromString("00000000-0000-4000-8000-00000000000d");
  private static final UUID MALLORY = UUID.fromString("00000000-0000-4000-8000-00000000000e");

  private static final String TEMPLATE = "chat"; // the server's first database, left alone
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final Runnable removal;
  private final Login owner;
  private final Login service;
  private final HikariDataSource pool;
  private final ServiceDatabase chat;

  private TestDatabase(String name, Login owner, Login service, Runnable removal) {
    this.removal = removal;
    this.owner = owner;
    this.service = service;
    HikariConfig configuration = new HikariConfig();
    configuration.setDataSource(service.dataSource());
    configuration.setMaximumPoolSize(40);
    configuration.setMinimumIdle(0);
    configuration.setConnectionTimeout(Await.PATIENCE.toMillis());
    configuration.setPoolName(name);
    this.pool = new HikariDataSource(configuration);
    this.chat = new ServiceDatabase(pool);
  }

  /** A new database, for nobody but the caller. */
  public static TestDatabase fresh() {
    String name = "test_" + NUMBER.incrementAndGet();
    asSuperuser( // by files: through the log a copy takes three times as long
        "create database %s template %s owner chat_owner strategy file_copy"
            .formatted(name, TEMPLATE));
    return onTheServer(name);
  }

  /** A database without anything in it, not even a schema: for the tests of the migrations. */
  public static TestDatabase empty() {
    TestServer server = Server.RUNNING; // its roles are the server's, so they are there
    String name = "empty_" + NUMBER.incrementAndGet();
    run(server.superuser(), "create database %s owner chat_owner".formatted(name));
    return onTheServer(name);
  }

  /** A database of somebody else's, with the cast in it; closing leaves it alone. */
  public static TestDatabase of(Login owner, Login service) {
    return new TestDatabase("other", owner, service, () -> {});
  }

  private static TestDatabase onTheServer(String name) {
    TestServer server = Server.RUNNING;
    return new TestDatabase(
        name,
        server.at(server.owner(), name),
        server.at(server.service(), name),
        () -> asSuperuser("drop database %s with (force)".formatted(name)));
  }

  /** The server all these databases are on: to run statements as superuser, never to stop it. */
  public static TestServer server() {
    return Server.RUNNING;
  }

  /** Who migrates: owns the tables, so row-level security does not hold for it. */
  public Login owner() {
    return owner;
  }

  /** As whom the service enters; the relay makes its own connections with it. */
  public Login service() {
    return service;
  }

  /** The service's login, pooled; up to 40 connections. */
  public DataSource dataSource() {
    return pool;
  }

  public ServiceDatabase chat() {
    return chat;
  }

  public Person alice() {
    return person("Alice", ALICE);
  }

  public Person bob() {
    return person("Bob", BOB);
  }

  public Person carol() {
    return person("Carol", CAROL);
  }

  /** Of Alice's team, but not active. */
  public Person ivan() {
    return person("Ivan", IVAN);
  }

  /** Of another team. */
  public Person mallory() {
    return person("Mallory", MALLORY);
  }

  /** Without a token of a person. */
  public Person anon() {
    return new Person("Anon", null, Caller.anonymous(), chat);
  }

  /** One of GPT Desk's own servers. */
  public Person gptDesk() {
    return new Person("The service", null, Caller.service(), chat);
  }

  /** Somebody else, who need not exist. */
  public Person person(String name, UUID id) {
    return new Person(name, id, Caller.user(id), chat);
  }

  /** Runs a statement as the owner, past all policies: to set a scene, never to prove a rule. */
  public void asOwner(String sql) {
    run(owner, sql);
  }

  /** The first column of the first row, as the owner sees it. */
  public String ownerReads(String query) {
    try (Connection connection = owner.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      result.next();
      return String.valueOf(result.getString(1));
    } catch (SQLException e) {
      throw new IllegalStateException(query, e);
    }
  }

  @Override
  public void close() {
    pool.close();
    removal.run();
  }

  /** For roles, backends and statistics; never to set a scene in a table. */
  public static void asSuperuser(String sql) {
    run(Server.RUNNING.superuser(), sql);
  }

  private static void run(Login login, String sql) {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  /** Started by the first test that asks, stopped with the JVM. */
  private static final class Server {

    static final TestServer RUNNING = start();

    private static TestServer start() {
      TestServer server = TestServer.start();
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop PostgreSQL"));
      Migrations.of(server.owner(), Platform.STANDALONE).migrate();
      server.admitService();
      run(
          server.owner(),
          "insert into public.teams (id, name) values ('%s', 'Blue'), ('%s', 'Red')"
              .formatted(BLUE, RED));
      add(server.owner(), ALICE, "Alice Adams", "active", BLUE);
      add(server.owner(), BOB, "Bob Brown", "active", BLUE);
      add(server.owner(), CAROL, "Carol Clark", "active", BLUE);
      add(server.owner(), IVAN, "Ivan Ivanov", "inactive", BLUE);
      add(server.owner(), MALLORY, "Mallory Moore", "active", RED);
      return server;
    }

    private static void add(Login owner, UUID id, String fullName, String status, UUID team) {
      String address = fullName.split(" ", 2)[0].toLowerCase(Locale.ROOT) + "@example.org";
      run(
          owner,
          "insert into public.users (id, full_name, email, status, team_id) values"
              + " ('%s', '%s', '%s', '%s', '%s')".formatted(id, fullName, address, status, team));
    }
  }
}
