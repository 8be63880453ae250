package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What ours is measured beside, in a process and a database of its own. */
final class PeerProcess implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 60;
  private static final int LEAST_NODE = 20;
  private static final Pattern READY = Pattern.compile("^ready");

  private final int port;
  private final Process process;
  private final Map<UUID, String> tokens = new HashMap<>();

  private PeerProcess(int port, Process process) {
    this.port = port;
    this.process = process;
  }

  /** Makes an empty database of the owner's in place of one of that name. */
  static void makeDatabase(Ground ground, String name) throws SQLException {
    Login superuser = ground.superuser("postgres");
    Ground.execute(superuser, "drop database if exists %s with (force)".formatted(name));
    Ground.execute(superuser, "create database %s owner chat_owner".formatted(name));
  }

  /**
   * A {@code relay.js}, which makes its tables and has these people, then says {@code ready}, and
   * after it the token of each where it has tokens.
   *
   * @param folder of {@code src/bench/peers}
   */
  static PeerProcess node(String folder, Login owner, List<Pair> pairs, Path directory)
      throws Exception {
    int port = FreePort.any();
    var builder = new ProcessBuilder("node", "relay.js");
    builder.directory(folder(folder).toFile());
    builder.environment().put("NODE_ENV", "production");
    builder.environment().put("PORT", String.valueOf(port));
    builder.environment().put("DATABASE_URL", url(owner));
    builder.environment().put("PAIRS", JsonMapper.shared().writeValueAsString(pairs));
    return start(builder, port, directory.resolve(folder + ".log"), READY);
  }

  /** Returns when a line of its log has that. */
  static PeerProcess start(ProcessBuilder builder, int port, Path log, Pattern ready)
      throws Exception {
    Files.deleteIfExists(log);
    builder.redirectErrorStream(true);
    builder.redirectOutput(log.toFile());
    var peer = new PeerProcess(port, builder.start());
    try {
      peer.awaitReady(log, ready);
    } catch (Exception e) {
      peer.close();
      throw e;
    }
    return peer;
  }

  private void awaitReady(Path log, Pattern ready) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (process.isAlive() && System.nanoTime() < end) {
      for (String line : Files.readAllLines(log)) {
        Matcher found = ready.matcher(line);
        if (found.find()) {
          takeTokens(line.substring(found.end()).strip());
          return;
        }
      }
      process.waitFor(100, TimeUnit.MILLISECONDS);
    }
    throw new IOException("It did not start:\n" + Files.readString(log));
  }

  private void takeTokens(String json) {
    if (json.startsWith("{")) {
      for (Map.Entry<String, JsonNode> token : JsonMapper.shared().readTree(json).properties()) {
        tokens.put(UUID.fromString(token.getKey()), token.getValue().asString());
      }
    }
  }

  /** Why the {@code relay.js} of that folder cannot run; null if it can. */
  static @Nullable String missing(String folder) throws InterruptedException {
    try {
      Process node =
          new ProcessBuilder(
                  "node",
                  "--eval",
                  "process.exit(+(process.versions.node.split('.')[0] < %d))".formatted(LEAST_NODE))
              .start();
      if (node.waitFor(20, TimeUnit.SECONDS)
          && node.exitValue() == 0
          && Files.isDirectory(folder(folder).resolve("node_modules"))) {
        return null;
      }
    } catch (IOException e) {
      // There is no Node: told below.
    }
    return "needs Node %d or newer and the packages of %s (npm ci there)"
        .formatted(LEAST_NODE, folder(folder));
  }

  private static Path folder(String name) {
    return Path.of("src", "bench", "peers", name);
  }

  /** As node-postgres wants it. */
  private static String url(Login login) {
    URI address = address(login);
    return "postgres://%s:%s@%s:%d%s"
        .formatted(
            login.user(),
            URLEncoder.encode(login.password(), StandardCharsets.UTF_8),
            address.getHost(),
            address.getPort(),
            address.getPath());
  }

  /** Where its database is. */
  static URI address(Login login) {
    return URI.create(login.url().substring("jdbc:".length()));
  }

  int port() {
    return port;
  }

  /** The id of the process. */
  long pid() {
    return process.pid();
  }

  /** Fails when the peer gave none. */
  String token(UUID person) {
    String token = tokens.get(person);
    if (token == null) {
      throw new IllegalStateException("There is no token of " + person);
    }
    return token;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join(); // its files are its own until then
  }
}
