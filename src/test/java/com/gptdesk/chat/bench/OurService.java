package com.gptdesk.chat.bench;

import com.gptdesk.chat.auth.TokenIssuer;
import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.soak.NodeProcess;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The service in a process of its own, as it is installed: the JVM's own choices, no settings. */
final class OurService implements Clients.Dialect, AutoCloseable {
  private static final String SECRET = "the bench's secret, of more than 32 bytes";

  private final NodeProcess node;
  private final TokenIssuer issuer = new TokenIssuer(SECRET);
  private final Map<Pair, Map<String, String>> headers = new HashMap<>();

  OurService(Ground ground, String database, Path directory) throws Exception {
    node =
        new NodeProcess(
            database,
            ground.service(database),
            SECRET,
            directory,
            List.of(),
            // The limits are generous to people, not to a load.
            Map.of(
                "CHAT_MAX_REQUESTS_PER_SECOND", "1000000",
                "CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS", "1000000"));
    node.start();
    try (HttpClient http = HttpClient.newHttpClient()) {
      node.awaitReady(http);
    }
    ground
        .pairs()
        .forEach(
            pair ->
                headers.put(
                    pair,
                    Map.of(
                        "authorization",
                        "Bearer " + issuer.forUser(pair.one(), Duration.ofHours(5)))));
  }

  @Override
  public int port() {
    return node.port();
  }

  @Override
  public String postPath() {
    return "/rest/v1/rpc/send_message";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return headers.getOrDefault(pair, Map.of());
  }

  @Override
  public String postBody(Pair pair, String content) {
    return "{\"conversation_id\":\"%s\",\"content\":\"%s\"}"
        .formatted(pair.conversation(), content);
  }

  @Override
  public String socketPath(Pair pair) {
    return "/realtime/v1/websocket?vsn=2.0.0&apikey="
        + issuer.forUser(pair.other(), Duration.ofHours(5));
  }

  @Override
  public String subscription(Pair pair) {
    return """
        ["1","1","realtime:messages","phx_join",{"config":{"postgres_changes":[{"event":"INSERT","schema":"public",\
        "table":"user_messages","filter":"conversation_id=eq.%s"}]}}]"""
        .formatted(pair.conversation());
  }

  @Override
  public String subscribed() {
    return "Subscribed to PostgreSQL";
  }

  @Override
  public String heartbeat() {
    return "[null,\"0\",\"phoenix\",\"heartbeat\",{}]";
  }

  @Override
  public void close() {
    node.close();
  }
}
