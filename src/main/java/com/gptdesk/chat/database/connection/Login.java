package com.gptdesk.chat.database.connection;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The address of a database and a login for it.
 *
 * @param url {@code jdbc:postgresql://…}
 * @param user the login's name in the database
 * @param secret its password, asked for each new connection; {@link #toString} leaves it out
 */
public record Login(String url, String user, Supplier<String> secret) {

  private static final String WRONG_PASSWORD = "28P01";

  /**
   * A login whose password stays the same.
   *
   * @param url {@code jdbc:postgresql://…}
   * @param user the login's name in the database
   * @param password its password
   */
  public Login(String url, String user, String password) {
    this(url, user, new FixedPassword(password));
  }

  /** So that two logins with the same password are equal. */
  private record FixedPassword(String password) implements Supplier<String> {
    @Override
    public String get() {
      return password;
    }

    @Override
    public String toString() {
      return "password";
    }
  }

  /**
   * The password of now.
   *
   * @return the password
   */
  public String password() {
    return secret.get();
  }

  /**
   * Takes the password of now for each connection; with the one before while the server wants it.
   */
  private static final class RotatingSource extends PGSimpleDataSource {
    private static final long serialVersionUID = 1;

    private final transient Supplier<String> secret;
    private transient volatile @Nullable String accepted;

    RotatingSource(Supplier<String> secret) {
      this.secret = secret;
    }

    @Override
    public Connection getConnection() throws SQLException {
      String now = secret.get();
      String before = accepted;
      try {
        Connection connection = getConnection(getUser(), now);
        accepted = now;
        return connection;
      } catch (SQLException e) {
        if (before == null || before.equals(now) || !WRONG_PASSWORD.equals(e.getSQLState())) {
          throw e;
        }
        return getConnection(getUser(), before); // the file changed before the role did
      }
    }
  }

  /**
   * A data source that opens a connection for each request, for single uses and for pools.
   *
   * @return a new data source without a pool
   */
  public PGSimpleDataSource dataSource() {
    PGSimpleDataSource source = new RotatingSource(secret);
    source.setUrl(url);
    source.setUser(user);
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
