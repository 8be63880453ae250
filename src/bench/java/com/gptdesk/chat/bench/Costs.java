package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.connection.Login;
import java.sql.SQLException;

/** Measures what messages cost PostgreSQL, a service and the clients in this process. */
final class Costs {
  private final Processors postgres;
  private final Processors clients = Processors.ofThis();
  private final Login superuser;
  private final String countOfFlushes;

  /**
   * For one message.
   *
   * @param postgres CPU time of all its processes, whoever they work for, in microseconds
   * @param service CPU time in microseconds
   * @param clients CPU time in microseconds
   * @param flushes of PostgreSQL's write-ahead log; what it did in the last second before a reading
   *     may count for the next one
   */
  record Cost(double postgres, double service, double clients, double flushes) {}

  /** Returns how many messages it has sent. */
  interface Work {
    double send() throws Exception;
  }

  Costs(Ground ground) throws SQLException {
    postgres = ground.processors();
    superuser = ground.superuser("postgres");
    boolean isInIoStatistics =
        Integer.parseInt(Ground.ask(superuser, "show server_version_num")) >= 180_000;
    countOfFlushes =
        isInIoStatistics
            ? "select sum(fsyncs) from pg_stat_io where object = 'wal'"
            : "select wal_sync from pg_stat_wal";
  }

  Cost measure(Processors service, Work work) throws Exception {
    long flushesBefore = flushes();
    double postgresBefore = postgres.seconds();
    double serviceBefore = service.seconds();
    double clientsBefore = clients.seconds();
    double messages = work.send();
    double ofPostgres = postgres.seconds() - postgresBefore;
    double ofService = service.seconds() - serviceBefore;
    double ofClients = clients.seconds() - clientsBefore;
    return new Cost(
        1e6 * ofPostgres / messages,
        1e6 * ofService / messages,
        1e6 * ofClients / messages,
        (flushes() - flushesBefore) / messages);
  }

  private long flushes() throws SQLException {
    return Long.parseLong(Ground.ask(superuser, countOfFlushes));
  }
}
