package com.gptdesk.chat.service.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTPS and sockets over TLS, with certificates made here. */
class TlsTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";

  @TempDir static Path made;
  private static TestCertificate first;
  private static TestCertificate other;

  private final TokenVerifier tokens = new TokenVerifier(TokenSettings.ofSecret(SECRET));
  private final Vertx vertx = Vertx.vertx();
  private final Metrics metrics = new Metrics(null);
  private final NoTopics topics = new NoTopics();
  private TlsFiles files;
  private HttpService service;

  @TempDir Path directory;

  @BeforeAll
  static void make() throws Exception {
    first = TestCertificate.made(made, "EC", "-1d", 30);
    other = TestCertificate.made(made, "RSA", "-1d", 30);
  }

  @AfterEach
  void stop() throws Exception {
    if (service != null) {
      service.close();
    }
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    metrics.close();
  }

  @Test
  void callsAndSocketsGoOverTls() throws Exception {
    int port = start(first);
    try (HttpClient client = HttpClient.newBuilder().sslContext(first.trusted()).build()) {
      HttpResponse<String> answer = call(client, port);
      assertEquals("{\"a\":\"1\"}", answer.body());
      assertEquals(HttpClient.Version.HTTP_1_1, answer.version());
      WebSocket socket =
          client
              .newWebSocketBuilder()
              .buildAsync(
                  URI.create(
                      "wss://localhost:"
                          + port
                          + "/realtime/v1/websocket?vsn=1.0.0&apikey="
                          + new TokenIssuer(SECRET).anonKey()),
                  new WebSocket.Listener() {})
              .get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertEquals("", socket.getSubprotocol());
      socket.abort();
    }
    try (HttpClient plain = HttpClient.newHttpClient()) {
      assertThrows(
          IOException.class,
          () -> plain.send(question("http", port), BodyHandlers.ofString()),
          "plain HTTP is not spoken there");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void theseAreSpoken(String protocol) throws Exception {
    int port = start(first);
    try (SSLSocket socket = socket(port, protocol)) {
      socket.startHandshake();
      assertEquals(protocol, socket.getSession().getProtocol());
    }
  }

  @Test
  void whatIsOlderIsNot() throws Exception {
    files = first.written(directory);
    // The JDK on either side would refuse them too, so the server is asked what it was told.
    assertEquals(
        Set.of("TLSv1.2", "TLSv1.3"),
        TlsCertificate.read(vertx, files).serverOptions().getEnabledSecureTransportProtocols());
  }

  private static SSLSocket socket(int port, String protocol) throws Exception {
    SSLSocket socket =
        (SSLSocket) first.trusted().getSocketFactory().createSocket("127.0.0.1", port);
    socket.setSoTimeout(Await.patienceMillis());
    socket.setEnabledProtocols(new String[] {protocol});
    return socket;
  }

  @Test
  void aRenewedCertificateIsShownWithoutARestart() throws Exception {
    int port = start(first);
    try (HttpClient old = HttpClient.newBuilder().sslContext(first.trusted()).build()) {
      call(old, port);
      Files.writeString(files.certificate(), "half of it");
      other.written(directory);
      Await.until("the new one is shown", () -> isShown(other, port));
      Await.until("the old one is shown no longer", () -> !isShown(first, port));
      assertEquals(200, call(old, port).statusCode(), "and a connection that is open stays");
    }
  }

  @Test
  void whatIsNoGoodIsNotTaken() throws Exception {
    int port = start(first);
    try (HeardLog log = new HeardLog()) {
      other.writtenTo(files.certificate());
      Await.until(
          "the operator is told",
          () ->
              log.has(
                  "WARN", "CHAT_TLS_KEY", "the last valid certificate stays in use: CN=localhost"));
    }
    assertTrue(isShown(first, port));
  }

  @Test
  void whatCannotBeUsedIsToldAtTheStart() throws Exception {
    Path nowhere = directory.resolve("nowhere.pem");
    assertRefused(
        new TlsFiles(nowhere, directory),
        "CHAT_TLS_CERTIFICATE names " + nowhere + ", which does not exist.",
        "CHAT_TLS_KEY names " + directory + ", which the user ");
    Path certificate = first.writtenTo(directory.resolve("certificate.pem"));
    Path key = first.keyWrittenTo(directory.resolve("key.pem"));
    TlsCertificate.read(vertx, new TlsFiles(certificate, key)); // the control
    String mustBe = "CHAT_TLS_CERTIFICATE and CHAT_TLS_KEY must name PEM files";
    assertRefused(new TlsFiles(key, certificate), mustBe);
    assertRefused(
        new TlsFiles(certificate, Files.writeString(directory.resolve("text"), "a text")), mustBe);
    assertRefused(
        new TlsFiles(certificate, other.keyWrittenTo(directory.resolve("rsa.pem"))),
        "private key algorithm does not match");
    TestCertificate third = TestCertificate.made(made, "EC", "-1d", 30);
    assertRefused(
        new TlsFiles(certificate, third.keyWrittenTo(directory.resolve("ec.pem"))), "The key in ");
    TestCertificate ended = TestCertificate.made(made, "EC", "-10d", 5);
    assertRefused(ended.written(directory), "The certificate in " + certificate, " expired on ");
    TestCertificate early = TestCertificate.made(made, "EC", "+5d", 5);
    assertRefused(early.written(directory), "The certificate in " + certificate, " is valid from ");
  }

  private void assertRefused(TlsFiles files, String... said) {
    IllegalStateException refused =
        assertThrows(IllegalStateException.class, () -> TlsCertificate.read(vertx, files));
    for (String each : said) {
      assertTrue(String.valueOf(refused.getMessage()).contains(each), refused.getMessage());
    }
    assertEquals(null, refused.getCause(), "told in a sentence");
  }

  private int start(TestCertificate certificate) throws Exception {
    files = certificate.written(directory);
    service =
        EchoService.of(
            vertx,
            new HttpSettings(
                "127.0.0.1",
                0,
                files,
                RequestBounds.defaults(),
                List.of(),
                Cors.all(),
                TrustedProxies.none(),
                null),
            RequestLimits.ample(),
            EchoService.ECHO,
            topics,
            tokens,
            null,
            metrics);
    return service.start();
  }

  private static boolean isShown(TestCertificate certificate, int port) throws Exception {
    try (HttpClient client = HttpClient.newBuilder().sslContext(certificate.trusted()).build()) {
      return call(client, port).statusCode() == 200;
    } catch (SSLHandshakeException e) {
      return false;
    }
  }

  private static HttpResponse<String> call(HttpClient client, int port) throws Exception {
    return client.send(question("https", port), BodyHandlers.ofString());
  }

  private static HttpRequest question(String scheme, int port) {
    return HttpRequest.newBuilder(
            URI.create(scheme + "://localhost:" + port + "/rest/v1/rpc/echo?a=1"))
        .timeout(Await.PATIENCE)
        .build();
  }
}
