package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.replica.ReplicaSettings;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;

/** The connection pools. */
final class Pools {

  private static final int STARTING_FAILED_AFTER_MILLIS = 10_000;
  private static final int REPLICA_CONNECT_SECONDS = 2;
  private static final int REPLICA_READ_SECONDS = 10;

  private Pools() {}

  /** The pool for requests. */
  static HikariDataSource requests(Login login, DatabaseSettings settings, Metrics metrics) {
    HikariConfig pool = new HikariConfig();
    pool.setPoolName("requests");
    pool.setDataSource(login.dataSource(settings.statementTimeout()));
    pool.setMaximumPoolSize(settings.poolSize());
    pool.setConnectionTimeout(STARTING_FAILED_AFTER_MILLIS);
    pool.setMetricsTrackerFactory(metrics.ofPool());
    return new HikariDataSource(pool);
  }

  /**
   * The pool for the replica. It gives up soon, since the primary can answer instead, and starts
   * without a replica.
   */
  static HikariDataSource replica(ReplicaSettings settings, Duration statementTimeout) {
    PGSimpleDataSource replica = settings.login().dataSource(statementTimeout);
    replica.setConnectTimeout(REPLICA_CONNECT_SECONDS);
    replica.setSocketTimeout(REPLICA_READ_SECONDS);
    HikariConfig pool = new HikariConfig();
    pool.setPoolName("replica");
    pool.setDataSource(replica);
    pool.setMaximumPoolSize(settings.poolSize());
    pool.setConnectionTimeout(settings.maxLag().toMillis() + 250); // the least that Hikari allows
    pool.setInitializationFailTimeout(-1);
    return new HikariDataSource(pool);
  }
}
