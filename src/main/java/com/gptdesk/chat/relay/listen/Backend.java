package com.gptdesk.chat.relay.listen;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server process of a connection. When a connection is half open, its process lives on: it
 * keeps its sleep slot or its lead, and holds back the notification queue. So the next connection
 * of the same relay ends it.
 *
 * @param pid its process id, which another process may have later
 * @param began seconds since 1970, which with the id names one process
 */
public record Backend(int pid, String began) {
  private static final Logger LOG = LoggerFactory.getLogger(Backend.class);

  private static final String SELF =
      "select a.pid, extract(epoch from a.backend_start)::text from pg_catalog.pg_stat_activity a"
          + " where a.pid = pg_catalog.pg_backend_pid()";

  /** Waits until it has ended, so that its locks are free; it is seldom there at all. */
  private static final String END =
      "select pg_catalog.pg_terminate_backend(a.pid, 500) from pg_catalog.pg_stat_activity a"
          + " where a.pid = ? and extract(epoch from a.backend_start)::text = ?";

  /**
   * The process of this connection.
   *
   * @param connection an open one, still in the role of its login
   * @return the process
   * @throws SQLException the connection is lost
   */
  public static Backend of(Connection connection) throws SQLException {
    try (PreparedStatement self = connection.prepareStatement(SELF);
        ResultSet row = self.executeQuery()) {
      if (!row.next()) {
        throw new SQLException("pg_stat_activity does not show the own session");
      }
      return new Backend(row.getInt(1), row.getString(2));
    }
  }

  /**
   * Ends this process if it still lives. A login may always end its own sessions; where a DBA has
   * revoked that, the server's keepalive ends it later.
   *
   * @param by another connection of the same login, still in the role of that login
   */
  public void end(Connection by) {
    try (PreparedStatement end = by.prepareStatement(END)) {
      end.setInt(1, pid);
      end.setString(2, began);
      try (ResultSet row = end.executeQuery()) {
        if (row.next()) {
          LOG.info("Ended the server process {} of a connection that was lost", pid);
        }
      }
    } catch (SQLException e) {
      LOG.debug("The server process {} of a lost connection could not be ended", pid, e);
    }
  }
}
