package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.AudienceSource;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives changes from NATS for one node. Its listener gets every change of the wanted audiences,
 * once and in the leader's order, or is told that changes were missed.
 *
 * <p>An audience is <em>known</em> once the leader has named its last change, after this node
 * subscribed to it. From then on each change must name that one as its predecessor, and the leader
 * is asked again every few seconds. A new leader or a new connection makes all audiences unknown.
 * Nothing is delivered until all are known again, and then everybody has to catch up.
 *
 * <p>The connection's thread delivers, the feed's own thread subscribes and asks, and any thread
 * may want an audience. The lock guards their shared state; nothing is delivered while it is held.
 */
final class ClusterFeed implements AudienceSource, AutoCloseable {
  /** Not the audience of any change: its subscribers receive the audiences of all changes. */
  static final Audience EVERYBODY = new Audience(Audience.Kind.EVERYBODY, new UUID(0, 0));

  private static final Logger LOG = LoggerFactory.getLogger(ClusterFeed.class);
  private static final String MISSED = "Changes were missed; read what you show again.";
  private static final long UNKNOWN = Long.MIN_VALUE;
  private static final long NO_TERM = 0;

  /** The most audiences in one question. */
  private static final int MOST_ASKED = 1000;

  private static final Duration ANSWERED_WITHIN = Duration.ofSeconds(1);
  static final Duration ASKED_AGAIN_AFTER = Duration.ofSeconds(10);
  private static final Duration JOINED_WITHIN = Duration.ofSeconds(10);

  /** The leader sends a beat every second. */
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(4);

  /** Receives what arrives. */
  interface Receivers {
    /** Receives all changes, and a resync when everybody missed some. */
    ChangeListener listener();

    /** The subscribers of these audiences missed changes. */
    void missed(List<Audience> audiences, String reason);

    /** These audiences have a change; called when {@link #EVERYBODY} is wanted. */
    void changesFor(List<Audience> audiences);

    /** Changes of unknown audiences were missed. */
    void changesMissed();
  }

  private static final class AudienceState {
    long last = UNKNOWN;

    /** The audience was known before, so its subscribers have to catch up. */
    boolean owesResync;

    CompletableFuture<Void> known = new CompletableFuture<>();
  }

  private record Asked(ClusterMessage.Question question, long at) {}

  /**
   * Serializes deliveries: a lost connection's thread may still deliver when the next one starts.
   */
  private final ReentrantLock turn = new ReentrantLock();

  private final Duration askedAgainAfter;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Map<Audience, AudienceState> audiences = new HashMap<>();
  private final Set<Audience> unknown = new LinkedHashSet<>();
  private final Set<Audience> unwanted = new LinkedHashSet<>();
  private final ArrayDeque<Audience> toAskAgain = new ArrayDeque<>();
  private final Thread thread =
      Thread.ofPlatform().daemon().name("cluster-feed").unstarted(this::run);
  private final LongAdder gaps = new LongAdder();
  private final LongAdder resyncs = new LongAdder();
  private @Nullable Receivers receivers;
  private @Nullable NatsConnection connection;
  private long term = NO_TERM;
  private long lastNumber;
  private int resyncsOwed;

  /** Nothing is delivered until no audience owes a resync. */
  private boolean isCatchingUp;

  private @Nullable Asked asked;
  private long questions;
  private long askedAllAt = System.nanoTime();
  private long lastMessageAt = System.nanoTime();
  private boolean hasLeader;
  private boolean complained;
  private boolean closing;

  /**
   * Creates a feed that is not started. It asks the leader again about known audiences after so
   * long.
   */
  ClusterFeed(Duration askedAgainAfter) {
    this.askedAgainAfter = askedAgainAfter;
  }

  void start(Receivers to) {
    lock.lock();
    try {
      receivers = to;
    } finally {
      lock.unlock();
    }
    thread.start();
  }

  // --- Wanted audiences
  // -----------------------------------------------------------------------------------------

  @Override
  public void wanted(Audience audience) {
    lock.lock();
    try {
      audiences.put(audience, new AudienceState());
      unknown.add(audience);
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void unwanted(Audience audience) {
    lock.lock();
    try {
      AudienceState gone = audiences.remove(audience);
      if (gone != null) {
        unknown.remove(audience);
        resyncsOwed -= gone.owesResync ? 1 : 0;
        unwanted.add(audience);
        gone.known.complete(null);
      }
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void awaitSubscribed(Collection<Audience> awaited) {
    awaitSubscribed(awaited, JOINED_WITHIN.toSeconds());
  }

  void awaitSubscribed(Collection<Audience> awaited, long seconds) {
    List<CompletableFuture<Void>> known = new ArrayList<>();
    lock.lock();
    try {
      for (Audience audience : awaited) {
        AudienceState its = audiences.get(audience);
        if (its != null) {
          known.add(its.known);
        }
      }
    } finally {
      lock.unlock();
    }
    try {
      CompletableFuture.allOf(known.toArray(CompletableFuture[]::new))
          .get(seconds, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new IllegalStateException("no leader of the cluster answers over NATS", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while subscribing over NATS", e);
    }
  }

  /** Why changes do not arrive in time; null when they do. */
  @Nullable String problem() {
    lock.lock();
    try {
      if (connection == null) {
        return "NATS cannot be reached";
      }
      if (!hasLeader || isSilent()) {
        return "no node reads the change log for the cluster";
      }
      return isCatchingUp ? "catching up" : null;
    } finally {
      lock.unlock();
    }
  }

  int size() {
    lock.lock();
    try {
      return audiences.size();
    } finally {
      lock.unlock();
    }
  }

  /** How often a change was missed on an audience. */
  long gaps() {
    return gaps.sum();
  }

  /** How often everybody had to catch up. */
  long resyncs() {
    return resyncs.sum();
  }

  // --- The connection
  // ---------------------------------------------------------------------------------------------

  /** A new connection, before which messages were missed; null when it is lost. */
  void connected(@Nullable NatsConnection now) {
    lock.lock();
    try {
      connection = now;
      asked = null;
      hasLeader = false;
      forgetWhatIsKnown();
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void forgetWhatIsKnown() {
    audiences.forEach(
        (id, audience) -> {
          if (audience.last != UNKNOWN) {
            audience.last = UNKNOWN;
            audience.owesResync = true;
            audience.known = new CompletableFuture<>();
            unknown.add(id);
            resyncsOwed++;
          }
        });
    isCatchingUp |= resyncsOwed > 0;
    toAskAgain.clear();
  }

  private boolean isSilent() {
    return System.nanoTime() - lastMessageAt > LONGEST_SILENCE.toNanos();
  }

  // --- Messages of the leader
  // ---------------------------------------------------------------------------------------

  /** One message of a connection, in its own thread. */
  void receive(NatsConnection by, byte[] bytes) {
    turn.lock();
    try {
      ClusterMessage message = read(bytes);
      if (message != null) {
        receive(by, message).forEach(ClusterFeed::deliver);
      }
    } finally {
      turn.unlock();
    }
  }

  /** Updates the state; returns what has to be delivered. */
  private List<Runnable> receive(NatsConnection by, ClusterMessage message) {
    var deliveries = new ArrayList<Runnable>(2);
    lock.lock();
    try {
      Receivers to = receivers;
      if (closing || to == null || by != connection || !isCurrent(message.term())) {
        return deliveries;
      }
      if (isSilent()) {
        askedAllAt = System.nanoTime() - askedAgainAfter.toNanos();
      }
      lastMessageAt = System.nanoTime();
      hasLeader = true;
      switch (message) {
        case ClusterMessage.Beat beat -> LOG.trace("The leader is at {}", beat);
        case ClusterMessage.ChangeEvent change -> receive(change, to, deliveries);
        case ClusterMessage.TooLong change -> receive(change, to, deliveries);
        case ClusterMessage.ChangeAudiences change -> receive(change, to, deliveries);
        case ClusterMessage.Answer answer -> receive(answer, to, deliveries);
      }
      if (isCatchingUp && resyncsOwed == 0) {
        isCatchingUp = false;
        resyncs.increment();
        deliveries.clear(); // The resync covers all of it.
        deliveries.add(() -> to.listener().resync(MISSED));
      }
      return deliveries;
    } finally {
      lock.unlock();
    }
  }

  private static void deliver(Runnable delivery) {
    try {
      delivery.run();
    } catch (RuntimeException | Error e) {
      LOG.error("The listener failed on a message from NATS; continuing with the next", e);
    }
  }

  private @Nullable ClusterMessage read(byte[] message) {
    try {
      return ClusterMessage.decode(message);
    } catch (IllegalArgumentException e) {
      if (!complained) {
        complained = true;
        LOG.error(
            "This node does not understand a message from NATS ({}). Does a node of another version, or with another database, use the same CHAT_NATS_SUBJECT?",
            e.getMessage());
      }
      return null;
    }
  }

  /**
   * A higher term belongs to a new leader. A lower one belongs to a former leader whose messages
   * come late, so it is ignored. It counts again when the newer leader is silent: the database may
   * have been replaced by one whose terms are lower.
   */
  private boolean isCurrent(long its) {
    if (its == term) {
      return true;
    }
    if (its < term && !isSilent()) {
      return false;
    }
    LOG.info(
        "A new node reads the change log for the cluster; catching up with {} audiences",
        audiences.size());
    term = its;
    lastNumber = 0;
    asked = null;
    forgetWhatIsKnown();
    work.signalAll();
    return true;
  }

  private void receive(ClusterMessage.ChangeEvent change, Receivers to, List<Runnable> deliveries) {
    if (change.number() <= lastNumber) {
      return; // Received on the subject of another of its audiences.
    }
    lastNumber = change.number();
    List<Audience> missed = noteGaps(change.previous(), change.number());
    if (isCatchingUp) {
      return;
    }
    if (!missed.isEmpty()) {
      deliveries.add(() -> to.missed(missed, MISSED));
    }
    Change its = change.change();
    deliveries.add(() -> to.listener().changed(its));
  }

  private void receive(ClusterMessage.TooLong change, Receivers to, List<Runnable> deliveries) {
    if (change.number() <= lastNumber) {
      return;
    }
    lastNumber = change.number();
    noteGaps(change.previous(), change.number());
    if (!isCatchingUp) {
      var concerned = List.copyOf(change.previous().keySet());
      deliveries.add(() -> to.missed(concerned, MISSED));
    }
  }

  private void receive(
      ClusterMessage.ChangeAudiences change, Receivers to, List<Runnable> deliveries) {
    if (!noteGaps(Map.of(EVERYBODY, change.previous()), change.number()).isEmpty()) {
      deliveries.add(to::changesMissed);
    }
    deliveries.add(() -> to.changesFor(change.audiences()));
  }

  /** The audiences on which this change does not follow the last one received. */
  private List<Audience> noteGaps(Map<Audience, Long> previous, long number) {
    var missed = new ArrayList<Audience>(0);
    previous.forEach(
        (id, before) -> {
          AudienceState audience = audiences.get(id);
          if (audience != null && audience.last != UNKNOWN) {
            if (audience.last != before) {
              missed.add(id);
              gaps.increment();
            }
            audience.last = number;
          }
        });
    return missed;
  }

  private void receive(ClusterMessage.Answer answer, Receivers to, List<Runnable> deliveries) {
    Asked answered = asked;
    if (answered == null || answered.question().number() != answer.question()) {
      return;
    }
    asked = null;
    work.signalAll();
    var missed = new ArrayList<Audience>(0);
    List<Audience> ids = answered.question().audiences();
    for (int i = 0; i < ids.size(); i++) {
      Audience id = ids.get(i);
      long last = answer.numbers().get(i);
      AudienceState audience = audiences.get(id);
      if (audience == null) {
        continue; // It is no longer wanted.
      }
      if (audience.last == UNKNOWN) {
        unknown.remove(id);
        resyncsOwed -= audience.owesResync ? 1 : 0;
        audience.owesResync = false;
        audience.known.complete(null);
      } else if (audience.last != last) {
        missed.add(id);
        gaps.increment();
      }
      audience.last = last;
    }
    if (isCatchingUp || missed.isEmpty()) {
      return;
    }
    if (missed.remove(EVERYBODY)) {
      deliveries.add(to::changesMissed);
    }
    deliveries.add(() -> to.missed(missed, MISSED));
  }

  // --- Questions to the leader
  // -----------------------------------------------------------------------------------

  private void run() {
    try {
      for (Work next = await(); next != null; next = await()) {
        next.run();
      }
    } catch (InterruptedException e) {
      LOG.debug("The cluster feed was interrupted and ends");
    }
  }

  /** The next work; null when this is closed. */
  private @Nullable Work await() throws InterruptedException {
    lock.lock();
    try {
      while (!closing) {
        NatsConnection to = connection;
        Asked open = asked;
        if (to == null) {
          work.awaitNanos(askedAgainAfter.toNanos());
        } else if (open != null && !isOver(open.at(), ANSWERED_WITHIN)) {
          work.awaitNanos(ANSWERED_WITHIN.toNanos() - (System.nanoTime() - open.at()));
        } else {
          List<Audience> next = next();
          if (!hasLeader || !next.isEmpty() || !unwanted.isEmpty()) {
            return begun(to, next);
          }
          work.awaitNanos(
              Math.max(1, askedAgainAfter.toNanos() - (System.nanoTime() - askedAllAt)));
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private Work begun(NatsConnection to, List<Audience> next) {
    var gone = unwanted.stream().filter(audience -> !audiences.containsKey(audience)).toList();
    unwanted.clear();
    // An empty question makes the leader answer that it is there.
    ClusterMessage.Question question =
        next.isEmpty() && hasLeader ? null : new ClusterMessage.Question(++questions, next);
    asked = question == null ? null : new Asked(question, System.nanoTime());
    return new Work(to, gone, question);
  }

  private static boolean isOver(long since, Duration after) {
    return System.nanoTime() - since >= after.toNanos();
  }

  /** The next audiences to ask for: first unknown ones, then at intervals the known ones. */
  private List<Audience> next() {
    var next = new ArrayList<Audience>();
    for (Audience audience : unknown) {
      if (next.size() == MOST_ASKED) {
        break;
      }
      next.add(audience);
    }
    if (!next.isEmpty()) {
      return next;
    }
    if (toAskAgain.isEmpty() && isOver(askedAllAt, askedAgainAfter)) {
      askedAllAt = System.nanoTime();
      toAskAgain.addAll(audiences.keySet());
    }
    while (next.size() < MOST_ASKED && !toAskAgain.isEmpty()) {
      Audience audience = toAskAgain.remove();
      if (audiences.containsKey(audience)) {
        next.add(audience);
      }
    }
    return next;
  }

  /** Work for a connection, done without the lock because it may block. */
  private record Work(
      NatsConnection connection, List<Audience> gone, ClusterMessage.@Nullable Question question) {
    /** Subscribes first, so that changes after the answer are received. */
    void run() {
      try {
        gone.forEach(connection::unsubscribe);
        if (question != null) {
          question.audiences().forEach(connection::subscribe);
          connection.ask(question);
        }
      } catch (IllegalStateException e) {
        LOG.debug("The leader cannot be asked: the connection to NATS is lost", e);
      }
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
