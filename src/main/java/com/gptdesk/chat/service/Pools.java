package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.replica.ReplicaSettings;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connection pools. */
final class Pools {

  private static final Logger LOG = LoggerFactory.getLogger(Pools.class);

  private static final int STARTING_FAILED_AFTER_MILLIS = 10_000;
  private static final int REPLICA_CONNECT_SECONDS = 2;
  private static final int REPLICA_READ_SECONDS = 10;

  private Pools() {}

  /** The pool for requests. */
  static HikariDataSource requests(Login login, DatabaseSettings settings, Metrics metrics) {
    PGSimpleDataSource source = login.dataSource(settings.statementTimeout());
    if (!login.url().contains("connectTimeout=")) {
      source.setConnectTimeout(wholeSeconds(settings.connectTimeout()));
    }
    if (!login.url().contains("socketTimeout=")) {
      source.setSocketTimeout(wholeSeconds(settings.socketTimeout()));
    }
    HikariConfig pool = new HikariConfig();
    pool.setPoolName("requests");
    pool.setDataSource(source);
    pool.setMaximumPoolSize(settings.poolSize());
    pool.setConnectionTimeout(STARTING_FAILED_AFTER_MILLIS);
    pool.setValidationTimeout(
        Math.min(settings.heartbeatTimeout().toMillis(), STARTING_FAILED_AFTER_MILLIS));
    pool.setMetricsTrackerFactory(metrics.ofPool());
    return new HikariDataSource(pool);
  }

  /**
   * Replaces the connections of a pool: idle ones now, the others when they are given back. To be
   * called when a connection of the relay was half open, since these may be, too: each would be
   * found out by a request that waits for it.
   */
  static void replaceConnections(HikariDataSource pool) {
    HikariPoolMXBean connections = pool.getHikariPoolMXBean();
    if (connections != null) {
      LOG.warn("Replacing the pooled connections to the database, which may be half open, too");
      connections.softEvictConnections();
    }
  }

  /** Rounded up, since the driver knows only seconds; zero stays zero. */
  private static int wholeSeconds(Duration time) {
    return Math.toIntExact(time.plusMillis(999).toSeconds());
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
