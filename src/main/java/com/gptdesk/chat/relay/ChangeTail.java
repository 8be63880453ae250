package com.gptdesk.chat.relay;

import com.gptdesk.chat.relay.listen.Backend;
import com.gptdesk.chat.relay.listen.PendingAnswer;
import com.gptdesk.chat.relay.listen.Sessions;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * One connection that reads the change log and holds the sleep slot with which the relay tells
 * writers that it sleeps. Autocommit and READ COMMITTED, so each statement sees what is committed
 * by then. One thread owns it; only {@link #abort} may come from another.
 */
final class ChangeTail implements AutoCloseable {
  /** SQLSTATE: the log has another epoch, or no longer goes back so far. */
  static final String TOO_FAR_BEHIND = "PT410";

  private static final Duration SIGNED_AGAIN_AFTER = Duration.ofSeconds(10);

  /** Three times the longest pause between two polls of a live leader; see {@link Relay}. */
  private static final String LEADER_MAY_BE_SILENT = "15s";

  /**
   * How far the log was read: up to a snapshot, or to a change on the way to one, within one epoch
   * of the log.
   *
   * @param epoch changes when the log was emptied by a crash or belongs to another server
   * @param snapshot as {@code relay.open()} or {@code relay.tail()} returned it
   */
  record Position(UUID epoch, String snapshot) {}

  /** A page of what became visible since a position, in order, and the position after it. */
  record Batch(List<Change> changes, Position next) {}

  private final Connection connection;
  private final int maxRows;
  private final @Nullable Supplier<String> claims;
  private long signedAt;
  private final PreparedStatement tail;
  private final Backend backend;
  private final PendingAnswer answer = new PendingAnswer();
  private final Duration suspicion;

  private ChangeTail(Connection connection, RelaySettings settings, @Nullable Backend predecessor)
      throws SQLException {
    this.connection = connection;
    this.maxRows = settings.maxRows();
    this.claims = settings.claims();
    this.signedAt = System.nanoTime() - SIGNED_AGAIN_AFTER.toNanos();
    this.suspicion = settings.listening().suspicion();
    if (predecessor != null) {
      predecessor.end(connection);
    }
    this.backend = Backend.of(connection);
    try (Statement statement = connection.createStatement()) {
      statement.execute(Sessions.PATIENCE);
      // Neither JIT nor parallel workers for what takes less than a millisecond.
      statement.execute(
          """
          set role chat_relay;
          set default_transaction_isolation = 'read committed';
          set default_transaction_read_only = off;
          set jit = off;
          set max_parallel_workers_per_gather = 0
          """);
    }
    this.tail = connection.prepareStatement("select * from relay.tail(?, ?, ?)");
  }

  /**
   * Connects.
   *
   * @param predecessor the server process of the relay's last connection, which is ended
   * @param patience after so long without an answer the connection is lost
   */
  static ChangeTail connect(
      RelaySettings settings, @Nullable Backend predecessor, Duration patience)
      throws SQLException {
    Connection connection = Sessions.open(settings.listening(), "gptdesk-chat relay");
    try {
      Sessions.waitForAnswers(connection, patience);
      return new ChangeTail(connection, settings, predecessor);
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** From now on the connection is lost when an answer takes longer. */
  void waitForAnswers(Duration patience) throws SQLException {
    Sessions.waitForAnswers(connection, patience);
  }

  /** Its server process, which a later connection of the same relay ends. */
  Backend backend() {
    return backend;
  }

  /** Whether the server owes an answer for so long that the connection may be half open. */
  boolean isSuspect() {
    return answer.isOlderThan(suspicion);
  }

  /**
   * Asks the server for an answer, by a statement that says nothing: no transaction, no snapshot.
   * Fails when there is none in time.
   */
  void ping() throws SQLException {
    answer.to(
        () -> {
          try (Statement statement = connection.createStatement()) {
            return statement.execute("");
          }
        });
  }

  /** Signs the session's claims again when they are old. Without signed claims it does nothing. */
  private void sign() throws SQLException {
    if (claims == null || System.nanoTime() - signedAt < SIGNED_AGAIN_AFTER.toNanos()) {
      return;
    }
    try (PreparedStatement statement =
        connection.prepareStatement("select set_config('request.jwt.claims', ?, false)")) {
      statement.setString(1, claims.get());
      statement.execute();
    }
    signedAt = System.nanoTime();
  }

  /** The position after everything that is visible now. */
  Position open() throws SQLException {
    sign();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select epoch, snapshot from relay.open()")) {
      if (!row.next()) {
        throw new SQLException("relay.open() returned no row");
      }
      return new Position(row.getObject("epoch", UUID.class), row.getString("snapshot"));
    }
  }

  /**
   * Reads what became visible since that position, at most one page. All pages of one snapshot are
   * read before the next is taken, so its changes come once and in order whatever commits
   * meanwhile. After an exception the same position can be read again.
   *
   * @throws SQLException with {@link #TOO_FAR_BEHIND} when the log can no longer be read from this
   *     position
   */
  Batch poll(Position position) throws SQLException {
    return answer.to(
        () -> {
          sign();
          tail.setObject(1, position.epoch());
          tail.setString(2, position.snapshot());
          tail.setInt(3, maxRows);
          try (ResultSet row = tail.executeQuery()) {
            String snapshot = row.next() ? row.getString("snapshot") : null;
            if (snapshot == null) {
              throw new SQLException("relay.tail() did not begin with a snapshot");
            }
            var changes = new ArrayList<Change>();
            while (row.next()) {
              changes.add(change(row));
            }
            return new Batch(changes, new Position(position.epoch(), snapshot));
          }
        });
  }

  private static Change change(ResultSet row) throws SQLException {
    return new Change(
        row.getLong("seq"),
        row.getString("table_name"),
        Change.Operation.valueOf(row.getString("operation")),
        row.getObject("at", OffsetDateTime.class).toInstant(),
        Audience.of(uuids(row.getArray("audience")), uuids(row.getArray("team_audience"))),
        hiddenFrom(uuids(row.getArray("hidden_from"))),
        row.getString("record"),
        row.getString("old_record"));
  }

  private static List<UUID> hiddenFrom(UUID @Nullable [] ids) {
    return ids == null ? List.of() : List.of(ids);
  }

  private static UUID @Nullable [] uuids(@Nullable Array array) throws SQLException {
    return array == null ? null : (UUID[]) array.getArray();
  }

  /** Claims a sleep slot for as long as this connection lives; empty when all are taken. */
  OptionalInt claimSlot() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select relay.claim_slot()")) {
      int slot = row.next() ? row.getInt(1) : 0;
      return row.wasNull() ? OptionalInt.empty() : OptionalInt.of(slot);
    }
  }

  /**
   * True when every writer that did not notify has ended: from now on writers notify. Never waits.
   */
  boolean sleep(int slot) throws SQLException {
    return answer.to(
        () -> {
          try (PreparedStatement statement = connection.prepareStatement("select relay.sleep(?)")) {
            statement.setInt(1, slot);
            try (ResultSet row = statement.executeQuery()) {
              return row.next() && row.getBoolean(1);
            }
          }
        });
  }

  /** From now on writers need not notify. */
  void wake(int slot) throws SQLException {
    answer.to(
        () -> {
          try (PreparedStatement statement = connection.prepareStatement("select relay.wake(?)")) {
            statement.setInt(1, slot);
            statement.execute();
          }
          return true;
        });
  }

  /**
   * Takes the lead among the relays of a cluster for as long as this connection lives; false when
   * another relay leads. A leader that hangs no longer polls, so the server ends its connection.
   */
  boolean lead() throws SQLException {
    sign();
    try (Statement statement = connection.createStatement()) {
      try (ResultSet row = statement.executeQuery("select relay.lead()")) {
        if (!row.next() || !row.getBoolean(1)) {
          return false;
        }
      }
      statement.execute("set idle_session_timeout = '" + LEADER_MAY_BE_SILENT + "'");
      return true;
    }
  }

  /** A number higher than all that any relay got before. */
  long nextTerm() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select pg_current_xact_id()::text::bigint")) {
      if (!row.next()) {
        throw new SQLException("pg_current_xact_id() returned no row");
      }
      return row.getLong(1);
    }
  }

  /** Deletes from the log what every relay must have read. */
  void maintain() throws SQLException {
    answer.to(
        () -> {
          sign();
          try (Statement statement = connection.createStatement()) {
            statement.execute("select relay.maintain()");
          }
          return true;
        });
  }

  /**
   * Checks, without a query, whether the server closed this connection. Without the connection the
   * slot is free, and no writer would notify.
   */
  void checkAlive() throws SQLException {
    connection.unwrap(PGConnection.class).getNotifications(1);
  }

  /** Ends the connection from any thread, even in the middle of a query. */
  void abort() {
    Sessions.abort(connection);
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }

  /** Whether this error means that the log can no longer be read from the relay's position. */
  static boolean isTooFarBehind(@Nullable SQLException e) {
    return e != null && TOO_FAR_BEHIND.equals(e.getSQLState());
  }
}
