package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The common tutorial's relay, {@code src/bench/tutorial}, in a process of its own. */
final class TutorialService implements Clients.Dialect, AutoCloseable {
  static final Path FOLDER = Path.of("src", "bench", "tutorial");

  private final int port;
  private final Process process;

  /** Starts it in a database of its own, which it fills with its tables and our conversations. */
  TutorialService(Ground ground, String database, Path directory) throws Exception {
    Ground.execute(
        ground.superuser("postgres"),
        "drop database if exists %s with (force)".formatted(database));
    Ground.execute(
        ground.superuser("postgres"), "create database %s owner chat_owner".formatted(database));
    Login owner = ground.owner(database);
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    Path log = directory.resolve("tutorial.log");
    Files.deleteIfExists(log);
    var builder = new ProcessBuilder("node", "relay.js");
    builder.directory(FOLDER.toFile());
    builder.environment().put("PORT", String.valueOf(port));
    builder.environment().put("DATABASE_URL", url(owner));
    builder.redirectErrorStream(true);
    builder.redirectOutput(log.toFile());
    process = builder.start();
    try {
      awaitReady(log);
      for (Pair pair : ground.pairs()) {
        Ground.execute(
            owner, "insert into conversations (id) values ('%s')".formatted(pair.conversation()));
      }
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  /** Whether there is a Node of version 20 or newer with the packages the relay needs. */
  static boolean isThere() throws InterruptedException {
    try {
      Process node =
          new ProcessBuilder(
                  "node", "--eval", "process.exit(+(process.versions.node.split('.')[0] < 20))")
              .start();
      return node.waitFor(20, TimeUnit.SECONDS)
          && node.exitValue() == 0
          && Files.isDirectory(FOLDER.resolve("node_modules"));
    } catch (IOException e) {
      return false;
    }
  }

  private void awaitReady(Path log) throws Exception {
    for (int i = 0; i < 300 && process.isAlive(); i++) {
      if (Files.readString(log).contains("ready")) {
        return;
      }
      process.waitFor(100, TimeUnit.MILLISECONDS);
    }
    throw new IOException("The tutorial's relay did not start:\n" + Files.readString(log));
  }

  /** As node-postgres wants it. */
  private static String url(Login login) {
    URI address = URI.create(login.url().substring("jdbc:".length()));
    return "postgres://%s:%s@%s:%d%s"
        .formatted(
            login.user(),
            URLEncoder.encode(login.password(), StandardCharsets.UTF_8),
            address.getHost(),
            address.getPort(),
            address.getPath());
  }

  /** Of its process. */
  long pid() {
    return process.pid();
  }

  @Override
  public int port() {
    return port;
  }

  @Override
  public String postPath() {
    return "/messages";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return Map.of();
  }

  @Override
  public String postBody(Pair pair, String content) {
    return "{\"conversation_id\":\"%s\",\"sender_id\":\"%s\",\"content\":\"%s\"}"
        .formatted(pair.conversation(), pair.one(), content);
  }

  @Override
  public String socketPath(Pair pair) {
    return "/";
  }

  @Override
  public List<String> subscriptions(Pair pair) {
    return List.of();
  }

  @Override
  public String subscribed() {
    return "";
  }

  @Override
  public String heartbeat() {
    return "";
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
