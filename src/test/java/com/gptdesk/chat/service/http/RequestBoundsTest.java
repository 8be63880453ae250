package com.gptdesk.chat.service.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.service.server.RawClient;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is too long, or takes too long to arrive, ends; what only waits does not. */
class RequestBoundsTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";

  /** A moment, which whoever sends byte by byte needs longer for. */
  private static final Duration MOMENT = Duration.ofMillis(300);

  private static final String LIVE = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private final Vertx vertx = Vertx.vertx();
  private final Metrics metrics = new Metrics(null);
  private final NoTopics topics = new NoTopics();
  private HttpService service;
  private int port;

  @BeforeEach
  void start() {
    serve(MOMENT);
  }

  /** What takes longer to arrive is cut off. */
  private void serve(Duration arrival) {
    if (service != null) {
      service.close();
    }
    service =
        EchoService.of(
            vertx,
            new HttpSettings(
                "127.0.0.1",
                0,
                null,
                new RequestBounds(1000, 2000, 1000, arrival),
                List.of(),
                Cors.all(),
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
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
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
            answered("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
        assertTrue(said.startsWith("HTTP/1.1 408 "), said);
        assertTrue(said.contains("\"code\":\"PT408\"") && said.contains("300 ms"), said);
      }
      String upgrade =
          RawClient.answered(
              () ->
                  RawClient.upgraded(
                      port,
                      "/realtime/v1/websocket?vsn=1.0.0&apikey="
                          + new TokenIssuer(SECRET).anonKey(),
                      "Content-Length: 900\r\n"));
      assertTrue(upgrade.startsWith("HTTP/1.1 400 "), upgrade);
      String nowhere =
          answered(
              "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n384\r\n");
      assertTrue(nowhere.startsWith("HTTP/1.1 404 "), nowhere);
      assertFalse(log.has("ERROR"), () -> "clients can fill the log: " + log.lines());
    }
  }

  /** Each of them is known to be there first, and sends a request at one go. */
  @Test
  void whoOnlyWaitsIsNotCutOff() throws Exception {
    try (Socket slow = kept();
        Socket line = kept();
        Socket idle = kept()) {
      send(
          slow,
          "POST /rest/v1/rpc/slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
      Await.open(entered);
      send(
          line,
          "GET /realtime/v1/websocket?vsn=1.0.0&apikey="
              + new TokenIssuer(SECRET).anonKey()
              + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
              + "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
      assertTrue(readUntil(line, "\r\n\r\n").startsWith("HTTP/1.1 101 "));
      headersThatComeByteByByteAreCutOff(); // so longer than a request may take
      aBodyThatComesByteByByteIsCutOff();
      assertEquals("HTTP/1.1 200 OK", answer(idle, LIVE));
      line.getOutputStream()
          .write(
              masked(
                  "{\"topic\":\"phoenix\",\"event\":\"heartbeat\",\"payload\":{},\"ref\":\"1\"}"));
      assertTrue(readUntil(line, "}").contains("phx_reply"));
      release.countDown();
      assertTrue(readUntil(slow, "\r\n").startsWith("HTTP/1.1 200 "));
    }
  }

  /** A connection that was answered once; another one, when a moment went by before it asked. */
  private Socket kept() {
    return Await.value(
        "a connection",
        () -> {
          Socket socket = connected();
          try {
            if (answer(socket, LIVE).equals("HTTP/1.1 200 OK")) {
              return socket;
            }
          } catch (SocketException e) {
            // reset
          }
          socket.close();
          return socket;
        },
        socket -> !socket.isClosed());
  }

  /** A text frame of a client, whose mask is of zeros; shorter than 126 bytes. */
  private static byte[] masked(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    byte[] frame = new byte[6 + bytes.length];
    frame[0] = (byte) 0x81;
    frame[1] = (byte) (0x80 | bytes.length);
    System.arraycopy(bytes, 0, frame, 6, bytes.length);
    return frame;
  }

  @Test
  void whatIsTooLongIsAnsweredWithWhatIs() throws Exception {
    serve(Await.PATIENCE);
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

  private Socket connected() throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(Await.patienceMillis());
    return socket;
  }

  private static void send(Socket socket, String request) throws IOException {
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
  }

  /** The first line of the answer on a connection that stays. */
  private static String answer(Socket socket, String request) throws IOException {
    send(socket, request);
    return readUntil(socket, "\"live\"}").split("\r\n", 2)[0];
  }

  private static String readUntil(Socket socket, String end) throws IOException {
    var read = new ByteArrayOutputStream();
    while (!read.toString(StandardCharsets.US_ASCII).endsWith(end)) {
      int next = socket.getInputStream().read();
      if (next < 0) {
        break;
      }
      read.write(next);
    }
    return read.toString(StandardCharsets.US_ASCII);
  }

  private String told(String request) throws IOException {
    return RawClient.said(port, request, false);
  }

  /** The same, to whose headers came in time. */
  private String answered(String start) {
    return RawClient.answered(() -> trickled(start));
  }

  /** What is said to somebody who sends byte by byte for as long as they are let. */
  private String trickled(String start) throws IOException {
    return RawClient.said(port, start, true);
  }
}
