package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.Caller.Role;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/**
 * What statements come to. Each runs in a savepoint of the owner's transaction and leaves nothing.
 *
 * <p>One thread, one connection.
 */
public final class Trial implements AutoCloseable {

  private final Connection connection;

  private Trial(Connection connection) {
    this.connection = connection;
  }

  /**
   * Opens the transaction, which {@link #close} rolls back.
   *
   * @param owner the owner of the chat's tables, or a superuser
   * @throws IllegalStateException the owner may not take the roles; the message says what to grant
   * @throws SQLException the database failed
   */
  public static Trial begin(Login owner) throws SQLException {
    Connection connection = owner.connect();
    try {
      connection.setAutoCommit(false);
      PolicyCheck.becomeAble(connection);
      return new Trial(connection);
    } catch (SQLException | RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  /**
   * What a statement came to.
   *
   * @param rows how many it returned or changed
   * @param refusal the SQLSTATE with which it was refused; null when it was not
   */
  public record Outcome(long rows, @Nullable String refusal) {

    /** In the notation of the matrix: a number of rows, {@code -} for none, or an SQLSTATE. */
    @Override
    public String toString() {
      return refusal != null ? refusal : rows == 0 ? PolicyMatrix.NOTHING : Long.toString(rows);
    }
  }

  /** The outcome of a statement as that person. */
  public Outcome as(UUID person, String sql) throws SQLException {
    return outcome(
        connection,
        Role.AUTHENTICATED.sqlName(),
        "{\"sub\":\"%s\",\"role\":\"authenticated\"}".formatted(person),
        statement -> rowsOf(statement, sql));
  }

  /** The outcome of a statement as the owner, past all policies. */
  public Outcome asOwner(String sql) throws SQLException {
    return outcome(connection, "none", "", statement -> rowsOf(statement, sql));
  }

  @Override
  public void close() throws SQLException {
    connection.rollback();
    connection.close();
  }

  /** An attempt that counts rows. */
  @FunctionalInterface
  interface RowCount {
    long in(Statement statement) throws SQLException;
  }

  /** The outcome of the attempt, in that role and with those claims. */
  static Outcome outcome(Connection connection, String role, String claims, RowCount attempt)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "savepoint cell; select set_config('request.jwt.claims', '%s', true), set_config('role', '%s', true)"
              .formatted(claims, role));
      try {
        return new Outcome(attempt.in(statement), null);
      } catch (SQLException refused) {
        return new Outcome(0, String.valueOf(refused.getSQLState()));
      } catch (DataAccessException refused) {
        return new Outcome(0, refused.sqlState());
      } catch (Refusal refused) {
        return new Outcome(0, refused.code()); // before it was SQL
      } finally {
        statement.execute("rollback to savepoint cell; release savepoint cell");
      }
    }
  }

  static long rowsOf(Statement statement, String sql) throws SQLException {
    if (!statement.execute(sql)) {
      return statement.getUpdateCount();
    }
    long rows = 0;
    try (ResultSet result = statement.getResultSet()) {
      while (result.next()) {
        rows++;
      }
    }
    return rows;
  }
}
