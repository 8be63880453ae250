package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Step;
import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Debian's ejabberd with the modules that a chat of two with an archive needs, all of it in
 * PostgreSQL, and no line of log for each call. The writer uses its HTTP API, which checks no
 * rights of people; the reader XMPP at a WebSocket.
 */
final class EjabberdService implements Service {
  private static final Path CONTROL = Path.of("/usr/sbin/ejabberdctl");
  private static final Path SCHEMA = Path.of("/usr/share/ejabberd/sql/pg.sql");

  /** The last that it says when it says no more than warnings. */
  private static final Pattern STARTED = Pattern.compile("Changing loglevel");

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String PASSWORD = "of a benchmark";

  private final Path home;
  private final PeerProcess process;

  EjabberdService(Ground ground, String database, List<Pair> pairs, Path directory)
      throws Exception {
    PeerProcess.makeDatabase(ground, database);
    Login owner = ground.owner(database);
    Ground.execute(owner, Files.readString(SCHEMA));
    int port = FreePort.any();
    home = Files.createTempDirectory("ejabberd");
    try {
      Files.writeString(home.resolve("ejabberd.yml"), configuration(owner, port));
      process = PeerProcess.start(program(), port, directory.resolve("ejabberd.log"), STARTED);
    } catch (Exception e) {
      Startup.deleteTree(home);
      throw e;
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (Pair pair : pairs) {
        register(http, pair.one());
        register(http, pair.other());
      }
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  /** As Debian's {@code ejabberdctl} starts it, as the user who runs this, and without its node. */
  private ProcessBuilder program() throws IOException {
    var builder =
        new ProcessBuilder(
            "erl",
            "+K",
            "true",
            "+P",
            "250000",
            "-noinput",
            "-mnesia",
            "dir",
            "\"%s\"".formatted(home.resolve("mnesia")),
            "-s",
            "ejabberd");
    builder.environment().put("ERL_LIBS", libraries());
    builder.environment().put("EJABBERD_CONFIG_PATH", home.resolve("ejabberd.yml").toString());
    builder.environment().put("EJABBERD_LOG_PATH", home.resolve("ejabberd.log").toString());
    return builder;
  }

  /** Why it cannot run; null if it can. */
  static @Nullable String missing() {
    return Files.isReadable(CONTROL) && Files.isReadable(SCHEMA)
        ? null
        : "needs Debian's packages ejabberd and erlang-p1-pgsql";
  }

  /** Where Debian put its libraries, as its own program says. */
  private static String libraries() throws IOException {
    Matcher line = Pattern.compile("(?m)^ERL_LIBS='([^']+)'").matcher(Files.readString(CONTROL));
    if (!line.find()) {
      throw new IOException("There is no ERL_LIBS in " + CONTROL);
    }
    return line.group(1);
  }

  private static String configuration(Login owner, int port) {
    URI address = PeerProcess.address(owner);
    return """
    hosts: [localhost]
    loglevel: warning
    listen:
      - port: %d
        ip: "127.0.0.1"
        module: ejabberd_http
        request_handlers:
          /api: mod_http_api
          /ws: ejabberd_http_ws
    auth_method: sql
    auth_password_format: scram
    default_db: sql
    sql_type: pgsql
    sql_server: "%s"
    sql_port: %d
    sql_database: "%s"
    sql_username: "%s"
    sql_password: "%s"
    sql_pool_size: 16
    acl:
      loopback:
        ip: 127.0.0.0/8
    api_permissions:
      bench:
        who: {access: {allow: {acl: loopback}}}
        what: "*"
    modules:
      mod_admin_extra: {}
      mod_mam: {default: always}
      mod_roster: {}
    """
        .formatted(
            port,
            address.getHost(),
            address.getPort(),
            address.getPath().substring(1),
            owner.user(),
            owner.password());
  }

  private void register(HttpClient http, UUID person) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/api/register".formatted(port())))
            .header("content-type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"user\":\"%s\",\"host\":\"localhost\",\"password\":\"%s\"}"
                        .formatted(person, PASSWORD)))
            .build();
    HttpResponse<String> answer = answer(http, request);
    if (answer.statusCode() != 200) {
      throw new IOException("ejabberd did not register: " + answer.body());
    }
  }

  /** Asks again while nobody listens yet. */
  private static HttpResponse<String> answer(HttpClient http, HttpRequest request)
      throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return http.send(request, HttpResponse.BodyHandlers.ofString());
      } catch (ConnectException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
        Thread.sleep(100);
      }
    }
  }

  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public String countOfMessages() {
    return "select count(distinct xml) from archive";
  }

  @Override
  public int port() {
    return process.port();
  }

  @Override
  public String postPath() {
    return "/api/send_message";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return Map.of();
  }

  @Override
  public String postBody(Pair pair, String content) {
    return "{\"type\":\"chat\",\"from\":\"%s@localhost\",\"to\":\"%s@localhost\",\"subject\":\"\",\"body\":\"%s\"}"
        .formatted(pair.one(), pair.other(), content);
  }

  @Override
  public String socketPath(Pair pair) {
    return "/ws";
  }

  @Override
  public List<String> subprotocols() {
    return List.of("xmpp");
  }

  @Override
  public List<Step> subscriptions(Pair pair) {
    var open =
        new Step(
            "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>",
            "stream:features");
    String login =
        Base64.getEncoder()
            .encodeToString(
                "\0%s\0%s".formatted(pair.other(), PASSWORD).getBytes(StandardCharsets.UTF_8));
    return List.of(
        open,
        new Step(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>"
                .formatted(login),
            "<success"),
        open,
        new Step(
            "<iq xmlns='jabber:client' type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
            "</jid>"),
        new Step("<presence xmlns='jabber:client'/>", "<presence"));
  }

  @Override
  public String beforeContent() {
    return "<body>";
  }

  @Override
  public void close() {
    process.close();
    try {
      Startup.deleteTree(home);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
