package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A PostgreSQL that is installed on this machine, with the settings that it comes with: JIT,
 * autovacuum, 128 MB of shared buffers. Only the number of connections is another; and unless it is
 * durable, nothing waits for the disk, since each test makes databases.
 */
final class InstalledServer implements TestServer {
  private static final String STARTER = "src/test/installed-postgres/run";

  private final String password = UUID.randomUUID().toString();
  private final Process process;
  private final int port;

  /**
   * @param binaries the directory of {@code initdb}, {@code pg_ctl} and {@code postgres}
   * @param locale of all its databases, {@code icu:} before one of ICU; empty for {@code
   *     en_US.UTF-8}, or {@code C.UTF-8} where that is missing
   */
  InstalledServer(Path binaries, String locale, boolean durable) {
    try {
      port = FreePort.any();
      List<String> command = new ArrayList<>(List.of(STARTER));
      command.addAll(List.of(binaries.toString(), String.valueOf(port), locale));
      command.addAll(List.of("-c", "max_connections=200"));
      if (!durable) {
        command.addAll(List.of("-c", "fsync=off"));
      }
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      // Left open: it ends with its input, so when this process ends, too.
      OutputStream input = process.getOutputStream();
      input.write((password + "\n").getBytes(StandardCharsets.UTF_8));
      input.flush();
      BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
      if (!"ready".equals(output.readLine())) {
        throw new IOException("The PostgreSQL of " + binaries + " did not start");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    asSuperuser("create role chat_owner login createrole password '%s'".formatted(password));
    asSuperuser("create role chat_login login inherit password '%s'".formatted(password));
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
    try {
      process.getOutputStream().close();
      process.waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Login login(String user, String database) {
    return new Login("jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, database), user, password);
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
