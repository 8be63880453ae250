package com.gptdesk.chat.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.auth.TokenIssuer;
import com.gptdesk.chat.auth.TokenSettings;
import com.gptdesk.chat.auth.TokenVerifier;
import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is too long, or takes too long to arrive, ends; what only waits does not. */
class RequestBoundsTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final RequestBounds BOUNDS =
      new RequestBounds(1000, 2000, 1000, Duration.ofMillis(300));

  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private final Vertx vertx = Vertx.vertx();
  private final Metrics metrics = new Metrics(null);
  private final NoTopics topics = new NoTopics();
  private final HttpClient client = HttpClient.newHttpClient();
  private HttpService service;
  private int port;

  @BeforeEach
  void start() {
    service =
        EchoService.of(
            vertx,
            new HttpSettings(
                "127.0.0.1",
                0,
                null,
                BOUNDS,
                List.of(),
                AllowedOrigins.all(),
                TrustedProxies.none(),
                null),
            RequestLimits.ample(),
            (caller, readOnly, statement, arguments) -> {
              if (statement.equals("slow")) {
                entered.countDown();
                awaitRelease();
              }
              return arguments;
            },
            topics,
            new TokenVerifier(TokenSettings.ofSecret(SECRET)),
            null,
            metrics);
    port = service.start();
  }

  private void awaitRelease() {
    try {
      release.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @AfterEach
  void stop() throws Exception {
    release.countDown();
    service.close();
    client.close();
    vertx.close().await(10, TimeUnit.SECONDS);
    metrics.close();
  }

  @Test
  void headersThatComeByteByByteAreCutOff() throws Exception {
    assertEquals("", trickled("GET /health/live HTTP/1.1\r\nHost: x\r\nX: "));
    assertEquals("", trickled("GE"));
  }

  @Test
  void aConnectionThatSaysNothingIsClosed() throws Exception {
    try (Socket socket = connected()) {
      assertEquals(-1, socket.getInputStream().read());
    }
  }

  @Test
  void aBodyThatComesByteByByteIsCutOff() throws Exception {
    try (HeardLog log = new HeardLog()) {
      for (String path : List.of("/rest/v1/rpc/echo", "/realtime/v1/api/broadcast")) {
        String said =
            trickled("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
        assertTrue(said.startsWith("HTTP/1.1 408 "), said);
        assertTrue(said.contains("\"code\":\"PT408\"") && said.contains("300 ms"), said);
      }
      String nowhere =
          trickled(
              "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n384\r\n");
      assertTrue(nowhere.startsWith("HTTP/1.1 404 "), nowhere);
      assertFalse(log.has("ERROR"), () -> "clients can fill the log: " + log.lines());
    }
  }

  @Test
  void whoOnlyWaitsIsNotCutOff() throws Exception {
    CompletableFuture<HttpResponse<String>> slow =
        client.sendAsync(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/rest/v1/rpc/slow"))
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build(),
            BodyHandlers.ofString());
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    WebSocket line = line(heard);
    try (Socket idle = connected()) {
      assertEquals("HTTP/1.1 200 OK", answer(idle, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"));
      headersThatComeByteByByteAreCutOff(); // so longer than a request may take
      aBodyThatComesByteByByteIsCutOff();
      assertEquals("HTTP/1.1 200 OK", answer(idle, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    line.sendText(
        "{\"topic\":\"phoenix\",\"event\":\"heartbeat\",\"payload\":{},\"ref\":\"1\"}", true);
    String beat = heard.poll(10, TimeUnit.SECONDS);
    assertTrue(String.valueOf(beat).contains("phx_reply"), beat);
    line.abort();
    release.countDown();
    assertEquals(200, slow.get(10, TimeUnit.SECONDS).statusCode());
  }

  @Test
  void whatIsTooLongIsAnsweredWithWhatIs() throws Exception {
    String get = "GET /health/live%s HTTP/1.1\r\nHost: x\r\nX: %s\r\nConnection: close\r\n\r\n";
    assertTrue(told(get.formatted("?" + "a".repeat(900), "b".repeat(1800))).contains(" 200 OK"));
    String line = told(get.formatted("?" + "a".repeat(1000), ""));
    assertTrue(line.contains(" 414 ") && line.contains("\"code\":\"PT414\""), line);
    assertTrue(line.contains("At most 1000 bytes"), line);
    String headers = told(get.formatted("", "b".repeat(2000)));
    assertTrue(headers.contains(" 431 ") && headers.contains("\"PT431\""), headers);
    assertTrue(headers.contains("At most 2000 bytes"), headers);
    String body =
        told(
            "POST /rest/v1/rpc/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nConnection: close\r\n\r\n"
                + "c".repeat(1001));
    assertTrue(body.startsWith("HTTP/1.1 413 ") && body.contains("\"PT413\""), body);
    assertTrue(body.contains("At most 1000 bytes"), body);
    String nonsense = told("what is this\r\n\r\n");
    assertTrue(nonsense.contains(" 400 "), nonsense);
  }

  private WebSocket line(BlockingQueue<String> heard) throws Exception {
    return client
        .newWebSocketBuilder()
        .buildAsync(
            URI.create(
                "ws://127.0.0.1:"
                    + port
                    + "/realtime/v1/websocket?vsn=1.0.0&apikey="
                    + new TokenIssuer(SECRET).anonKey()),
            new WebSocket.Listener() {
              @Override
              public @Nullable CompletionStage<?> onText(
                  WebSocket socket, CharSequence data, boolean last) {
                heard.add(data.toString());
                socket.request(1);
                return null;
              }
            })
        .get(10, TimeUnit.SECONDS);
  }

  private Socket connected() throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(10_000);
    return socket;
  }

  /** The first line of the answer on a connection that stays. */
  private static String answer(Socket socket, String request) throws IOException {
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    var read = new ByteArrayOutputStream();
    while (!read.toString(StandardCharsets.US_ASCII).endsWith("\"live\"}")) {
      int next = socket.getInputStream().read();
      if (next < 0) {
        break;
      }
      read.write(next);
    }
    return read.toString(StandardCharsets.US_ASCII).split("\r\n", 2)[0];
  }

  private String told(String request) throws IOException {
    return RawClient.said(port, request, false);
  }

  /** What is said to somebody who sends byte by byte for as long as they are let. */
  private String trickled(String start) throws IOException {
    return RawClient.said(port, start, true);
  }
}
