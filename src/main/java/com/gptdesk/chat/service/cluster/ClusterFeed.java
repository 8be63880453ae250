package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.relay.ScopeSource;
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
 * Receives changes from NATS for one node. Its listener gets every change of the wanted scopes,
 * once and in the leader's order, or is told that changes were missed.
 *
 * <p>A scope is <em>known</em> once the leader has named its last change, after this node
 * subscribed to it. From then on each change must name that one as its predecessor, and the leader
 * is asked again every few seconds. A new leader or a new connection makes all scopes unknown.
 * Nothing is delivered until all are known again, and then everybody has to catch up.
 *
 * <p>The connection's thread delivers, the feed's own thread subscribes and asks, and any thread
 * may want a scope. The lock guards their shared state; nothing is delivered while it is held.
 */
final class ClusterFeed implements ScopeSource, AutoCloseable {
  /** Not the scope of any change: its subscribers receive the scopes of all changes. */
  static final Scope EVERYBODY = new Scope(Scope.Kind.EVERYBODY, new UUID(0, 0));

  private static final Logger LOG = LoggerFactory.getLogger(ClusterFeed.class);
  private static final String MISSED = "Changes were missed; read what you show again.";
  private static final long UNKNOWN = Long.MIN_VALUE;
  private static final long NO_TERM = 0;

  /** The most scopes in one question. */
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

    /** The subscribers of these scopes missed changes. */
    void missed(List<Scope> scopes, String reason);

    /** These scopes have a change; called when {@link #EVERYBODY} is wanted. */
    void scopesChanged(List<Scope> scopes);

    /** Changes of unknown scopes were missed. */
    void anyScopeMayHaveChanged();
  }

  private static final class ScopeState {
    long last = UNKNOWN;

    /** The scope was known before, so its subscribers have to catch up. */
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
  private final Map<Scope, ScopeState> scopes = new HashMap<>();
  private final Set<Scope> unknown = new LinkedHashSet<>();
  private final Set<Scope> unwanted = new LinkedHashSet<>();
  private final ArrayDeque<Scope> toAskAgain = new ArrayDeque<>();
  private final Thread thread =
      Thread.ofPlatform().daemon().name("cluster-feed").unstarted(this::run);
  private final LongAdder gaps = new LongAdder();
  private final LongAdder resyncs = new LongAdder();
  private @Nullable Receivers receivers;
  private @Nullable NatsConnection connection;
  private long term = NO_TERM;
  private long lastNumber;
  private int resyncsOwed;

  /** Nothing is delivered until no scope owes a resync. */
  private boolean isCatchingUp;

  private @Nullable Asked asked;
  private long questions;
  private long askedAllAt = System.nanoTime();
  private long lastMessageAt = System.nanoTime();
  private boolean hasLeader;
  private boolean complained;
  private boolean closing;

  /**
   * Creates a feed that is not started. It asks the leader again about known scopes after so long.
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

  // --- Wanted scopes
  // -----------------------------------------------------------------------------------------

  @Override
  public void wanted(Scope scope) {
    lock.lock();
    try {
      scopes.put(scope, new ScopeState());
      unknown.add(scope);
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void unwanted(Scope scope) {
    lock.lock();
    try {
      ScopeState gone = scopes.remove(scope);
      if (gone != null) {
        unknown.remove(scope);
        resyncsOwed -= gone.owesResync ? 1 : 0;
        unwanted.add(scope);
        gone.known.complete(null);
      }
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void awaitSubscribed(Collection<Scope> awaited) {
    awaitSubscribed(awaited, JOINED_WITHIN.toSeconds());
  }

  void awaitSubscribed(Collection<Scope> awaited, long seconds) {
    List<CompletableFuture<Void>> known = new ArrayList<>();
    lock.lock();
    try {
      for (Scope scope : awaited) {
        ScopeState its = scopes.get(scope);
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
      return scopes.size();
    } finally {
      lock.unlock();
    }
  }

  /** How often a change was missed on a scope. */
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
    scopes.forEach(
        (id, scope) -> {
          if (scope.last != UNKNOWN) {
            scope.last = UNKNOWN;
            scope.owesResync = true;
            scope.known = new CompletableFuture<>();
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
      if (to == null || by != connection || !isCurrent(message.term())) {
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
        case ClusterMessage.ChangedScopes change -> receive(change, to, deliveries);
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
        "A new node reads the change log for the cluster; catching up with {} scopes",
        scopes.size());
    term = its;
    lastNumber = 0;
    asked = null;
    forgetWhatIsKnown();
    work.signalAll();
    return true;
  }

  private void receive(ClusterMessage.ChangeEvent change, Receivers to, List<Runnable> deliveries) {
    if (change.number() <= lastNumber) {
      return; // Received on the subject of another of its scopes.
    }
    lastNumber = change.number();
    List<Scope> missed = noteGaps(change.previous(), change.number());
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
      ClusterMessage.ChangedScopes change, Receivers to, List<Runnable> deliveries) {
    if (!noteGaps(Map.of(EVERYBODY, change.previous()), change.number()).isEmpty()) {
      deliveries.add(to::anyScopeMayHaveChanged);
    }
    deliveries.add(() -> to.scopesChanged(change.scopes()));
  }

  /** The scopes on which this change does not follow the last one received. */
  private List<Scope> noteGaps(Map<Scope, Long> previous, long number) {
    var missed = new ArrayList<Scope>(0);
    previous.forEach(
        (id, before) -> {
          ScopeState scope = scopes.get(id);
          if (scope != null && scope.last != UNKNOWN) {
            if (scope.last != before) {
              missed.add(id);
              gaps.increment();
            }
            scope.last = number;
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
    var missed = new ArrayList<Scope>(0);
    List<Scope> ids = answered.question().scopes();
    for (int i = 0; i < ids.size(); i++) {
      Scope id = ids.get(i);
      long last = answer.numbers().get(i);
      ScopeState scope = scopes.get(id);
      if (scope == null) {
        continue; // It is no longer wanted.
      }
      if (scope.last == UNKNOWN) {
        unknown.remove(id);
        resyncsOwed -= scope.owesResync ? 1 : 0;
        scope.owesResync = false;
        scope.known.complete(null);
      } else if (scope.last != last) {
        missed.add(id);
        gaps.increment();
      }
      scope.last = last;
    }
    if (isCatchingUp || missed.isEmpty()) {
      return;
    }
    if (missed.remove(EVERYBODY)) {
      deliveries.add(to::anyScopeMayHaveChanged);
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
          List<Scope> next = next();
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

  private Work begun(NatsConnection to, List<Scope> next) {
    var gone = unwanted.stream().filter(scope -> !scopes.containsKey(scope)).toList();
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

  /** The next scopes to ask for: first unknown ones, then at intervals the known ones. */
  private List<Scope> next() {
    var next = new ArrayList<Scope>();
    for (Scope scope : unknown) {
      if (next.size() == MOST_ASKED) {
        break;
      }
      next.add(scope);
    }
    if (!next.isEmpty()) {
      return next;
    }
    if (toAskAgain.isEmpty() && isOver(askedAllAt, askedAgainAfter)) {
      askedAllAt = System.nanoTime();
      toAskAgain.addAll(scopes.keySet());
    }
    while (next.size() < MOST_ASKED && !toAskAgain.isEmpty()) {
      Scope scope = toAskAgain.remove();
      if (scopes.containsKey(scope)) {
        next.add(scope);
      }
    }
    return next;
  }

  /** Work for a connection, done without the lock because it may block. */
  private record Work(
      NatsConnection connection, List<Scope> gone, ClusterMessage.@Nullable Question question) {
    /** Subscribes first, so that changes after the answer are received. */
    void run() {
      try {
        gone.forEach(connection::unsubscribe);
        if (question != null) {
          question.scopes().forEach(connection::subscribe);
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
