package com.gptdesk.chat.service.push;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** From a message to a push service, and what becomes of its answers. */
class PushNotifierTest {
  private static final JsonMapper JSON = new JsonMapper();

  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final Person bob = database.bob();
  private final UUID conversation = alice.talksTo(bob);
  private final PlayedPushService service = new PlayedPushService();
  private String origin = service.origin();
  private final PlayedBrowser phone = new PlayedBrowser();
  private final PushKey key = PushKey.generate();
  private final PushCounts counts = new PushCounts();
  private final List<PushNotifier> notifiers = new ArrayList<>();

  @AfterEach
  void close() {
    notifiers.forEach(PushNotifier::close);
    service.close();
    database.close();
  }

  @Test
  void whoIsAwayIsToldInWordsThatTheirBrowserAloneReads() throws Exception {
    start(true, Duration.ofMinutes(1));
    add(bob, "/phone", phone, true);
    alice.sends(conversation, "Lunch? 🥪");

    PlayedPushService.Request request = Await.next("the notice", service.requests);
    JsonNode told = JSON.readTree(phone.decrypt(request.body()));
    assertEquals(
        JSON.readTree(
            """
            {"type": "message", "user": "%s", "conversation": "%s", "seq": 1, "sender": "Alice Adams", "text": "Lunch? 🥪"}
            """
                .formatted(bob.id(), conversation)),
        told);
    assertEquals("/phone", request.path());
    assertEquals("aes128gcm", request.header("Content-Encoding"));
    assertEquals("high", request.header("Urgency"));
    assertTrue(Long.parseLong(request.header("TTL")) > 80_000);
    assertEquals(32, request.header("Topic").length());
    assertTrue(request.header("Authorization").endsWith(", k=" + key.publicKey()));
    nothingWaits();
    assertEquals(
        "1",
        database.ownerReads(
            "select count(*) from public.push_subscriptions where last_used_at is not null"));
    assertEquals(1, counts.sent());
  }

  @Test
  void theTextStaysHereUnlessTheOperatorLetsItGo() {
    start(false, Duration.ofMinutes(1));
    add(bob, "/phone", phone, true);
    alice.sends(conversation, "a secret");
    assertTrue(
        JSON.readTree(phone.decrypt(Await.next("the notice", service.requests).body()))
            .get("text")
            .isNull());
  }

  @Test
  void whoIsHereOrHasReadIsNotTold() {
    start(false, Duration.ofMinutes(1));
    add(bob, "/phone", phone, false);
    add(alice, "/marker", new PlayedBrowser(), false);
    bob.is("online", null);
    alice.sends(conversation, "here");
    bob.readsUpTo(conversation, null);
    bob.sends(conversation, "a marker");
    assertEquals("/marker", Await.next("the marker", service.requests).path());
    // Not the marker's, which may still be on its way.
    database.asOwner(
        "update chat.push_notices set due_at = now() where subscription_id in"
            + " (select id from public.push_subscriptions where endpoint like '%/phone')");
    nothingWaits();
    assertEquals(List.of(), List.copyOf(service.requests));
  }

  @Test
  void whatThePushServiceSaysIsObeyed() {
    for (int status : new int[] {404, 410, 400, 401, 403, 413, 302}) {
      service.answers("/" + status, status, null);
    }
    for (int status : new int[] {429, 500, 503}) {
      service.answers("/" + status, status, "3600");
    }
    service.answers("/date", 503, "Fri, 01 Jan 2100 00:00:00 GMT");
    start(false, Duration.ofMinutes(1));
    List<String> devices =
        List.of(
            "404", "410", "400", "401", "403", "413", "302", "429", "500", "503", "date", "well");
    database.asOwner("update chat.settings set max_push_subscriptions = 20");
    devices.forEach(device -> add(bob, "/" + device, new PlayedBrowser(), false));
    alice.sends(conversation, "hi");

    Await.until(
        "all to be answered",
        () ->
            counts.sent() + counts.gone() + counts.refused() + counts.postponed()
                == devices.size());
    assertEquals(
        List.of(1L, 2L, 5L, 4L),
        List.of(counts.sent(), counts.gone(), counts.refused(), counts.postponed()));
    assertEquals(devices.size(), service.requests.size(), "no redirect was followed");
    assertEquals(
        "302 400 401 403 413 429 500 503 date well",
        reads(
            "select string_agg(split_part(endpoint, '/', 4), ' ' order by endpoint) from public.push_subscriptions"));
    assertEquals(
        "429 500 503 date",
        reads(
            "select string_agg(split_part(endpoint, '/', 4), ' ' order by endpoint) from chat.push_notices n"
                + " join public.push_subscriptions d on d.id = n.subscription_id"
                + " where n.due_at > now() + interval '59 minutes' and n.due_at <= now() + interval '1 day'"));

    // When their time has come they are told, and nothing is lost.
    service.requests.clear();
    database.asOwner("update chat.push_notices set due_at = now()");
    nothingWaits();
    assertEquals(4, service.requests.size());
    assertEquals(5, counts.sent());
  }

  @Test
  void onePushServiceThatHangsStopsNobodyElse() {
    service.answers("/silent", 0, null);
    PushNotifier patient = start(false, Duration.ofMinutes(1));
    add(bob, "/silent", new PlayedBrowser(), false);
    add(bob, "/phone", phone, false);
    alice.sends(conversation, "one");
    Await.until("both to be asked", () -> service.requests.size() == 2);
    Await.until("the other to be told", () -> counts.sent() == 1);
    patient.close();
    service.answers("/silent", 0, null);
    start(false, Duration.ofMillis(300));
    database.asOwner("update chat.push_notices set due_at = now()");
    Await.until("it to be given up", () -> counts.postponed() >= 1);
    assertEquals(1, counts.sent());
    assertEquals(
        "1",
        reads(
            "select count(*) from chat.push_notices where due_at > now() + interval '5 seconds'"));
    database.asOwner("update chat.push_notices set due_at = now()");
    nothingWaits();
    assertEquals(2, counts.sent());
  }

  @Test
  void aServiceThatIsAwayIsTriedAgain() throws IOException {
    try (Socket silent = new Socket()) { // keeps a port on which nobody listens
      silent.bind(new InetSocketAddress("127.0.0.1", 0));
      origin = "http://127.0.0.1:" + silent.getLocalPort();
      start(false, Duration.ofMinutes(1));
      add(bob, "/phone", phone, false);
      alice.sends(conversation, "hi");
      Await.until("it to be postponed", () -> counts.postponed() > 0);
      assertEquals("1", reads("select tries from chat.push_notices"));
    }
  }

  @Test
  void anAddressThatIsNoLongerNamedIsNotPostedTo() {
    start(false, Duration.ofMinutes(1));
    add(bob, "/phone", phone, false);
    database.asOwner(
        "update public.push_subscriptions set endpoint = 'http://localhost:%s/phone'"
            .formatted(service.origin().substring("http://127.0.0.1:".length())));
    alice.sends(conversation, "hi");
    Await.until("it to be refused", () -> counts.refused() == 1);
    nothingWaits();
    assertEquals(0, service.requests.size());
  }

  @Test
  void twoNodesTellEachMessageOnce() {
    for (int i = 0; i < 2; i++) {
      start(false, Duration.ofMinutes(1));
    }
    Map<String, UUID> people = new TreeMap<>();
    for (Person other : List.of(bob, database.carol())) {
      add(other, "/" + other, new PlayedBrowser(), false);
      people.put("/" + other, alice.talksTo(other));
    }
    int rounds = 20;
    for (int i = 1; i <= rounds; i++) {
      people.values().forEach(one -> alice.sends(one, "hi"));
      int so = i * people.size();
      Await.until("each to be told", () -> counts.sent() == so);
    }
    nothingWaits();
    assertEquals(rounds * people.size(), service.requests.size());
  }

  @Test
  void whatANodeLeavesBehindAnotherSends() {
    service.answers("/phone", 0, null);
    PushNotifier first = start(false, Duration.ofMinutes(1));
    add(bob, "/phone", phone, false);
    alice.sends(conversation, "hi");
    Await.next("the first to post", service.requests);
    first.close();
    start(false, Duration.ofMinutes(1));
    assertEquals("1", reads("select count(*) from chat.push_notices"));
    database.asOwner("update chat.push_notices set due_at = now()");
    Await.next("the second to post", service.requests);
    nothingWaits();
  }

  @Test
  void aNodeWithoutAKeySendsNothingAndLeavesTheOthersAlone() {
    start(false, Duration.ofMinutes(1));
    add(bob, "/phone", phone, false);
    assertNull(
        PushNotifier.of(database.chat(), settings(null, false, Duration.ofSeconds(1)), counts));
    assertEquals(key.publicKey(), reads("select push_public_key from chat.settings"));
    alice.sends(conversation, "hi");
    Await.next("the notice", service.requests);
    nothingWaits();
  }

  @Test
  void whenItIsTurnedOffRunningNodesQueueNothingAndLaterNobodyIsToldOfIt() {
    start(false, Duration.ofMinutes(1));
    add(bob, "/phone", phone, false);
    database.asOwner("select chat.set_push_key(null, null)");
    database.carol().sends(database.carol().talksTo(bob), "meanwhile");
    assertEquals(
        "0",
        database
            .chat()
            .as(
                ServiceDatabase.RELAY,
                tx -> String.valueOf(tx.fetchValue("select chat.queue_push_notices()"))));
    assertEquals("0", reads("select count(*) from chat.push_notices"));

    start(false, Duration.ofMinutes(1));
    alice.sends(conversation, "again");
    Await.next("the notice", service.requests);
    nothingWaits();
    assertEquals(1, counts.sent());
  }

  private PushNotifier start(boolean showsText, Duration timeout) {
    PushNotifier notifier =
        Objects.requireNonNull(
            PushNotifier.of(database.chat(), settings(key, showsText, timeout), counts));
    notifiers.add(notifier);
    notifier.start();
    Await.until("it to read", () -> reads("select count(*) from chat.log_readers").equals("1"));
    return notifier;
  }

  private PushSettings settings(@Nullable PushKey key, boolean showsText, Duration timeout) {
    return new PushSettings(
        key,
        "mailto:ops@example.org",
        new PushHosts(List.of(origin)),
        showsText,
        Duration.ofDays(1),
        Duration.ofMillis(50),
        timeout,
        16);
  }

  private void add(Person person, String path, PlayedBrowser browser, boolean showsText) {
    person.does(
        tx ->
            Routines.addPushSubscription(
                tx.configuration(),
                origin + path,
                browser.p256dh(),
                browser.auth(),
                "A phone",
                showsText));
  }

  private void nothingWaits() {
    Await.until(
        "nothing to wait", () -> reads("select count(*) from chat.push_notices").equals("0"));
    Await.until("all to be counted", () -> counts.inFlight() == 0);
  }

  private String reads(String query) {
    return String.valueOf(database.ownerReads(query));
  }
}
