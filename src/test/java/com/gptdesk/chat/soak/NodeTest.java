package com.gptdesk.chat.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A process of the service as its operator sees it: ready or not, and how it stops. */
class NodeTest {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String SECRET = "the node's secret, of more than 32 bytes";
  private static final int CALLS = 8;

  private final TokenIssuer issuer = new TokenIssuer(SECRET);
  private final HttpClient http = HttpClient.newHttpClient();
  private EmbeddedDatabase database;
  private UUID conversation;
  private NodeProcess node;

  @TempDir Path directory;

  @BeforeEach
  void start() throws Exception {
    // Noted as that of last time, so it is taken, and nobody else's while this one is stopped.
    Path data = Files.createDirectory(directory.resolve("data"));
    Files.writeString(data.resolve("port"), String.valueOf(FreePort.any()));
    database = EmbeddedDatabase.open(data);
    conversation = Crashes.people(database);
    ask("update chat.settings set presence_timeout_ms = 5000"); // the shortest there is
    node =
        new NodeProcess(
            "node",
            database.service(),
            SECRET,
            directory,
            Soak.SMALL_JVM,
            Map.of(
                "CHAT_STATEMENT_TIMEOUT_MS",
                "0")); // who waits for a lock waits as long as it takes
    node.start();
    node.awaitReady(http);
  }

  @AfterEach
  void stop() {
    node.close();
    http.shutdownNow();
    database.close();
  }

  @Test
  void whoStopsAnswersClosesAndLosesNothing() throws Exception {
    SocketProbe alice =
        SocketProbe.open(http, node.port(), issuer.forUser(Crashes.ALICE, Duration.ofHours(1)));
    alice.join("user-" + Crashes.ALICE, "[]");
    Await.until("Alice is online", () -> presence().equals("online"));
    List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
    try (Connection holder = database.at(database.superuser(), "chat").connect();
        Statement statement = holder.createStatement()) {
      holder.setAutoCommit(false);
      statement.execute(
          "select from public.user_conversations where id = '" + conversation + "' for update");
      for (int i = 0; i < CALLS; i++) {
        calls.add(send("message " + i));
      }
      Await.until(
          "all calls wait in the database",
          () -> ask("select count(*) from pg_locks where not granted").equals("" + CALLS));
      node.signal("TERM");
      assertEquals("closed with 1012 the server is shutting down", end(alice));
      List<String> early =
          calls.stream().filter(CompletableFuture::isDone).map(NodeTest::told).toList();
      assertEquals(List.of(), early, "all still wait");
      holder.rollback();
    }
    Map<String, String> acknowledged = new HashMap<>();
    for (CompletableFuture<HttpResponse<String>> call : calls) {
      HttpResponse<String> answer = call.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertEquals(200, answer.statusCode(), answer.body());
      JsonNode message = JSON.readTree(answer.body());
      acknowledged.put(message.path("id").asString(), message.path("seq").asString());
    }
    assertEquals(CALLS, acknowledged.size());
    Await.until("the process ends", () -> !node.isAlive());
    acknowledged.forEach(
        (id, seq) ->
            assertEquals(seq, ask("select seq from public.user_messages where id = '" + id + "'")));
    assertEquals("" + CALLS, ask("select count(*) from public.user_messages"));
    Await.until("Alice is offline", () -> presence().equals("offline"));
  }

  @Test
  void itIsNotReadyWhileItsDatabaseIsAway() throws Exception {
    database.close();
    node.awaitNotReady(http);
    assertEquals(200, get("/health/live").statusCode());
    database = EmbeddedDatabase.open(directory.resolve("data"));
    node.awaitReady(http);
  }

  @Test
  void itIsNotReadyWhileTheRelayAloneCannotHear() throws Exception {
    ask("alter role chat_login connection limit 1"); // who is in, stays in
    for (String relays : List.of("gptdesk-chat listener", "gptdesk-chat relay")) {
      ask(
          "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '"
              + relays
              + "'");
      Await.until(
          "the relay alone not to be well",
          () -> {
            JsonNode checks = JSON.readTree(get("/health/ready").body()).path("checks");
            return checks.path("database").asString().equals("ok")
                && checks.path("relay").asString().equals("does not follow the changes yet");
          });
      ask("alter role chat_login connection limit -1");
      node.awaitReady(http);
      ask("alter role chat_login connection limit 1");
    }
  }

  private CompletableFuture<HttpResponse<String>> send(String content) {
    String body =
        JSON.writeValueAsString(Map.of("conversation_id", conversation, "content", content));
    return http.sendAsync(
        request("/rest/v1/rpc/send_message")
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + issuer.forUser(Crashes.BOB, Duration.ofHours(1)))
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private static String told(CompletableFuture<HttpResponse<String>> call) {
    return call.isCompletedExceptionally()
        ? String.valueOf(call.exceptionNow())
        : call.join().statusCode() + " " + call.join().body();
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(request(path).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.port() + path))
        .timeout(Await.PATIENCE);
  }

  private static String end(SocketProbe probe) {
    return Await.value(
        "the end of the socket",
        () -> {
          try {
            probe.next(500);
            return "";
          } catch (SocketProbe.Broken e) {
            return String.valueOf(e.getMessage());
          }
        },
        said -> !said.isEmpty());
  }

  /** As others see it. */
  private String presence() {
    return ask(
        "select coalesce((select chat.presence_now(status, last_seen) from public.user_presence where user_id = '"
            + Crashes.ALICE
            + "'), 'unknown')");
  }

  /** The one value that is answered, if any. */
  private String ask(String sql) {
    try (Connection connection = database.at(database.superuser(), "chat").connect();
        Statement statement = connection.createStatement()) {
      if (!statement.execute(sql)) {
        return "";
      }
      try (ResultSet rows = statement.getResultSet()) {
        return rows.next() ? rows.getString(1) : "";
      }
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }
}
