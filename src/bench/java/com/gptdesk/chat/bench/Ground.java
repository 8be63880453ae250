package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.testing.TestServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The PostgreSQL of a run: embedded or installed, durable as in production, with the real schema
 * and pairs of people who talk. Each scenario takes copies of that, so none works on what another
 * left.
 */
final class Ground implements AutoCloseable {
  static final int PAIRS = 64;
  private static final UUID TEAM = UUID.fromString("00000000-0000-4000-8000-0000000000b1");

  /** Two people and their conversation. */
  record Pair(UUID one, UUID other, UUID conversation) {}

  private final TestServer server;
  private final String description;
  private final List<Pair> pairs = new ArrayList<>();

  /**
   * Starts it; fails unless the server says that it is durable.
   *
   * @param postgres which one, as {@link TestServer#start(String, boolean)} wants it
   */
  Ground(String postgres) throws SQLException {
    server = TestServer.start(postgres, true);
    for (String setting : List.of("fsync", "synchronous_commit", "full_page_writes")) {
      String value = ask(server.superuser(), "show " + setting);
      if (!value.equals("on")) {
        throw new IllegalStateException(setting + " is " + value + ", so this would not count");
      }
    }
    description =
        "PostgreSQL %s, %s, JIT %s, shared buffers %s"
            .formatted(
                ask(server.superuser(), "select split_part(version(), ' ', 2)"),
                postgres.contains("/") ? "of " + postgres + " as installed" : "embedded",
                ask(
                    server.superuser(),
                    "select case when pg_jit_available() then current_setting('jit') else 'off (not built in)' end"),
                ask(server.superuser(), "show shared_buffers"));
    Migrations.of(server.owner(), Platform.STANDALONE).migrate();
    server.admitService();
    ServiceLogin.verify(server.service().dataSource());
    seed();
  }

  private void seed() throws SQLException {
    var sql = new StringBuilder();
    sql.append("insert into public.teams (id, name) values ('%s', 'Blue');".formatted(TEAM));
    for (int i = 0; i < PAIRS; i++) {
      var pair = new Pair(id(0xa, i), id(0xb, i), id(0xc, i));
      pairs.add(pair);
      sql.append(
          """
          insert into public.users (id, full_name, email, team_id) values
            ('%1$s', 'Person %4$d', 'one%4$d@bench.example', '%5$s'), ('%2$s', 'Person %4$d', 'other%4$d@bench.example', '%5$s');
          insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by) values ('%3$s', '%1$s', '%2$s', '%1$s');
          """
              .formatted(pair.one(), pair.other(), pair.conversation(), i, TEAM));
    }
    execute(server.owner(), sql.toString());
    execute(server.owner(), "analyze public.users, public.user_conversations");
  }

  /** The same in each run. */
  static UUID id(long kind, long number) {
    return new UUID(0x4000L | kind << 32, 0x8000_0000_0000_0000L | number);
  }

  /** Which PostgreSQL it is, for who reads the figures. */
  String description() {
    return description;
  }

  List<Pair> pairs() {
    return pairs;
  }

  Login owner(String database) {
    return server.at(server.owner(), database);
  }

  Login service(String database) {
    return server.at(server.service(), database);
  }

  Login superuser(String database) {
    return server.at(server.superuser(), database);
  }

  /** What its processes take. */
  Processors processors() throws SQLException {
    return Processors.ofServer(server.superuser());
  }

  /** A copy of the seeded database. Nobody may be in that one. */
  String copy(String name) throws SQLException {
    execute(server.superuser(), "drop database if exists %1$s with (force)".formatted(name));
    execute(
        server.superuser(), "create database %s template chat owner chat_owner".formatted(name));
    return name;
  }

  static void execute(Login login, String sql) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  static String ask(Login login, String query) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      result.next();
      return String.valueOf(result.getString(1));
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
