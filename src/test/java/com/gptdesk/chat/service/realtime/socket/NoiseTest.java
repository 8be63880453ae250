package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.Serializer;
import com.gptdesk.chat.service.realtime.protocol.SerializerV1;
import com.gptdesk.chat.service.realtime.protocol.SerializerV2;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.FrameLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.QueueLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.SocketLimits;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Whatever a client sends: nothing breaks, nobody else notices, and limits are said. */
@Tag("slow")
class NoiseTest {
  private static final long SEED = 20261123;
  private static final int FRAMES = 40_000;
  private static final int FRAMES_BY_SOCKET = 10_000;

  private final ListAppender<ILoggingEvent> faults = new ListAppender<>();
  private TestDatabase database;
  private Person alice;
  private Person bob;
  private UUID conversation;
  private Node node;

  @BeforeEach
  void start() {
    database = TestDatabase.fresh();
    alice = database.alice();
    bob = database.bob();
    conversation = alice.talksTo(bob);
    faults.start();
    logger().addAppender(faults);
  }

  @AfterEach
  void stop() throws Exception {
    logger().detachAppender(faults);
    if (node != null) {
      node.close();
    }
    database.close();
  }

  private static Logger logger() {
    return (Logger) LoggerFactory.getLogger("com.gptdesk.chat");
  }

  @Test
  void everyFrameIsReadAsSomething() {
    var noise = new Noise(new Random(SEED), conversation);
    for (int i = 0; i < FRAMES; i++) {
      for (Serializer codec : List.of(new SerializerV2(), new SerializerV1())) {
        assertNotNull(codec.decode(noise.text()));
        assertNotNull(codec.decode(Buffer.buffer(noise.bytes())));
      }
    }
  }

  @Test
  void everyFilterIsReadOrRefused() {
    var noise = new Noise(new Random(SEED), conversation);
    PublishedTables tables = PublishedTables.in(database.chat());
    for (int i = 0; i < FRAMES; i++) {
      Subscription subscription =
          Subscription.of(
              1,
              Json.object()
                  .put("event", "*")
                  .put("table", noise.pick("user_messages", "user_presence", "*"))
                  .put("filter", noise.filter()),
              tables);
      assertTrue(subscription.problem() != null || !subscription.filters().isEmpty());
    }
  }

  @Test
  void noFrameBreaksAnythingOrIsNoticedByOthers() {
    node =
        new Node(
            database,
            Patient.settings()
                .with(new FrameLimits(64 * 1024, 1_000_000, 100))
                .with(new SocketLimits(1000, 1000, 100, 1_000_000)));
    SocketClient witness = node.client(alice);
    witness.joins("x", messages(), null);
    assertEquals("ok", witness.next("system").status()); // nothing to replay
    var noise = new Noise(new Random(SEED), conversation);

    SocketClient noisy = node.client(bob);
    int sent = 0;
    int sockets = 1;
    while (sent < FRAMES_BY_SOCKET) {
      try {
        if (sent % 3 == 2) {
          noisy.saysBytes(noise.bytes());
        } else {
          noisy.says(noise.text());
        }
        sent++;
        noisy.forgets();
        if (sent % 1000 == 0) {
          alice.sends(conversation, "after " + sent);
          assertEquals("after " + sent, content(witness.next()));
          noisy.isAnswered(); // everything before was taken
        }
      } catch (CompletionException e) {
        noisy = node.client(bob); // it was sent away for what it said
        sockets++;
      }
    }
    witness.hasHeardNothing();
    assertTrue(sockets < 20, "sent away " + sockets + " times");
    assertEquals(List.of(), faultsLogged());
    assertTrue(node.server.metrics().malformedFrames() > 1000);
  }

  @Test
  void tooManyMessagesAreRefusedAndWhoGoesOnIsSentAway() throws Exception {
    node =
        new Node(
            database,
            Patient.settings().with(new FrameLimits(64 * 1024, 10, 100)),
            Patient::frozen);
    SocketClient witness = node.client(alice);
    witness.joins("x", messages(), null);
    assertEquals("ok", witness.next("system").status()); // nothing to replay
    SocketClient client = node.client(bob);
    for (int i = 0; i < 30; i++) {
      client.says(null, "realtime:nowhere", "access_token", "{}");
    }
    int refused = 0;
    for (int i = 0; i < 30; i++) {
      Message answer = client.next("phx_reply");
      assertEquals("error", answer.status());
      if (answer.reason().startsWith("ClientFrameRateLimitReached: ")) {
        refused++;
      } else {
        assertEquals("unmatched topic", answer.reason());
      }
    }
    assertEquals(10, refused, "twice as many at once are taken");

    try {
      for (int i = 0; i < 1000; i++) {
        client.says(null, "realtime:nowhere", "access_token", "{}");
      }
    } catch (CompletionException e) {
      assertNotNull(e.getMessage()); // closed while it was sending
    }
    assertEquals(1008, client.closeCode());
    alice.sends(conversation, "still here");
    assertEquals("still here", content(witness.next()));
  }

  @Test
  void tooManyBindingsAreRefused() {
    node = new Node(database, Patient.settings().with(new FrameLimits(64 * 1024, 200, 2)));
    SocketClient client = node.client(bob);
    client.asksToJoin(
        "x", "[{\"event\":\"*\"},{\"event\":\"INSERT\"},{\"event\":\"UPDATE\"}]", null);
    assertTrue(client.next("phx_reply").reason().startsWith("ChannelRateLimitReached: "));
    client.joins("x", "[{\"event\":\"*\"},{\"event\":\"INSERT\"}]", null);
  }

  /**
   * Many come back at once, as after a restart: each is let in and told what it missed, or told why
   * not; and then all hear on.
   */
  @Test
  void tenThousandJoinsAtOnceAreAllAnswered() {
    node = new Node(database, Patient.settings().with(new SocketLimits(2000, 2000, 9, 1000)));
    alice.sends(conversation, "missed by all");
    List<SocketClient> clients = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      clients.add(node.client(i % 2 == 0 ? alice : bob));
    }
    for (int channel = 0; channel < 10; channel++) {
      for (SocketClient client : clients) {
        client.asksToJoin("x" + channel, messages(), null);
      }
    }
    for (SocketClient client : clients) {
      int joined = 0;
      int refused = 0;
      int told = 0;
      int caughtUp = 0;
      while (joined < 9 || refused < 1 || told < 9 || caughtUp < 9) {
        Message message = client.next();
        switch (message.event()) {
          case "phx_reply" -> {
            if (message.status().equals("ok")) {
              joined++;
            } else {
              assertTrue(message.reason().startsWith("ChannelRateLimitReached: "));
              refused++;
            }
          }
          case "postgres_changes" -> {
            assertEquals("missed by all", content(message));
            told++;
          }
          default -> {
            assertEquals("ok", message.status(), message::toString);
            caughtUp += isCaughtUp(message) ? 1 : 0;
          }
        }
      }
      assertEquals(List.of(9, 1, 9), List.of(joined, refused, told));
    }
    assertEquals(9000, node.server.metrics().replayed());

    alice.sends(conversation, "heard by all");
    for (SocketClient client : clients) {
      for (int channel = 0; channel < 9; channel++) {
        assertEquals("heard by all", content(client.next()));
      }
    }
    assertEquals(0, node.server.metrics().slowClosed());
    assertEquals(List.of(), faultsLogged());
  }

  private static boolean isCaughtUp(Message message) {
    return message.payload().path("message").asString().startsWith("Caught up");
  }

  @Test
  void whoNeverReadsIsSentAwayAlsoInTheMiddleOfAReplay() throws Exception {
    node = new Node(database, Patient.settings().with(new QueueLimits(128 * 1024, 500)));
    database.asOwner("update chat.settings set max_message_length = 20000");
    String text = "x".repeat(20_000);
    for (int i = 1; i < 1000; i++) {
      alice.sends(conversation, text);
    }
    // What the relay tells late is held, and the witness may have little of that.
    node.awaitsTold(Change.Operation.INSERT, alice.sends(conversation, text).getId());
    SocketClient deaf = node.client(bob);
    deaf.stopsReading();
    deaf.asksToJoin("x", messages(), null);
    Await.until("the replay has begun", () -> node.server.metrics().replayed() > 0);
    SocketClient witness = node.client(alice);
    witness.joins("y", messages().replace("\"since\":0", "\"since\":1000"), null);
    assertEquals("ok", witness.next("system").status());

    // The replay waits for it with little in hand; what comes meanwhile is held, up to a bound.
    int sent = 0;
    while (node.server.metrics().slowClosed() == 0) {
      alice.sends(conversation, "meanwhile");
      sent++;
      assertTrue(sent < 2000, "it may queue without bound");
      assertEquals("meanwhile", content(witness.next()));
    }
    assertTrue(
        node.server.metrics().replayed() < 1000, "replayed " + node.server.metrics().replayed());
    Await.until("it is forgotten", () -> node.server.connections() == 1);
  }

  private String messages() {
    return "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\",\"filter\":\"conversation_id=eq."
        + conversation
        + "\",\"since\":0}]";
  }

  private List<String> faultsLogged() {
    return List.copyOf(faults.list).stream()
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.ERROR))
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  private static String content(Message message) {
    assertEquals("postgres_changes", message.event(), message::toString);
    return message.payload().path("data").path("record").path("content").asString();
  }

  /** Frames that are none, nearly some, and some with the wrong things in them. */
  private static final class Noise {
    private static final List<String> EVENTS =
        List.of(
            "phx_join",
            "phx_leave",
            "access_token",
            "heartbeat",
            "broadcast",
            "presence",
            "nonsense");

    private final Random random;
    private final UUID conversation;

    Noise(Random random, UUID conversation) {
      this.random = random;
      this.conversation = conversation;
    }

    String pick(String... of) {
      return of[random.nextInt(of.length)];
    }

    String text() {
      String frame =
          "[%s,%s,%s,%s,%s]"
              .formatted(
                  value(),
                  value(),
                  topic(),
                  "\"" + EVENTS.get(random.nextInt(7)) + "\"",
                  payload());
      return switch (random.nextInt(6)) {
        case 0 -> new String(bytes(), StandardCharsets.ISO_8859_1);
        case 1 -> frame.substring(0, random.nextInt(frame.length()));
        case 2 -> mutated(frame);
        case 3 -> "[".repeat(random.nextInt(3000));
        default -> frame;
      };
    }

    byte[] bytes() {
      byte[] bytes = new byte[random.nextInt(60)];
      random.nextBytes(bytes);
      if (bytes.length > 7 && random.nextBoolean()) {
        bytes[0] = 3;
        for (int i = 1; i < 6; i++) {
          bytes[i] = (byte) random.nextInt(12);
        }
        bytes[6] = (byte) random.nextInt(2);
      }
      return bytes;
    }

    String filter() {
      String filter =
          pick(
                  "id",
                  "conversation_id",
                  "content",
                  "is_deleted",
                  "file_size",
                  "created_at",
                  "",
                  "x y",
                  "é")
              + pick("=", "", "==", " = ")
              + pick("", "not.", "not.not.")
              + pick("eq", "neq", "in", "is", "like", "ilike", "lt", "gte", "match", "")
              + pick(".", "", "..")
              + pick(
                  conversation.toString(),
                  "(",
                  "()",
                  "(a,\"b)",
                  "null",
                  "\"",
                  "\"a\\\"b\"",
                  "%_%\\",
                  "1e999999999",
                  "2026-13-45",
                  "true",
                  "9".repeat(300),
                  "😀");
      return switch (random.nextInt(4)) {
        case 0 -> filter + "," + filter;
        case 1 -> mutated(filter);
        default -> filter;
      };
    }

    private String mutated(String text) {
      var mutated = new StringBuilder(text);
      for (int i = random.nextInt(4); i >= 0 && !mutated.isEmpty(); i--) {
        mutated.setCharAt(random.nextInt(mutated.length()), (char) (32 + random.nextInt(95)));
      }
      return mutated.toString();
    }

    private String topic() {
      return pick(
          "\"realtime:x\"",
          "\"realtime:y\"",
          "\"realtime:conversation-" + conversation + "\"",
          "\"realtime:\"",
          "\"phoenix\"",
          "\"" + "t".repeat(300) + "\"",
          "null",
          "7");
    }

    private String payload() {
      return pick(
          "{}",
          value(),
          "{\"config\":{\"postgres_changes\":[{\"event\":\"*\",\"table\":\"user_messages\",\"filter\":"
              + Json.quote(filter())
              + ",\"since\":"
              + value()
              + ",\"select\":"
              + value()
              + "}]}}",
          "{\"config\":{\"postgres_changes\":" + value() + ",\"presence\":" + value() + "}}",
          "{\"access_token\":" + value() + "}",
          "{\"type\":\"broadcast\",\"event\":" + value() + ",\"payload\":" + value() + "}",
          "{\"type\":\"presence\",\"event\":"
              + pick("\"track\"", "\"untrack\"", "1")
              + ",\"payload\":"
              + value()
              + "}");
    }

    private String value() {
      return pick(
          "null",
          "1",
          "-1",
          "1e400",
          "true",
          "\"\"",
          "\"x\"",
          "[]",
          "{}",
          "[null]",
          "[[1]]",
          "{\"a\":{\"b\":[1,2]}}",
          "9".repeat(400),
          "\"\\u0000\"",
          "\"\\ud800\"");
    }
  }

  @Test
  void aFrameThatNestsWithoutEndIsMalformed() {
    assertInstanceOf(
        ClientMessage.Malformed.class, new SerializerV2().decode("[".repeat(1_000_000)));
  }
}
