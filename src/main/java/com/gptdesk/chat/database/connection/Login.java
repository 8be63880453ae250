package com.gptdesk.chat.database.connection;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The address of a database and a login for it.
 *
 * @param url {@code jdbc:postgresql://…}
 * @param user the login's name in the database
 * @param password its password; {@link #toString} leaves it out
 */
public record Login(String url, String user, String password) {

  /**
   * A data source that opens a connection for each request, for single uses and for pools.
   *
   * @return a new data source without a pool
   */
  public PGSimpleDataSource dataSource() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(url);
    source.setUser(user);
    source.setPassword(password);
    source.setApplicationName("gptdesk-chat");
    source.setTcpKeepAlive(true);
    // Details contain whole rows with users' texts, so only the caller of a refused statement gets
    // them.
    source.setLogServerErrorDetail(false);
    return source;
  }

  /**
   * Like {@link #dataSource()}, for requests that users wait for. The database itself ends longer
   * statements and idle transactions, and waits for a lock after half that time. JIT is off, which
   * {@code ChatDatabase} also sets itself where {@code options} are not passed on. The {@code
   * options} of the URL take precedence.
   *
   * <p>A pooler in between must pass the startup parameter {@code options} on.
   *
   * @param longest how long one statement may take; zero for no limit
   * @return a new data source without a pool
   */
  public PGSimpleDataSource dataSource(Duration longest) {
    PGSimpleDataSource source = dataSource();
    if (!longest.isZero()) {
      long millis = longest.toMillis();
      String options =
          ("-c statement_timeout=%d -c idle_in_transaction_session_timeout=%d -c lock_timeout=%d"
                  + " -c jit=off -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10"
                  + " -c tcp_keepalives_count=3")
              .formatted(millis, millis, Math.max(1, millis / 2));
      String own = source.getOptions();
      source.setOptions(own == null ? options : options + " " + own);
    }
    return source;
  }

  /**
   * Opens a connection.
   *
   * @return an open connection, the caller's to close
   * @throws SQLException it cannot connect
   */
  public Connection connect() throws SQLException {
    return dataSource().getConnection();
  }

  /** Without the password, since this is logged. */
  @Override
  public String toString() {
    return user + " at " + url;
  }
}
