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
 * A connection and a transaction for each. It begins with its first statement and ends with its
 * commit: no savepoint around it, which would be two more round trips. A connection on which the
 * work can have left something ({@link Traces}) is not given to anybody else.
 */
final class OwnTransactions implements Transactions {

  private static final Logger LOG = LoggerFactory.getLogger(OwnTransactions.class);
  private static final Settings SETTINGS = new Settings().withExecuteLogging(false);

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
            return result;
          } catch (Throwable e) {
            undo(connection, e);
            throw e;
          } finally {
            restore(connection, automatic);
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

  /** A connection that goes back to its pool, unless something may have been left on it. */
  private record Borrowed(Connection connection, Traces traces) implements AutoCloseable {
    @Override
    public void close() throws SQLException {
      if (!traces.arePossible()) {
        connection.close();
        return;
      }
      try {
        connection.abort(Runnable::run); // a pool makes another, with its own settings
        connection.close();
      } catch (SQLException e) {
        LOG.debug("The pool says that the connection is gone", e);
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

  /** Undoes the transaction, and what work that ended it by itself has set for the session. */
  private static void undo(Connection connection, Throwable reason) throws SQLException {
    try {
      if (!connection.getAutoCommit()) {
        connection.rollback();
        connection.setAutoCommit(true);
      }
      try (Statement statement = connection.createStatement()) {
        statement.execute("reset role; reset request.jwt.claims");
      }
    } catch (SQLException e) {
      reason.addSuppressed(e);
      connection.abort(Runnable::run); // gone, or nobody may have it any more
    }
  }

  private static void restore(Connection connection, boolean automatic) throws SQLException {
    if (!connection.isClosed()) {
      connection.setAutoCommit(automatic);
    }
  }
}
