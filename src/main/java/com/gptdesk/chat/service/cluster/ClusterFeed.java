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
 * A node's ear: tells its listener every change of the scopes that somebody here waits for, once
 * and in the leader's order, or that changes were missed.
 *
 * <p>A scope is <em>known</em> when the leader has said which change was the last there, after this
 * node had subscribed to it. From then on each change must name that one as the one before it; and
 * every few seconds the leader is asked again. When the leader or the connection is another than
 * before, no scope is known any more: nothing is told until all are known again, and then everybody
 * is told to catch up.
 *
 * <p>The connection's thread tells; a thread of the gateway's own subscribes and asks; any thread
 * may want a scope. What they share is guarded by the lock, and nobody is told anything under it.
 */
final class ClusterFeed implements ScopeSource, AutoCloseable {
  /** Not a scope of any change: who subscribes to it hears whom each change concerns. */
  static final Scope EVERYBODY = new Scope(Scope.Kind.EVERYBODY, new UUID(0, 0));

  private static final Logger LOG = LoggerFactory.getLogger(ClusterFeed.class);
  private static final String MISSED = "Changes were missed; read what you show again.";
  private static final long UNKNOWN = Long.MIN_VALUE;
  private static final long NO_TERM = 0;

  /** So many scopes are asked for at once. */
  private static final int MOST_ASKED = 1000;

  private static final Duration ANSWERED_WITHIN = Duration.ofSeconds(1);
  static final Duration ASKED_AGAIN_AFTER = Duration.ofSeconds(10);
  private static final Duration JOINED_WITHIN = Duration.ofSeconds(10);

  /** The leader says every second that it lives. */
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(4);

  /** Whom the gateway tells. */
  interface Hearers {
    /** Hears all changes, and of what everybody missed. */
    ChangeListener all();

    /** The subscribers of these scopes have missed something. */
    void missed(List<Scope> scopes, String reason);

    /** Changes concern these; said when {@link #EVERYBODY} is wanted. */
    void noted(List<Scope> scopes);

    /** Changes concern nobody knows whom. */
    void notedNot();
  }

  private static final class Heard {
    long last = UNKNOWN;

    /** It was known before, so who waits for its changes has to catch up. */
    boolean isOwed;

    CompletableFuture<Void> known = new CompletableFuture<>();
  }

  private record Asked(ClusterMessage.Question question, long at) {}

  /** A lost connection's thread may still be telling when the next one's begins. */
  private final ReentrantLock turn = new ReentrantLock();

  private final Duration askedAgainAfter;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Map<Scope, Heard> scopes = new HashMap<>();
  private final Set<Scope> unknown = new LinkedHashSet<>();
  private final Set<Scope> left = new LinkedHashSet<>();
  private final ArrayDeque<Scope> toAskAgain = new ArrayDeque<>();
  private final Thread thread = Thread.ofPlatform().daemon().name("gateway").unstarted(this::run);
  private final LongAdder gaps = new LongAdder();
  private final LongAdder resyncs = new LongAdder();
  private @Nullable Hearers hearers;
  private @Nullable NatsConnection line;
  private long term = NO_TERM;
  private long told;
  private int owed;

  /** Nothing is told until nobody is owed anything any more. */
  private boolean isBehind;

  private @Nullable Asked asked;
  private long questions;
  private long askedAgain = System.nanoTime();
  private long lastHeard = System.nanoTime();
  private boolean isHeard;
  private boolean complained;
  private boolean closing;

  /** One that hears nothing yet, and asks the leader of what it knows again after so long. */
  ClusterFeed(Duration askedAgainAfter) {
    this.askedAgainAfter = askedAgainAfter;
  }

  void start(Hearers whom) {
    lock.lock();
    try {
      hearers = whom;
    } finally {
      lock.unlock();
    }
    thread.start();
  }

  // --- Who waits for what
  // -----------------------------------------------------------------------------------------

  @Override
  public void wanted(Scope scope) {
    lock.lock();
    try {
      scopes.put(scope, new Heard());
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
      Heard gone = scopes.remove(scope);
      if (gone != null) {
        unknown.remove(scope);
        owed -= gone.isOwed ? 1 : 0;
        left.add(scope);
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
        Heard its = scopes.get(scope);
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
      throw new IllegalStateException("no leader of the cluster answers by NATS", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while joining by NATS", e);
    }
  }

  /** What keeps changes from arriving in time; null when nothing does. */
  @Nullable String trouble() {
    lock.lock();
    try {
      if (line == null) {
        return "NATS cannot be reached";
      }
      if (!isHeard || isSilent()) {
        return "no node reads the change log for all";
      }
      return isBehind ? "catches up" : null;
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

  /** How often everybody was told to catch up. */
  long resyncs() {
    return resyncs.sum();
  }

  // --- The connection
  // ---------------------------------------------------------------------------------------------

  /** There is another connection: what was said in between went by unheard. Null: it is lost. */
  void connected(@Nullable NatsConnection now) {
    lock.lock();
    try {
      line = now;
      asked = null;
      isHeard = false;
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
            scope.isOwed = true;
            scope.known = new CompletableFuture<>();
            unknown.add(id);
            owed++;
          }
        });
    isBehind |= owed > 0;
    toAskAgain.clear();
  }

  private boolean isSilent() {
    return System.nanoTime() - lastHeard > LONGEST_SILENCE.toNanos();
  }

  // --- What the leader says
  // ---------------------------------------------------------------------------------------

  /** One message of a connection, by its own thread. */
  void take(NatsConnection by, byte[] message) {
    turn.lock();
    try {
      ClusterMessage frame = read(message);
      if (frame != null) {
        take(by, frame).forEach(ClusterFeed::tell);
      }
    } finally {
      turn.unlock();
    }
  }

  /** Takes note of it; returns what there is to tell. */
  private List<Runnable> take(NatsConnection by, ClusterMessage frame) {
    var news = new ArrayList<Runnable>(2);
    lock.lock();
    try {
      Hearers whom = hearers;
      if (whom == null || by != line || !isOfNow(frame.term())) {
        return news;
      }
      if (isSilent()) {
        askedAgain = System.nanoTime() - askedAgainAfter.toNanos();
      }
      lastHeard = System.nanoTime();
      isHeard = true;
      switch (frame) {
        case ClusterMessage.Beat beat -> LOG.trace("The leader is at {}", beat);
        case ClusterMessage.Told change -> take(change, whom, news);
        case ClusterMessage.TooLong change -> take(change, whom, news);
        case ClusterMessage.Noted change -> take(change, whom, news);
        case ClusterMessage.Answer answer -> take(answer, whom, news);
      }
      if (isBehind && owed == 0) {
        isBehind = false;
        resyncs.increment();
        news.clear(); // All of it is caught up with.
        news.add(() -> whom.all().resync(MISSED));
      }
      return news;
    } finally {
      lock.unlock();
    }
  }

  private static void tell(Runnable news) {
    try {
      news.run();
    } catch (RuntimeException | Error e) {
      LOG.error("The listener failed on what NATS brought; going on with the next", e);
    }
  }

  private @Nullable ClusterMessage read(byte[] message) {
    try {
      return ClusterMessage.decode(message);
    } catch (IllegalArgumentException e) {
      if (!complained) {
        complained = true;
        LOG.error(
            "NATS brings what this node does not understand ({}): is a node of another version there, or another database with the same CHAT_NATS_SUBJECT?",
            e.getMessage());
      }
      return null;
    }
  }

  /**
   * A higher term is a new leader's. A lower one is of a leader of before, whose last words come
   * late, and no longer counts, but when the newer has fallen silent: the database may have been
   * replaced by one that has counted less far.
   */
  private boolean isOfNow(long its) {
    if (its == term) {
      return true;
    }
    if (its < term && !isSilent()) {
      return false;
    }
    LOG.info("A new leader reads the change log; catching up with {} scopes", scopes.size());
    term = its;
    told = 0;
    asked = null;
    forgetWhatIsKnown();
    work.signalAll();
    return true;
  }

  private void take(ClusterMessage.Told change, Hearers whom, List<Runnable> news) {
    if (change.number() <= told) {
      return; // By the subject of another of its scopes.
    }
    told = change.number();
    List<Scope> missed = noteGaps(change.previous(), change.number());
    if (isBehind) {
      return;
    }
    if (!missed.isEmpty()) {
      news.add(() -> whom.missed(missed, MISSED));
    }
    Change its = change.change();
    news.add(() -> whom.all().changed(its));
  }

  private void take(ClusterMessage.TooLong change, Hearers whom, List<Runnable> news) {
    if (change.number() <= told) {
      return;
    }
    told = change.number();
    noteGaps(change.previous(), change.number());
    if (!isBehind) {
      var concerned = List.copyOf(change.previous().keySet());
      news.add(() -> whom.missed(concerned, MISSED));
    }
  }

  private void take(ClusterMessage.Noted change, Hearers whom, List<Runnable> news) {
    if (!noteGaps(Map.of(EVERYBODY, change.previous()), change.number()).isEmpty()) {
      news.add(whom::notedNot);
    }
    news.add(() -> whom.noted(change.scopes()));
  }

  /** The scopes on which this is not the change after the last one heard. */
  private List<Scope> noteGaps(Map<Scope, Long> previous, long number) {
    var missed = new ArrayList<Scope>(0);
    previous.forEach(
        (id, before) -> {
          Heard scope = scopes.get(id);
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

  private void take(ClusterMessage.Answer answer, Hearers whom, List<Runnable> news) {
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
      Heard scope = scopes.get(id);
      if (scope == null) {
        continue; // Nobody waits for it any more.
      }
      if (scope.last == UNKNOWN) {
        unknown.remove(id);
        owed -= scope.isOwed ? 1 : 0;
        scope.isOwed = false;
        scope.known.complete(null);
      } else if (scope.last != last) {
        missed.add(id);
        gaps.increment();
      }
      scope.last = last;
    }
    if (isBehind || missed.isEmpty()) {
      return;
    }
    if (missed.remove(EVERYBODY)) {
      news.add(whom::notedNot);
    }
    news.add(() -> whom.missed(missed, MISSED));
  }

  // --- What the leader is asked
  // -----------------------------------------------------------------------------------

  private void run() {
    try {
      for (Work next = await(); next != null; next = await()) {
        next.run();
      }
    } catch (InterruptedException e) {
      LOG.debug("The gateway was interrupted and ends");
    }
  }

  /** What is to be done next; null when this is closed. */
  private @Nullable Work await() throws InterruptedException {
    lock.lock();
    try {
      while (!closing) {
        NatsConnection to = line;
        Asked open = asked;
        if (to == null) {
          work.awaitNanos(askedAgainAfter.toNanos());
        } else if (open != null && !isOver(open.at(), ANSWERED_WITHIN)) {
          work.awaitNanos(ANSWERED_WITHIN.toNanos() - (System.nanoTime() - open.at()));
        } else {
          List<Scope> next = next();
          if (!isHeard || !next.isEmpty() || !left.isEmpty()) {
            return begun(to, next);
          }
          work.awaitNanos(
              Math.max(1, askedAgainAfter.toNanos() - (System.nanoTime() - askedAgain)));
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private Work begun(NatsConnection to, List<Scope> next) {
    var gone = left.stream().filter(scope -> !scopes.containsKey(scope)).toList();
    left.clear();
    // Asked for nothing, the leader says that it is there.
    ClusterMessage.Question question =
        next.isEmpty() && isHeard ? null : new ClusterMessage.Question(++questions, next);
    asked = question == null ? null : new Asked(question, System.nanoTime());
    return new Work(to, gone, question);
  }

  private static boolean isOver(long since, Duration after) {
    return System.nanoTime() - since >= after.toNanos();
  }

  /** First what is not known; then, now and then, what is. */
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
    if (toAskAgain.isEmpty() && isOver(askedAgain, askedAgainAfter)) {
      askedAgain = System.nanoTime();
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

  /** What there is to be done by a connection. Not under the lock: it may have to wait. */
  private record Work(
      NatsConnection line, List<Scope> gone, ClusterMessage.@Nullable Question question) {
    /** Subscribes first, so that what comes after the answer is heard. */
    void run() {
      try {
        gone.forEach(line::unsubscribe);
        if (question != null) {
          question.scopes().forEach(line::subscribe);
          line.ask(question);
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
