package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** The public image of PostgreSQL with its own settings, set up as a DBA would. */
final class ContainerServer implements TestServer {

  private static final DockerImageName IMAGE = DockerImageName.parse("postgres:18");
  private static final String PASSWORD = "of-a-throwaway-server";

  private final PostgreSQLContainer container =
      new PostgreSQLContainer(IMAGE)
          .withUsername("postgres")
          .withPassword(PASSWORD)
          .withDatabaseName("postgres");

  ContainerServer(boolean durable) {
    container.setCommand(
        "postgres", "-c", "max_connections=200", "-c", durable ? "fsync=on" : "fsync=off");
    container.start();
    asSuperuser("create role chat_owner login createrole password '%s'".formatted(PASSWORD));
    asSuperuser("create role chat_login login inherit password '%s'".formatted(PASSWORD));
    asSuperuser("create database chat owner chat_owner");
  }

  @Override
  public Login superuser() {
    return login("postgres", "postgres");
  }

  @Override
  public Login owner() {
    return login("chat_owner", "chat");
  }

  @Override
  public Login service() {
    return login("chat_login", "chat");
  }

  @Override
  public void admitService() {
    asSuperuser("grant chat_service to chat_login");
  }

  @Override
  public void close() {
    container.stop();
  }

  private Login login(String user, String database) {
    String url =
        "jdbc:postgresql://%s:%d/%s"
            .formatted(
                container.getHost(),
                container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT),
                database);
    return new Login(url, user, PASSWORD);
  }

  private void asSuperuser(String sql) {
    try (Connection connection = superuser().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }
}
