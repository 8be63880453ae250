package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Change.Operation;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.relay.ScopeSource;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.CommonSubscriptions;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.changes.SubscriptionIndex;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.QueueLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.SocketLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.Times;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The protocol over a real socket, with a relay played by this test. */
class RealtimeServerTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  private static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  private static final UUID MALLORY = UUID.fromString("00000000-0000-4000-8000-00000000000e");
  private static final Scope BLUE =
      Scope.team(UUID.fromString("00000000-0000-4000-8000-0000000000b1"));

  /** A team with the id of a person who is not in it. */
  private static final Scope RED = Scope.team(ALICE);

  private static final UUID TALK = UUID.fromString("00000000-0000-4000-8000-0000000000c0");
  private static final String TALK_TOPIC = "conversation-" + TALK;

  private static final String ALL = "[{\"event\":\"*\",\"schema\":\"public\"}]";
  private static final String MESSAGES =
      "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\"}]";

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http = HttpClient.newHttpClient();
  private final TokenIssuer issuer = new TokenIssuer(SECRET);
  private final List<String> awaited = new CopyOnWriteArrayList<>();
  private volatile Runnable whileScopesAreAwaited = () -> {};
  private final FanOut fanOut =
      new FanOut(
          new ScopeSource() {
            @Override
            public void wanted(Scope scope) {}

            @Override
            public void unwanted(Scope scope) {}

            @Override
            public void awaitSubscribed(Collection<Scope> scopes) {
              awaited.add(scopes.size() + " after " + scopesRead.get() + " questions");
              whileScopesAreAwaited.run();
            }
          });
  private final NoTopics topics =
      new NoTopics() {
        @Override
        public Collection<Scope> scopes(String topic) {
          return people(whoMayUse.get().toArray(UUID[]::new));
        }
      };
  private final Map<UUID, List<Scope>> scopes = new ConcurrentHashMap<>();
  private final AtomicInteger scopesRead = new AtomicInteger();
  private final List<SocketClient> clients = new ArrayList<>();
  private volatile MissedMessages missed = (caller, conversation, revision, most) -> null;
  private volatile Supplier<List<UUID>> whoMayUse = List::of;
  private volatile Runnable whileScopesAreRead = () -> {};
  private RealtimeServer server;
  private HttpServer listening;
  private int port;
  private long seq;

  @BeforeEach
  void start() throws Exception {
    scopes.put(ALICE, List.of(Scope.user(ALICE), BLUE));
    scopes.put(BOB, List.of(Scope.user(BOB), BLUE));
    scopes.put(MALLORY, List.of(Scope.user(MALLORY), RED));
    serve(Patient.settings());
  }

  private void serve(RealtimeSettings settings) throws Exception {
    serve(settings, System::nanoTime);
  }

  private void serve(RealtimeSettings settings, LongSupplier nanoClock) throws Exception {
    if (listening != null) {
      listening.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    server =
        new RealtimeServer(
            settings,
            new TokenVerifier(TokenSettings.ofSecret(SECRET)),
            fanOut,
            PublishedTables.of(
                List.of(
                    new PublishedTables.Column("user_messages", "id", "uuid", true),
                    new PublishedTables.Column("user_messages", "conversation_id", "text", false),
                    new PublishedTables.Column("user_messages", "content", "text", false),
                    new PublishedTables.Column("user_presence", "user_id", "uuid", true),
                    new PublishedTables.Column("user_conversations", "id", "uuid", true))),
            this::scopesOf,
            (caller, conversation, revision, most) ->
                missed.after(caller, conversation, revision, most),
            topics,
            TopicLimits.defaults(),
            new PresenceTracker(topics),
            nanoClock);
    listening =
        vertx
            .createHttpServer(server.configure(new HttpServerOptions()))
            .requestHandler(
                request -> {
                  if (server.accepts(request.path())) {
                    server.upgrade(request);
                  } else {
                    request.response().setStatusCode(404).end();
                  }
                })
            .listen(0, "127.0.0.1")
            .await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    port = listening.actualPort();
  }

  @AfterEach
  void stop() throws Exception {
    clients.forEach(SocketClient::close);
    server.close();
    http.close();
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  // --- The upgrade
  // -------------------------------------------------------------------------------------------------

  @Test
  void anUpgradeNeedsAKeyThatHolds() throws Exception {
    assertEquals(401, upgrade("/realtime/v1/websocket").status());
    Answer forged = upgrade("/realtime/v1/websocket?apikey=a.b.c");
    assertEquals(401, forged.status());
    assertTrue(forged.body().startsWith("{\"error\":\""), forged.body());
    assertEquals(401, upgrade("/socket/websocket?apikey=" + expired(ALICE)).status());
    assertEquals(
        400, upgrade("/realtime/v1/websocket?vsn=3.0.0&apikey=" + issuer.anonKey()).status());
    assertEquals(101, upgrade("/socket/websocket?apikey=" + issuer.anonKey()).status());
    assertEquals(101, upgrade("/realtime/v1/websocket?apikey=sb_publishable_x").status());
  }

  @Test
  void aPlainRequestIsToldWhatThisIs() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/realtime/v1/websocket"))
            .build();
    assertEquals(426, http.send(request, BodyHandlers.ofString()).statusCode());
  }

  // --- Joining
  // -----------------------------------------------------------------------------------------------------

  @Test
  void bindingsAreEchoedAsTheyCameWithIds() {
    String bindings =
        """
        [{"event":"INSERT","schema":"public","table":"user_messages","filter":"conversation_id=eq.x"},
         {"event":"*","schema":"public"},
         {"event":"UPDATE","schema":"public","table":"user_messages","select":["id"],"since":7},
         {"event":"*","schema":"public"},
         {"event":"*","schema":"*","table":"*"}]""";
    Message reply = client().joins("x", bindings, token(ALICE));

    JsonNode echo = reply.payload().path("response").path("postgres_changes");
    JsonNode sent = Json.read(bindings);
    assertEquals(sent.size(), echo.size());
    for (int i = 0; i < sent.size(); i++) {
      JsonNode id = echo.get(i).get("id");
      assertTrue(id.isInt() && id.intValue() > 0, echo::toString);
      assertEquals(sent.get(i).toString(), echo.get(i).toString().replace(",\"id\":" + id, ""));
    }
    assertEquals(echo.get(1).get("id"), echo.get(3).get("id"));
    assertNotEquals(echo.get(1).get("id"), echo.get(4).get("id"));
  }

  @Test
  void aJoinWithoutBindingsIsAnsweredWithAnEmptyListEvenForAnon() {
    Message reply = client().joins("x", "[]", null);
    assertEquals("{\"postgres_changes\":[]}", reply.payload().path("response").toString());
  }

  @Test
  void whoHasNoNameIsRefusedAndThenLetInWithAToken() {
    SocketClient client = client();
    client.asksToJoin("x", ALL, null);
    Message refusal = client.next("phx_reply");
    assertEquals("error", refusal.status());
    assertTrue(refusal.reason().startsWith("Unauthorized: "), refusal.reason());

    client.asksToJoin("x", ALL, "sb_publishable_x");
    assertTrue(client.next("phx_reply").reason().startsWith("Unauthorized: "));

    client.joins("x", ALL, token(ALICE));
  }

  @Test
  void theKeyOfTheSocketMayBeTheTokenOfAUser() {
    SocketClient client = client(token(ALICE));
    client.joins("x", ALL, null);
    fanOut.changed(insert("hi", ALICE));
    client.next("postgres_changes");
  }

  @Test
  void whoMayNotUseTheChatIsRefused() {
    scopes.remove(BOB);
    SocketClient client = client();
    client.asksToJoin("x", ALL, token(BOB));
    assertEquals("Unauthorized: this user may not use the chat", client.next("phx_reply").reason());
    Await.until("nobody listens", () -> fanOut.size() == 0);
  }

  @Test
  void anExpiredTokenIsRefused() {
    SocketClient client = client();
    client.asksToJoin("x", ALL, expired(ALICE));
    assertTrue(client.next("phx_reply").reason().startsWith("InvalidJWTToken: "));
    client.asksToJoin("x", ALL, "nonsense");
    assertTrue(client.next("phx_reply").reason().startsWith("MalformedJWT: "));
  }

  @Test
  void joiningATopicAgainClosesTheOldChannel() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    String second = client.asksToJoin("x", ALL, token(ALICE));

    Message close = client.next("phx_close");
    assertEquals("1", close.joinRef());
    assertEquals("1", close.ref());
    assertEquals(second, client.next("phx_reply").ref());
    client.next("system");
    fanOut.changed(insert("once", ALICE));
    client.next("postgres_changes");
    client.hasHeardNothing();
  }

  @Test
  void aTopicNeedsItsPrefixAndAName() {
    SocketClient client = client();
    client.says("1", "x", "phx_join", "{}");
    assertEquals("unmatched topic", client.next("phx_reply").reason());
    client.says("1", "realtime:", "phx_join", "{}");
    assertTrue(client.next("phx_reply").reason().startsWith("TopicNameRequired"));
  }

  @Test
  void aWishThatCannotBeFulfilledIsSaidAndTheOthersAreHeard() {
    SocketClient client = client();
    client.asksToJoin(
        "x",
        """
        [{"event":"*","schema":"public","table":"user_messages","filter":"colour=eq.red"},
         {"event":"*","schema":"public","table":"secrets"},
         {"event":"*","schema":"public","table":"user_messages"}]""",
        token(ALICE));
    assertEquals("ok", client.next("phx_reply").status());
    for (String part :
        List.of("has no column \\\"colour\\\"", "\\\"secrets\\\" is not published")) {
      Message system = client.next("system");
      assertEquals("error", system.status());
      assertTrue(system.payload().toString().contains(part), system::toString);
    }
    fanOut.changed(insert("hi", ALICE));
    assertEquals(1, client.next("postgres_changes").payload().path("ids").size());
  }

  // --- Changes
  // -----------------------------------------------------------------------------------------------------

  @Test
  void aChangeIsToldWithTheIdsOfTheBindingsItMeets() {
    SocketClient client = client();
    Message reply =
        client.joins(
            "x",
            """
            [{"event":"INSERT","schema":"public","table":"user_messages","filter":"conversation_id=eq.c1"},
             {"event":"UPDATE","schema":"public","table":"user_messages"},
             {"event":"*"},
             {"event":"*"},
             {"event":"DELETE","table":"user_messages","filter":"conversation_id=eq.c1"},
             {"event":"*","table":"user_presence"}]""",
            token(ALICE));
    JsonNode bound = reply.payload().path("response").path("postgres_changes");
    String insert = bound.get(0).get("id").toString();
    String update = bound.get(1).get("id").toString();
    String any = bound.get(2).get("id").toString();
    String delete = bound.get(4).get("id").toString();

    fanOut.changed(change(Operation.INSERT, row("c1", "a"), null, ALICE));
    fanOut.changed(change(Operation.INSERT, row("c2", "b"), null, ALICE));
    fanOut.changed(change(Operation.UPDATE, row("c1", "c"), "{\"id\":1}", ALICE));
    fanOut.changed(change(Operation.DELETE, null, row("c1", "d"), ALICE));

    assertEquals("[" + insert + "," + any + "]", ids(client.next("postgres_changes")));
    assertEquals("[" + any + "]", ids(client.next("postgres_changes")));
    assertEquals("[" + update + "," + any + "]", ids(client.next("postgres_changes")));
    assertEquals("[" + any + "," + delete + "]", ids(client.next("postgres_changes")));
  }

  @Test
  void anEventHasTheShapeOfItsOperation() {
    SocketClient client = client();
    client.joins("x", MESSAGES, token(ALICE));
    String head =
        "{\"schema\":\"public\",\"table\":\"user_messages\",\"type\":\"%s\",\"commit_timestamp\":\"2026-01-01T00:00:00.120Z\","
            + "\"columns\":[{\"name\":\"id\",\"type\":\"uuid\"},{\"name\":\"conversation_id\",\"type\":\"text\"},{\"name\":\"content\",\"type\":\"text\"}],";
    String row = row("c", "é 😀");

    fanOut.changed(change(Operation.INSERT, row, null, ALICE));
    fanOut.changed(change(Operation.UPDATE, row, "{\"id\":1}", ALICE));
    fanOut.changed(change(Operation.DELETE, null, row, ALICE));

    assertEquals(
        head.formatted("INSERT") + "\"record\":" + row + ",\"errors\":null}", data(client.next()));
    assertEquals(
        head.formatted("UPDATE")
            + "\"record\":"
            + row
            + ",\"old_record\":{\"id\":1},\"errors\":null}",
        data(client.next()));
    assertEquals(
        head.formatted("DELETE") + "\"old_record\":" + row + ",\"errors\":null}",
        data(client.next()));
  }

  /** A list that shows what passes must learn of what does so no longer. */
  @Test
  void aRowThatLeavesAFilterIsToldAsTheUpdateItIs() {
    SocketClient client = client();
    client.joins("x", MESSAGES.replace("\"}", "\",\"filter\":\"content=eq.a\"}"), token(ALICE));
    fanOut.changed(change(Operation.UPDATE, row("c", "b"), row("c", "a"), ALICE));
    fanOut.changed(
        change(Operation.UPDATE, row("c", "d"), row("c", "b"), ALICE)); // never was there
    fanOut.changed(change(Operation.UPDATE, row("c", "a"), row("c", "d"), ALICE));

    Message left = client.next();
    assertEquals("b", content(left));
    // Of the old row nothing but the key: it may say what was taken back.
    assertEquals("{\"id\":1}", left.payload().path("data").path("old_record").toString());
    assertEquals("a", content(client.next()));
    client.hasHeardNothing();
  }

  @Test
  void columnsThatWereSelectedAreToldAndTheKey() {
    SocketClient client = client();
    client.asksToJoin(
        "x",
        """
        [{"event":"*","schema":"public","table":"user_messages","select":["content"]},
         {"event":"*","schema":"public","table":"user_messages","select":"id, content"},
         {"event":"*","schema":"public","table":"user_messages"},
         {"event":"*","schema":"public","table":"user_messages","select":["colour"]},
         {"event":"*","schema":"public","select":["id"]}]""",
        token(ALICE));
    JsonNode bound = client.next("phx_reply").payload().path("response").path("postgres_changes");
    assertTrue(client.next("system").payload().toString().contains("no column"));
    assertTrue(client.next("system").payload().toString().contains("needs one table"));

    String number = "12345678901234567890.10"; // every digit as it stands
    String row = row("c", "hi \\\"{,}").replace("\"id\":1", "\"id\":" + number);
    fanOut.changed(change(Operation.INSERT, row, null, ALICE));
    fanOut.changed(change(Operation.DELETE, null, row, ALICE));

    Message chosen = client.next();
    assertEquals("[" + bound.get(0).get("id") + "," + bound.get(1).get("id") + "]", ids(chosen));
    assertTrue(
        data(chosen)
            .contains(
                "\"columns\":[{\"name\":\"id\",\"type\":\"uuid\"},{\"name\":\"content\",\"type\":\"text\"}]"),
        () -> data(chosen));
    assertEquals(
        "[\"id\", \"content\"]".replace("\"", ""),
        List.copyOf(chosen.payload().path("data").path("record").propertyNames()).toString());
    Message whole = client.next();
    assertEquals("[" + bound.get(2).get("id") + "]", ids(whole));
    assertEquals(3, whole.payload().path("data").path("record").size());
    assertEquals(2, client.next().payload().path("data").path("old_record").size());
    assertEquals(3, client.next().payload().path("data").path("old_record").size());
    client.hasHeardNothing();
  }

  /** The index finds what asking each binding would find. */
  @Test
  void bindingsFoundByTheirValuesAreThoseThatAskingEachWouldFind() {
    var random = new java.util.Random(7);
    PublishedTables tables = server.tables();
    List<Channel> channels = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      var wishes = new ArrayList<tools.jackson.databind.node.ObjectNode>();
      for (int j = 0; j < 10; j++) {
        var wish = Json.object().put("event", random.nextBoolean() ? "*" : "UPDATE");
        String value = "abc".charAt(random.nextInt(3)) + "";
        wish.put("table", random.nextInt(5) == 0 ? "*" : "user_messages");
        switch (random.nextInt(5)) {
          case 0 -> wish.put("filter", "content=eq." + value);
          case 1 -> wish.put("filter", "conversation_id=in.(" + value + ",z),content=neq.b");
          case 2 -> wish.put("filter", "content=not.eq." + value);
          case 3 -> wish.put("filter", "conversation_id=eq.b,content=eq." + value);
          default -> wish.put("n", j);
        }
        wishes.add(wish);
      }
      channels.add(
          new Channel(
              "realtime:" + i,
              null,
              Subscription.all(wishes, tables),
              null,
              "",
              new com.gptdesk.chat.service.auth.Identity(
                  com.gptdesk.chat.database.Caller.Role.ANON, null, null, "{}")));
    }
    SubscriptionIndex<Channel> index = SubscriptionIndex.of(channels, Channel::subscriptions);
    for (int i = 0; i < 300; i++) {
      String now = row("abc".charAt(random.nextInt(3)) + "", "abcd".charAt(random.nextInt(4)) + "");
      String then =
          row("abc".charAt(random.nextInt(3)) + "", "abcd".charAt(random.nextInt(4)) + "");
      Change change =
          switch (random.nextInt(3)) {
            case 0 -> change(Operation.INSERT, now, null, ALICE);
            case 1 -> change(Operation.UPDATE, now, then, ALICE);
            default -> change(Operation.DELETE, null, then, ALICE);
          };
      var data = new ChangePayload(change, tables);
      Map<Channel, List<Subscription>> found = index.mayHear(data);
      for (Channel channel : channels) {
        assertEquals(
            channel.messagesFor(data, channel.subscriptions()),
            channel.messagesFor(data, found.getOrDefault(channel, List.of())));
      }
      assertEquals(!found.isEmpty(), index.mayConcern(data));
    }
  }

  @Test
  void bindingsThatNameNoRowAreHeldOnceForAll() {
    var common = new CommonSubscriptions();
    var anyRow = Json.object().put("event", "*").put("table", "user_messages");
    var oneRow = anyRow.deepCopy().put("filter", "conversation_id=eq.a");
    var wordy = anyRow.deepCopy().put("n", "x".repeat(500));

    List<Subscription> first =
        common.of(Subscription.all(List.of(anyRow, oneRow, wordy), server.tables()));
    List<Subscription> second =
        common.of(Subscription.all(List.of(anyRow, oneRow, wordy), server.tables()));

    assertSame(first.get(0), second.get(0));
    assertNotSame(first.get(1), second.get(1), "it is its client's own");
    assertNotSame(first.get(2), second.get(2), "such would fill the memory");
  }

  @Test
  void aChangeIsEncodedOnceForAllWhoHearIt() {
    List<SocketClient> clients = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      SocketClient client = client();
      client.joins("x" + i, ALL, token(ALICE));
      clients.add(client);
    }
    long before = server.metrics().encoded();

    fanOut.changed(insert("to all", BLUE));

    clients.forEach(client -> assertEquals("to all", content(client.next())));
    assertEquals(1, server.metrics().encoded() - before);
  }

  @Test
  void onlyThoseHearWhoMaySee() {
    SocketClient alice = client();
    SocketClient mallory = client();
    alice.joins("x", ALL, token(ALICE));
    mallory.joins("x", ALL, token(MALLORY));

    fanOut.changed(insert("to Alice and Bob", ALICE, BOB));
    fanOut.changed(insert("to the team", BLUE));
    fanOut.changed(insert("to Mallory", MALLORY)); // the marker

    assertEquals("to Alice and Bob", content(alice.next()));
    assertEquals("to the team", content(alice.next()));
    alice.hasHeardNothing();
    assertEquals("to Mallory", content(mallory.next()));
  }

  @Test
  void channelsOfTwoPeopleOnOneSocketHearByTheirOwnRights() {
    SocketClient client = client();
    client.joins("alice", ALL, token(ALICE));
    client.joins("mallory", ALL, token(MALLORY));

    fanOut.changed(insert("to Alice", ALICE));
    fanOut.changed(insert("to Mallory", MALLORY));
    fanOut.changed(insert("to both", RED, BLUE));

    assertEquals("realtime:alice to Alice", topicAndContent(client.next()));
    assertEquals("realtime:mallory to Mallory", topicAndContent(client.next()));
    assertEquals(
        List.of("realtime:alice to both", "realtime:mallory to both"),
        List.of(topicAndContent(client.next()), topicAndContent(client.next())).stream()
            .sorted()
            .toList());
    client.hasHeardNothing();
  }

  @Test
  void aMissedStretchIsSaidToChannelsWithBindings() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.joins("silent", "[]", token(ALICE));
    fanOut.changed(insert("before", ALICE));
    fanOut.resync("Changes were missed.");
    fanOut.changed(insert("after", ALICE));

    assertEquals("before", content(client.next()));
    Message system = client.next("system");
    assertEquals(
        "{\"extension\":\"postgres_changes\",\"status\":\"resync\",\"message\":\"Changes were missed.\",\"channel\":\"x\"}",
        system.payload().toString());
    assertEquals("after", content(client.next()));
  }

  // --- Rights that change
  // ------------------------------------------------------------------------------------------

  @Test
  void whoIsDeactivatedHearsNothingFromThereOn() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    client.joins("y", ALL, token(BOB));
    fanOut.changed(insert("while active", BOB));
    scopes.remove(BOB);
    fanOut.changed(control(BOB));
    fanOut.changed(insert("no more", BOB));

    assertEquals("while active", content(client.next()));
    assertEquals("while active", content(client.next()));
    for (int i = 0; i < 2; i++) {
      Message system = client.next("system");
      assertEquals("error", system.status());
      assertEquals(system.joinRef(), client.next("phx_close").joinRef());
    }
    client.hasHeardNothing();
    assertEquals(0, fanOut.size());
  }

  @Test
  void whoMovesToAnotherTeamHearsThatOneAndIsToldToReadAnew() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    scopes.put(BOB, List.of(Scope.user(BOB), RED));
    fanOut.changed(control(BOB));
    fanOut.changed(insert("to the old team", BLUE));
    fanOut.changed(insert("to Bob", BOB));

    assertEquals("resync", client.next("system").status());
    assertEquals("to Bob", content(client.next()));
    fanOut.changed(insert("to the old team", BLUE));
    fanOut.changed(insert("to the new team", RED));
    assertEquals("to the new team", content(client.next()));
  }

  /** Nobody knows what is in a stretch that was missed: it may be the end of somebody's rights. */
  @Test
  void whoseRightsEndedInAMissedStretchHearsNothingFromThereOn() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    SocketClient other = client();
    other.joins("x", ALL, token(ALICE));
    scopes.remove(BOB);
    fanOut.resync("Changes were missed.");
    fanOut.changed(insert("after", ALICE, BOB));

    assertEquals("error", client.next("system").status());
    client.next("phx_close");
    client.hasHeardNothing();
    assertEquals("resync", other.next("system").status()); // the control
    assertEquals("after", content(other.next()));
  }

  @Test
  void aControlRowThatChangesNothingForThePersonIsNotNoticed() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    fanOut.changed(control(BOB));
    fanOut.changed(insert("to Bob", BOB));
    assertEquals("to Bob", content(client.next()));
    assertEquals(2, scopesRead.get());
  }

  /** The control row comes while the join reads what the person may hear. */
  @Test
  void aChangeOfRightsDuringAJoinIsNotLost() {
    SocketClient client = client();
    whileScopesAreRead =
        () -> {
          whileScopesAreRead = () -> {};
          scopes.remove(BOB);
          fanOut.changed(control(BOB));
          fanOut.changed(insert("not for Bob any more", BOB));
        };
    client.asksToJoin("x", ALL, token(BOB));

    assertEquals("ok", client.next("phx_reply").status());
    client.next("system");
    assertEquals("error", client.next("system").status());
    client.next("phx_close");
    client.hasHeardNothing();
  }

  @Test
  void whatComesWhileAJoinReadsRightsIsToldAfterItsAnswer() {
    SocketClient client = client();
    whileScopesAreRead = () -> fanOut.changed(insert("early", BOB));
    client.joins("x", ALL, token(BOB));
    assertEquals("early", content(client.next()));
  }

  /** What comes by NATS comes only to who has asked for it, which takes a while. */
  @Test
  void nobodyIsLetInBeforeItsChangesAreHeard() {
    SocketClient client = client();
    var heard = new CountDownLatch(1);
    whileScopesAreAwaited =
        () -> {
          if (awaited.size() == 2) {
            Await.open(heard);
          }
        };
    String joinRef = client.asksToJoin("x", ALL, token(BOB));
    Await.until("the team's changes to be awaited", () -> awaited.size() == 2);
    assertEquals(List.of("1 after 0 questions", "2 after 1 questions"), awaited);
    fanOut.changed(insert("early", BOB)); // heard, and not told before the answer
    heard.countDown();
    assertEquals("ok", client.answerTo(joinRef).status());
    assertEquals("ok", client.next("system").status());
    assertEquals("early", content(client.next()));
  }

  /** Nobody knows what it would miss. */
  @Test
  void whoseChangesCannotBeHeardIsAskedToComeBack() {
    SocketClient client = client();
    whileScopesAreAwaited =
        () -> {
          throw new IllegalStateException("no leader");
        };
    String joinRef = client.asksToJoin("x", ALL, token(BOB));
    assertTrue(client.answerTo(joinRef).reason().startsWith("UnableToConnectToProject: "));
    assertEquals(0, fanOut.size());
  }

  /** It was there when the join asked who may use it. */
  @Test
  void aConversationDeletedDuringAJoinIsNotJoined() {
    SocketClient client = client();
    client.joins("x", MESSAGES, token(ALICE)); // her rights are known
    whoMayUse = this::foundAndThenDeleted;
    String joinRef = client.asksToJoin(TALK_TOPIC, "[]", token(ALICE));
    assertTrue(client.answerTo(joinRef).reason().startsWith("Unauthorized: "));
    client.says(joinRef, "realtime:" + TALK_TOPIC, "broadcast", "{}");
    assertEquals("unmatched topic", client.next("phx_reply").reason());

    whoMayUse = () -> List.of(ALICE, BOB); // the control
    client.joins(TALK_TOPIC, "[]", token(ALICE));
  }

  /** Nothing of hers is heard on this socket before the join itself. */
  @Test
  void aConversationDeletedDuringAFirstJoinIsClosed() {
    SocketClient client = client();
    var deleted = new CountDownLatch(1);
    whileScopesAreRead = () -> Await.open(deleted);
    whoMayUse =
        () -> {
          List<UUID> found = foundAndThenDeleted();
          deleted.countDown();
          return found;
        };
    String joinRef = client.asksToJoin(TALK_TOPIC, "[]", token(ALICE));
    if (client.answerTo(joinRef).status().equals("ok")) { // It was let in just before it heard.
      assertEquals("error", client.next("system").status());
      client.next("phx_close");
    }
    client.hasHeardNothing();
    Await.until("nobody hears", () -> fanOut.size() == 0);
  }

  @Test
  void aConversationDeletedDuringAChangeOfTokenEndsItsChannel() {
    SocketClient client = client();
    whoMayUse = () -> List.of(ALICE, BOB);
    client.joins(TALK_TOPIC, "[]", token(ALICE));
    client.joins("x", MESSAGES, token(BOB)); // his rights are known
    whoMayUse = this::foundAndThenDeleted;
    client.says(
        "1", "realtime:" + TALK_TOPIC, "access_token", "{\"access_token\":\"" + token(BOB) + "\"}");
    assertEquals("error", client.next("system").status());
    client.next("phx_error");
    client.hasHeardNothing();
  }

  private List<UUID> foundAndThenDeleted() {
    fanOut.changed(
        new Change(
            ++seq,
            "user_conversations",
            Operation.DELETE,
            Instant.now(),
            people(ALICE, BOB),
            null,
            "{\"id\":\"" + TALK + "\"}"));
    return List.of(ALICE, BOB);
  }

  @Test
  void whenRightsCannotBeReadTheClientIsAskedToComeBack() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    whileScopesAreRead =
        () -> {
          whileScopesAreRead = () -> {};
          throw new IllegalStateException("no database");
        };
    fanOut.changed(control(BOB));
    assertEquals("error", client.next("system").status());
    client.next("phx_error");
    client.joins("x", ALL, token(BOB));
  }

  // --- Tokens
  // ------------------------------------------------------------------------------------------------------

  @Test
  void aNewTokenOfTheSamePersonChangesNothing() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + issuer.forUser(ALICE, Duration.ofHours(3)) + "\"");
    sendsToken(client, "null");
    sendsToken(client, "\"sb_publishable_x\"");
    fanOut.changed(insert("hi", ALICE));
    assertEquals("hi", content(client.next()));
    assertEquals(1, scopesRead.get());
  }

  @Test
  void aTokenOfAnotherPersonMeansTheRightsOfThatOne() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + token(MALLORY) + "\"");
    client.hasHeardNothing(); // read in order: the token is taken by now
    fanOut.changed(insert("to Alice", ALICE));
    fanOut.changed(insert("to Mallory", MALLORY));
    assertEquals("to Mallory", content(client.next()));
  }

  @Test
  void aTokenOfAnotherPersonInTheMiddleOfAJoinMeansTheRightsOfThatOne() {
    SocketClient client = client();
    whileScopesAreRead =
        () -> {
          whileScopesAreRead = () -> {};
          sendsToken(client, "\"" + token(MALLORY) + "\"");
        };
    client.joins("x", ALL, token(ALICE));
    client.hasHeardNothing(); // read in order: the token is taken by now
    fanOut.changed(insert("to Alice", ALICE));
    fanOut.changed(insert("to Mallory", MALLORY));
    assertEquals("to Mallory", content(client.next()));
  }

  @Test
  void aHundredEqualBindingsAreToldOnce() {
    SocketClient client = client();
    String binding = "{\"event\":\"*\",\"schema\":\"public\",\"filter\":\"content=eq.hi\"}";
    Message reply =
        client.joins("x", "[" + binding + ("," + binding).repeat(99) + "]", token(ALICE));
    assertEquals(100, reply.payload().path("response").path("postgres_changes").size());
    fanOut.changed(insert("hi", ALICE));
    assertEquals(1, client.next("postgres_changes").payload().path("ids").size());
    client.hasHeardNothing();
  }

  @Test
  void aTokenWithoutANameEndsTheChannelSoThatItIsJoinedAgain() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + issuer.anonKey() + "\"");
    assertTrue(
        client.next("system").payload().path("message").asString().startsWith("Unauthorized: "));
    assertEquals("1", client.next("phx_error").ref());
    fanOut.changed(insert("hi", ALICE));
    client.hasHeardNothing();
  }

  @Test
  void aTokenThatDoesNotHoldEndsTheChannel() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + expired(ALICE) + "\"");
    assertTrue(
        client.next("system").payload().path("message").asString().startsWith("InvalidJWTToken"));
    client.next("phx_error");
  }

  @Test
  void whenATokenEndsItsChannelsAreJoinedAgainAndOthersStay() throws Exception {
    serve(Patient.settings().with(new Times(Duration.ofHours(1), Duration.ZERO)));
    SocketClient client = client();
    client.joins("y", ALL, token(ALICE));
    // The verifier lets it in for half a minute more, so it ends after the join in any case.
    client.joins("x", ALL, issuer.forUser(ALICE, Duration.ZERO));

    Message system = client.next("system");
    assertEquals("realtime:x", system.topic());
    assertTrue(
        system.payload().path("message").asString().contains("Token has expired"),
        system::toString);
    assertEquals("realtime:x", client.next("phx_error").topic());
    fanOut.changed(insert("hi", ALICE));
    assertEquals("realtime:y hi", topicAndContent(client.next()));
  }

  // --- The other messages
  // ------------------------------------------------------------------------------------------

  @Test
  void leavingIsAnsweredAndThenClosed() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    String ref = client.says("1", "realtime:x", "phx_leave", "{}");
    Message reply = client.next("phx_reply");
    assertEquals(ref, reply.ref());
    assertEquals("ok", reply.status());
    assertEquals("1", client.next("phx_close").ref());
    assertEquals(0, fanOut.size());
    fanOut.changed(insert("hi", ALICE));
    client.hasHeardNothing();

    client.says("1", "realtime:x", "phx_leave", "{}");
    assertEquals("ok", client.next("phx_reply").status());
  }

  /** Two objects of a client for one topic: the one left behind says good-bye late. */
  @Test
  void whoLeavesAChannelOfBeforeDoesNotEndTheOneOfNow() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.joins("y", ALL, token(ALICE));
    String joinRef = client.asksToJoin("x", ALL, token(ALICE));
    assertEquals("1", client.next("phx_close").ref());
    assertEquals(joinRef, client.next("phx_reply").joinRef());
    client.next("system");

    client.says("1", "realtime:x", "phx_leave", "{}");
    assertEquals("ok", client.next("phx_reply").status());
    fanOut.changed(insert("hi", ALICE));
    assertEquals("realtime:y hi", topicAndContent(client.next()));
    assertEquals("realtime:x hi", topicAndContent(client.next()));

    client.says(joinRef, "realtime:x", "phx_leave", "{}");
    assertEquals("ok", client.next("phx_reply").status());
    assertEquals(joinRef, client.next("phx_close").ref());
  }

  @Test
  void broadcastAndPresenceAreRefusedWhereNobodyMayUseThem() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.says(
        "1", "realtime:x", "broadcast", "{\"type\":\"broadcast\",\"event\":\"e\",\"payload\":{}}");
    Message refusal = client.next("phx_reply");
    assertEquals("error", refusal.status());
    assertTrue(refusal.reason().startsWith("Unauthorized: "), refusal.reason());
    assertEquals("error", client.next("system").status());

    client.says(
        "1",
        "realtime:x",
        "presence",
        "{\"type\":\"presence\",\"event\":\"track\",\"payload\":{}}");
    assertTrue(client.next("phx_reply").reason().startsWith("Unauthorized: "));
    fanOut.changed(insert("still there", ALICE));
    client.next("postgres_changes");
  }

  @Test
  void aTopicThatIsNotJoinedIsUnmatched() {
    SocketClient client = client();
    client.says("1", "realtime:x", "access_token", "{\"access_token\":\"x\"}");
    assertEquals("unmatched topic", client.next("phx_reply").reason());
  }

  @Test
  void nonsenseIsDroppedAndTheSocketStaysOpen() {
    SocketClient client = client();
    client.says("nonsense");
    client.says("[1]");
    client.saysBytes(new byte[] {9, 9});
    client.saysBytes(new byte[0]);
    client.hasHeardNothing();
    assertEquals(4, server.metrics().malformedFrames());
  }

  @Test
  void versionOneSpeaksObjects() throws Exception {
    var answers = new LinkedBlockingQueue<String>();
    var socket =
        http.newWebSocketBuilder()
            .buildAsync(
                URI.create(
                    "ws://127.0.0.1:" + port + "/realtime/v1/websocket?apikey=" + issuer.anonKey()),
                new WebSocket.Listener() {
                  @Override
                  public @Nullable CompletionStage<?> onText(
                      WebSocket webSocket, CharSequence data, boolean last) {
                    webSocket.request(1);
                    answers.add(data.toString());
                    return null;
                  }
                })
            .join();
    socket
        .sendText(
            "{\"topic\":\"phoenix\",\"event\":\"heartbeat\",\"payload\":{},\"ref\":\"1\"}", true)
        .join();
    assertEquals(
        "{\"topic\":\"phoenix\",\"event\":\"phx_reply\",\"payload\":{\"status\":\"ok\",\"response\":{}},\"ref\":\"1\"}",
        Await.next("an answer", answers));
    socket.abort();
  }

  // --- Limits
  // ------------------------------------------------------------------------------------------------------

  @Test
  void limitsAreAnsweredWithAReason() throws Exception {
    serve(Patient.settings().with(new SocketLimits(3, 1, 2, 2)), Patient::frozen);
    SocketClient client = client();
    client.joins("a", ALL, token(ALICE));
    client.joins("b", ALL, token(ALICE));
    client.asksToJoin("c", ALL, token(ALICE));
    assertTrue(client.next("phx_reply").reason().startsWith("ChannelRateLimitReached: "));

    SocketClient second = client();
    second.asksToJoin("a", ALL, token(ALICE));
    assertTrue(second.next("phx_reply").reason().startsWith("ConnectionRateLimitReached: "));
    second.joins("a", ALL, token(BOB));

    SocketClient third = client();
    for (int i = 0; i < 50; i++) {
      third.asksToJoin("x", "[]", null);
    }
    Message answer = third.next();
    while (!answer.reason().startsWith("ClientJoinRateLimitReached: ")) {
      answer = third.next(); // the first few are let in
    }

    assertEquals(429, upgrade("/realtime/v1/websocket?apikey=" + issuer.anonKey()).status());
    client.close();
    Await.until("its place is free", () -> server.connections() == 2);
    second.joins("b", ALL, token(ALICE));
  }

  @Test
  void switchedOffItSaysSo() throws Exception {
    serve(Patient.settings().withEnabled(false));
    SocketClient client = client();
    client.asksToJoin("x", "[]", token(ALICE));
    assertTrue(client.next("phx_reply").reason().contains("switched off"));
  }

  @Test
  void aSilentSocketIsClosed() throws Exception {
    serve(Patient.settings().with(new Times(Duration.ofMillis(300), Duration.ZERO)));
    assertEquals(1000, client().closeCode());
    Await.until("it is forgotten", () -> server.connections() == 0);
  }

  @Test
  void aFrameThatIsTooLongClosesItsSocketOnly() throws Exception {
    SocketClient other = client();
    SocketClient client = client();
    try {
      client.says("x".repeat(2 * 1024 * 1024));
    } catch (RuntimeException e) {
      assertTrue(String.valueOf(e.getMessage()).length() > 0); // closed while it was sending
    }
    Await.until("it is forgotten", () -> server.connections() == 1);
    other.hasHeardNothing();
  }

  @Test
  void aClientThatNeverReadsIsClosedAndOthersHearOn() throws Exception {
    serve(Patient.settings().with(new QueueLimits(256 * 1024, 20_000)));
    SocketClient alice = client();
    alice.joins("x", ALL, token(ALICE));
    try (Socket deaf = deafSocket(token(ALICE))) {
      write(
          deaf,
          "[\"1\",\"1\",\"realtime:x\",\"phx_join\",{\"config\":{\"postgres_changes\":"
              + ALL
              + "}}]");
      Await.until("it has joined", () -> server.metrics().joins() == 2);
      String text = "x".repeat(10_000);
      int sent = 0;
      while (server.metrics().slowClosed() == 0) {
        fanOut.changed(insert(text, ALICE));
        sent++;
        assertEquals(text, content(alice.next()));
        assertTrue(sent < 10_000, "it may queue without bound");
      }
      fanOut.changed(insert("last", ALICE));
      assertEquals("last", content(alice.next()));
      Await.until("it is forgotten", () -> server.connections() == 1);
    }
  }

  /** As many characters, of one byte each and of three. */
  @Test
  void whatMayWaitIsCountedInBytes() throws Exception {
    serve(Patient.settings().with(new QueueLimits(4_000_000, 20_000)));
    SocketClient latin = client();
    SocketClient other = client();
    latin.joins("x", ALL, token(ALICE));
    other.joins("x", ALL, token(BOB));
    latin.stopsReading();
    other.stopsReading();
    fanOut.changed(insert("x".repeat(3_000_000), ALICE));
    fanOut.changed(insert("語".repeat(3_000_000), BOB));

    Await.until("the one with more bytes is closed", () -> server.metrics().slowClosed() > 0);
    latin.readsAgain();
    assertEquals(3_000_000, content(latin.next()).length());
    assertEquals(1, server.metrics().slowClosed());
  }

  /** Nothing else is written meanwhile whose end could be what it goes on from. */
  @Test
  void aReplayThatWaitsForABinaryFrameToBeReadGoesOnAfterIt() throws Exception {
    serve(Patient.settings().with(new QueueLimits(16 * 1024 * 1024, 20_000)));
    var asked = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    whoMayUse = () -> List.of(ALICE, BOB);
    missed =
        (caller, conversation, revision, most) -> {
          asked.countDown();
          Await.open(goOn);
          String row = row(TALK.toString(), "missed");
          return new MissedMessages.Page(
              1, List.of(new MissedMessages.Message(ALICE, 1, 1, Instant.now(), row)));
        };
    SocketClient client = client();
    client.joins(
        TALK_TOPIC,
        "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\",\"filter\":\"conversation_id=eq."
            + TALK
            + "\",\"since\":0}]",
        token(ALICE));
    Await.open(asked);
    client.stopsReading();
    byte[] bytes = new byte[8 * 1024 * 1024]; // more than the network holds, and a quarter
    long before = server.metrics().framesWritten();
    fanOut.changed(
        new Change(
            ++seq,
            "broadcast",
            Operation.INSERT,
            Instant.now(),
            people(ALICE, BOB),
            "{\"topic\":\"%s\",\"event\":\"raw\",\"binary\":\"%s\"}"
                .formatted(TALK_TOPIC, Base64.getEncoder().encodeToString(bytes)),
            null));
    Await.until("it is on its way", () -> server.metrics().framesWritten() > before);
    goOn.countDown();
    client.readsAgain();
    assertTrue(client.nextBinary().length > bytes.length);
    assertEquals("missed", content(client.next()));
    assertEquals("ok", client.next("system").status());
  }

  @Test
  void moreChangesThanMayWaitCloseTheSocket() throws Exception {
    serve(Patient.settings().with(new QueueLimits(1024 * 1024, 10)));
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    var reading = new CountDownLatch(1);
    var told = new CountDownLatch(1);
    whileScopesAreRead =
        () -> {
          reading.countDown();
          Await.open(told);
        };
    fanOut.changed(control(BOB));
    Await.open(reading);
    for (int i = 0; i < 100; i++) {
      fanOut.changed(insert("held", BOB));
    }
    assertEquals(1013, client.closeCode());
    told.countDown();
  }

  @Test
  void closingSendsClientsElsewhere() throws Exception {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    server.close();
    assertEquals(1012, client.closeCode());
    assertEquals(0, fanOut.size());
    assertEquals(0, server.people());
    assertEquals(503, upgrade("/realtime/v1/websocket?apikey=" + issuer.anonKey()).status());
  }

  @Test
  void aSocketThatIsGoneLeavesNothingBehind() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    assertEquals(1, fanOut.size());
    assertEquals(1, server.people());
    client.close();
    Await.until("it is forgotten", () -> server.connections() == 0);
    assertEquals(0, fanOut.size());
    assertEquals(0, server.people());
  }

  // --- Helpers
  // -----------------------------------------------------------------------------------------------------

  private List<Scope> scopesOf(UUID user) {
    scopesRead.incrementAndGet();
    List<Scope> found = scopes.getOrDefault(user, List.of());
    whileScopesAreRead.run();
    return found;
  }

  private SocketClient client() {
    return client(issuer.anonKey());
  }

  private SocketClient client(String apikey) {
    SocketClient client = SocketClient.connect(http, port, apikey);
    clients.add(client);
    return client;
  }

  private static void sendsToken(SocketClient client, String token) {
    client.says("1", "realtime:x", "access_token", "{\"access_token\":" + token + "}");
  }

  private String token(UUID user) {
    return issuer.forUser(user, Duration.ofHours(1));
  }

  private String expired(UUID user) {
    return issuer.forUser(user, Duration.ofMinutes(-5));
  }

  /** An HTTP answer: its status and what came with it. */
  private record Answer(int status, String body) {}

  private Answer upgrade(String pathAndQuery) throws Exception {
    // The JDK's client may not say "Upgrade", so this one is written by hand.
    try (Socket socket = new Socket("127.0.0.1", port)) {
      askToUpgrade(socket, pathAndQuery);
      String head = readSome(socket);
      return new Answer(
          Integer.parseInt(head.substring(9, 12)), head.substring(head.indexOf("\r\n\r\n") + 4));
    }
  }

  private Socket deafSocket(String apikey) throws IOException {
    var socket = new Socket();
    socket.setReceiveBufferSize(4096);
    socket.connect(new InetSocketAddress("127.0.0.1", port));
    askToUpgrade(socket, "/realtime/v1/websocket?vsn=2.0.0&apikey=" + apikey);
    readSome(socket);
    return socket;
  }

  private static void askToUpgrade(Socket socket, String pathAndQuery) throws IOException {
    socket
        .getOutputStream()
        .write(
            ("GET "
                    + pathAndQuery
                    + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
  }

  private static String readSome(Socket socket) throws IOException {
    byte[] buffer = new byte[4096];
    int length = socket.getInputStream().read(buffer);
    return new String(buffer, 0, length, StandardCharsets.US_ASCII);
  }

  /** A masked text frame of 126 to 65535 bytes. */
  private static void write(Socket socket, String text) throws IOException {
    byte[] bytes = (text + " ".repeat(126)).getBytes(StandardCharsets.UTF_8);
    var frame = ByteBuffer.allocate(bytes.length + 8);
    frame.put((byte) 0x81).put((byte) (0x80 | 126)).putShort((short) bytes.length);
    socket.getOutputStream().write(frame.putInt(0).put(bytes).array());
  }

  private static List<Scope> people(UUID... ids) {
    return Scope.of(ids, null);
  }

  private Change insert(String content, UUID... people) {
    return change(Operation.INSERT, row("c", content), null, people);
  }

  private Change insert(String content, Scope... to) {
    return change(Operation.INSERT, row("c", content), null, List.of(to));
  }

  private Change control(UUID user) {
    return new Change(++seq, "users", Operation.UPDATE, Instant.now(), people(user), null, null);
  }

  private Change change(
      Operation operation, @Nullable String record, @Nullable String old, UUID... people) {
    return change(operation, record, old, people(people));
  }

  private Change change(
      Operation operation, @Nullable String record, @Nullable String old, List<Scope> to) {
    return new Change(
        ++seq,
        "user_messages",
        operation,
        Instant.parse("2026-01-01T00:00:00.120456Z"),
        to,
        record,
        old);
  }

  private static String row(String conversation, String content) {
    return "{\"id\":1,\"conversation_id\":\""
        + conversation
        + "\",\"content\":\""
        + content
        + "\"}";
  }

  private static String ids(Message message) {
    return message.payload().path("ids").toString();
  }

  private static String data(Message message) {
    return message.payload().path("data").toString();
  }

  private static String content(Message message) {
    assertEquals("postgres_changes", message.event(), message::toString);
    assertNull(message.joinRef());
    return message.payload().path("data").path("record").path("content").asString();
  }

  private static String topicAndContent(Message message) {
    return message.topic() + " " + content(message);
  }
}
