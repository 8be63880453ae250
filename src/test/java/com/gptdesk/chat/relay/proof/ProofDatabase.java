package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A database under proof, and the three who enter it: whom it belongs to, the service, and who
 * looks after the server.
 */
record ProofDatabase(Login owner, Login service, Login superuser) {

  /** Two people and where they talk. */
  record Talk(UUID id, UUID one, UUID two) {}

  static ProofDatabase of(TestDatabase database) {
    String url = database.owner().url();
    Login superuser = TestDatabase.server().superuser();
    String name = url.substring(url.lastIndexOf('/') + 1);
    return new ProofDatabase(
        database.owner(), database.service(), TestDatabase.server().at(superuser, name));
  }

  /** It loses no connection that only this machine makes slow; see HalfOpenTest. */
  RelaySettings relay() {
    return relayAmongFaults()
        .withHeartbeat(Duration.ofMillis(1_500), Await.PATIENCE, Await.PATIENCE);
  }

  /** As it runs by default: it soon notices a connection that says nothing more. */
  RelaySettings relayAmongFaults() {
    return RelaySettings.of(service.url(), service.user(), service.password());
  }

  /**
   * Conversations of this many pairs, who are all of one team; any two share at most one person.
   */
  List<Talk> talks(int count) {
    return talks(count, 0);
  }

  /** As {@link #talks(int)}, of people who are numbered from here on. */
  List<Talk> talks(int count, int from) {
    List<Talk> talks = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      UUID one = new UUID(0x4000L, 0x8000_0000_0000_0000L | 1000 + i);
      UUID two = new UUID(0x4000L, 0x8000_0000_0000_0000L | 2000 + i);
      UUID talk = new UUID(0x4000L, 0x8000_0000_0000_0000L | 3000 + i);
      asOwner(
          """
          insert into public.users (id, full_name, email, team_id)
          select id, 'Person ' || id, id || '@example.org', (select t.id from public.teams t where t.name = 'Blue')
          from unnest(array['%2$s', '%3$s']::uuid[]) id;
          insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by)
          values ('%1$s', '%2$s', '%3$s', '%2$s')
          """
              .formatted(talk, one, two));
      talks.add(new Talk(talk, one, two));
    }
    return talks;
  }

  /** One message of the first person, committed when this returns. */
  void say(Talk talk, String content) {
    try (Connection connection = service.connect()) {
      connection.setAutoCommit(false);
      become(connection, talk.one());
      send(connection, talk, content);
      connection.commit();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** For the rest of the transaction. */
  static void become(Connection connection, UUID person) throws SQLException {
    query(
        connection,
        "select set_config('request.jwt.claims', ?, true), set_config('role', 'authenticated', true)",
        "{\"sub\":\"" + person + "\",\"role\":\"authenticated\"}");
  }

  static UUID send(Connection connection, Talk talk, String content) throws SQLException {
    return UUID.fromString(
        query(connection, "select id from public.send_message(?, ?)", talk.id(), content));
  }

  void asOwner(String sql) {
    run(owner, sql);
  }

  String ownerReads(String query) {
    return read(owner, query);
  }

  void asSuperuser(String sql) {
    run(superuser, sql);
  }

  String superuserReads(String query) {
    return read(superuser, query);
  }

  /**
   * What relay.maintain() says it did, called as a relay calls it; again while somebody is in its
   * way, as relays do.
   */
  String maintain() {
    try (Connection connection = service.connect()) {
      run(connection, "set role chat_relay");
      return Await.value(
          "the log to be maintained",
          () -> query(connection, "select relay.maintain()"),
          said -> !said.contains("busy") && !said.contains("another relay"));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Ends the server's side of all connections of this name to this database; returns how many there
   * were.
   */
  int terminate(String applicationName) {
    return Integer.parseInt(
        superuserReads(
            """
            select count(*)
            from pg_stat_activity a, lateral pg_terminate_backend(a.pid) t
            where a.datname = current_database() and a.application_name = '%s' and a.pid <> pg_backend_pid()
            """
                .formatted(applicationName)));
  }

  /** Maintains the log until nobody can write to a segment that writers have left. */
  void drain() {
    Await.until(
        "the transactions of the segments before to end",
        () -> {
          maintain();
          return ownerReads(
                  "select count(*) - count(drained_at) from relay.segments where generation < (select last_value from relay.segment_seq)")
              .equals("0");
        });
  }

  /** So much later, for what relay.maintain() asks of the clock. */
  void timePasses(int minutes) {
    asOwner(
        "update relay.segments set began_at = began_at - interval '%1$d minutes', drained_at = drained_at - interval '%1$d minutes'"
            .formatted(minutes));
  }

  /**
   * Uses up this many transaction ids, as other traffic of the server does; a few million take
   * seconds.
   */
  void burnTransactionIds(int count) {
    asSuperuser(
        "do $$ begin for i in 1..%d loop perform pg_current_xact_id(); commit; end loop; end $$"
            .formatted(count));
  }

  static void run(Login login, String sql) {
    try (Connection connection = login.connect()) {
      run(connection, sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** The first column of the first row, as text; "null" when there is none. */
  static String query(Connection connection, String sql, Object... parameters) throws SQLException {
    try (var statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? String.valueOf(row.getString(1)) : "null";
      }
    }
  }

  private static String read(Login login, String sql) {
    try (Connection connection = login.connect()) {
      return query(connection, sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }
}
