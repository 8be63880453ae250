package com.gptdesk.chat.service.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.service.upstream.UpstreamSettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is not of the chat is handed on to a back end, here a small one of this test. */
class UpstreamTest {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String METRICS_TOKEN = "a token for metrics";
  private static final int MIB = 1024 * 1024;

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient client = HttpClient.newHttpClient();
  private final Metrics metrics = new Metrics(METRICS_TOKEN);
  private final TokenVerifier tokens =
      new TokenVerifier(TokenSettings.ofSecret("a secret that is at least 32 bytes long"));
  private final List<HttpService> services = new ArrayList<>();
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CompletableFuture<Void> held = new CompletableFuture<>();
  private final AtomicLong written = new AtomicLong();
  private final CompletableFuture<Long> full = new CompletableFuture<>();
  private HttpServer backEnd;
  private int port;

  @BeforeEach
  void start() throws Exception {
    backEnd =
        vertx
            .createHttpServer()
            .requestHandler(this::answer)
            .listen(0, "127.0.0.1")
            .await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    port = service(Map.of(), TrustedProxies.none());
  }

  @AfterEach
  void stop() throws Exception {
    held.complete(null);
    services.forEach(HttpService::close);
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    client.close();
    metrics.close();
  }

  /** The back end tells what it was asked. */
  private void answer(HttpServerRequest request) {
    switch (String.valueOf(request.path())) {
      case "/storage/v1/hold" -> {
        asked.countDown();
        held.thenRun(() -> request.response().end("late"));
      }
      case "/storage/v1/breaks" ->
          request
              .response()
              .putHeader("Content-Length", "100")
              .write("a part")
              .onSuccess(sent -> request.connection().close());
      case "/storage/v1/endless" -> {
        request.response().setChunked(true);
        flood(request);
      }
      case "/storage/v1/bytes" -> request.body().onSuccess(request.response()::end);
      case "/storage/v1/204" -> request.response().setStatusCode(204).end();
      case "/storage/v1/304" ->
          request.response().setStatusCode(304).putHeader("ETag", "\"e\"").end();
      default ->
          request
              .body()
              .onSuccess(
                  body -> {
                    Map<String, List<String>> headers = new HashMap<>();
                    request
                        .headers()
                        .names()
                        .forEach(
                            name ->
                                headers.put(
                                    name.toLowerCase(Locale.ROOT), request.headers().getAll(name)));
                    request
                        .response()
                        .setStatusCode(request.path().endsWith("/missing") ? 404 : 200)
                        .putHeader("Content-Type", "application/json")
                        .putHeader("Set-Cookie", "session=theirs")
                        .putHeader("Strict-Transport-Security", "max-age=1")
                        .putHeader("Access-Control-Allow-Origin", "https://theirs.example")
                        .putHeader("Access-Control-Expose-Headers", "Upload-Offset")
                        .putHeader("X-Request-Id", "theirs")
                        .putHeader("Connection", "x-hop")
                        .putHeader("X-Hop", "theirs")
                        .putHeader("Content-Range", "0-0/*")
                        .end(
                            JSON.writeValueAsString(
                                Map.of(
                                    "method", request.method().name(),
                                    "uri", request.uri(),
                                    "headers", headers,
                                    "body", body.toString())));
                  });
    }
  }

  /** Writes until nobody takes more. */
  private void flood(HttpServerRequest request) {
    while (!request.response().writeQueueFull()) {
      if (written.addAndGet(64 * 1024) > 100L * MIB) {
        full.complete(written.get());
        return;
      }
      request.response().write(Buffer.buffer(new byte[64 * 1024]));
    }
    request.response().drainHandler(drained -> flood(request));
    full.complete(written.get());
  }

  private int service(Map<String, String> settings, TrustedProxies proxies) {
    return service(settings, proxies, RequestBounds.defaults().withBody(1000));
  }

  private int service(Map<String, String> settings, TrustedProxies proxies, RequestBounds bounds) {
    Map<String, String> all = new HashMap<>(settings);
    all.putIfAbsent("CHAT_UPSTREAM_URL", "http://127.0.0.1:" + backEnd.actualPort());
    UpstreamSettings upstream = Objects.requireNonNull(UpstreamSettings.from(new Settings(all)));
    HttpService service =
        EchoService.of(
            vertx,
            new HttpSettings("127.0.0.1", 0, null, bounds, List.of(), Cors.all(), proxies, null)
                .withUpstream(upstream),
            RequestLimits.ample(),
            EchoService.ECHO,
            new NoTopics(),
            tokens,
            null,
            metrics);
    services.add(service);
    return service.start();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/auth/v1/token?grant_type=password",
        "/storage/v1/object/public/a%2Fb/%C3%A9.png",
        "/functions/v1/hello",
        "/rest/v1/todos?select=*&id=eq.1",
        "/rest/v1/unknown",
        "/rest/v1/rpc/theirs?a=1"
      })
  void whatIsNotOfTheChatIsHandedOn(String address) throws Exception {
    JsonNode told = told(send(request(port, address).POST(BodyPublishers.ofString("{\"é\":1}"))));
    assertEquals("POST", told.path("method").asString());
    assertEquals(address, told.path("uri").asString());
    assertEquals("{\"é\":1}", told.path("body").asString());
  }

  @Test
  void whatIsOfTheChatIsAnsweredHere() throws Exception {
    assertEquals("{\"a\":\"x\"}", send(request(port, "/rest/v1/rpc/echo?a=x").GET()).body());
    assertTrue(send(request(port, "/rest/v1").GET()).body().contains("\"openapi\""));
    assertEquals(404, send(request(port, "/nowhere").GET()).statusCode());
    assertEquals(404, send(request(port, "/auth/v1x").GET()).statusCode());
    HttpResponse<String> wrong = send(request(port, "/rest/v1/rpc/echo?other=x").GET());
    assertEquals(404, wrong.statusCode());
    assertTrue(wrong.body().contains("PGRST202"), wrong.body());
    // Another schema is the back end's.
    told(send(request(port, "/rest/v1/rpc/echo?a=x").header("Accept-Profile", "storage").GET()));
  }

  @Test
  void eachSideHearsOfTheOtherWhatItMay() throws Exception {
    HttpResponse<String> response =
        send(
            request(port, "/auth/v1/user")
                .header("Authorization", "Bearer theirs")
                .header("apikey", "key")
                .header("Cookie", "session=ours")
                .header("X-Forwarded-For", "6.6.6.6")
                .header("X-Forwarded-Host", "evil.example")
                .header("Forwarded", "for=6.6.6.6")
                .header("X-Real-IP", "6.6.6.6")
                .header("X-Request-Id", "caller-s.name_1")
                .GET());
    JsonNode heard = told(response).path("headers");
    assertEquals("Bearer theirs", heard.at("/authorization/0").asString());
    assertEquals("key", heard.at("/apikey/0").asString());
    assertEquals("127.0.0.1:" + backEnd.actualPort(), heard.at("/host/0").asString());
    assertEquals("[\"127.0.0.1\"]", heard.path("x-forwarded-for").toString());
    assertEquals("127.0.0.1:" + port, heard.at("/x-forwarded-host/0").asString());
    assertEquals("http", heard.at("/x-forwarded-proto/0").asString());
    assertEquals("caller-s.name_1", heard.at("/x-request-id/0").asString());
    for (String hidden : List.of("cookie", "forwarded", "x-real-ip")) {
      assertTrue(heard.path(hidden).isMissingNode(), hidden);
    }
    var headers = response.headers();
    assertEquals(List.of("*"), headers.allValues("Access-Control-Allow-Origin"));
    assertTrue(
        headers.allValues("Access-Control-Expose-Headers").getFirst().contains(", Upload-Offset"));
    assertEquals(List.of("caller-s.name_1"), headers.allValues("X-Request-Id"));
    assertEquals(List.of("0-0/*"), headers.allValues("Content-Range"));
    assertEquals(List.of("sandbox"), headers.allValues("Content-Security-Policy"));
    assertEquals(List.of("nosniff"), headers.allValues("X-Content-Type-Options"));
    for (String hidden : List.of("Set-Cookie", "Strict-Transport-Security", "X-Hop")) {
      assertEquals(List.of(), headers.allValues(hidden), hidden);
    }
  }

  @Test
  void ofATrustedProxyTheChainIsPassedOn() throws Exception {
    int behind = service(Map.of(), TrustedProxies.in(List.of("127.0.0.1")));
    JsonNode heard =
        told(send(
                request(behind, "/auth/v1/user")
                    .header("X-Forwarded-For", "203.0.113.7")
                    .header("X-Forwarded-Host", "desk.example")
                    .header("X-Forwarded-Proto", "https")
                    .GET()))
            .path("headers");
    assertEquals("203.0.113.7, 127.0.0.1", heard.at("/x-forwarded-for/0").asString());
    assertEquals("desk.example", heard.at("/x-forwarded-host/0").asString());
    assertEquals("https", heard.at("/x-forwarded-proto/0").asString());
  }

  @Test
  void headersOfTheConnectionStayThere() throws Exception {
    String said =
        RawClient.said(
            port,
            "GET /auth/v1/user HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: x-secret, keep-alive\r\n"
                + "X-Secret: 1\r\nTE: trailers\r\nProxy-Authorization: Basic x\r\nUpgrade: websocket\r\n"
                + "Authorization: Bearer x\r\nKeep-Alive: 1\r\n\r\n",
            false);
    assertTrue(said.startsWith("HTTP/1.1 200"), said);
    for (String hidden :
        List.of("x-secret", "\"te\"", "proxy-authorization", "\"upgrade\"", "keep-alive")) {
      assertFalse(said.contains(hidden), said);
    }
  }

  /** Wherever a request says that it goes, it goes to the back end, and under its paths alone. */
  @ParameterizedTest
  @CsvSource({
    "http://evil.example/auth/v1/x, /auth/v1/x",
    "/auth/v1//evil.example/x, /auth/v1/evil.example/x",
    "/auth/v1/@evil.example, /auth/v1/@evil.example",
    "/auth/v1/a/../b?u=http://evil.example/, /auth/v1/b?u=http://evil.example/",
    "/auth/v1/%2e%2e/%2E%2e/rest/v1/todos, /rest/v1/todos"
  })
  void theAddressOfTheBackEndIsFixed(String target, String uri) throws Exception {
    String said =
        RawClient.said(
            port,
            "GET " + target + " HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            false);
    assertTrue(said.startsWith("HTTP/1.1 200"), said);
    assertTrue(said.contains("\"uri\":\"" + uri + "\""), said);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/auth/v1/../../admin",
        "/auth/v1/%2e%2e/%2e%2e/metrics",
        "/auth/v1/%2e%2e%2f..%2fadmin",
        "/auth/v1/..%5c..%5cadmin",
        "/auth/v1/%zz",
        "//evil.example/auth/v1/x",
        "/realtime/v1/websocket/../x"
      })
  void nothingElseIsHandedOn(String target) throws Exception {
    String said =
        RawClient.said(
            port, "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false);
    assertFalse(said.contains("\"uri\""), said);
    assertFalse(said.startsWith("HTTP/1.1 200"), said);
  }

  @Test
  void bodiesAreLongerThanOursAndPassUnchanged() throws Exception {
    byte[] bytes = new byte[5 * MIB];
    new Random(18).nextBytes(bytes);
    for (HttpRequest.BodyPublisher body :
        List.of(
            BodyPublishers.ofByteArray(bytes),
            BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)))) {
      HttpResponse<byte[]> response =
          client.send(
              request(port, "/storage/v1/bytes").PUT(body).expectContinue(true).build(),
              BodyHandlers.ofByteArray());
      assertEquals(200, response.statusCode());
      assertArrayEquals(bytes, response.body());
    }
  }

  @Test
  void aBodyHasALimit() throws Exception {
    int small = service(Map.of("CHAT_UPSTREAM_MAX_BODY_BYTES", "2048"), TrustedProxies.none());
    String head = "PUT /storage/v1/bytes HTTP/1.1\r\nHost: a\r\n";
    String told = RawClient.said(small, head + "Content-Length: 2049\r\n\r\n", false);
    assertTrue(told.startsWith("HTTP/1.1 413") && told.contains("PT413"), told);
    String counted =
        RawClient.said(
            small,
            head + "Transfer-Encoding: chunked\r\n\r\n801\r\n" + "x".repeat(2049) + "\r\n0\r\n\r\n",
            false);
    assertTrue(counted.startsWith("HTTP/1.1 413") && counted.contains("PT413"), counted);
    // The control: just as long as is allowed.
    HttpResponse<String> allowed =
        send(request(small, "/storage/v1/bytes").PUT(BodyPublishers.ofString("x".repeat(2048))));
    assertEquals(2048, allowed.body().length());
  }

  @Test
  void aBodyHasATime() throws Exception {
    int hurried =
        service(
            Map.of("CHAT_UPSTREAM_ARRIVAL_MS", "300"),
            TrustedProxies.none(),
            new RequestBounds(1000, 16_384, 8192, Duration.ofMillis(100)));
    String said =
        RawClient.answered(
            () ->
                RawClient.said(
                    hurried,
                    "PUT /storage/v1/bytes HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
                    true));
    assertTrue(said.contains("PT408") && said.contains("At most 300 ms"), said);
  }

  @Test
  void aClientThatDoesNotReadStopsTheBackEnd() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket
          .getOutputStream()
          .write(
              "GET /storage/v1/endless HTTP/1.1\r\nHost: a\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      assertTrue(full.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS) < 100L * MIB);
    }
  }

  @Test
  void answersWithoutABody() throws Exception {
    assertEquals(204, send(request(port, "/storage/v1/204").GET()).statusCode());
    HttpResponse<String> same = send(request(port, "/storage/v1/304").GET());
    assertEquals(304, same.statusCode());
    assertEquals("\"e\"", same.headers().firstValue("ETag").orElseThrow());
    HttpResponse<String> head = send(request(port, "/rest/v1/todos").HEAD());
    assertEquals(200, head.statusCode());
    assertEquals("", head.body());
    assertEquals(404, send(request(port, "/rest/v1/missing").GET()).statusCode());
    // A connection that is kept is whole afterwards.
    told(send(request(port, "/auth/v1/user").GET()));
  }

  @Test
  void aBackEndThatIsAwayIsAnErrorOfOurs() throws Exception {
    // Bound, so that nobody else gets the port, but not listening, so that whoever connects is
    // refused.
    try (Socket away = new Socket()) {
      away.bind(new InetSocketAddress("127.0.0.1", 0));
      goneAt(away.getLocalPort());
    }
  }

  @Test
  void aBackEndThatHangsUpIsAnErrorOfOurs() throws Exception {
    try (ServerSocket rude = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  while (true) {
                    rude.accept().close();
                  }
                } catch (IOException e) {
                  // The test is over.
                }
              });
      goneAt(rude.getLocalPort());
    }
  }

  private void goneAt(int upstream) throws Exception {
    int alone =
        service(Map.of("CHAT_UPSTREAM_URL", "http://127.0.0.1:" + upstream), TrustedProxies.none());
    problem(send(request(alone, "/auth/v1/user").GET()), 502, "PT502");
    problem(send(request(alone, "/auth/v1/user").POST(BodyPublishers.ofString("x"))), 502, "PT502");
    assertEquals(502, send(request(alone, "/auth/v1/user").HEAD()).statusCode());
    assertEquals(200, send(request(alone, "/rest/v1/rpc/echo?a=1").GET()).statusCode());
  }

  @Test
  void aBackEndThatIsSilentIsAnErrorOfOurs() throws Exception {
    int hurried = service(Map.of("CHAT_UPSTREAM_TIMEOUT_MS", "50"), TrustedProxies.none());
    problem(send(request(hurried, "/storage/v1/hold").GET()), 504, "PT504");
  }

  @Test
  void anAnswerThatBreaksOffIsNoWholeAnswer() {
    assertThrows(IOException.class, () -> send(request(port, "/storage/v1/breaks").GET()));
  }

  @Test
  void moreThanMayWaitIsRefused() throws Exception {
    int narrow =
        service(
            Map.of("CHAT_UPSTREAM_CONNECTIONS", "1", "CHAT_UPSTREAM_WAITING", "0"),
            TrustedProxies.none());
    CompletableFuture<HttpResponse<String>> first =
        client.sendAsync(
            request(narrow, "/storage/v1/hold").GET().build(), BodyHandlers.ofString());
    assertTrue(asked.await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS));
    problem(send(request(narrow, "/auth/v1/user").GET()), 503, "PT503");
    held.complete(null);
    assertEquals("late", first.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS).body());
  }

  /** Whatever leads back here has passed here. */
  @Test
  void aCircleEnds() throws Exception {
    problem(
        send(request(port, "/auth/v1/user").header("Via", "1.1 other, 1.1 gptdesk-chat").GET()),
        508,
        "PT508");
  }

  @Test
  void otherMethodsAreRefused() throws Exception {
    problem(
        send(request(port, "/auth/v1/user").method("TRACE", BodyPublishers.noBody())),
        405,
        "PGRST117");
    assertEquals(
        204,
        send(request(port, "/auth/v1/user").method("OPTIONS", BodyPublishers.noBody()))
            .statusCode());
  }

  @Test
  void whatIsHandedOnIsCountedByItsPath() throws Exception {
    send(request(port, "/auth/v1/made-up").GET());
    send(request(port, "/rest/v1/missing").GET());
    String counted = "chat_upstream_seconds_count{outcome=\"%s\",path=\"%s\"} 1";
    String read = // it is counted after it is answered
        Await.value(
            "both counts",
            () ->
                send(request(port, "/metrics")
                        .header("Authorization", "Bearer " + METRICS_TOKEN)
                        .GET())
                    .body(),
            body ->
                body.contains(counted.formatted("ok", "/auth/v1"))
                    && body.contains(counted.formatted("refused", "/rest/v1")));
    assertFalse(read.contains("made-up"), "callers make no series");
  }

  private static HttpRequest.Builder request(int port, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
        .timeout(Await.PATIENCE);
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private static JsonNode told(HttpResponse<String> response) {
    assertEquals(200, response.statusCode(), response.body());
    JsonNode told = JSON.readTree(response.body());
    assertTrue(told.has("uri"), response.body());
    return told;
  }

  private static void problem(HttpResponse<String> response, int status, String code) {
    assertEquals(status, response.statusCode(), response.body());
    assertEquals(code, JSON.readTree(response.body()).path("code").asString(), response.body());
  }
}
