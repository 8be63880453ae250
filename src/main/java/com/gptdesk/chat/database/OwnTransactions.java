package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection and one transaction for each work. It begins with the first statement and ends
 * with the commit. It has no savepoint, which would cost two more round trips. A connection on
 * which the work may have left something ({@link Traces}) is not reused.
 */
final class OwnTransactions implements Transactions {

  private static final Logger LOG = LoggerFactory.getLogger(OwnTransactions.class);
  private static final Settings SETTINGS =
      new Settings().withExecuteLogging(false).withReturnAllOnUpdatableRecord(true);

  private final DataSource dataSource;

  OwnTransactions(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  @Override
  public <T extends @Nullable Object> T run(Function<DSLContext, T> work) {
    Traces traces = new Traces();
    return connected(
        traces,
        connection -> {
          boolean automatic = connection.getAutoCommit();
          connection.setAutoCommit(false);
          try {
            T result = work.apply(over(connection, traces));
            if (traces.arePossible()) {
              Traces.wipe(connection);
            }
            connection.commit();
            restore(connection, automatic);
            return result;
          } catch (Throwable e) {
            undo(connection, automatic, e);
            throw e;
          }
        });
  }

  @Override
  public <T extends @Nullable Object> T single(Work<T> work) {
    return connected(
        new Traces(),
        connection -> {
          T result = work.with(connection);
          if (!connection.getAutoCommit()) {
            connection.commit();
          }
          return result;
        });
  }

  @Override
  public DataSource pool() {
    return dataSource;
  }

  @Override
  public boolean endElsewhere() {
    return false;
  }

  @Override
  public boolean mayRepeat() {
    return true;
  }

  /** A connection that returns to its pool, unless something may have been left on it. */
  private record Borrowed(Connection connection, Traces traces) implements AutoCloseable {
    @Override
    public void close() throws SQLException {
      if (!traces.arePossible()) {
        connection.close();
        return;
      }
      try {
        connection.abort(Runnable::run); // the pool opens another one with its own settings
        connection.close();
      } catch (SQLException e) {
        LOG.debug("The pool reports that the connection is closed", e);
      }
    }
  }

  private <T extends @Nullable Object> T connected(Traces traces, Work<T> work) {
    try (Borrowed borrowed = new Borrowed(dataSource.getConnection(), traces)) {
      return work.with(borrowed.connection());
    } catch (SQLException e) {
      throw Refusal.meaningOf(e);
    }
  }

  private static DSLContext over(Connection connection, Traces traces) {
    DefaultConfiguration configuration = new DefaultConfiguration();
    configuration.set(SQLDialect.POSTGRES);
    configuration.set(SETTINGS);
    traces.watch(configuration, connection);
    configuration.set(new Savepoints(connection));
    return DSL.using(configuration);
  }

  /**
   * Rolls back, and resets the session in case the work ended the transaction itself. That it
   * cannot be done, as the connection is lost, does not hide the reason.
   */
  private static void undo(Connection connection, boolean automatic, Throwable reason)
      throws SQLException {
    try {
      if (!connection.getAutoCommit()) {
        connection.rollback();
        connection.setAutoCommit(true);
      }
      try (Statement statement = connection.createStatement()) {
        statement.execute("reset role; reset request.jwt.claims");
      }
      restore(connection, automatic);
    } catch (SQLException e) {
      reason.addSuppressed(e);
      connection.abort(Runnable::run); // closed, or not to be reused
    }
  }

  private static void restore(Connection connection, boolean automatic) throws SQLException {
    if (!connection.isClosed()) {
      connection.setAutoCommit(automatic);
    }
  }
}
