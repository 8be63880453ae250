package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.channel.ReplaySource;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.QueueLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.ReplayLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.Times;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Who comes back says since when, and is told what came after: all of it, once, in order. */
class SinceTest {
  private static final long SEED = 4711;

  private TestDatabase database;
  private Node node;
  private Person alice;
  private Person bob;
  private UUID conversation;

  @BeforeEach
  void twoPeopleTalk() {
    database = TestDatabase.fresh();
    alice = database.alice();
    bob = database.bob();
    conversation = alice.talksTo(bob);
  }

  @AfterEach
  void close() throws Exception {
    if (node != null) {
      node.close();
    }
    database.close();
  }

  @Test
  void whatWasMissedIsReplayedAsItIsNow() {
    serve(Patient.settings());
    UUID before = alice.sends(conversation, "before").getId(); // revision 1
    alice.sends(conversation, "also before"); // 2
    edits(before, "edited"); // 3
    UUID deleted = alice.sends(conversation, "new, and deleted").getId(); // 4
    bob.sends(conversation, "new"); // 5
    deletes(deleted); // 6

    SocketClient client = node.client(bob);
    client.joins("x", since(2), null);

    assertEquals("UPDATE edited 3", told(client.next()));
    assertEquals("INSERT new 5", told(client.next()));
    Message blanked = client.next();
    assertEquals("INSERT  6", told(blanked));
    assertTrue(record(blanked).path("is_deleted").booleanValue());
    assertCaughtUp(client, 6);

    alice.sends(conversation, "live");
    assertEquals("INSERT live 7", told(client.next()));
  }

  /** A reaction is a change of its message, so it comes along. */
  @Test
  void reactionsThatWereMissedComeAsUpdatesOfTheirMessage() {
    serve(Patient.settings());
    UUID id = alice.sends(conversation, "hi").getId();
    bob.tries(tx -> Routines.addReaction(tx.configuration(), id, "👍"));
    SocketClient client = node.client(alice);
    client.joins("x", since(1), null);
    assertEquals("UPDATE hi 2", told(client.next()));
    assertCaughtUp(client, 2);
  }

  @Test
  void aReplayedRowHasTheShapeOfALiveOne() {
    serve(Patient.settings());
    SocketClient live = node.client(alice);
    live.joins("x", since(0), null);
    assertCaughtUp(live, 0);
    alice.sends(conversation, "a \"quoted\" é 😀");
    Message heard = live.next();

    SocketClient replayed = node.client(bob);
    replayed.joins("x", since(0), null);
    Message told = replayed.next();

    assertEquals(heard.payload().path("ids"), told.payload().path("ids"));
    JsonNode one = heard.payload().path("data");
    JsonNode other = told.payload().path("data");
    assertEquals(List.copyOf(one.propertyNames()), List.copyOf(other.propertyNames()));
    for (String member : List.of("schema", "table", "type", "columns", "record", "errors")) {
      assertEquals(one.get(member).toString(), other.get(member).toString());
    }
  }

  @Test
  void bindingsOfOneConversationAreReplayedInOneOrder() {
    serve(Patient.settings());
    UUID first = alice.sends(conversation, "first").getId(); // 1
    alice.sends(conversation, "second"); // 2
    edits(first, "first, edited"); // 3
    alice.sends(conversation, "third"); // 4
    SocketClient client = node.client(bob);
    String wish =
        "{\"event\":\"%s\",\"schema\":\"public\",\"table\":\"user_messages\",\"filter\":\"conversation_id=eq.%s\",\"since\":1%s}";
    client.joins(
        "x",
        "["
            + wish.formatted("INSERT", conversation, "")
            + ","
            + wish.formatted("UPDATE", conversation, "")
            + ","
            + wish.formatted("INSERT", conversation, ",\"select\":[\"content\"]")
            + "]",
        null);
    assertEquals("INSERT second 2", told(client.next()));
    assertEquals("{\"id\"", record(client.next()).toString().substring(0, 5));
    assertEquals("UPDATE first, edited 3", told(client.next()));
    assertEquals("INSERT third 4", told(client.next()));
    assertEquals(2, record(client.next()).size(), "the key and what was selected");
    assertCaughtUp(client, 4);
  }

  @Test
  void whatCannotBeReplayedIsSaid() {
    serve(Patient.settings());
    SocketClient client = node.client(alice);
    client.joins(
        "x",
        "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_presence\",\"since\":1}]",
        null);
    assertEquals("resync", client.next("system").status());

    for (String wrong :
        List.of(
            "\"x\"", "\"1\"", "-1", "1.5", "1e400", "9223372036854775808", "true", "[]", "{}")) {
      client.asksToJoin("y", since(1).replace("\"since\":1", "\"since\":" + wrong), null);
      assertEquals("ok", client.nextOn("realtime:y", "phx_reply").status(), wrong);
      Message trouble = client.next("system");
      assertEquals("error", trouble.status(), wrong);
      assertTrue(
          trouble.payload().path("message").asString().contains("must be a revision"), wrong);
    }
  }

  @Test
  void whoIsNoPartOfAConversationIsToldNothingOfIt() {
    serve(Patient.settings());
    alice.sends(conversation, "not for Mallory");
    SocketClient control = node.client(bob);
    control.joins("x", since(1), null);
    assertCaughtUp(control, 1);
    for (Person person : List.of(database.mallory(), database.carol())) {
      SocketClient client = node.client(person);
      client.joins("x", since(0), null);
      assertEquals("resync", client.next("system").status());
      client.next("system"); // over
      UUID other = alice.sends(conversation, "nor this").getId();
      node.awaitsTold(Change.Operation.INSERT, other);
      client.hasHeardNothing();
    }
    assertEquals("INSERT nor this 2", told(control.next()));
    assertEquals("INSERT nor this 3", told(control.next()));
  }

  @Test
  void aRevisionFromAnotherLifeMeansToReadAgainAndThenToHear() {
    serve(Patient.settings());
    alice.sends(conversation, "one");
    SocketClient client = node.client(bob);
    client.joins("x", since(Long.MAX_VALUE), null);
    assertEquals("resync", client.next("system").status());
    assertCaughtUp(client, 1);
    alice.sends(conversation, "two");
    assertEquals("INSERT two 2", told(client.next()));
  }

  @Test
  void moreThanMayBeReplayedMeansToReadAgainAndThenToHear() {
    serve(Patient.settings().with(new ReplayLimits(5, 2)));
    for (int i = 0; i < 6; i++) {
      alice.sends(conversation, "missed");
    }
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    assertEquals("resync", client.next("system").status());
    assertCaughtUp(client, 6);
    alice.sends(conversation, "seven");
    assertEquals("INSERT seven 7", told(client.next()));
    SocketClient other = node.client(bob);
    other.joins("x", since(2), null);
    assertEquals("INSERT missed 3", told(other.next()));
  }

  @Test
  void severalPagesAreOneReplay() {
    serve(Patient.settings());
    sendsMany(3 * ReplaySource.PAGE + 1);
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    for (int i = 1; i <= 3 * ReplaySource.PAGE + 1; i++) {
      assertEquals(i, record(client.next()).path("revision").longValue());
    }
    assertCaughtUp(client, 3 * ReplaySource.PAGE + 1);
  }

  /** A page was read, then this happens, then the page is told. */
  @Test
  void whatHappensWhileAPageIsReadComesOnceAndAfterIt() {
    var read = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    serve(
        Patient.settings(),
        missed ->
            (caller, of, revision, most) -> {
              MissedMessages.Page page = missed.after(caller, of, revision, most);
              read.countDown();
              Await.open(goOn);
              return page;
            });
    alice.sends(conversation, "one");
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    Await.open(read);
    UUID two = alice.sends(conversation, "two").getId();
    edits(two, "two, edited");
    node.awaitsTold(Change.Operation.INSERT, two);
    node.awaitsTold(Change.Operation.UPDATE, two);
    client.hasHeardNothing();
    goOn.countDown();

    assertEquals("INSERT one 1", told(client.next()));
    assertEquals("INSERT two 2", told(client.next()));
    assertEquals("UPDATE two, edited 3", told(client.next()));
    assertCaughtUp(client, 3);
  }

  /** What the relay tells late was replayed long ago. */
  @Test
  void aRelayThatLagsTellsNothingTwice() {
    serve(Patient.settings());
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    assertCaughtUp(client, 0);
    alice.sends(conversation, "one");
    assertEquals("INSERT one 1", told(client.next()));

    // The change log is read by nobody meanwhile, and the client comes back.
    node.relay.close();
    alice.sends(conversation, "two");
    SocketClient again = node.client(bob);
    again.joins("x", since(1), null);
    assertEquals("INSERT two 2", told(again.next()));
    assertCaughtUp(again, 2);
  }

  @Test
  void afterALogThatWasLostTheServerReplaysByItself() {
    serve(Patient.settings());
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    assertCaughtUp(client, 0);
    alice.sends(conversation, "one");
    assertEquals("INSERT one 1", told(client.next()));

    database.asOwner("truncate relay.change_log; delete from relay.epoch"); // what a crash does
    alice.sends(conversation, "two");

    // The relay notices before the second message is there, or after.
    Message message = client.next();
    if (message.event().equals("system")) {
      message = client.next();
    }
    assertEquals("INSERT two 2", told(message));
  }

  @Test
  void whileTheDatabaseIsAwayAReplayWaits() {
    var tries = new AtomicInteger();
    serve(
        Patient.settings(),
        missed ->
            (caller, of, revision, most) -> {
              if (tries.incrementAndGet() < 3) {
                throw new DatabaseUnavailable("away", new java.sql.SQLException("away", "08006"));
              }
              return missed.after(caller, of, revision, most);
            });
    alice.sends(conversation, "one");
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    assertEquals("INSERT one 1", told(client.next()));
    assertCaughtUp(client, 1);
    assertEquals(3, tries.get());
  }

  @Test
  void aFaultMeansToJoinAgain() {
    serve(
        Patient.settings(),
        missed ->
            (caller, of, revision, most) -> {
              throw new IllegalStateException("a fault");
            });
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    assertEquals("error", client.next("system").status());
    client.next("phx_error");
  }

  @Test
  void whoLeavesDuringAReplayIsToldNoMore() {
    var reading = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    serve(
        Patient.settings(),
        missed ->
            (caller, of, revision, most) -> {
              reading.countDown();
              Await.open(goOn);
              return missed.after(caller, of, revision, most);
            });
    alice.sends(conversation, "one");
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    Await.open(reading);
    client.says("1", "realtime:x", "phx_leave", "{}");
    client.next("phx_reply");
    client.next("phx_close");
    goOn.countDown();
    client.hasHeardNothing();
    assertEquals(0, node.fanOut.size());
  }

  @Test
  void whoseTokenEndsDuringAReplayIsToldNoMore() throws Exception {
    var reading = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    serve(
        Patient.settings().with(new Times(Duration.ofHours(1), Duration.ZERO)),
        missed ->
            (caller, of, revision, most) -> {
              MissedMessages.Page page = missed.after(caller, of, revision, most);
              reading.countDown();
              Await.open(goOn);
              return page;
            });
    alice.sends(conversation, "one");
    SocketClient client = node.client(bob);
    // The verifier lets it in for half a minute more, so it ends after the join in any case.
    client.joins("x", since(0), Node.token(bob, Duration.ZERO));
    Await.open(reading);
    assertEquals("error", client.next("system").status());
    client.next("phx_error");
    assertEquals(1008, client.closeCode()); // no channel has another token
    goOn.countDown();
    Await.until("nobody is told anything", () -> node.fanOut.size() == 0);
    client.hasHeardNoMore();

    SocketClient again = node.client(bob); // as clients do
    again.joins("x", since(0), Node.token(bob));
    assertEquals("INSERT one 1", told(again.next()));
  }

  /** Deactivated in the middle: row-level security shows the next page nothing. */
  @Test
  void whoIsDeactivatedDuringAReplayIsToldNoMore() {
    serve(
        Patient.settings(),
        missed ->
            (caller, of, revision, most) -> {
              if (revision > 0) { // of Bob's second page
                database.asOwner(
                    "update public.users set status = 'inactive' where id = '" + bob.id() + "'");
              }
              return missed.after(caller, of, revision, most);
            });
    SocketClient witness = node.client(alice);
    witness.joins("x", since(0), null);
    assertCaughtUp(witness, 0);
    UUID last = sendsMany(ReplaySource.PAGE + 10);
    node.awaitsTold(Change.Operation.INSERT, last); // later it would come to Bob, as it was for him
    SocketClient client = node.client(bob);
    client.joins("x", since(0), null);
    for (int i = 0; i < ReplaySource.PAGE; i++) {
      client.next("postgres_changes");
    }
    Message word = client.next("system");
    if (word.status().equals("resync")) {
      word = client.next("system"); // the page was there before the relay's word
    }
    while (!word.event().equals("phx_close")) {
      assertFalse(word.event().equals("postgres_changes"), word::toString);
      word = client.next();
    }
  }

  @Test
  void aReplayWaitsForAClientThatReadsSlowly() throws Exception {
    serve(Patient.settings().with(new QueueLimits(64 * 1024, 20_000)));
    database.asOwner("update chat.settings set max_message_length = 20000");
    String text = "x".repeat(20_000);
    for (int i = 1; i < 300; i++) {
      alice.sends(conversation, text);
    }
    // What the relay tells late is held, and this client may have little of that.
    node.awaitsTold(Change.Operation.INSERT, alice.sends(conversation, text).getId());
    SocketClient client = node.client(bob);
    client.readsSlowly();
    client.joins("x", since(0), null);
    for (int i = 1; i <= 300; i++) {
      assertEquals(i, record(client.next()).path("revision").longValue());
    }
    assertCaughtUp(client, 300);
    assertEquals(0, node.server.metrics().slowClosed());
  }

  /** Writers send, edit and react; clients come and go and go on from where they were. */
  @Test
  void atTheSeamNothingIsLostRepeatedOrOutOfOrder() throws Exception {
    serve(Patient.settings());
    var writing = new AtomicBoolean(true);
    List<Reader> readers = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> writers = new ArrayList<>();
      for (Person writer : List.of(alice, bob)) {
        writers.add(threads.submit(() -> writes(writer, new Random(SEED), 400)));
      }
      List<Future<?>> reading = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        var reader = new Reader(i % 2 == 0 ? alice : bob, new Random(SEED + i));
        readers.add(reader);
        reading.add(threads.submit(() -> reader.comesAndGoes(writing)));
      }
      for (Future<?> writer : writers) {
        writer.get();
      }
      writing.set(false);
      alice.sends(conversation, "over"); // whoever waits for one more is told this one
      for (Future<?> each : reading) {
        each.get();
      }
    }
    long head =
        Long.parseLong(database.ownerReads("select revision from public.user_conversations"));
    for (Reader reader : readers) {
      reader.hasAll(head);
    }
    assertEquals(0, node.relay.resyncs());
  }

  private void writes(Person writer, Random random, int actions) {
    var mine = new ArrayList<UUID>();
    for (int i = 0; i < actions; i++) {
      int what = mine.isEmpty() ? 0 : random.nextInt(10);
      UUID some = mine.isEmpty() ? null : mine.get(random.nextInt(mine.size()));
      if (what < 6) {
        mine.add(writer.sends(conversation, "message").getId());
      } else if (what < 9) {
        int number = i;
        writer.tries(tx -> Routines.editMessage(tx.configuration(), some, "edit " + number));
      } else {
        writer.tries(tx -> Routines.deleteMessage(tx.configuration(), some));
        mine.remove(some);
      }
    }
  }

  /** One who keeps what was told over all connections. */
  private final class Reader {
    private final Person person;
    private final Random random;
    private final Map<String, Long> revisions = new HashMap<>();
    private long reached;
    private long joinedAt;

    Reader(Person person, Random random) {
      this.person = person;
      this.random = random;
    }

    void comesAndGoes(AtomicBoolean writing) {
      while (writing.get()) {
        try (SocketClient client = node.client(person)) {
          joinedAt = reached;
          client.asksToJoin("x", since(reached), null);
          int stays = random.nextInt(60);
          for (int i = 0; i < stays; i++) {
            if (writing.get()) {
              take(client.next());
            }
          }
        }
      }
    }

    void hasAll(long head) {
      try (SocketClient client = node.client(person)) {
        joinedAt = reached;
        client.joins("x", since(reached), null);
        Message message = client.next();
        while (!message.event().equals("system")) {
          take(message);
          message = client.next();
        }
      }
      assertEquals(head, reached);
      for (String row :
          database
              .ownerReads("select string_agg(id || ' ' || revision, ',') from public.user_messages")
              .split(",")) {
        assertEquals(row.split(" ")[1], String.valueOf(revisions.get(row.split(" ")[0])));
      }
    }

    private void take(Message message) {
      if (!message.event().equals("postgres_changes")) {
        return;
      }
      JsonNode data = message.payload().path("data");
      JsonNode record = data.path("record");
      long revision = record.path("revision").longValue();
      assertTrue(revision > reached, () -> revision + " after " + reached);
      reached = revision;
      Long before = revisions.put(record.path("id").asString(), revision);
      // Who went in the middle of a replay may have gone before a message that was sent early and
      // edited late; by then it is an update to whoever comes with a higher revision.
      boolean isNew = before == null && record.path("sent_revision").longValue() > joinedAt;
      assertEquals(isNew ? "INSERT" : "UPDATE", data.path("type").asString());
    }
  }

  // --- Helpers
  // -----------------------------------------------------------------------------------------------------

  /** By what the node hears of changes; null for a relay of its own. */
  @Nullable NatsSettings nats() {
    return null;
  }

  private void serve(RealtimeSettings settings) {
    serve(settings, missed -> missed);
  }

  private void serve(
      RealtimeSettings settings, java.util.function.UnaryOperator<MissedMessages> between) {
    node = new Node(database, settings, between, nats());
  }

  private String since(long revision) {
    return "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\",\"filter\":\"conversation_id=eq."
        + conversation
        + "\",\"since\":"
        + revision
        + "}]";
  }

  private void edits(UUID message, String content) {
    alice.tries(tx -> Routines.editMessage(tx.configuration(), message, content));
  }

  private void deletes(UUID message) {
    alice.tries(tx -> Routines.deleteMessage(tx.configuration(), message));
  }

  /** {@return the id of the last one} */
  private UUID sendsMany(int number) {
    for (int i = 1; i < number; i++) {
      alice.sends(conversation, "message");
    }
    return alice.sends(conversation, "message").getId();
  }

  private static JsonNode record(Message message) {
    assertEquals("postgres_changes", message.event(), message::toString);
    return message.payload().path("data").path("record");
  }

  private static String told(Message message) {
    JsonNode record = record(message);
    return message.payload().path("data").path("type").asString()
        + " "
        + record.path("content").asString()
        + " "
        + record.path("revision");
  }

  private void assertCaughtUp(SocketClient client, long revision) {
    Message message = client.next("system");
    assertEquals("ok", message.status(), message::toString);
    assertEquals(
        "Caught up with conversation " + conversation + " at revision " + revision,
        message.payload().path("message").asString());
  }
}
