package com.gptdesk.chat.service.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NatsServer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * How a node treats a leader that loses, repeats and forgets changes: everybody concerned catches
 * up at the right moment, and no change is delivered twice. The test plays the leader.
 */
class ClusterFeedTest {
  private static final Audience ALICE = Audience.user(UUID.randomUUID());
  private static final Audience BOB = Audience.team(ALICE.id()); // a team with her id

  private ClusterFeed feed;
  private FanOut fanOut;
  private final ReceivedEvents alice = new ReceivedEvents();
  private final ReceivedEvents bob = new ReceivedEvents();
  private final List<String> everybody = new CopyOnWriteArrayList<>();
  private final Map<Audience, Long> last = new HashMap<>();
  private boolean answers = true;
  private long term = 100;
  private long number;
  private NatsConnection node;
  private NatsConnection leader;

  /** The leader is asked only what must be asked. */
  @BeforeEach
  void connect() throws Exception {
    connect(Duration.ofHours(1));
  }

  private void connect(Duration askedAgainAfter) throws Exception {
    feed = new ClusterFeed(askedAgainAfter);
    fanOut = new FanOut(feed);
    NatsSettings settings = NatsServer.shared().settings();
    leader =
        NatsConnection.open(
            settings,
            new NatsConnection.Handlers(
                (connection, bytes) -> {},
                (connection, message) -> {
                  synchronized (last) {
                    if (answers) {
                      var question = ClusterMessage.Question.decode(message.getData());
                      var numbers =
                          question.audiences().stream()
                              .map(audience -> last.computeIfAbsent(audience, unknown -> number))
                              .toList();
                      connection.answer(
                          String.valueOf(message.getReplyTo()),
                          new ClusterMessage.Answer(term, question.number(), numbers));
                    }
                  }
                }));
    leader.subscribeToQuestions();
    feed.start(
        new ClusterFeed.Receivers() {
          @Override
          public ChangeListener listener() {
            return fanOut;
          }

          @Override
          public void missed(List<Audience> audiences, String reason) {
            fanOut.resync(audiences, reason);
          }

          @Override
          public void changesFor(List<Audience> audiences) {
            everybody.add(audiences.contains(ALICE) ? "alice" : "bob");
          }

          @Override
          public void changesMissed() {
            everybody.add("anybody");
          }
        });
    node =
        NatsConnection.open(
            settings, new NatsConnection.Handlers(feed::receive, (connection, message) -> {}));
    feed.connected(node);
    beats();
    fanOut.add(alice, List.of(ALICE));
    fanOut.add(bob, List.of(BOB));
    fanOut.awaitSubscribed(List.of(ALICE, BOB));
  }

  @AfterEach
  void disconnect() {
    feed.close();
    if (node != null) {
      node.close();
    }
    if (leader != null) {
      leader.close();
    }
  }

  @Test
  void aChangeOfTwoAudiencesIsToldOnceToEach() {
    tells(1, ALICE, BOB);
    tells(2, ALICE);
    tells(3, BOB);
    alice.hasReceived("1", "2");
    bob.hasReceived("1", "3");
    isUpToDate();
  }

  /** Over NATS, too: the node of whom it is hidden from gets it for others of the audience. */
  @Test
  void aChangeIsNotToldToWhomItIsHiddenFrom() {
    Audience person = Audience.user(UUID.randomUUID());
    var carol = new ReceivedEvents();
    fanOut.add(carol, List.of(person, BOB));
    fanOut.awaitSubscribed(List.of(person));
    hides(1, person.id(), BOB);
    hides(2, person.id(), person, BOB);
    tells(3, BOB);
    bob.hasReceived("1", "2", "3");
    carol.hasReceived("3");
    assertEquals(0, feed.gaps());
  }

  @Test
  void whoMissedAChangeIsToldSoBeforeTheNext() {
    tells(1, ALICE, BOB);
    loses(ALICE, BOB);
    tells(3, ALICE, BOB); // By the first of the two subjects both are told to catch up.
    alice.hasReceived("1", "missed", "3");
    bob.hasReceived("1", "missed", "3");
    assertEquals(2, feed.gaps());
  }

  @Test
  void whoMissedNothingIsNotToldToCatchUp() {
    tells(1, ALICE, BOB);
    loses(BOB);
    tells(3, ALICE);
    tells(4, BOB);
    alice.hasReceived("1", "3");
    bob.hasReceived("1", "missed", "4");
  }

  /** Nothing comes after it that would show it; but the leader is asked again and again. */
  @Test
  void thatTheLastChangeWasMissedIsFoundOut() throws Exception {
    disconnect();
    connect(Duration.ofMillis(200));
    tells(1, ALICE);
    loses(ALICE);
    alice.hasReceived("1", "missed");
    tells(3, ALICE);
    alice.hasReceived("1", "missed", "3");
    bob.hasReceived();
  }

  @Test
  void aNewLeaderMakesEverybodyCatchUpAndTheOldOnesLastWordsAreNotHeard() {
    tells(1, ALICE);
    alice.hasReceived("1");
    changesLeader(101);
    beats();
    alice.hasReceived("1", "missed");
    tells(1, ALICE);
    alice.hasReceived("1", "missed", "1");
    beats(); // Only of one who is silent the words of another count.
    synchronized (last) {
      term = 100;
      leader.publish(ALICE, message(9, Map.of(ALICE, 1L)));
      term = 101;
    }
    tells(2, ALICE);
    alice.hasReceived("1", "missed", "1", "2");
    bob.hasReceived("missed");
  }

  /**
   * Between a new leader's first word and its answer nothing is told: what is told must join on to
   * what came before it.
   */
  @Test
  void nothingIsToldBeforeItIsKnownWhatWasMissed() {
    tells(1, ALICE);
    alice.hasReceived("1");
    answers(false);
    changesLeader(101);
    tells(1, ALICE);
    Await.until(
        "the new leader to be known",
        () -> {
          beats(); // it is never silent for long
          return "catching up".equals(feed.problem());
        });
    answers(true);
    alice.hasReceived("1", "missed");
    tells(2, ALICE);
    alice.hasReceived("1", "missed", "2");
  }

  @Test
  void aNewConnectionMakesEverybodyCatchUp() throws Exception {
    feed.connected(null);
    assertEquals("NATS cannot be reached", feed.problem());
    loses(ALICE);
    feed.connected(node);
    beats();
    alice.hasReceived("missed");
    bob.hasReceived("missed");
    tells(2, ALICE);
    alice.hasReceived("missed", "2");
  }

  @Test
  void whatIsTooLongIsCaughtUpWith() {
    synchronized (last) {
      number++;
      leader.publish(ALICE, new ClusterMessage.TooLong(term, number, previous(ALICE)).encode());
    }
    tells(2, ALICE);
    alice.hasReceived("missed", "2");
    bob.hasReceived();
  }

  @Test
  void whomChangesConcernIsToldToWhoeverMustKnowOfEverybody() {
    feed.wanted(ClusterFeed.EVERYBODY);
    feed.awaitSubscribed(List.of(ClusterFeed.EVERYBODY));
    notes(ALICE);
    loses(ClusterFeed.EVERYBODY);
    notes(BOB);
    Await.until("both", () -> everybody.equals(List.of("alice", "anybody", "bob")));
  }

  @Test
  void nobodyJoinsWhileNoLeaderAnswers() {
    answers(false);
    var carol = new ReceivedEvents();
    Audience audience = Audience.user(UUID.randomUUID());
    fanOut.add(carol, List.of(audience));
    assertThrows(IllegalStateException.class, () -> feed.awaitSubscribed(List.of(audience), 1));
    answers(true);
    feed.awaitSubscribed(List.of(audience));
    tells(1, audience);
    carol.hasReceived("1");
  }

  @Test
  void whoIsAloneIsNotHearing() {
    isUpToDate();
    leader.close();
    Await.until("the silence", () -> feed.problem() != null);
  }

  // --- The leader

  private void answers(boolean does) {
    synchronized (last) {
      answers = does;
    }
  }

  /** While its leader is not silent. */
  private void isUpToDate() {
    Await.until(
        "it hears",
        () -> {
          beats();
          return feed.problem() == null;
        });
  }

  private void beats() {
    leader.publishToAll(new ClusterMessage.Beat(term, number));
  }

  private void changesLeader(long newTerm) {
    synchronized (last) {
      term = newTerm;
      number = 0;
      last.clear();
    }
  }

  private void tells(long expected, Audience... audiences) {
    synchronized (last) {
      number++;
      assertEquals(expected, number);
      byte[] message = message(number, previous(audiences));
      for (Audience audience : audiences) {
        leader.publish(audience, message);
      }
    }
  }

  private void hides(long expected, UUID from, Audience... audiences) {
    synchronized (last) {
      number++;
      assertEquals(expected, number);
      byte[] message = message(number, previous(audiences), List.of(from));
      for (Audience audience : audiences) {
        leader.publish(audience, message);
      }
    }
  }

  private void notes(Audience whom) {
    synchronized (last) {
      number++;
      long before = previous(ClusterFeed.EVERYBODY).values().iterator().next();
      leader.publish(
          ClusterFeed.EVERYBODY,
          new ClusterMessage.ChangeAudiences(term, number, before, List.of(whom)).encode());
    }
  }

  /** A change that NATS does not bring. */
  private void loses(Audience... audiences) {
    synchronized (last) {
      number++;
      previous(audiences);
    }
  }

  private Map<Audience, Long> previous(Audience... audiences) {
    Map<Audience, Long> previous = new LinkedHashMap<>();
    for (Audience audience : audiences) {
      @Nullable Long before = last.put(audience, number);
      previous.put(audience, before == null ? ClusterMessage.UNASKED : before);
    }
    return previous;
  }

  private byte[] message(long which, Map<Audience, Long> previous) {
    return message(which, previous, List.of());
  }

  private byte[] message(long which, Map<Audience, Long> previous, List<UUID> hiddenFrom) {
    var change =
        new Change(
            which,
            "user_messages",
            Change.Operation.INSERT,
            Instant.EPOCH,
            List.copyOf(previous.keySet()),
            hiddenFrom,
            "{}",
            null);
    return new ClusterMessage.ChangeEvent(term, which, previous, change).encode();
  }

  private static final class ReceivedEvents implements Subscriber {
    private final List<String> received = new ArrayList<>();

    @Override
    public synchronized void changed(Change change) {
      received.add(String.valueOf(change.seq()));
    }

    @Override
    public synchronized void resync(String reason) {
      received.add("missed");
    }

    private synchronized List<String> received() {
      return List.copyOf(received);
    }

    void hasReceived(String... what) {
      Await.value(List.of(what).toString(), this::received, List.of(what)::equals);
    }
  }
}
