package com.gptdesk.chat.database.connection;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Where a database is and as whom to enter it.
 *
 * @param url {@code jdbc:postgresql://…}
 * @param user the login's name in the database
 * @param password its password; {@link #toString} leaves it out
 */
public record Login(String url, String user, String password) {

  /**
   * A connection for each request: for the few who need one of their own, and for pools.
   *
   * @return a new data source without a pool
   */
  public PGSimpleDataSource dataSource() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(url);
    source.setUser(user);
    source.setPassword(password);
    source.setApplicationName("gptdesk-chat");
    // Details hold whole rows, and so what people write; a refusal's are told to its caller alone.
    source.setLogServerErrorDetail(false);
    return source;
  }

  /**
   * As {@link #dataSource()}, for what people wait for: the database itself ends a statement that
   * takes longer, a transaction that is left open for longer, and a wait for a lock after half of
   * it. No plan is compiled (JIT), which the door says itself where no {@code options} get through.
   * The URL's own {@code options} win.
   *
   * <p>A pooler in between must let the startup parameter {@code options} through.
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
                  + " -c jit=off")
              .formatted(millis, millis, Math.max(1, millis / 2));
      String own = source.getOptions();
      source.setOptions(own == null ? options : options + " " + own);
    }
    return source;
  }

  /**
   * A connection of one's own.
   *
   * @return an open connection, the caller's to close
   * @throws SQLException there is no way in
   */
  public Connection connect() throws SQLException {
    return dataSource().getConnection();
  }

  /** Without the password: this ends up in logs. */
  @Override
  public String toString() {
    return user + " at " + url;
  }
}
