package com.gptdesk.chat.service.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.HttpDate;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.realtime.channel.Broadcast;
import com.gptdesk.chat.service.rpc.DatabaseCall;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The routes over a real socket, with a database played by this test. */
class HttpServiceTest {
  private static final String METRICS_TOKEN = "a token for metrics";
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final JsonMapper JSON = new JsonMapper();
  private static final DemoEndpoints.Person ALICE =
      new DemoEndpoints.Person(UUID.randomUUID(), "Alice", UUID.randomUUID(), "Team One");

  private final List<Broadcast> sent = new CopyOnWriteArrayList<>();
  private final NoTopics topics =
      new NoTopics() {
        @Override
        public void send(List<Broadcast> broadcasts, @Nullable UUID sender) {
          if (broadcasts.stream().anyMatch(one -> one.topic().equals("forbidden"))) {
            throw new Refusal("PT403", "no", null, null, null);
          }
          sent.addAll(broadcasts);
        }
      };
  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private final TokenVerifier tokens = new TokenVerifier(TokenSettings.ofSecret(SECRET));
  private final HttpClient client = HttpClient.newHttpClient();
  private final Metrics metrics = new Metrics(METRICS_TOKEN);
  private Vertx vertx;
  private HttpService service;
  private final List<HttpService> strict = new CopyOnWriteArrayList<>();
  private int port;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    service = service(true);
    port = service.start();
  }

  @AfterEach
  void stop() throws Exception {
    release.countDown();
    service.close();
    strict.forEach(HttpService::close);
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    client.close();
    metrics.close();
  }

  @Test
  void aFunctionAnswers() throws Exception {
    HttpResponse<String> response =
        send(request("/rest/v1/rpc/echo").POST(BodyPublishers.ofString("{\"a\":\"é\"}")));
    assertEquals(200, response.statusCode());
    assertEquals("{\"a\":\"é\"}", response.body());
    assertEquals("*", response.headers().firstValue("Access-Control-Allow-Origin").orElseThrow());

    assertEquals("{\"a\":\"x y,z\"}", send(request("/rest/v1/rpc/echo?a=x+y%2Cz").GET()).body());
  }

  @Test
  void preferencesMayStandInSeveralHeaders() throws Exception {
    HttpRequest.Builder call =
        request("/rest/v1/rpc/echo")
            .header("Prefer", "handling=strict")
            .header("Prefer", "max-affected=1")
            .POST(BodyPublishers.ofString("{\"a\":1}"));
    assertProblem(send(call), 400, "PGRST128");
  }

  @Test
  void headIsGetWithoutTheBody() throws Exception {
    HttpResponse<String> response = send(request("/rest/v1/rpc/echo?a=1").HEAD());
    assertEquals(200, response.statusCode());
    assertEquals("", response.body());
    assertEquals("0-0/*", response.headers().firstValue("Content-Range").orElseThrow());
  }

  @Test
  void whoBringsTheTokenReadsTheMetrics() throws Exception {
    assertProblem(send(request("/metrics").GET()), 401, "PT401");
    assertProblem(
        send(request("/metrics").header("Authorization", "Bearer guessed").GET()), 401, "PT401");
    send(request("/rest/v1/rpc/echo?a=1").GET());
    send(request("/rest/v1/rpc/made_up_" + ALICE.id()).POST(BodyPublishers.ofString("{}")));
    HttpResponse<String> read =
        send(request("/metrics").header("Authorization", "Bearer " + METRICS_TOKEN).GET());
    assertEquals(200, read.statusCode());
    assertTrue(
        read.body().contains("chat_rpc_seconds_count{function=\"echo\",outcome=\"ok\"} 1"),
        read.body());
    assertTrue(
        read.body().contains("chat_rpc_seconds_count{function=\"unknown\",outcome=\"refused\"} 1"),
        read.body());
    assertFalse(read.body().contains("made_up"), "callers make no series");
    assertTrue(read.body().contains("jvm_memory_used_bytes"), read.body());
  }

  @Test
  void everyAnswerNamesItsRequest() throws Exception {
    assertEquals("caller-s.name_1", requestId("caller-s.name_1"));
    for (String odd : List.of("short", "x".repeat(65), "with a space", "quo\"te\"quote")) {
      assertTrue(requestId(odd).matches("[0-9a-f-]{36}"), odd);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, true",
    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more, true",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more, false",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, false",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01, false",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01, false",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01, false",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7, false",
    "nonsense, false"
  })
  void aTraceIsTheIdOfItsRequest(String traceparent, boolean isTaken) throws Exception {
    String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    HttpRequest.Builder request = request("/nowhere").header("traceparent", traceparent);
    String id = send(request.GET()).headers().firstValue("X-Request-Id").orElseThrow();
    assertEquals(isTaken, id.equals(trace), id);
    assertEquals(
        "caller-s.name_1",
        send(request.header("X-Request-Id", "caller-s.name_1").GET())
            .headers()
            .firstValue("X-Request-Id")
            .orElseThrow());
  }

  /** Where a front end's trace and the log's lines are joined. */
  @Test
  void whatIsLoggedOfARequestHasTheIdOfItsTrace() throws Exception {
    String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    try (HeardLog log = new HeardLog()) {
      HttpRequest.Builder request =
          request("/nowhere").header("traceparent", "00-" + trace + "-00f067aa0ba902b7-01");
      assertEquals(404, send(request.GET()).statusCode());
      Await.until("the log has the trace", () -> log.has("GET /nowhere 404", "request=" + trace));
    }
  }

  private String requestId(String sent) throws Exception {
    return send(request("/nowhere").header("X-Request-Id", sent).GET())
        .headers()
        .firstValue("X-Request-Id")
        .orElseThrow();
  }

  /** By which a client whose clock is wrong learns the time. */
  @Test
  void everyAnswerHasTheServersTime() throws Exception {
    for (String path : List.of("/nowhere", "/rest/v1/rpc/echo?a=1")) {
      Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
      HttpHeaders headers =
          send(request(path).header("Origin", "https://desk.example").GET()).headers();
      Instant told =
          Instant.from(
              DateTimeFormatter.RFC_1123_DATE_TIME.parse(headers.firstValue("Date").orElseThrow()));
      assertFalse(told.isBefore(before), path);
      assertFalse(told.isAfter(Instant.now()), path);
      assertTrue(
          headers.firstValue("Access-Control-Expose-Headers").orElseThrow().contains(" Date,"));
    }
    assertEquals("Thu, 01 Jan 1970 00:00:00 GMT", HttpDate.of(Instant.EPOCH));
  }

  @Test
  void theFunctionsAreDescribedWhereToolsAsk() throws Exception {
    for (String path : List.of("/rest/v1", "/rest/v1/")) {
      HttpResponse<String> response = send(request(path).GET());
      assertEquals(200, response.statusCode(), path);
      assertEquals(
          "application/openapi+json; charset=utf-8",
          response.headers().firstValue("Content-Type").orElseThrow());
      JsonNode described = JSON.readTree(response.body());
      assertTrue(described.get("paths").has("/rpc/echo"), path);
      assertProblem(send(request(path).POST(BodyPublishers.noBody())), 404, "PGRST125");
    }
  }

  @Test
  void whatThePageNeedsAtItsStartIsThereForPagesOfOtherOrigins() throws Exception {
    HttpResponse<String> response = send(request("/page.json").GET());
    assertEquals("*", response.headers().firstValue("Access-Control-Allow-Origin").orElseThrow());
    assertEquals(
        EchoService.LIMITS.maxMessageLength(),
        JSON.readTree(response.body()).at("/limits/max_message_length").asInt());
  }

  @Test
  void everyNoHasAllFourKeys() throws Exception {
    assertProblem(send(request("/nowhere").GET()), 404, "PGRST125");
    assertProblem(send(request("/rest/v1/user_messages?select=*").GET()), 404, "PGRST205");
    assertProblem(
        send(request("/rest/v1/rpc/none").POST(BodyPublishers.ofString("{}"))), 404, "PGRST202");
    assertProblem(send(request("/rest/v1/rpc/echo").DELETE()), 405, "PGRST101");
    assertProblem(
        send(
            request("/rest/v1/rpc/echo")
                .POST(BodyPublishers.ofString("{\"a\":\"" + "x".repeat(2000) + "\"}"))),
        413,
        "PT413");
    assertProblem(
        send(request("/demo/token").POST(BodyPublishers.ofString("{}"))), 400, "PGRST102");
  }

  @Test
  void aBrokenQueryIsTheClientsFault() throws Exception {
    try (Socket raw =
        new Socket("127.0.0.1", port)) { // Java's own client does not send such a thing
      raw.getOutputStream()
          .write(
              "GET /rest/v1/rpc/echo?a=%zz HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      String answer = new String(raw.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.0 400") && answer.contains("\"hint\""), answer);
    }
  }

  @Test
  void aHeadOfNothingIsNotTheSuccessThatAClientTakesA404For() throws Exception {
    for (String path : List.of("/rest/v1/rpc/nothing", "/rest/v1/nothing")) {
      assertEquals(404, send(request(path).GET()).statusCode());
      HttpResponse<String> head = send(request(path).method("HEAD", BodyPublishers.noBody()));
      assertEquals(400, head.statusCode());
      assertTrue(
          head.headers().firstValue("Proxy-Status").orElse("").startsWith("PostgREST; error="));
    }
    assertEquals(
        404, send(request("/assets/no.js").method("HEAD", BodyPublishers.noBody())).statusCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/realtime/v1/api/broadcast", "/api/broadcast"})
  void aBroadcastIsTakenInBothForms(String address) throws Exception {
    String token = new TokenIssuer(SECRET).forUser(ALICE.id(), Duration.ofHours(1));
    String batch = address + "?apikey=x&vsn=2.0.0";
    HttpResponse<String> response =
        send(
            request(batch)
                .header("Authorization", "Bearer " + token)
                .POST(
                    BodyPublishers.ofString(
                        "{\"messages\":[{\"topic\":\"t\",\"event\":\"e\",\"payload\":{\"a\":1},\"private\":false}]}")));
    assertEquals(202, response.statusCode());
    assertEquals("", response.body());
    assertEquals("*", response.headers().firstValue("Access-Control-Allow-Origin").orElseThrow());
    String single = address + "/a%20t/events/an%2Fe?private=true";
    assertEquals(
        202,
        send(request(single).header("apikey", token).POST(BodyPublishers.ofString("[1]")))
            .statusCode());
    assertEquals(
        202,
        client
            .send(
                HttpRequest.newBuilder(
                        URI.create(
                            "http://127.0.0.1:" + port + address + "/t/events/e?apikey=" + token))
                    .header("Content-Type", "application/octet-stream")
                    .POST(BodyPublishers.ofByteArray(new byte[] {1, 2}))
                    .build(),
                BodyHandlers.ofString())
            .statusCode());
    assertEquals(
        List.of(
            new Broadcast("t", "e", "{\"a\":1}", null, null),
            new Broadcast("a t", "an/e", "[1]", null, null),
            new Broadcast("t", "e", null, Buffer.buffer(new byte[] {1, 2}), null)),
        sent);
  }

  @Test
  void aBroadcastThatIsNotTakenIsAnsweredWithTheReason() throws Exception {
    TokenIssuer issuer = new TokenIssuer(SECRET);
    String token = issuer.forUser(ALICE.id(), Duration.ofHours(1));
    String message = "{\"messages\":[{\"topic\":\"%s\",\"event\":\"%s\",\"payload\":%s}]}";
    assertBroadcast(401, null, message.formatted("t", "e", "{}"), "Unauthorized");
    assertBroadcast(401, issuer.anonKey(), message.formatted("t", "e", "{}"), "Unauthorized: ");
    assertBroadcast(401, "a.b.c", message.formatted("t", "e", "{}"), "Unauthorized: ");
    assertBroadcast(403, token, message.formatted("forbidden", "e", "{}"), "Unauthorized: no");
    for (String body :
        List.of(
            "",
            "{}",
            "{\"messages\":{}}",
            "{\"messages\":[]}",
            "{\"messages\":[7]}",
            message.formatted("", "e", "{}"),
            message.formatted("t", "", "{}"),
            message.formatted("t", "e", "null"),
            message.formatted("t", "e".repeat(256), "{}"),
            message.formatted("t", "e", "\"" + "x".repeat(100) + "\""))) {
      assertTrue(
          assertBroadcast(422, token, body, "").has("errors"),
          () -> body + " has no list of errors");
    }
    String many =
        "{\"messages\":["
            + "{\"topic\":\"t\",\"event\":\"e\",\"payload\":{}},".repeat(8)
            + "{\"topic\":\"t\",\"event\":\"e\",\"payload\":{}}]}";
    assertBroadcast(429, token, many, "ClientEventRateLimitReached");
    assertTrue(sent.isEmpty());
  }

  private JsonNode assertBroadcast(int status, @Nullable String token, String body, String message)
      throws Exception {
    HttpRequest.Builder request = request("/realtime/v1/api/broadcast");
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    HttpResponse<String> response = send(request.POST(BodyPublishers.ofString(body)));
    assertEquals(status, response.statusCode(), response.body());
    JsonNode answer = JSON.readTree(response.body().isEmpty() ? "{}" : response.body());
    assertTrue(answer.path("message").asString("").startsWith(message), response.body());
    return answer;
  }

  @Test
  void browsersMayAsk() throws Exception {
    HttpResponse<String> response =
        send(
            request("/rest/v1/rpc/echo")
                .header("Access-Control-Request-Headers", "apikey,x-new-one")
                .method("OPTIONS", BodyPublishers.noBody()));
    assertEquals(204, response.statusCode());
    assertEquals(
        "apikey,x-new-one",
        response.headers().firstValue("Access-Control-Allow-Headers").orElseThrow());
    assertTrue(
        response
            .headers()
            .firstValue("Access-Control-Allow-Methods")
            .orElseThrow()
            .contains("POST"));
  }

  @Test
  void pagesOfOtherOriginsAreToldNothing() throws Exception {
    int listed = strict(1_000_000);
    HttpRequest.Builder call = request(listed, "/rest/v1/rpc/echo?a=1");
    assertEquals(
        "https://desk.example",
        send(call.copy().header("Origin", "https://desk.example"))
            .headers()
            .firstValue("Access-Control-Allow-Origin")
            .orElseThrow());
    String own = "http://127.0.0.1:" + listed;
    assertEquals(
        own,
        send(call.copy().header("Origin", own))
            .headers()
            .firstValue("Access-Control-Allow-Origin")
            .orElseThrow());
    assertEquals(200, send(call.copy()).statusCode()); // no page at all
    for (String foreign : List.of("https://mallory.example", "null", own + "0")) {
      assertTrue(
          send(call.copy().header("Origin", foreign))
              .headers()
              .firstValue("Access-Control-Allow-Origin")
              .isEmpty(),
          foreign);
      assertProblem(
          send(call.copy().header("Origin", foreign).method("OPTIONS", BodyPublishers.noBody())),
          403,
          "PT403");
    }
  }

  @Test
  void pagesOfOtherOriginsOpenNoSocket() throws Exception {
    int listed = strict(1_000_000);
    String path = "/realtime/v1/websocket?vsn=1.0.0&apikey=" + new TokenIssuer(SECRET).anonKey();
    assertEquals("101", upgrade(listed, path, "https://desk.example"));
    assertEquals("101", upgrade(listed, path, "http://127.0.0.1:" + listed));
    assertEquals("101", upgrade(listed, path, null));
    assertEquals("403", upgrade(listed, path, "https://mallory.example"));
    assertEquals("403", upgrade(listed, path, "null"));
    assertEquals("101", upgrade(port, path, "https://mallory.example")); // where all may
  }

  @Test
  void anAddressThatCallsTooOftenIsHeldUp() throws Exception {
    int listed = strict(1);
    HttpRequest.Builder call = request(listed, "/rest/v1/rpc/echo?a=1");
    HttpRequest.Builder alices = call.copy().header("X-Forwarded-For", "203.0.113.1");
    assertEquals(200, send(alices).statusCode()); // the control
    assertEquals(200, send(alices).statusCode()); // twice as many at once
    HttpResponse<String> response = send(alices);
    assertProblem(response, 429, "PT429");
    assertEquals("1", response.headers().firstValue("Retry-After").orElseThrow());
    assertEquals(200, send(call.copy().header("X-Forwarded-For", "203.0.113.2")).statusCode());
  }

  @Test
  void anAddressThatBroadcastsOrOpensSocketsTooOftenIsHeldUp() throws Exception {
    HttpRequest.Builder broadcast =
        request(strict(1), "/realtime/v1/api/broadcast").POST(BodyPublishers.ofString("{}"));
    assertEquals(401, send(broadcast).statusCode()); // the control
    assertEquals(401, send(broadcast).statusCode()); // twice as many at once
    HttpResponse<String> response = send(broadcast);
    assertProblem(response, 429, "PT429");
    int listed = strict(1);
    String path = "/realtime/v1/websocket?vsn=1.0.0&apikey=" + new TokenIssuer(SECRET).anonKey();
    assertEquals("101", upgrade(listed, path, null));
    assertEquals("101", upgrade(listed, path, null)); // twice as many at once
    assertEquals("429", upgrade(listed, path, null));
  }

  @Test
  void anUpgradeIsNamedInItsAnswerAndInTheLog() throws Exception {
    String path = "/realtime/v1/websocket?vsn=1.0.0&apikey=";
    try (HeardLog log = new HeardLog()) {
      String opened = upgraded(port, path + new TokenIssuer(SECRET).anonKey(), "upgrade-of-alice");
      assertTrue(opened.startsWith("HTTP/1.1 101 "), opened);
      assertTrue(
          opened.toLowerCase(Locale.ROOT).contains("x-request-id: upgrade-of-alice"), opened);
      Await.until(
          "the log names it", () -> log.has("A socket was opened", "request=upgrade-of-alice"));
      String refused = upgraded(port, path, "upgrade-of-nobody");
      assertTrue(refused.startsWith("HTTP/1.1 401 "), refused);
      assertTrue(refused.contains("upgrade-of-nobody"), refused);
      Await.until(
          "the log names the refusal",
          () -> log.has("GET /realtime/v1/websocket 401", "request=upgrade-of-nobody"));
      assertFalse(log.has("apikey"), "no token in the log");
    }
  }

  @Test
  void theDemoLetsOneBeSomebody() throws Exception {
    JsonNode users = JSON.readTree(send(request("/demo/users").GET()).body());
    assertEquals("Alice", users.at("/users/0/full_name").stringValue());
    assertTrue(tokens.verify(users.path("anon_key").stringValue()).isAnonymous());

    String body = "{\"user_id\":\"" + ALICE.id() + "\"}";
    HttpResponse<String> token = send(request("/demo/token").POST(BodyPublishers.ofString(body)));
    assertEquals(
        ALICE.id(),
        tokens.verify(JSON.readTree(token.body()).path("token").stringValue()).userId());

    String nobody = "{\"user_id\":\"" + UUID.randomUUID() + "\"}";
    assertProblem(send(request("/demo/token").POST(BodyPublishers.ofString(nobody))), 404, "PT404");
  }

  @Test
  void withoutDemoNobodyIsGivenATokenAndHealthIsThere() throws Exception {
    HttpService plain = service(false);
    int plainPort = plain.start();
    try {
      assertProblem(send(request(plainPort, "/demo/users").GET()), 404, "PGRST125");
      assertProblem(
          send(request(plainPort, "/demo/token").POST(BodyPublishers.noBody())), 404, "PGRST125");
      assertEquals(200, send(request(plainPort, "/health/ready").GET()).statusCode());
      assertEquals(200, send(request(plainPort, "/health/live").GET()).statusCode());
    } finally {
      plain.close();
    }
  }

  @Test
  void closingWaitsForTheAnswer() throws Exception {
    CompletableFuture<HttpResponse<String>> answer =
        client.sendAsync(
            request("/rest/v1/rpc/slow").POST(BodyPublishers.ofString("{}")).build(),
            BodyHandlers.ofString());
    Await.open(entered);
    Thread closing = Thread.ofVirtual().start(service::close);
    Await.until("closing to wait", () -> closing.getState() == Thread.State.TIMED_WAITING);
    release.countDown();
    assertEquals("1", answer.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS).body());
    assertTrue(closing.join(Await.PATIENCE));
    assertFalse(closing.isAlive());
  }

  @Test
  void aTakenPortIsOneSentence() {
    HttpService second = service(false, port);
    IllegalStateException refused = assertThrows(IllegalStateException.class, second::start);
    assertTrue(
        String.valueOf(refused.getMessage()).startsWith("Port " + port + " is not available"));
    assertNull(refused.getCause());
    second.close();
  }

  // ---- helpers

  private HttpService service(boolean withDemo) {
    return service(withDemo, 0);
  }

  /** The port of one for pages of desk.example, behind a proxy on this machine. */
  private int strict(int perAddress) {
    HttpService made =
        service(
            false,
            new HttpSettings(
                "127.0.0.1",
                0,
                null,
                RequestBounds.defaults().withBody(1000),
                List.of(),
                new Cors(List.of("https://desk.example")),
                TrustedProxies.in(List.of("127.0.0.1")),
                null),
            new RequestLimits(1_000_000, perAddress, () -> 0)); // no second passes
    strict.add(made);
    return made.start();
  }

  /** The status with which an upgrade to a WebSocket is answered. */
  private static String upgrade(int port, String path, @Nullable String origin) throws Exception {
    return RawClient.upgraded(port, path, origin == null ? "" : "Origin: " + origin + "\r\n")
        .substring("HTTP/1.1 ".length(), "HTTP/1.1 101".length());
  }

  /** The answer to an upgrade with that id; all of it when it is refused, since then it ends. */
  private static String upgraded(int port, String path, String id) throws Exception {
    return RawClient.upgraded(port, path, "X-Request-Id: " + id + "\r\n");
  }

  private HttpService service(boolean withDemo, int wantedPort) {
    return service(
        withDemo,
        new HttpSettings(
            "127.0.0.1",
            wantedPort,
            null,
            RequestBounds.defaults().withBody(1000),
            List.of(),
            Cors.all(),
            TrustedProxies.none(),
            null,
            new RequestLog(RequestLog.Wanted.ALL, Duration.ofHours(1)),
            null),
        RequestLimits.ample());
  }

  private HttpService service(boolean withDemo, HttpSettings settings, RequestLimits limits) {
    DatabaseCall database =
        (caller, readOnly, statement, arguments) -> {
          if (statement.equals("slow")) {
            entered.countDown();
            try {
              release.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return "1";
          }
          return arguments;
        };
    TokenIssuer issuer = new TokenIssuer(SECRET);
    return EchoService.of(
        vertx,
        settings,
        limits,
        database,
        topics,
        tokens,
        withDemo ? new DemoEndpoints(() -> List.of(ALICE), issuer, issuer.anonKey()) : null,
        metrics);
  }

  private HttpRequest.Builder request(String path) {
    return request(port, path);
  }

  private static HttpRequest.Builder request(int port, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
        .timeout(Await.PATIENCE)
        .header("Content-Type", "application/json");
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private static void assertProblem(HttpResponse<String> response, int status, String code) {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode body = JSON.readTree(response.body());
    assertEquals(code, body.path("code").stringValue(), response.body());
    assertTrue(body.has("details") && body.has("hint") && body.has("message"), response.body());
  }
}
