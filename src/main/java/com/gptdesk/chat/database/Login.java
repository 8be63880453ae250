package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
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
