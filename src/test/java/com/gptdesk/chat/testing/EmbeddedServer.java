package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;

/** The PostgreSQL that the service brings, or an older one that the class path has in its place. */
final class EmbeddedServer implements TestServer {

  private final EmbeddedDatabase database;

  /**
   * @throws IllegalStateException the class path has another one
   */
  EmbeddedServer(int version, boolean durable) {
    database = EmbeddedDatabase.temporary(durable);
    int found = version();
    if (found != version) {
      close();
      throw new IllegalStateException(
          "PostgreSQL %d was wanted (-Dchat.postgres), and %d is on the class path"
              .formatted(version, found));
    }
  }

  private int version() {
    try (Connection connection = superuser().connect()) {
      return connection.getMetaData().getDatabaseMajorVersion();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public Login superuser() {
    return database.superuser();
  }

  @Override
  public Login owner() {
    return database.owner();
  }

  @Override
  public Login service() {
    return database.service();
  }

  @Override
  public void admitService() {
    database.admitService();
  }

  @Override
  public void close() {
    database.close();
  }
}
