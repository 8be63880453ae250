package com.gptdesk.chat.service.webhooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.service.webhooks.Receiver.Post;
import com.gptdesk.chat.service.webhooks.Receiver.Reaction;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A receiver over a real socket, which fails, hangs, hangs up and answers too late. */
class WebhooksTest {
  private static final Vertx VERTX = Vertx.vertx();
  private static TestDatabase database;

  private final List<WebhookDispatcher> nodes = new ArrayList<>();
  private Receiver receiver;
  private Webhooks webhooks;
  private UUID conversation;

  @BeforeAll
  static void begin() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void end() throws Exception {
    database.close();
    VERTX.close().await(10, TimeUnit.SECONDS);
  }

  @BeforeEach
  void open() throws IOException, SQLException {
    database.asOwner("delete from chat.webhooks; delete from chat.log_readers");
    receiver = new Receiver(post -> Receiver.OK);
    webhooks = Webhooks.of(database.owner());
    conversation = database.alice().talksTo(database.bob());
  }

  @AfterEach
  void close() {
    nodes.forEach(WebhookDispatcher::close);
    receiver.close();
    webhooks.close();
  }

  @Test
  void aMessageIsPostedSignedAndOnce() throws Exception {
    String secret = add(receiver.url());
    node(Map.of());
    database.alice().sends(conversation, "Grüße \"1\" 👍");
    Post post = receiver.awaits(1).getFirst();
    JsonNode body = post.json();
    assertEquals("INSERT", body.path("type").asString());
    assertEquals("user_messages", body.path("table").asString());
    assertEquals("public", body.path("schema").asString());
    assertEquals("Grüße \"1\" 👍", post.text());
    assertEquals(
        database.alice().id().toString(), body.path("record").path("sender_id").asString());
    assertTrue(body.path("old_record").isNull());
    assertEquals(post.id(), body.path("id").asString());
    assertEquals(signature(secret, post), post.signature());
    allIsAcknowledged();
    assertEquals(1, receiver.posts().size());
  }

  @Test
  void bothSecretsSignWhileTheReceiverChanges() throws Exception {
    String first = add(receiver.url());
    String second = webhooks.rotate("desk");
    node(Map.of());
    String id = webhooks.test("desk");
    Post post = receiver.awaits(1).getFirst();
    assertEquals(id, post.id());
    assertEquals("TEST", post.json().path("type").asString());
    assertEquals(signature(second, post) + " " + signature(first, post), post.signature());
  }

  /**
   * The receiver refuses the first of a conversation, until it has heard of another one: the others
   * of it wait, that one goes on.
   */
  @Test
  void whatFollowsAFailureWaitsAndOtherConversationsDoNot() {
    AtomicInteger refusals = new AtomicInteger();
    receiver.behaves(
        post -> {
          if (post.text().equals("one")
              && (refusals.get() < 3 || !receiver.texts().contains("elsewhere"))) {
            refusals.incrementAndGet();
            return new Reaction.Answer(500);
          }
          return Receiver.OK;
        });
    add(receiver.url());
    UUID other = database.alice().talksTo(database.carol());
    database.alice().sends(conversation, "one");
    database.alice().sends(conversation, "two");
    database.alice().sends(other, "elsewhere");
    node(Map.of("CHAT_WEBHOOK_MAX_TRIES", "1000"));
    allIsAcknowledged();
    List<String> texts = new ArrayList<>(receiver.texts());
    assertTrue(texts.indexOf("elsewhere") < texts.lastIndexOf("one"), texts::toString);
    texts.remove("elsewhere");
    List<String> expected = new ArrayList<>(Collections.nCopies(refusals.get() + 1, "one"));
    expected.add("two");
    assertEquals(expected, texts);
    assertEquals(
        1,
        receiver.posts().stream()
            .filter(p -> p.text().equals("one"))
            .map(Post::id)
            .distinct()
            .count());
  }

  /** Whether it hangs, hangs up or answers too late: the same id tells that it comes again. */
  @Test
  void whoHangsOrHangsUpIsToldAgainWithTheSameId() {
    List<Reaction> faults =
        new ArrayList<>(List.of(new Reaction.Hang(), new Reaction.HangUp(), new Reaction.Hang()));
    receiver.behaves(
        post -> {
          synchronized (faults) {
            return faults.isEmpty() ? Receiver.OK : faults.removeFirst();
          }
        });
    add(receiver.url());
    WebhookDispatcher node = node(Map.of("CHAT_WEBHOOK_TIMEOUT_MS", "500"));
    database.alice().sends(conversation, "one");
    database.alice().sends(conversation, "two");
    allIsAcknowledged();
    List<String> texts = receiver.texts();
    int second = texts.indexOf("two");
    assertTrue(second >= 4, texts::toString);
    assertEquals(Set.of("one"), Set.copyOf(texts.subList(0, second)));
    assertEquals(2, receiver.posts().stream().map(Post::id).distinct().count());
    // An answer that is read too late counts as none, and is a failure more.
    Await.until(
        "each post but two to have failed",
        () -> receiver.posts().size() <= 2 + node.counts().failed());
  }

  @Test
  void whatIsGivenUpIsADeadLetterAndCanBePostedAgain() {
    receiver.behaves(post -> post.text().equals("one") ? new Reaction.Answer(410) : Receiver.OK);
    add(receiver.url());
    WebhookDispatcher node = node(Map.of("CHAT_WEBHOOK_MAX_TRIES", "3"));
    database.alice().sends(conversation, "one");
    database.alice().sends(conversation, "two");
    allIsAcknowledged();
    assertEquals(List.of("one", "one", "one", "two"), receiver.texts());
    Await.until("the dead letter to be counted", () -> node.counts().dead() == 1);
    String letters = webhooks.deadLetters("desk");
    assertTrue(letters.contains("status 410"), letters);
    assertFalse(letters.contains("one"), letters); // no text of people on the screen
    receiver.behaves(post -> Receiver.OK);
    assertEquals(1, webhooks.retry("desk", null));
    allIsAcknowledged();
    assertEquals("one", receiver.texts().getLast());
    assertEquals(
        receiver.posts().getFirst().id(), receiver.posts().getLast().id(), "the same event");
    assertEquals("0", database.ownerReads("select count(*) from chat.webhook_events"));
  }

  @Test
  void redirectsAreNotFollowedAndOfAnAnswerLittleIsRead() {
    Receiver elsewhere = receiver;
    try (Receiver misleading =
        new Receiver(
            post ->
                post.text().equals("one")
                    ? new Reaction.Redirect(elsewhere.url())
                    : new Reaction.LongAnswer(200, 50_000_000))) {
      add(misleading.url());
      node(Map.of("CHAT_WEBHOOK_MAX_TRIES", "1"));
      database.alice().sends(conversation, "one");
      database.alice().sends(conversation, "two");
      allIsAcknowledged();
      assertEquals(List.of("one", "two"), misleading.texts());
      assertEquals(List.of(), elsewhere.posts());
      assertTrue(webhooks.deadLetters("desk").contains("status 307"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void privateAddressesAreRefusedUnlessAllowed() {
    add(receiver.url());
    node(Map.of("CHAT_WEBHOOK_PRIVATE_ADDRESSES", "false", "CHAT_WEBHOOK_MAX_TRIES", "1"));
    database.alice().sends(conversation, "one");
    Await.until("a dead letter", () -> webhooks.deadLetters("desk").contains("private address"));
    assertEquals(List.of(), receiver.posts());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.0.8",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1"
      })
  void addressesThatAreNotPublic(String address) throws Exception {
    assertTrue(WebhookAddress.isPrivate(InetAddress.getByName(address)));
    String url = "https://%s/".formatted(address.contains(":") ? "[" + address + "]" : address);
    assertThrows(WebhookAddress.Refused.class, () -> WebhookAddress.of(url, names(), false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"93.184.216.34", "2606:2800:220:1::1", "172.32.0.1", "100.128.0.1"})
  void publicAddressesAreReachedByHttpsAlone(String address) throws Exception {
    String host = address.contains(":") ? "[" + address + "]" : address;
    assertEquals(443, WebhookAddress.of("https://" + host + "/a?b", names(), false).port());
    for (boolean isPrivateAllowed : List.of(true, false)) {
      assertThrows(
          WebhookAddress.Refused.class,
          () -> WebhookAddress.of("http://" + host + "/", names(), isPrivateAllowed));
    }
  }

  /**
   * Its own conversations wait and nobody else does; it is asked once, however many wait for it.
   */
  @Test
  void aNameServerThatHangsHoldsItsOwnWebhookAlone() throws Exception {
    CountDownLatch answers = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    Map<String, String> quick =
        Map.of(
            "CHAT_WEBHOOK_DNS_TIMEOUT_MS", "200",
            "CHAT_WEBHOOK_MAX_TRIES", "1000",
            "CHAT_WEBHOOK_PARALLEL", "2");
    WebhookDispatcher node =
        node(
            quick,
            host -> {
              if (host.equals("hangs.example")) {
                asked.incrementAndGet();
                awaitForever(answers);
              }
              return InetAddress.getAllByName("127.0.0.1");
            });
    int port = URI.create(receiver.url()).getPort();
    add("http://hangs.example:" + port + "/");
    webhooks.add(
        "well",
        receiver.url(),
        new String[] {"user_messages"},
        new String[] {"INSERT"},
        null,
        1000);
    database.alice().sends(conversation, "one");
    receiver.awaits(1);
    Await.until("two to be given up for now", () -> node.counts().failed() >= 2);
    Await.until(
        "the reason to be written down",
        () ->
            "not posted: the name hangs.example was not resolved in 200 ms"
                .equals(
                    database.ownerReads(
                        "select last_error from chat.webhook_states where name = 'desk'")));
    assertEquals(1, asked.get());
    answers.countDown();
    allIsAcknowledged();
    assertEquals(List.of("one", "one"), receiver.texts());
  }

  private static void awaitForever(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A node posts, is answered and dies before it says so: another posts again, with the same id.
   */
  @Test
  void aCrashBetweenAnswerAndAcknowledgementIsADoubleWithTheSameId() {
    add(receiver.url());
    database.alice().sends(conversation, "one");
    database.alice().sends(conversation, "two");
    WebhookSettings settings = settings(Map.of());
    WebhookRecords dying = new WebhookRecords(database.chat());
    dying.fill(100);
    WebhookEvent taken = dying.take(Duration.ofMinutes(1), 10, 10, Set.of()).getFirst();
    try (WebhookSender sender = new WebhookSender(VERTX, settings, InetAddress::getAllByName)) {
      assertEquals(null, sender.post(taken).problem());
    }
    node(Map.of());
    webhooks.test("desk"); // another lane: the node is at work
    receiver.awaits(2);
    assertEquals(1, receiver.texts().stream().filter("one"::equals).count()); // it is leased
    // Its lease has ended, and no other: the answer to the test may not be written down yet.
    database.asOwner(
        "update chat.webhook_lanes set due_at = now() where conversation_id = '"
            + conversation
            + "'");
    allIsAcknowledged();
    List<String> texts = new ArrayList<>(receiver.texts());
    texts.remove("");
    assertEquals(List.of("one", "one", "two"), texts);
    assertEquals(3, receiver.posts().stream().map(Post::id).distinct().count());
  }

  /**
   * Two nodes, a receiver with faults by chance: nothing lost, doubles only after a failure, order.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void withFaultsByChanceNothingIsLostAndTheOrderIsKept(long seed) {
    Random chance = new Random(seed);
    Map<String, Integer> faults = new ConcurrentHashMap<>();
    receiver.behaves(
        post -> {
          int dice;
          synchronized (chance) {
            dice = chance.nextInt(100);
          }
          if (dice < 70) {
            return Receiver.OK;
          }
          faults.merge(post.id(), 1, Integer::sum);
          return dice < 85
              ? new Reaction.Answer(dice % 2 == 0 ? 500 : 429)
              : dice < 97 ? new Reaction.HangUp() : new Reaction.Hang();
        });
    add(receiver.url());
    Map<String, String> quick = Map.of("CHAT_WEBHOOK_TIMEOUT_MS", "1000");
    List<WebhookDispatcher> all = new ArrayList<>(List.of(node(quick)));
    Map<String, List<String>> said = new LinkedHashMap<>();
    for (int i = 0; i < 120; i++) {
      var sender = i % 2 == 0 ? database.alice() : database.bob();
      UUID where =
          i % 2 == 0
              ? (i % 4 == 0 ? conversation : sender.talksTo(database.carol()))
              : (i % 3 == 0 ? conversation : sender.talksTo(database.carol()));
      String text = "m" + i;
      sender.sends(where, text);
      said.computeIfAbsent(where.toString(), key -> new ArrayList<>()).add(text);
      if (i == 40) {
        all.add(node(quick)); // a second one joins
      }
      if (i == 80) {
        nodes.removeFirst().close(); // the first one goes
      }
    }
    allIsAcknowledged();

    Map<String, List<String>> heard = new HashMap<>();
    Map<String, Integer> times = new HashMap<>();
    for (Post post : receiver.posts()) {
      List<String> texts = heard.computeIfAbsent(post.conversation(), key -> new ArrayList<>());
      if (times.merge(post.id(), 1, Integer::sum) == 1) {
        texts.add(post.text());
      } else {
        assertEquals(post.text(), texts.getLast(), "a double comes before the next");
      }
    }
    assertEquals(said, new LinkedHashMap<>(sorted(heard, said.keySet())), "seed " + seed);
    times.forEach((id, n) -> assertTrue(n > faults.getOrDefault(id, 0), "acknowledged at last"));
    // A good answer that is read too late is a failure as well.
    Await.until(
        "doubles only after a failure",
        () ->
            receiver.posts().size()
                <= times.size() + all.stream().mapToLong(node -> node.counts().failed()).sum());
    assertEquals("0", database.ownerReads("select count(*) from chat.webhook_events"));
  }

  private static Map<String, List<String>> sorted(Map<String, List<String>> of, Set<String> keys) {
    Map<String, List<String>> sorted = new LinkedHashMap<>();
    keys.forEach(key -> sorted.put(key, of.getOrDefault(key, List.of())));
    assertEquals(keys, of.keySet());
    return sorted;
  }

  private String add(String url) {
    return webhooks.add(
        "desk", url, new String[] {"user_messages"}, new String[] {"INSERT"}, null, 1000);
  }

  private WebhookDispatcher node(Map<String, String> more) {
    return node(more, InetAddress::getAllByName);
  }

  private WebhookDispatcher node(Map<String, String> more, HostNames.Lookup lookup) {
    WebhookDispatcher node = new WebhookDispatcher(VERTX, database.chat(), settings(more), lookup);
    nodes.add(node);
    node.start();
    return node;
  }

  private static HostNames names() {
    return new HostNames(InetAddress::getAllByName, Await.PATIENCE);
  }

  private static WebhookSettings settings(Map<String, String> more) {
    Map<String, String> environment =
        new HashMap<>(
            Map.of(
                "CHAT_WEBHOOK_PRIVATE_ADDRESSES", "true",
                "CHAT_WEBHOOK_RETRY_MS", "10",
                "CHAT_WEBHOOK_RETRY_MAX_MS", "40",
                "CHAT_WEBHOOK_POLL_MS", "20"));
    environment.putAll(more);
    Settings settings = new Settings(environment);
    WebhookSettings read = WebhookSettings.from(settings);
    assertEquals(List.of(), settings.problems());
    return read;
  }

  /** All that was committed is read, and nothing waits. */
  private static void allIsAcknowledged() {
    Await.until(
        "the log to be read",
        () ->
            database
                .ownerReads(
                    """
                    select count(*)
                    from chat.log_readers r, relay.change_log l
                    where l.xid >= pg_snapshot_xmax(split_part(r.read_up_to, ' ', 1)::pg_snapshot)
                      or l.xid = any (array(select pg_snapshot_xip(split_part(r.read_up_to, ' ', 1)::pg_snapshot)))
                    """)
                .equals("0"));
    Await.until(
        "nothing to wait",
        () ->
            database
                .ownerReads("select count(*) from chat.webhook_events where dead_at is null")
                .equals("0"));
  }

  /** As standardwebhooks.com says, written down once more. */
  private static String signature(String secret, Post post) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(
        new SecretKeySpec(Base64.getDecoder().decode(secret.replace("whsec_", "")), "HmacSHA256"));
    byte[] signed =
        (post.id() + "." + post.timestamp() + "." + post.body()).getBytes(StandardCharsets.UTF_8);
    return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(signed));
  }
}
