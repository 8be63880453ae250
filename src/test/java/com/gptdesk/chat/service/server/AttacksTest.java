package com.gptdesk.chat.service.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenClaims;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.CallableFunction;
import com.gptdesk.chat.service.rpc.DatabaseFunctions;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NoTopics;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What somebody might try from outside, over HTTP against the real database, and what comes of it.
 * The list is printed at the end, and written to {@code target/threats.md}.
 */
class AttacksTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final String PAGE = "https://desk.example";
  private static final int ANSWERS = 60;
  private static final Map<String, String> OUTCOMES = Collections.synchronizedMap(new TreeMap<>());

  private static final HttpClient CLIENT = HttpClient.newHttpClient();
  private static final Vertx VERTX = Vertx.vertx();
  private static final Metrics METRICS = new Metrics(null);
  private static final List<AutoCloseable> OPEN = new ArrayList<>();
  private static TestDatabase database;
  private static HikariDataSource pool;
  private static ServiceDatabase chat;
  private static Person alice;
  private static Person mallory;
  private static UUID conversation;
  private static UUID message;
  private static RSAKey rsa;

  /** Checks tokens by a secret; and by published keys. */
  private static int bySecret;

  private static int byKeys;

  /** Takes one call a second of an address, and no second ever passes. */
  private static int strict;

  /** Cuts off what does not arrive in a moment. */
  private static int hasty;

  @BeforeAll
  static void start() throws Exception {
    database = TestDatabase.fresh();
    alice = database.alice();
    mallory = database.mallory();
    conversation = alice.talksTo(database.bob());
    message = alice.sends(conversation, "for Bob alone").getId();
    var settings = new HikariConfig();
    settings.setDataSource(database.service().dataSource());
    settings.setMaximumPoolSize(4);
    pool = new HikariDataSource(settings);
    // Opening one runs statements, which would be counted with those of an answer.
    Await.until("the pool is full", () -> pool.getHikariPoolMXBean().getTotalConnections() == 4);
    chat = new ServiceDatabase(pool);
    rsa = new RSAKeyGenerator(2048).keyID("published").generate();
    HttpServer keys = published(new JWKSet(rsa.toPublicJWK()));
    OPEN.add(() -> keys.stop(0));
    URI address = URI.create("http://127.0.0.1:" + keys.getAddress().getPort() + "/keys");
    var tokens = new TokenSettings(SECRET, null, null, "chat", null, null, TokenClaims.USUAL);
    Duration ample = Await.PATIENCE;
    bySecret = started(tokens, RequestLimits.ample(), ample);
    byKeys =
        started(
            new TokenSettings(null, null, address, "chat", null, null, TokenClaims.USUAL),
            RequestLimits.ample(),
            ample);
    strict = started(tokens, new RequestLimits(1_000_000, 1, () -> 0), ample);
    hasty = started(tokens, RequestLimits.ample(), Duration.ofMillis(300));
  }

  private static HttpServer published(JWKSet keys) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/keys",
        exchange -> {
          byte[] body = keys.toString(true).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    return server;
  }

  private static int started(TokenSettings settings, RequestLimits limits, Duration arrival) {
    var tokens = new TokenVerifier(settings);
    HttpService service =
        EchoService.of(
            VERTX,
            new HttpSettings(
                "127.0.0.1",
                0,
                null,
                new RequestBounds(20_000, 4000, 4000, arrival),
                List.of(),
                new Cors(List.of(PAGE)),
                TrustedProxies.in(List.of("127.0.0.1")),
                null),
            limits,
            new RpcEndpoint(chat, List.of(), null, tokens, limits, true),
            new NoTopics(),
            tokens,
            null,
            METRICS);
    OPEN.add(service);
    return service.start();
  }

  @AfterAll
  static void report() throws Exception {
    for (AutoCloseable each : OPEN) {
      each.close();
    }
    pool.close();
    CLIENT.close();
    VERTX.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    METRICS.close();
    database.close();
    var table = new StringBuilder("| attack | outcome |\n|---|---|\n");
    OUTCOMES.forEach(
        (attack, outcome) -> table.append("| %s | %s |%n".formatted(attack.substring(3), outcome)));
    System.out.println(table);
    Files.writeString(Path.of("target", "threats.md"), table);
  }

  // ---- tokens

  @Test
  void noTokenIsNobody() throws Exception {
    assertEquals(200, call(bySecret, token("{}")).statusCode()); // the control
    outcome("01 no token", refused(bySecret, null, "42501"));
    outcome("02 a text that is no token", refused(bySecret, "a.b.c", "PGRST301"));
  }

  @Test
  void anExpiredTokenIsRefused() throws Exception {
    String expired = token("{\"exp\":" + Instant.now().minusSeconds(60).getEpochSecond() + "}");
    outcome("03 a token that expired a minute ago", refused(bySecret, expired, "PGRST303"));
    String early = token("{\"nbf\":" + Instant.now().plusSeconds(60).getEpochSecond() + "}");
    outcome("04 a token for later", refused(bySecret, early, "PGRST303"));
  }

  @Test
  void anotherKeyIsRefused() throws Exception {
    String foreign =
        signed(new MACSigner("another secret of at least 32 bytes.."), "HS256", claims("{}"));
    outcome("05 a token signed with another key", refused(bySecret, foreign, "PGRST301"));
    RSAKey other = new RSAKeyGenerator(2048).keyID("published").generate();
    outcome(
        "06 another key under the name of a published one",
        refused(byKeys, signed(new RSASSASigner(other), "RS256", claims("{}")), "PGRST301"));
  }

  @Test
  void anUnsignedTokenIsRefused() throws Exception {
    var outcomes = new LinkedHashSet<String>();
    for (String algorithm : List.of("none", "None", "NONE", "nOnE")) {
      String unsigned =
          base64("{\"alg\":\"" + algorithm + "\",\"typ\":\"JWT\"}")
              + "."
              + base64(claims("{}"))
              + ".";
      outcomes.add(refused(bySecret, unsigned, "PGRST301"));
      outcomes.add(refused(byKeys, unsigned, "PGRST301"));
    }
    outcome("07 `alg: none`, in any spelling", String.join(", ", outcomes));
  }

  @Test
  void aPublicKeyIsNoSecret() throws Exception {
    assertEquals( // the control
        200, call(byKeys, signed(new RSASSASigner(rsa), "RS256", claims("{}"))).statusCode());
    var outcomes = new LinkedHashSet<String>();
    for (byte[] known :
        List.of(
            rsa.toRSAPublicKey().getEncoded(),
            rsa.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8),
            ("-----BEGIN PUBLIC KEY-----\n"
                    + Base64.getMimeEncoder(64, new byte[] {'\n'})
                        .encodeToString(rsa.toRSAPublicKey().getEncoded())
                    + "\n-----END PUBLIC KEY-----\n")
                .getBytes(StandardCharsets.UTF_8))) {
      outcomes.add(
          refused(byKeys, signed(new MACSigner(known), "HS256", claims("{}")), "PGRST301"));
    }
    outcomes.add(
        refused(bySecret, signed(new RSASSASigner(rsa), "RS256", claims("{}")), "PGRST301"));
    outcome(
        "08 HS256 with the public key as its secret; RS256 in place of HS256",
        String.join(", ", outcomes));
  }

  @Test
  void anotherAudienceIsRefused() throws Exception {
    outcome(
        "09 a token for another service",
        refused(bySecret, token("{\"aud\":\"billing\"}"), "PGRST303"));
  }

  /** As a call, as a socket's key and as a broadcast's. */
  private static String refused(int port, @Nullable String token, String code) throws Exception {
    HttpResponse<String> answer = call(port, token);
    assertEquals(401, answer.statusCode(), answer.body());
    assertEquals(code, JSON.readTree(answer.body()).path("code").asString(), answer.body());
    HttpRequest.Builder broadcast =
        to(port, "/realtime/v1/api/broadcast")
            .POST(
                BodyPublishers.ofString(
                    "{\"messages\":[{\"topic\":\"t\",\"event\":\"e\",\"payload\":{}}]}"));
    if (token != null) {
      broadcast.header("Authorization", "Bearer " + token);
    }
    assertEquals(401, send(broadcast).statusCode());
    assertEquals("401", upgrade(port, token, null));
    return "401 " + code + "; socket 401, broadcast 401";
  }

  // ---- what is sent

  @Test
  void sqlIsTextInEveryString() throws Exception {
    String tables = database.ownerReads("select count(*) from pg_class");
    String people =
        database.ownerReads("select md5(string_agg(u::text, '' order by id)) from public.users u");
    Set<Integer> statuses = new LinkedHashSet<>();
    int sent = 0;
    for (CallableFunction function : new DatabaseFunctions(chat).functions()) {
      for (String argument : function.argumentNames()) {
        for (String evil : EVIL) {
          Map<String, Object> arguments = usual(function, argument);
          arguments.put(argument, evil);
          HttpResponse<String> answer =
              send(
                  to(bySecret, "/rest/v1/rpc/" + function.name())
                      .header("Authorization", "Bearer " + token("{}"))
                      .POST(BodyPublishers.ofString(JSON.writeValueAsString(arguments))));
          assertTrue(answer.statusCode() < 500, () -> function.name() + " " + evil + answer.body());
          statuses.add(answer.statusCode());
          sent++;
        }
      }
    }
    for (String evil : EVIL) {
      String name = URLEncoder.encode(evil, StandardCharsets.UTF_8).replace("+", "%20");
      for (String path :
          List.of(
              "/rest/v1/rpc/" + name,
              "/rest/v1/rpc/get_messages?" + name + "=1",
              "/rest/v1/rpc/get_messages?conversation_id=" + name)) {
        int status =
            send(to(bySecret, path).header("Authorization", "Bearer " + token("{}"))).statusCode();
        assertTrue(status >= 400 && status < 500, path + " " + status);
        sent++;
      }
    }
    assertEquals(tables, database.ownerReads("select count(*) from pg_class"));
    assertEquals(
        people,
        database.ownerReads("select md5(string_agg(u::text, '' order by id)) from public.users u"));
    outcome(
        "10 SQL in every argument of every function, in its name and its query (%d requests)"
            .formatted(sent),
        "a text like any other, or refused: " + statuses + "; never 500, nothing changed");
  }

  private static final List<String> EVIL =
      List.of(
          "'); drop table public.users; --",
          "' or '1'='1",
          "\"; delete from public.users; --",
          "$$; select pg_sleep(60); $$",
          "\\'; reset role; --",
          "x' union select passwd from pg_shadow --",
          "%s %1$s {} ? :a");

  /** Something of the right kind for whatever must be given. */
  private static Map<String, Object> usual(CallableFunction function, String but) {
    Map<String, Object> arguments = new HashMap<>();
    int required = function.requiredArguments();
    for (int i = 0; i < required; i++) {
      String name = function.argumentNames().get(i);
      if (!name.equals(but)) {
        arguments.put(
            name,
            switch (function.argumentTypes().get(i)) {
              case "uuid" -> mallory.id();
              case "uuid[]" -> List.of(message);
              case "boolean" -> true;
              case "bigint", "integer" -> 1;
              default -> "online";
            });
      }
    }
    return arguments;
  }

  @Test
  void whatIsTooLongIsNotListenedTo() throws Exception {
    String get = "GET /health/live%s HTTP/1.1\r\nHost: x\r\nX: %s\r\nConnection: close\r\n\r\n";
    String body =
        "POST /rest/v1/rpc/send_message HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n";
    outcome(
        "11 a body of 2 GB, headers and an address that are too long",
        String.join(
            ", ",
            status(RawClient.firstLine(bySecret, body)),
            status(RawClient.firstLine(bySecret, get.formatted("", "x".repeat(5000)))),
            status(RawClient.firstLine(bySecret, get.formatted("?" + "x".repeat(5000), "")))));
    assertEquals(
        "413, 431, 414",
        OUTCOMES.get("11 a body of 2 GB, headers and an address that are too long"));
  }

  @Test
  void whoIsSlowIsCutOff() throws Exception {
    String headers = RawClient.said(hasty, "GET /health/live HTTP/1.1\r\nX: ", true);
    assertEquals("", headers);
    String body =
        RawClient.answered(
            () ->
                RawClient.said(
                    hasty,
                    "POST /rest/v1/rpc/send_message HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n",
                    true));
    assertEquals("408", status(body));
    outcome("12 headers, and a body, byte by byte", "closed; 408 and closed");
  }

  @Test
  void pagesOfOtherOriginsOpenNoSocket() throws Exception {
    assertEquals("101", upgrade(bySecret, token("{}"), PAGE)); // the control
    for (String foreign : List.of("https://mallory.example", "null", PAGE + ".mallory.example")) {
      assertEquals("403", upgrade(bySecret, token("{}"), foreign), foreign);
    }
    outcome("13 a socket from a page of another origin, with a good token", "403");
  }

  // ---- what is learnt

  /** Each function that takes somebody's id, and which argument it is. */
  private static Map<String, List<Object>> guesses() {
    Map<String, List<Object>> guesses = new LinkedHashMap<>();
    for (String function :
        List.of("get_messages", "get_changes", "mark_conversation_as_read", "mark_as_unread")) {
      guesses.put(function, List.of("conversation_id", conversation));
    }
    guesses.put("set_archived", List.of("conversation_id", conversation));
    guesses.put("set_muted", List.of("conversation_id", conversation));
    guesses.put("send_message", List.of("conversation_id", conversation));
    for (String function :
        List.of("edit_message", "delete_message", "add_reaction", "remove_reaction")) {
      guesses.put(function, List.of("message_id", message));
    }
    guesses.put("mark_as_read", List.of("message_ids", message));
    guesses.put("block_user", List.of("user_id", alice.id()));
    guesses.put("update_typing_status", List.of("typing_to", alice.id()));
    guesses.put("get_or_create_conversation", List.of("user2_id", alice.id()));
    return guesses;
  }

  private static HttpRequest.Builder guess(String function, String argument, Object id) {
    Map<String, Object> arguments = new HashMap<>();
    switch (function) {
      case "get_changes" -> arguments.put("after_revision", 0);
      case "send_message", "edit_message" -> arguments.put("content", "hi");
      case "add_reaction", "remove_reaction" -> arguments.put("reaction", "👍");
      case "set_archived" -> arguments.put("archived", true);
      case "set_muted" -> arguments.put("until", null);
      case "get_or_create_conversation" -> arguments.put("user1_id", mallory.id());
      default -> {}
    }
    arguments.put(argument, argument.equals("message_ids") ? List.of(id) : id);
    return to(bySecret, "/rest/v1/rpc/" + function)
        .header("Authorization", "Bearer " + token("{\"sub\":\"" + mallory.id() + "\"}"))
        .POST(BodyPublishers.ofString(JSON.writeValueAsString(arguments)));
  }

  @Test
  void theTextOfAnAnswerDoesNotTellWhetherAnIdExists() throws Exception {
    for (Map.Entry<String, List<Object>> each : guesses().entrySet()) {
      String argument = each.getValue().getFirst().toString();
      Object there = each.getValue().getLast();
      UUID nowhere = nowhere();
      HttpResponse<String> real = send(guess(each.getKey(), argument, there));
      HttpResponse<String> made = send(guess(each.getKey(), argument, nowhere));
      assertEquals(real.statusCode(), made.statusCode(), each.getKey());
      assertEquals(
          real.body().replace(there.toString(), "ID"),
          made.body().replace(nowhere.toString(), "ID"),
          each.getKey());
    }
    outcome(
        "14 ids of others, guessed in %d functions and told by the text"
            .formatted(guesses().size()),
        "the same status and text as for ids of nothing");
  }

  /**
   * Both kinds are asked in turn. How far times tell depends on the machine and is only reported;
   * what takes the time does not: both run as many statements, which read about as many pages.
   */
  @Test
  void theTimeOfAnAnswerDoesNotTellEither() throws Exception {
    TestDatabase.asSuperuser("create extension if not exists pg_stat_statements");
    var random = new Random(8);
    var found = new ArrayList<String>();
    for (String function : List.of("get_messages", "edit_message", "get_or_create_conversation")) {
      List<Object> guess = guesses().get(function);
      String argument = guess.getFirst().toString();
      double[] real = new double[ANSWERS];
      double[] made = new double[ANSWERS];
      for (int i = -20; i < ANSWERS; i++) { // the first ones warm up
        boolean first = random.nextBoolean();
        for (boolean there : new boolean[] {first, !first}) {
          HttpRequest request =
              guess(function, argument, there ? guess.getLast() : nowhere()).build();
          long start = System.nanoTime();
          CLIENT.send(request, BodyHandlers.discarding());
          if (i >= 0) {
            (there ? real : made)[i] = System.nanoTime() - start;
          }
        }
      }
      Work ofReal = work(function, argument, guess::getLast);
      Work ofMade = work(function, argument, AttacksTest::nowhere);
      assertEquals(ofReal.statements(), ofMade.statements(), function);
      long more = Math.abs(ofReal.pages() - ofMade.pages()) / ANSWERS;
      assertTrue(more <= 10, () -> function + ": " + ofReal + ", " + ofMade);
      found.add(
          "%s %.0f %%, %d pages apart".formatted(function, 100 * guessedRight(real, made), more));
    }
    outcome(
        "15 the same, told by the time of %d answers each".formatted(ANSWERS),
        "guessed right, of which 50 % is chance: " + String.join("; ", found));
  }

  /** What the database did for so many answers. */
  private record Work(long statements, long pages) {
    Work since(Work before) {
      return new Work(statements - before.statements, pages - before.pages);
    }
  }

  private static Work work(String function, String argument, Supplier<Object> id) throws Exception {
    Work before = workUntilNow();
    for (int i = 0; i < ANSWERS; i++) {
      CLIENT.send(guess(function, argument, id.get()).build(), BodyHandlers.discarding());
    }
    return workUntilNow().since(before);
  }

  private static Work workUntilNow() throws SQLException {
    String url = database.service().url();
    try (Connection connection = TestDatabase.server().superuser().connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select coalesce(sum(s.calls), 0), coalesce(sum(s.shared_blks_hit + s.shared_blks_read), 0)"
                    + " from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = '%s'"
                        .formatted(url.substring(url.lastIndexOf('/') + 1)))) {
      row.next();
      return new Work(row.getLong(1), row.getLong(2));
    }
  }

  /** How often the better of the two rules "the slower one exists", "the faster one does" holds. */
  private static double guessedRight(double[] real, double[] made) {
    long slower = 0;
    for (double one : real) {
      slower += Arrays.stream(made).filter(other -> one > other).count();
    }
    double share = slower / (double) (real.length * made.length);
    return Math.max(share, 1 - share);
  }

  private static UUID nowhere() {
    UUID any = UUID.randomUUID(); // a UUIDv7 of this month, as ids of messages are
    return new UUID(System.currentTimeMillis() << 16 | 0x7000, any.getLeastSignificantBits());
  }

  // ---- too much

  @Test
  void whoFloodsIsHeldUp() throws Exception {
    assertEquals(200, call(strict, token("{}")).statusCode());
    assertEquals(200, call(strict, token("{}")).statusCode()); // twice as many at once
    HttpResponse<String> held = call(strict, token("{}"));
    assertEquals(429, held.statusCode(), held.body());
    assertEquals("1", held.headers().firstValue("Retry-After").orElseThrow());
    assertEquals("429", upgrade(strict, token("{}"), null));
    assertEquals("101", upgrade(bySecret, token("{}"), null)); // the control
    assertNotEquals(429, call(bySecret, token("{}")).statusCode()); // the control
    outcome("16 a flood of calls, and of sockets", "429 with Retry-After, 429");
  }

  // ---- helpers

  private static void outcome(String attack, String outcome) {
    OUTCOMES.put(attack, outcome);
  }

  private static HttpResponse<String> call(int port, @Nullable String token) throws Exception {
    HttpRequest.Builder request =
        to(port, "/rest/v1/rpc/get_conversations").POST(BodyPublishers.ofString("{}"));
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    return send(request);
  }

  private static HttpRequest.Builder to(int port, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
        .timeout(Await.PATIENCE)
        .header("Content-Type", "application/json");
  }

  private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return CLIENT.send(request.build(), BodyHandlers.ofString());
  }

  private static String upgrade(int port, @Nullable String token, @Nullable String origin)
      throws IOException {
    return status(
        RawClient.upgraded(
            port,
            "/realtime/v1/websocket?vsn=1.0.0" + (token == null ? "" : "&apikey=" + token),
            origin == null ? "" : "Origin: " + origin + "\r\n"));
  }

  private static String status(String answer) {
    return answer.isEmpty() ? "closed" : answer.split(" ", 3)[1].strip();
  }

  private static String claims(String more) {
    JsonNode changed = JSON.readTree(more);
    var claims =
        JSON.createObjectNode()
            .put("role", "authenticated")
            .put("aud", "chat")
            .put("sub", alice.id().toString())
            .put("exp", Instant.now().plusSeconds(600).getEpochSecond());
    changed.properties().forEach(each -> claims.set(each.getKey(), each.getValue()));
    return JSON.writeValueAsString(claims);
  }

  private static String token(String more) {
    try {
      return signed(new MACSigner(SECRET), "HS256", claims(more));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static String signed(JWSSigner signer, String algorithm, String claims) throws Exception {
    var header = new JWSHeader.Builder(JWSAlgorithm.parse(algorithm)).keyID("published").build();
    var token = new JWSObject(header, new Payload(claims));
    token.sign(signer);
    return token.serialize();
  }

  private static String base64(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
