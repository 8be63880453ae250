package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.realtime.changes.Audiences;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.channel.DatabaseTopics;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.channel.Topics;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NodeChanges;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Broadcasts and presence over real sockets, on two nodes of one real database. */
class TopicsServerTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final String PLAIN = config(false, false, false, "");
  private static final String SHOWN =
      "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\"}]";
  private static final String HI =
      "{\"type\":\"broadcast\",\"event\":\"hi\",\"payload\":{\"n\":%s}}";

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http = HttpClient.newHttpClient();
  private final TokenIssuer issuer = new TokenIssuer(SECRET);
  private final List<SocketClient> clients = new ArrayList<>();
  private final List<Node> nodes = new ArrayList<>();
  private TestDatabase database;
  private Person alice;
  private Person bob;
  private Person carol;
  private Person mallory;
  private UUID conversation;
  private String talk;
  private String blue;
  private Node one;
  private Node two;

  /** One service, without what this test does not need. */
  private final class Node {
    final PresenceTracker tracker;
    final RealtimeServer server;
    final NodeChanges changes;
    final SocketPresence presence;
    final HttpServer listening;

    Node(TopicLimits limits) throws Exception {
      this(limits, System::nanoTime);
    }

    Node(TopicLimits limits, LongSupplier nanoClock) throws Exception {
      Topics topics = new DatabaseTopics(database.chat(), Pattern.compile("room-\\d+"));
      tracker = new PresenceTracker(topics);
      changes =
          new NodeChanges(
              RelaySettings.of(
                  database.service().url(),
                  database.service().user(),
                  database.service().password()),
              nats());
      server =
          new RealtimeServer(
              Patient.settings(),
              new TokenVerifier(TokenSettings.ofSecret(SECRET)),
              changes.fanOut(),
              PublishedTables.in(database.chat()),
              Audiences.in(database.chat()),
              MissedMessages.in(database.chat()),
              topics,
              limits,
              tracker,
              nanoClock);
      presence = new SocketPresence(database.chat(), server, tracker);
      listening =
          vertx
              .createHttpServer(server.configure(new HttpServerOptions()))
              .requestHandler(server::upgrade)
              .listen(0, "127.0.0.1")
              .await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      presence.start();
      nodes.add(this);
      changes.start();
    }

    /** As if the process had been killed: nothing is said to anybody. */
    void dies() {
      changes.close();
      presence.close();
    }

    void stops() {
      tracker.close();
      server.close();
      presence.close();
      changes.close();
    }
  }

  /** By what the nodes hear of changes; null for relays of their own. */
  @Nullable NatsSettings nats() {
    return null;
  }

  @BeforeEach
  void twoNodes() throws Exception {
    database = TestDatabase.fresh();
    alice = database.alice();
    bob = database.bob();
    carol = database.carol();
    mallory = database.mallory();
    conversation = alice.talksTo(bob);
    talk = "conversation-" + conversation;
    blue = "team-" + TestDatabase.BLUE;
    one = new Node(TopicLimits.defaults());
    two = new Node(TopicLimits.defaults());
  }

  @AfterEach
  void stop() throws Exception {
    clients.forEach(SocketClient::close);
    nodes.forEach(Node::stops);
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    http.close();
    database.close();
  }

  // --- Broadcasts
  // ----------------------------------------------------------------------------------------------

  @Test
  void whatIsSaidIsHeardOnBothNodesButNotByWhoSaidIt() {
    SocketClient aliceHere = joined(one, alice, talk, PLAIN);
    SocketClient bobHere = joined(one, bob, talk, PLAIN);
    SocketClient bobThere = joined(two, bob, talk, PLAIN);

    says(aliceHere, talk, "1");
    for (SocketClient hears : List.of(bobHere, bobThere)) {
      Message message = hears.next("broadcast");
      assertEquals(
          "{\"type\":\"broadcast\",\"event\":\"hi\",\"payload\":{\"n\":1}}",
          message.payload().toString());
      assertEquals("realtime:" + talk, message.topic());
    }
    says(bobThere, talk, "2");
    assertEquals(2, n(aliceHere.next("broadcast")));
    assertEquals(2, n(bobHere.next("broadcast")));
    says(aliceHere, talk, "3"); // the marker: the next that he hears who said the one before
    assertEquals(3, n(bobThere.next("broadcast")));
  }

  @Test
  void selfAndAckAreTheClientsChoice() {
    SocketClient client = joined(one, alice, talk, config(true, true, false, ""));
    String ref = says(client, talk, "1");
    List<Message> both = List.of(client.next(), client.next()); // In either order.
    Message reply =
        both.stream().filter(m -> m.event().equals("phx_reply")).findAny().orElseThrow();
    Message self = both.stream().filter(m -> m.event().equals("broadcast")).findAny().orElseThrow();
    assertEquals(ref, reply.ref());
    assertEquals("ok", reply.status());
    assertEquals(1, n(self));
  }

  @Test
  void binaryFramesComeAndGo() {
    SocketClient sender = joined(one, alice, talk, config(true, false, false, ""));
    SocketClient hears = joined(two, bob, talk, PLAIN);

    sender.saysBytes(push(1, "é", "{\"u\":\"é\"}".getBytes(StandardCharsets.UTF_8)));
    assertEquals("ok", sender.next("phx_reply").status());
    assertEquals(
        "{\"type\":\"broadcast\",\"event\":\"é\",\"payload\":{\"u\":\"é\"}}",
        hears.next("broadcast").payload().toString());

    byte[] raw = HexFormat.of().parseHex("00ff80");
    sender.saysBytes(push(0, "raw", raw));
    assertEquals("ok", sender.next("phx_reply").status());
    byte[] topic = ("realtime:" + talk).getBytes(StandardCharsets.UTF_8);
    byte[] frame = hears.nextBinary();
    assertEquals(4, frame[0]);
    assertEquals(topic.length, frame[1]);
    assertEquals(3, frame[2]);
    assertEquals(0, frame[3]);
    assertEquals(0, frame[4]);
    assertEquals(
        "realtime:" + talk + "raw", new String(frame, 5, topic.length + 3, StandardCharsets.UTF_8));
    assertArrayEquals(raw, java.util.Arrays.copyOfRange(frame, topic.length + 8, frame.length));
  }

  @Test
  void whatIsTooLongOrTooMuchIsRefusedWithTheReason() throws Exception {
    Node strict =
        new Node(new TopicLimits(1024, 5, 3, Duration.ofMinutes(5), null), Patient::frozen);
    SocketClient client = joined(strict, alice, talk, config(true, false, false, ""));
    client.says("1", "realtime:" + talk, "broadcast", HI.formatted("\"" + "x".repeat(1024) + "\""));
    Message refusal = client.next("phx_reply");
    assertEquals("error", refusal.status());
    assertEquals(
        "payload_size_exceeded", refusal.payload().path("response").path("error").asString());
    assertTrue(refusal.reason().startsWith("PayloadTooLarge"), refusal.reason());
    assertEquals("error", client.next("system").status());

    for (int i = 0; i < 3; i++) {
      assertEquals("ok", tracks(client, talk, "{\"i\":" + i + "}").status());
      client.next(i == 0 ? "presence_state" : "presence_diff");
    }
    assertTrue(tracks(client, talk, "{}").reason().startsWith("ClientPresenceRateLimitReached"));
    String reason = "";
    for (int i = 0; i < 20 && reason.isEmpty(); i++) {
      says(client, talk, "1");
      reason = client.next("phx_reply").reason();
    }
    assertTrue(reason.startsWith("ClientEventRateLimitReached"), reason);
  }

  @Test
  void whoMayNotIsToldSo() {
    SocketClient client = connect(one, mallory);
    for (String topic : List.of(talk, blue, "user-" + alice.id())) {
      client.asksToJoinWith(topic, PLAIN, token(mallory));
      Message refusal = client.next("phx_reply");
      assertEquals("error", refusal.status());
      assertTrue(refusal.reason().startsWith("Unauthorized: "), refusal.reason());
    }
    client.asksToJoinWith(talk, PLAIN, null);
    assertTrue(client.next("phx_reply").reason().startsWith("Unauthorized: "));

    // With bindings it may join, as any topic; but it says and hears nothing there.
    client.joins(talk, SHOWN, token(mallory));
    Message notice = client.next("system");
    assertEquals("broadcast", notice.payload().path("extension").asString());
    assertEquals("error", notice.status());
    says(client, talk, "1");
    assertEquals("error", client.next("phx_reply").status());
    client.next("system");
    assertEquals("error", tracks(client, talk, "{}").status());

    joined(two, alice, talk, PLAIN);
    says(clients.getLast(), talk, "1");
    client.joinsWith("team-" + TestDatabase.RED, config(false, true, false, ""), token(mallory));
    says(client, "team-" + TestDatabase.RED, "2");
    assertEquals(2, n(client.next("broadcast"))); // The marker is the first that is heard.
  }

  /** NUL and half a surrogate pair never reach the database, as at the other doors. */
  @Test
  void oddTextsArriveAsTheyAreOrAreRefusedWithTheReason() {
    SocketClient hears = joined(two, bob, talk, PLAIN);
    SocketClient client = joined(one, alice, talk, config(true, false, false, ""));
    for (String odd :
        List.of(
            "\"\\u2028😀\\\"]}\"",
            "{\"payload\":{\"event\":\"x\"}}",
            "[".repeat(300) + "]".repeat(300))) {
      String payload = "{\"odd\":" + odd + "}";
      assertEquals("ok", client.answerTo(saysEvent(client, "odd", payload)).status());
      assertEquals(Json.read(payload), hears.next("broadcast").payload().path("payload"), payload);
      assertEquals("ok", tracks(client, talk, payload).status());
    }
    assertEquals(
        "ok", client.answerTo(saysEvent(client, "odd", "{\"odd\":\"a\\u0000b\\ud83d\"}")).status());
    assertEquals(
        Json.read("{\"odd\":\"ab\uFFFD\"}"), hears.next("broadcast").payload().path("payload"));
    Message refusal = client.answerTo(saysEvent(client, "\\u0000", "{}"));
    assertTrue(refusal.reason().startsWith("InvalidBroadcast: "), refusal.reason());

    SocketClient nul = joined(one, alice, talk, config(true, false, false, "\\u0000"));
    assertEquals("ok", tracks(nul, talk, "{}").status()); // no key is one of the server's
    says(client, talk, "7");
    assertEquals(7, n(hears.next("broadcast"))); // nothing else was told
  }

  private String saysEvent(SocketClient client, String event, String payload) {
    return client.says(
        "1",
        "realtime:" + talk,
        "broadcast",
        "{\"type\":\"broadcast\",\"event\":\"%s\",\"payload\":%s}".formatted(event, payload));
  }

  /** It is told to everybody on the topic, as what is tracked is. */
  @Test
  void aKeyCountsAsPartOfWhatIsTracked() throws Exception {
    Node strict = new Node(new TopicLimits(1024, 100, 100, Duration.ofMinutes(5), null));
    SocketClient client =
        joined(strict, alice, talk, config(false, false, false, "k".repeat(1000)));
    assertEquals("ok", tracks(client, talk, "{\"a\":1}").status());
    assertTrue(
        tracks(client, talk, "{\"a\":\"" + "x".repeat(30) + "\"}")
            .reason()
            .startsWith("PayloadTooLarge"));
  }

  // --- Presence
  // ------------------------------------------------------------------------------------------------

  @Test
  void whoIsThereIsToldOnceAsTheStateAndThenAsWhatChanges() {
    SocketClient first = joined(one, alice, talk, config(false, false, true, "alice"));
    assertEquals("{}", first.next("presence_state").payload().toString());
    assertEquals("ok", tracks(first, talk, "{\"mood\":\"fine\",\"phx_ref\":\"mine\"}").status());
    JsonNode came = first.next("presence_diff").payload();
    String ref = meta(came.path("joins"), "alice").path("phx_ref").asString();
    assertNotEquals("mine", ref);
    assertEquals("fine", meta(came.path("joins"), "alice").path("mood").asString());
    assertEquals("{}", came.path("leaves").toString());

    SocketClient second = joined(two, bob, talk, config(false, false, true, "bob"));
    JsonNode state = second.next("presence_state").payload();
    assertEquals(ref, meta(state, "alice").path("phx_ref").asString());
    assertEquals(1, state.size());

    assertEquals("ok", tracks(second, talk, "{}").status());
    for (SocketClient client : List.of(first, second)) {
      assertEquals("[\"bob\"]", keys(client.next("presence_diff").payload().path("joins")));
    }
    // The same again is nothing; something else is a going and a coming.
    assertEquals("ok", tracks(first, talk, "{\"mood\":\"fine\"}").status());
    assertEquals("ok", tracks(first, talk, "{\"mood\":\"tired\"}").status());
    JsonNode changed = second.next("presence_diff").payload();
    assertEquals(ref, meta(changed.path("leaves"), "alice").path("phx_ref").asString());
    assertEquals("tired", meta(changed.path("joins"), "alice").path("mood").asString());

    first.says("1", "realtime:" + talk, "presence", "{\"event\":\"untrack\"}");
    assertEquals("[\"alice\"]", keys(second.next("presence_diff").payload().path("leaves")));
    second.hasHeardNothing();
  }

  @Test
  void twoTabsAreTwoMetasOfOneKeyAndAClosedSocketHasLeft() {
    SocketClient watches = joined(two, bob, blue, config(false, false, true, ""));
    watches.next("presence_state");
    SocketClient tab = joined(one, alice, blue, config(false, false, false, "alice"));
    SocketClient otherTab = joined(two, alice, blue, config(false, false, false, "alice"));
    tracks(tab, blue, "{\"tab\":1}");
    watches.next("presence_diff");
    tracks(otherTab, blue, "{\"tab\":2}");
    watches.next("presence_diff");

    SocketClient late = joined(one, carol, blue, config(false, false, true, ""));
    assertEquals(2, late.next("presence_state").payload().path("alice").path("metas").size());
    // Who tracks is told the state although the join did not ask for it.
    tab.next("presence_state");

    tab.close();
    JsonNode left = watches.next("presence_diff").payload().path("leaves");
    assertEquals(1, meta(left, "alice").path("tab").asInt());
    otherTab.says("1", "realtime:" + blue, "phx_leave", "{}");
    assertEquals(
        2,
        meta(watches.next("presence_diff").payload().path("leaves"), "alice").path("tab").asInt());
  }

  @Test
  void whatIsTrackedMustBeAnObject() {
    SocketClient client = joined(one, alice, talk, PLAIN);
    assertEquals("Presence track payload must be a map", tracks(client, talk, "7").reason());
    assertEquals("Presence track payload must be a map", tracks(client, talk, "null").reason());
  }

  @Test
  void whoDoesNotSayWantsToKnowWhoIsThere() {
    SocketClient old = connect(one, alice);
    old.joinsWith(talk, "{\"broadcast\":{},\"presence\":{\"key\":\"\"}}", token(alice));
    old.next("presence_state");
  }

  @Test
  void aNodeThatDiesLosesItsPeopleByTimeAndOneThatStopsAtOnce() throws Exception {
    SocketClient watches = joined(two, bob, blue, config(false, false, true, ""));
    watches.next("presence_state");
    SocketClient lost = joined(one, alice, blue, config(false, false, false, "alice"));
    tracks(lost, blue, "{}");
    assertEquals("[\"alice\"]", keys(watches.next("presence_diff").payload().path("joins")));
    Node third = new Node(TopicLimits.defaults());
    SocketClient moved = joined(third, carol, blue, config(false, false, false, "carol"));
    tracks(moved, blue, "{}");
    assertEquals("[\"carol\"]", keys(watches.next("presence_diff").payload().path("joins")));
    Await.until("Alice is online", () -> status(alice).equals("online"));

    third.stops();
    assertEquals("[\"carol\"]", keys(watches.next("presence_diff").payload().path("leaves")));
    boolean others = one.changes.relay().isLeading();
    one.dies();
    if (others) { // Another node reads the log now, so everybody catches up.
      assertEquals("[\"alice\"]", keys(watches.next("presence_state").payload()));
    }
    // Only now: a node that is slow, but lives, would be taken for dead, too.
    database.asOwner("update chat.settings set presence_timeout_ms = 5000");
    Message word = watches.next();
    while (others && word.event().equals("presence_state")) {
      word = watches.next();
    }
    assertEquals("presence_diff", word.event());
    assertEquals("[\"alice\"]", keys(word.payload().path("leaves")));
    Await.until("Alice is offline", () -> status(alice).equals("offline"));
    assertEquals("online", status(bob));
  }

  @Test
  void whatTheDatabaseLostIsWrittenAgainAndTold() {
    SocketClient client = joined(one, alice, talk, config(false, false, true, "alice"));
    client.next("presence_state");
    tracks(client, talk, "{\"a\":1}");
    String ref =
        meta(client.next("presence_diff").payload().path("joins"), "alice")
            .path("phx_ref")
            .asString();

    // As after a crash: the unlogged tables are empty, the epoch is another.
    // All at once: in between the node would write again what it shows, and be heard.
    database.asOwner("truncate relay.nodes, relay.presence; delete from relay.epoch");
    carol.sends(carol.talksTo(alice), "wake up");
    JsonNode state = client.next("presence_state").payload();
    assertEquals(ref, meta(state, "alice").path("phx_ref").asString());
    assertEquals("ok", tracks(client, talk, "{\"a\":2}").status());
  }

  // --- Triggers of a team's own
  // --------------------------------------------------------------------------------------------------

  @Test
  void aTriggerOfATeamsOwnIsHeardByWhoMayUseItsTopic() {
    database.asOwner(
        """
        create table public.tasks (title text, team_id uuid);
        grant insert, update on public.tasks to authenticated;
        create function public.tell_task() returns trigger security definer set search_path = '' language plpgsql as $$
        begin
          perform realtime.broadcast_changes('team-' || new.team_id, lower(tg_op), tg_op, tg_table_name, tg_table_schema, new, old);
          return null;
        end $$;
        create trigger tell_task after insert or update on public.tasks for each row execute function public.tell_task();
        """);
    SocketClient bobs = joined(one, bob, blue, PLAIN);
    SocketClient carols = joined(two, carol, blue, PLAIN);
    String red = "team-" + TestDatabase.RED;
    SocketClient mallorys = joined(one, mallory, red, PLAIN);
    String insert = "insert into public.tasks values ('%s', '%s')";
    alice.tries(tx -> tx.execute(insert.formatted("Tidy", TestDatabase.BLUE)));
    for (SocketClient hears : List.of(bobs, carols)) {
      JsonNode message = hears.next("broadcast").payload();
      assertEquals("insert", message.path("event").asString());
      JsonNode payload = message.path("payload");
      assertEquals(36, payload.path("id").asString().length());
      assertEquals(
          "{\"title\":\"Tidy\",\"team_id\":\"%s\"}".formatted(TestDatabase.BLUE),
          payload.path("record").toString());
      assertEquals("null", payload.path("old_record").toString());
      assertEquals(
          "INSERT public tasks",
          "%s %s %s"
              .formatted(
                  payload.path("operation").asString(),
                  payload.path("schema").asString(),
                  payload.path("table").asString()));
    }

    // What is undone is not heard, nor what is said to others.
    database.asOwner(
        "begin; select realtime.send('{\"n\":1}', 'hi', '%s'); rollback".formatted(blue));
    database.asOwner("select realtime.send('{\"n\":2}', 'hi', '%s')".formatted(red));
    database.asOwner("select realtime.send('{\"id\":\"x\"}', 'hi', 'lobby', false)");
    database.asOwner("select realtime.send('{\"id\":\"x\"}', 'hi', '%s', false)".formatted(blue));
    for (SocketClient hears : List.of(bobs, carols)) {
      assertEquals("{\"id\":\"x\"}", hears.next("broadcast").payload().path("payload").toString());
    }
    assertEquals(2, n(mallorys.next("broadcast")));
  }

  // --- Topics of an operator's own
  // --------------------------------------------------------------------------------------------------

  @Test
  void anOperatorsFunctionSaysWhoMayUseATopicOfAnotherName() {
    SocketClient alices = connect(one, alice);
    alices.asksToJoinWith("room-1", PLAIN, token(alice));
    Message refusal = alices.next("phx_reply"); // the control: there is no function
    assertTrue(refusal.reason().startsWith("Unauthorized: "), refusal.reason());

    database.asOwner(
        """
        create table public.members (room text, person uuid);
        create function public.people_of_room(topic text) returns table (audience uuid[], team_audience uuid[])
          stable set search_path = '' language sql
          as $$ select array(select m.person from public.members m where m.room = topic), null::uuid[] $$;
        """
            + "insert into public.members values ('room-1', '%1$s'), ('room-1', '%2$s'), ('lobby', '%1$s');"
                .formatted(alice.id(), bob.id())
            + "update chat.settings set topic_function = 'public.people_of_room'");
    alices.joinsWith("room-1", config(false, false, true, "alice"), token(alice));
    alices.next("presence_state");
    SocketClient bobs = joined(two, bob, "room-1", PLAIN);
    assertEquals("ok", tracks(alices, "room-1", "{}").status());
    says(alices, "room-1", "1");
    assertEquals(1, n(bobs.nextOn("realtime:room-1", "broadcast")));
    SocketClient carols = connect(one, carol);
    carols.asksToJoinWith("room-1", PLAIN, token(carol));
    assertTrue(carols.next("phx_reply").reason().startsWith("Unauthorized: "));
    // The function knows the lobby, the setting does not.
    alices.asksToJoinWith(
        "lobby", PLAIN.replace("\"private\":false", "\"private\":true"), token(alice));
    assertTrue(alices.nextOn("realtime:lobby", "phx_reply").reason().startsWith("Unauthorized: "));

    // A right that ends is over with the next message.
    database.asOwner("delete from public.members where person = '" + bob.id() + "'");
    says(alices, "room-1", "2");
    says(bobs, "room-1", "3");
    assertEquals("error", bobs.next("phx_reply").status());
  }

  // --- Rights
  // --------------------------------------------------------------------------------------------------

  @Test
  void whoLeavesTheTeamHearsNoMoreOfItAtOnce() {
    SocketClient leaves = joined(one, bob, blue, config(false, false, true, "bob"));
    leaves.next("presence_state");
    tracks(leaves, blue, "{}");
    leaves.next("presence_diff");
    leaves.joins("rows", SHOWN, token(bob));
    SocketClient stays = joined(two, carol, blue, config(false, false, true, "carol"));
    stays.next("presence_state");

    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, bob.id()));
    says(stays, blue, "1");

    assertEquals("[\"bob\"]", keys(stays.next("presence_diff").payload().path("leaves")));
    assertEquals("realtime:" + blue, leaves.nextOn("realtime:" + blue, "phx_close").topic());
    // The first broadcast he hears is the other team's.
    UUID own = TestDatabase.RED;
    String joinRef =
        leaves.asksToJoinWith("team-" + own, config(false, true, false, ""), token(bob));
    assertEquals("ok", leaves.answerTo(joinRef).status());
    says(leaves, "team-" + own, "2");
    assertEquals(2, n(leaves.nextOn("realtime:team-" + own, "broadcast")));
  }

  @Test
  void aChannelWithRowsKeepsThemWhenItsTopicIsLost() {
    SocketClient client = connect(one, bob);
    client.joinsWith(
        blue,
        "{\"broadcast\":{},\"presence\":{\"enabled\":true},\"postgres_changes\":" + SHOWN + "}",
        token(bob));
    client.next("system");
    client.next("presence_state");
    SocketClient other = joined(two, carol, blue, config(false, false, false, "carol"));
    tracks(other, blue, "{}");
    client.next("presence_diff");

    UUID message = alice.sends(conversation, "before").getId();
    client.next("postgres_changes");
    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, bob.id()));
    assertEquals("{}", client.next("presence_state").payload().toString());
    assertEquals("error", client.next("system").status());
    assertEquals("resync", client.next("system").status());
    says(other, blue, "1");
    alice.tries(tx -> Routines.deleteMessage(tx.configuration(), message));
    client.next("postgres_changes");
    client.hasHeardNothing();
  }

  @Test
  void whoIsDeactivatedHearsNothing() {
    SocketClient gone = joined(one, bob, talk, PLAIN);
    database.asOwner("update public.users set status = 'gone' where id = '" + bob.id() + "'");
    assertEquals("error", gone.next("system").status());
    gone.next("phx_close");
    gone.asksToJoinWith(talk, PLAIN, token(bob));
    assertEquals("error", gone.next("phx_reply").status());
  }

  @Test
  void aDeletedConversationIsSilent() {
    SocketClient client = joined(one, alice, talk, PLAIN);
    SocketClient other = joined(two, bob, talk, PLAIN);
    database.asOwner("delete from public.user_conversations where id = '" + conversation + "'");
    for (SocketClient each : List.of(client, other)) {
      assertTrue(each.next("system").payload().path("message").asString().contains("deleted"));
      each.next("phx_close");
      says(each, talk, "1");
      assertEquals("unmatched topic", each.next("phx_reply").reason());
    }
    client.asksToJoinWith(talk, PLAIN, token(alice));
    assertTrue(client.next("phx_reply").reason().startsWith("Unauthorized: "));
  }

  /** As another node writes it after a long pause of theirs, while many come and go. */
  @Test
  void whoWasTakenForGoneIsOnlineAgainAndWhoSaysTheyAreGoneIsNot() throws Exception {
    joined(one, alice, talk, PLAIN);
    joined(one, bob, talk, PLAIN);
    Await.until(
        "both are online", () -> status(alice).equals("online") && status(bob).equals("online"));
    var done = new AtomicBoolean();
    Thread passers =
        Thread.ofVirtual()
            .start(
                () -> {
                  while (!done.get()) {
                    one.server.users().enter(carol.id());
                    one.server.users().exit(carol.id());
                    Thread.yield();
                  }
                });
    try {
      bob.tries(tx -> Routines.updatePresence(tx.configuration(), "offline", null));
      database.asOwner(
          "update public.user_presence set last_seen = last_seen - interval '8 s' where user_id = '%1$s';"
                  .formatted(alice.id())
              + "update public.user_presence set status = 'offline' where user_id = '%1$s'"
                  .formatted(alice.id()));
      Await.until("Alice is online again", () -> status(alice).equals("online"));
      assertEquals("offline", status(bob));
    } finally {
      done.set(true);
      passers.join();
    }
  }

  @Test
  void presenceInTheTableFollowsTheSocketsOfAllNodes() {
    SocketClient here = joined(one, alice, talk, PLAIN);
    SocketClient there = joined(two, alice, talk, PLAIN);
    Await.until("Alice is online", () -> status(alice).equals("online"));
    SocketClient bobs = joined(one, bob, talk, PLAIN);
    Await.until("Bob was there", () -> !status(bob).equals("null"));
    here.close();
    Await.until("Alice to have left the first node", () -> one.server.people() == 1);
    bobs.close(); // The marker: Bob leaves later, and is seen to have.
    Await.until("Bob is offline", () -> status(bob).equals("offline"));
    assertEquals("online", status(alice));
    there.close();
    Await.until("Alice is offline", () -> status(alice).equals("offline"));
  }

  // ---

  private static String config(boolean ack, boolean self, boolean presence, String key) {
    return "{\"broadcast\":{\"ack\":%s,\"self\":%s},\"presence\":{\"key\":\"%s\",\"enabled\":%s},\"postgres_changes\":[],\"private\":false}"
        .formatted(ack, self, key, presence);
  }

  private SocketClient connect(Node node, Person person) {
    SocketClient client = SocketClient.connect(http, node.listening.actualPort(), issuer.anonKey());
    clients.add(client);
    return client;
  }

  private SocketClient joined(Node node, Person person, String topic, String config) {
    SocketClient client = connect(node, person);
    client.joinsWith(topic, config, token(person));
    return client;
  }

  private String token(Person person) {
    return issuer.forUser(person.id(), Duration.ofHours(1));
  }

  private static String says(SocketClient client, String topic, String n) {
    return client.says("1", "realtime:" + topic, "broadcast", HI.formatted(n));
  }

  /** Shows something and returns the answer; what was heard before it is skipped. */
  private static Message tracks(SocketClient client, String topic, String meta) {
    String ref =
        client.says(
            "1",
            "realtime:" + topic,
            "presence",
            "{\"type\":\"presence\",\"event\":\"track\",\"payload\":" + meta + "}");
    return client.answerTo(ref);
  }

  private byte[] push(int encoding, String event, byte[] payload) {
    byte[] topic = ("realtime:" + talk).getBytes(StandardCharsets.UTF_8);
    byte[] name = event.getBytes(StandardCharsets.UTF_8);
    var frame = new java.io.ByteArrayOutputStream();
    frame.writeBytes(
        new byte[] {3, 1, 2, (byte) topic.length, (byte) name.length, 0, (byte) encoding});
    frame.writeBytes("199".getBytes(StandardCharsets.UTF_8));
    frame.writeBytes(topic);
    frame.writeBytes(name);
    frame.writeBytes(payload);
    return frame.toByteArray();
  }

  private static int n(Message message) {
    return message.payload().path("payload").path("n").asInt();
  }

  private static JsonNode meta(JsonNode keys, String key) {
    return keys.path(key).path("metas").path(0);
  }

  private static String keys(JsonNode keys) {
    return Json.write(
        keys.propertyNames().stream()
            .collect(
                () -> Json.object().putArray("keys"),
                (list, key) -> list.add(key),
                (a, b) -> a.addAll(b)));
  }

  private String status(Person person) {
    return database.ownerReads(
        "select max(status) from public.user_presence where user_id = '" + person.id() + "'");
  }
}
