package com.gptdesk.chat.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.LiveEvent.Changed;
import com.gptdesk.chat.client.LiveEvent.Resync;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.model.Message;
import com.gptdesk.chat.model.Presence;
import com.gptdesk.chat.relay.Change.Operation;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.ChatTestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What one person hears inside the JVM: what a browser would, no more, and never without end. */
class LiveChangesTest {

  private final ChatTestDatabase database = ChatTestDatabase.fresh();
  private final UserChat alice = database.alice();
  private final UserChat bob = database.bob();
  private final UserChat carol = database.carol();
  private final UserChat mallory = database.mallory();
  private final UUID conversation = alice.getOrCreateConversation(bob.userId());
  private final LiveChanges live = started();

  @AfterEach
  void close() {
    live.close();
    database.close();
  }

  @Test
  void bobHearsWhatAliceSendsAndCarolDoesNot() {
    Listener his = listens(bob);
    Listener hers = listens(alice);
    Listener carols = listens(carol);
    Listener strangers = listens(mallory);

    Message sent = alice.sendMessage(conversation, "hi");

    for (Listener heard : List.of(his, hers)) {
      Changed told = heard.awaits("user_messages", Operation.INSERT);
      assertEquals("hi", told.row().get("content"));
      assertEquals(sent.id().toString(), told.row().get("id"));
      assertNotNull(told.recordJson());
      assertNull(told.oldRecordJson());
    }
    // A marker that all of the team hear shows that nothing came before it.
    bob.updatePresence(Presence.Status.ONLINE);
    carols.awaits("user_presence", Operation.INSERT);
    assertEquals(List.of("user_presence"), carols.tables());
    mallory.updatePresence(Presence.Status.ONLINE);
    strangers.awaits("user_presence", Operation.INSERT);
    assertEquals(1, strangers.tables().size());
  }

  @Test
  void theFirstWordIsToReadAndNothingIsMissedAfterIt() {
    Listener his = listens(bob);
    assertInstanceOf(Resync.class, his.events.getFirst());
    for (int i = 1; i <= 200; i++) {
      alice.sendMessage(conversation, "message " + i);
    }
    Await.until("all of them", () -> his.messages().size() == 200);
    for (int i = 1; i <= 200; i++) {
      assertEquals("message " + i, his.messages().get(i - 1));
    }
  }

  @Test
  void whoIsSlowIsToldToCatchUpAndHoldsUpNobody() {
    Listener slow = new Listener(1);
    live.of(bob.userId(), 10).subscribe(slow);
    Await.until("the first word", () -> slow.events.size() == 1);
    Listener quick = listens(bob);
    for (int i = 1; i <= 100; i++) {
      alice.sendMessage(conversation, "message " + i);
    }
    Await.until("the quick one", () -> quick.messages().size() == 100);
    assertEquals(1, slow.events.size()); // no more than was requested

    slow.requests(1000);
    Await.until(
        "a resync", () -> slow.events.stream().filter(Resync.class::isInstance).count() >= 2);
    alice.sendMessage(conversation, "marker");
    Await.until("the marker", () -> slow.messages().contains("marker"));
    assertTrue(slow.events.size() <= 14, () -> "told " + slow.events.size());
  }

  @Test
  void rightsAreReadAgainWhenTheyChange() {
    Listener his = listens(bob);
    Listener strangers = listens(mallory);

    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(ChatTestDatabase.BLUE, mallory.userId()));
    Await.until("another resync", () -> strangers.resyncs() == 2);
    carol.updatePresence(Presence.Status.BUSY);
    strangers.awaits("user_presence", Operation.INSERT);

    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(bob.userId()));
    Await.until("the end", () -> his.failure != null);
    assertEquals(Refusal.Reason.NOT_ALLOWED, assertInstanceOf(Refusal.class, his.failure).reason());
    int told = his.events.size();
    alice.updatePresence(Presence.Status.BUSY);
    Await.until("Mallory's", () -> strangers.tables().size() == 2);
    assertEquals(told, his.events.size());
  }

  @Test
  void whoMayNotUseTheChatIsToldSoAtOnce() {
    for (UserChat nobody : List.of(database.ivan(), database.person(UUID.randomUUID()))) {
      Listener heard = new Listener(10);
      nobody.subscribe(live, heard);
      Await.until("the end", () -> heard.failure != null);
      assertEquals(List.of(), heard.events);
    }
  }

  @Test
  void whoCancelsHearsNoMore() {
    Listener gone = listens(bob);
    Listener stays = listens(bob);
    gone.cancels();
    alice.sendMessage(conversation, "hi");
    stays.awaits("user_messages", Operation.INSERT);
    assertEquals(List.of(), gone.tables());
    assertFalse(gone.completed);
  }

  @Test
  void aSubscriberThatFailsIsAloneInThat() {
    AtomicInteger calls = new AtomicInteger();
    bob.subscribe(
        live,
        new Flow.Subscriber<LiveEvent>() {
          @Override
          public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
          }

          @Override
          public void onNext(LiveEvent event) {
            calls.incrementAndGet();
            throw new UnsupportedOperationException("on purpose");
          }

          @Override
          public void onError(Throwable failure) {}

          @Override
          public void onComplete() {}
        });
    Await.until("the first word", () -> calls.get() == 1);
    Listener stays = listens(bob);
    alice.sendMessage(conversation, "hi");
    stays.awaits("user_messages", Operation.INSERT);
    assertEquals(1, calls.get());
  }

  @Test
  void askingForNothingIsAMistake() {
    Listener wrong = new Listener(0);
    bob.subscribe(live, wrong);
    Await.until("the end", () -> wrong.failure instanceof IllegalArgumentException);
  }

  @Test
  void closingEndsAll() {
    Listener his = listens(bob);
    live.close();
    Await.until("the end", () -> his.completed);
    Listener late = new Listener(1);
    bob.subscribe(live, late);
    Await.until("the end", () -> late.completed);
  }

  private LiveChanges started() {
    Login login = database.service();
    LiveChanges started =
        LiveChanges.start(
            database.chat(),
            RelaySettings.of(login.url(), login.user(), login.password())
                .withPace(Duration.ofMillis(1), Duration.ofMillis(30), Duration.ofSeconds(5)));
    Await.until("the relay", started::isUpToDate);
    return started;
  }

  /** Listens, and knows it. */
  private Listener listens(UserChat person) {
    Listener listener = new Listener(Long.MAX_VALUE);
    person.subscribe(live, listener);
    Await.until("the first word", () -> !listener.events.isEmpty());
    return listener;
  }

  private static final class Listener implements Flow.Subscriber<LiveEvent> {

    final List<LiveEvent> events = new CopyOnWriteArrayList<>();
    volatile @Nullable Throwable failure;
    volatile boolean completed;
    private final long first;
    private volatile Flow.@Nullable Subscription subscription;

    Listener(long first) {
      this.first = first;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(first);
    }

    @Override
    public void onNext(LiveEvent event) {
      events.add(event);
    }

    @Override
    public void onError(Throwable reason) {
      failure = reason;
    }

    @Override
    public void onComplete() {
      completed = true;
    }

    void requests(long count) {
      given().request(count);
    }

    void cancels() {
      given().cancel();
    }

    private Flow.Subscription given() {
      Flow.Subscription given = subscription;
      assertNotNull(given);
      return given;
    }

    List<Changed> changes() {
      return events.stream().filter(Changed.class::isInstance).map(Changed.class::cast).toList();
    }

    List<String> tables() {
      return changes().stream().map(Changed::table).toList();
    }

    List<Object> messages() {
      return changes().stream()
          .filter(change -> change.table().equals("user_messages"))
          .<Object>map(change -> String.valueOf(change.row().get("content")))
          .toList();
    }

    long resyncs() {
      return events.stream().filter(Resync.class::isInstance).count();
    }

    Changed awaits(String table, Operation operation) {
      return Await.value(
              table + " " + operation,
              () ->
                  changes().stream()
                      .filter(
                          change -> change.table().equals(table) && change.operation() == operation)
                      .toList(),
              found -> !found.isEmpty())
          .getFirst();
    }
  }
}
