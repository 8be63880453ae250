package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jooq.ConnectionProvider;
import org.jooq.DSLContext;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jooq.impl.DataSourceConnectionProvider;
import org.jooq.impl.DefaultConnectionProvider;
import org.jooq.impl.DefaultTransactionProvider;
import org.jooq.impl.ThreadLocalTransactionProvider;
import org.jspecify.annotations.Nullable;

/**
 * Transactions by {@code transactionResult} of a configuration. One case is handled here: a
 * connection whose owner has already begun a transaction, which jOOQ would commit.
 */
final class JoinedTransactions implements Transactions {

  /**
   * Temporary objects in an open transaction are the team's, and chat.enter must know about them.
   */
  private static final String BEFORE =
      "select current_setting('role'), coalesce(current_setting('request.jwt.claims', true), ''),"
          + " current_setting('search_path'), current_setting('timezone'),"
          + " set_config('chat.joined', 'on', true)";

  private static final String AFTER =
      "select set_config('role', {0}, true), set_config('request.jwt.claims', {1}, true),"
          + " set_config('search_path', {2}, true), set_config('timezone', {3}, true),"
          + " set_config('chat.joined', '', true)";

  private final Configuration configuration;

  JoinedTransactions(Configuration configuration) {
    this.configuration = configuration;
  }

  @Override
  public <T extends @Nullable Object> T run(Function<DSLContext, T> work) {
    if (configuration.transactionProvider() instanceof ThreadLocalTransactionProvider) {
      // Its transaction belongs to the thread; a configuration would open another one.
      return configuration
          .dsl()
          .transactionResult(() -> work.apply(CallerGuard.notKeptIn(configuration.dsl())));
    }
    return DSL.using(joining())
        .transactionResult(inside -> work.apply(CallerGuard.notKeptIn(inside.dsl())));
  }

  /** Settings of chat.enter would remain in an open transaction. */
  @Override
  public <T extends @Nullable Object> T single(Work<T> work) {
    return run(
        tx -> {
          var before = tx.fetchSingle(BEFORE);
          T result = tx.connectionResult(work::with);
          tx.fetchSingle(
              AFTER,
              before.get(0, String.class),
              before.get(1, String.class),
              before.get(2, String.class),
              before.get(3, String.class));
          return result;
        });
  }

  /** Inside a jOOQ transaction the configuration has a connection and no pool. */
  @Override
  public @Nullable DataSource pool() {
    return configuration.connectionProvider() instanceof DataSourceConnectionProvider pooled
            && configuration.transactionProvider() instanceof DefaultTransactionProvider
        ? pooled.dataSource()
        : null;
  }

  @Override
  public boolean endElsewhere() {
    return true;
  }

  @Override
  public boolean mayRepeat() {
    return false;
  }

  private Configuration joining() {
    ConnectionProvider connections = configuration.connectionProvider();
    if (connections instanceof DefaultConnectionProvider
        && configuration.transactionProvider() instanceof DefaultTransactionProvider) {
      Connection connection = connections.acquire();
      if (connection != null && isInTransaction(connection)) {
        return configuration.derive(new Savepoints(connection));
      }
    }
    return configuration;
  }

  private static boolean isInTransaction(Connection connection) {
    try {
      return !connection.getAutoCommit();
    } catch (SQLException e) {
      throw new DataAccessException("The connection does not answer", e);
    }
  }
}
