package com.gptdesk.chat.relay;

import com.gptdesk.chat.relay.listen.Backend;
import com.gptdesk.chat.relay.listen.Backoff;
import com.gptdesk.chat.relay.listen.ListenLoop;
import com.gptdesk.chat.relay.listen.Sessions;
import com.gptdesk.chat.relay.listen.WakeUp;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers every committed change to a listener, once and in the log's order, or a resync.
 *
 * <p>While changes come, it polls. When none came for a moment, it takes its sleep slot, an
 * advisory lock. From then on every writer notifies, so after one more empty poll the relay waits
 * for a notification. It runs no query meanwhile, except after a long time as a backstop. There are
 * a few slots; a relay that finds none free polls slowly.
 *
 * <p>A connection can be half open: nothing arrives any more, and nobody says so. So each of the
 * two connections is asked for an answer at every heartbeat, and is replaced when none comes in
 * time. Its successor ends the server process that was left behind.
 *
 * <p>With a {@link LeadingListener} only one of several relays reads at a time. It waits for the
 * lead and then does the same, but polls every few seconds, so that the database sees that it is
 * alive.
 *
 * <p>One daemon thread owns the state. Counters and {@link #isUpToDate} may be read by any thread.
 */
public final class Relay implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Relay.class);

  /** The pause of a relay that may not sleep: no slot is free, or no listener would wake it. */
  private static final Duration POLLING_PAUSE = Duration.ofMillis(50);

  /** The longest pause while changes come, unless the settings demand a longer one. */
  private static final Duration LONGEST_BUSY_PAUSE = Duration.ofMillis(8);

  /** The longest pause of a relay that waits for slow writers to end before it may sleep. */
  private static final Duration LONGEST_DRAIN_PAUSE = Duration.ofMillis(20);

  /** How often a sleeping relay checks its own connection, which costs no query. */
  private static final Duration LOOK = Duration.ofMillis(200);

  /** How often a relay that does not lead tries to. */
  private static final Duration STANDBY_PAUSE = Duration.ofSeconds(1);

  /** How often a relay checks whether its listener can lead. */
  private static final Duration NOT_READY_PAUSE = Duration.ofMillis(100);

  /** The longest time between two polls of a relay that leads. */
  private static final Duration LEADER_BACKSTOP = Duration.ofSeconds(5);

  /** Where a poll brings more than this, the next one waits for more to come. */
  private static final int FEW_CHANGES = 4;

  /** After so many signals in a row without a change, it polls less often. */
  private static final int MOST_IDLE_SIGNALS = 3;

  /**
   * The longest time for an answer. It grows up to this while answers take too long, so that a
   * database that is only slow is not asked for the same thing again and again.
   */
  private static final Duration LONGEST_PATIENCE = Duration.ofSeconds(30);

  private static final Duration NEXT_CLAIM = Duration.ofSeconds(10);
  private static final Duration MAINTENANCE = Duration.ofMinutes(1);

  private static final Duration IDLE_MAINTENANCE = Duration.ofMinutes(10);
  private static final Duration PATIENCE_AT_CLOSE = Duration.ofSeconds(2);

  private final RelaySettings settings;
  private final ChangeListener listener;
  private final @Nullable LeadingListener cluster;
  private final Duration backstop;
  private final WakeUp wakeUp = new WakeUp();
  private final WakeUp committed = new WakeUp();
  private final ListenLoop listenLoop;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;

  private final LongAdder polls = new LongAdder();
  private final LongAdder changes = new LongAdder();
  private final LongAdder sleeps = new LongAdder();
  private final LongAdder wakes = new LongAdder();
  private final LongAdder resyncs = new LongAdder();
  private final LongAdder reconnects = new LongAdder();
  private final LongAdder silences = new LongAdder();
  private volatile boolean following;
  private volatile boolean waiting;
  private volatile boolean byOwnCommit; // which may have changed nothing that the log tells
  private volatile boolean leading;
  private volatile @Nullable ChangeTail current;
  private volatile Runnable onSilence = () -> {};

  // Owned by the relay's thread.
  private boolean asleep;
  private ChangeTail.@Nullable Position position;
  private int lastCount;
  private Duration busyPause = Duration.ZERO;
  private boolean forOwnCommit; // the poll that comes next
  private long lastChange = System.nanoTime();
  private long lastOfOthers = System.nanoTime();
  private long lastMaintenance = System.nanoTime();
  private boolean warnedOfPolling;
  private @Nullable Backend predecessor;
  private Duration patience;

  /**
   * Creates a relay that does nothing until {@link #start}.
   *
   * @param settings where to connect, and at which pace
   * @param listener receives the changes in the relay's own thread; a {@link LeadingListener} makes
   *     the relay one of several
   */
  public Relay(RelaySettings settings, ChangeListener listener) {
    this.settings = settings;
    this.listener = listener;
    this.cluster = listener instanceof LeadingListener leader ? leader : null;
    this.backstop =
        cluster != null && settings.listening().backstop().compareTo(LEADER_BACKSTOP) > 0
            ? LEADER_BACKSTOP
            : settings.listening().backstop();
    this.patience = settings.listening().timeout();
    this.listenLoop = new ListenLoop(settings.listening(), wakeUp, () -> onSilence.run());
    this.thread = Thread.ofPlatform().daemon().name("relay").unstarted(this::run);
  }

  /**
   * What to do when a connection of the relay was given up because the server did not answer: other
   * connections to the same server may be half open, too. To be called before {@link #start}.
   *
   * @param action called by a thread of the relay; must not block
   */
  public void onSilence(Runnable action) {
    onSilence = action;
  }

  /** Starts to connect and returns at once; see {@link #isUpToDate}. */
  public void start() {
    listenLoop.start();
    thread.start();
  }

  /**
   * Says that this process has just committed a change, which then is not left to the next poll. A
   * hint that costs no query: changes of others, and those of who does not say so, come as well.
   */
  public void lookNow() {
    if (waiting) {
      byOwnCommit = true;
      wakeUp.signal();
    } else {
      committed.signal();
    }
  }

  /**
   * Whether changes arrive in time: the relay reads the log and a connection listens, and neither
   * owes an answer for longer than half of the heartbeat's time-out.
   *
   * @return false while changes may be late
   */
  public boolean isUpToDate() {
    ChangeTail tail = current;
    return following && tail != null && !tail.isSuspect() && listenLoop.isListening();
  }

  /** {@return whether it is the one of several that reads the log} */
  public boolean isLeading() {
    return leading;
  }

  /** {@return whether it waits for a notification and runs no query} */
  public boolean isAsleep() {
    return waiting;
  }

  /** {@return how often the log was polled} */
  public long polls() {
    return polls.sum();
  }

  /** {@return how many changes were delivered to the listener} */
  public long changes() {
    return changes.sum();
  }

  /**
   * {@return how many notifications arrived; opening or losing the listening connection counts,
   * too}
   */
  public long notifications() {
    return wakeUp.signals();
  }

  /** {@return how often it fell asleep} */
  public long sleeps() {
    return sleeps.sum();
  }

  /** {@return how often it woke up because there were changes} */
  public long wakes() {
    return wakes.sum();
  }

  /**
   * How often it had to start again and make the listener catch up. The first start does not count.
   *
   * @return a count since the start
   */
  public long resyncs() {
    return resyncs.sum();
  }

  /** {@return how often a lost connection was replaced, the reading or the listening one} */
  public long reconnects() {
    return reconnects.sum() + listenLoop.reconnects();
  }

  /**
   * How often a connection was given up because the server did not answer in time, as when it is
   * half open. {@link #reconnects} counts these, too.
   *
   * @return a count since the start
   */
  public long silences() {
    return silences.sum() + listenLoop.silences();
  }

  /**
   * Stops delivering and closes both connections. Returns when the relay's thread has ended, or
   * after some seconds.
   */
  @Override
  public void close() {
    closing.countDown();
    wakeUp.signal();
    committed.signal();
    listenLoop.close();
    try {
      if (thread.isAlive() && !thread.join(PATIENCE_AT_CLOSE)) {
        ChangeTail tail = current;
        if (tail != null) {
          tail.abort();
        }
        thread.interrupt();
        thread.join(PATIENCE_AT_CLOSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    var backoff =
        new Backoff(settings.listening().firstRetry(), settings.listening().longestRetry());
    try {
      while (!isClosing()) {
        awaitAble();
        SQLException lost = null;
        boolean connected = false;
        try (ChangeTail tail = ChangeTail.connect(settings, predecessor, patience)) {
          predecessor = tail.backend();
          connected = true;
          current = tail;
          if (awaitLead(tail)) {
            follow(tail, backoff);
          }
        } catch (SQLException e) {
          lost = e;
        } finally {
          current = null;
          following = false;
          asleep = false;
          leaveLead();
        }
        if (lost != null) {
          retryLater(lost, connected && Sessions.isSilence(lost), backoff);
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("The relay was interrupted and ends");
    }
  }

  private void awaitAble() throws InterruptedException {
    while (cluster != null && !cluster.canLead() && !isClosing()) {
      pause(NOT_READY_PAUSE);
    }
  }

  /** Waits until this relay leads; false when it is closing, or can no longer lead. */
  private boolean awaitLead(ChangeTail tail) throws SQLException, InterruptedException {
    if (cluster == null) {
      return true;
    }
    while (!isClosing() && cluster.canLead()) {
      if (tail.lead()) {
        position = null; // Other relays delivered the changes after it.
        leading = true;
        LOG.info("This node now reads the change log for the cluster");
        return true;
      }
      pause(STANDBY_PAUSE);
    }
    return false;
  }

  /** Losing the connection gives up the lead. */
  private void leaveLead() {
    if (cluster != null && leading) {
      leading = false;
      cluster.ends();
      LOG.info("This node no longer reads the change log for the cluster");
    }
  }

  private void retryLater(SQLException e, boolean silent, Backoff backoff)
      throws InterruptedException {
    if (isClosing()) {
      return;
    }
    Duration wait = backoff.next();
    if (silent) {
      LOG.warn(
          "The relay got no answer within {} ms, its connection may be half open; a new one in {} ms",
          patience.toMillis(),
          wait.toMillis());
      silences.increment();
      Duration longer = patience.multipliedBy(2);
      patience = longer.compareTo(LONGEST_PATIENCE) > 0 ? LONGEST_PATIENCE : longer;
      onSilence.run();
    } else {
      LOG.warn(
          "The change log cannot be read ({}: {}); trying again in {} ms",
          e.getSQLState(),
          e.getMessage(),
          wait.toMillis());
    }
    reconnects.increment();
    pause(wait);
  }

  /** Follows the log by one connection until it fails or the relay is closed. */
  private void follow(ChangeTail tail, Backoff backoff) throws SQLException, InterruptedException {
    var slot = new SleepSlot(tail);
    boolean signalled = false;
    int idleSignals = 0;
    while (goesOn()) {
      // Before the poll: a change that commits after its snapshot then notifies a live listener.
      boolean listening = listenLoop.isListening();
      if (asleep && !listening) {
        slot.wake();
      }
      boolean forOwn = forOwnCommit;
      forOwnCommit = false;
      long polled = System.nanoTime();
      boolean found = poll(tail);
      Duration took = since(polled);
      following = true;
      backoff.reset();
      isPatientAsUsual(tail);
      if (found) {
        lastChange = System.nanoTime();
        lastOfOthers = forOwn ? lastOfOthers : lastChange;
        if (asleep) {
          slot.wake();
          wakes.increment();
        }
      }
      maintainWhenDue(tail);
      idleSignals = signalled && !found && !forOwn ? idleSignals + 1 : 0;
      signalled = false;
      if (asleep) {
        if (idleSignals > MOST_IDLE_SIGNALS) {
          pause(POLLING_PAUSE); // any database user can NOTIFY
        }
        byOwnCommit = false;
        signalled = awaitSignal(tail);
        forOwnCommit = byOwnCommit;
      } else if (found || since(lastChange).compareTo(settings.calm()) < 0) {
        pauseUntilCommit(found, busyPause(found, took, forOwn));
      } else if (!listening || !slot.isClaimed()) {
        pauseUntilCommit(false, POLLING_PAUSE);
      } else if (!slot.sleep()) {
        pauseUntilCommit(false, drainPause());
      }
    }
    if (asleep) {
      slot.wake();
    }
  }

  /** Reads one batch and delivers it; true when it was not empty. */
  private boolean poll(ChangeTail tail) throws SQLException {
    polls.increment();
    ChangeTail.Position from = position;
    if (from == null) {
      begin(tail, "The relay has started to read the change log.");
      return false;
    }
    ChangeTail.Batch batch;
    try {
      batch = tail.poll(from);
    } catch (SQLException e) {
      if (!ChangeTail.isTooFarBehind(e)) {
        throw e;
      }
      resyncs.increment();
      LOG.warn("The relay starts again and all subscribers have to catch up: {}", e.getMessage());
      begin(tail, "Changes were missed; read what you show again.");
      return true;
    }
    position = batch.next();
    lastCount = batch.changes().size();
    deliver(batch.changes());
    return !batch.changes().isEmpty();
  }

  /** After an answer, the next ones are again waited for no longer than the settings say. */
  private void isPatientAsUsual(ChangeTail tail) throws SQLException {
    Duration usual = settings.listening().timeout();
    if (!patience.equals(usual)) {
      patience = usual;
      tail.waitForAnswers(usual);
    }
  }

  /**
   * Takes the new position before the resync, so that a reader who catches up misses nothing in
   * between.
   */
  private void begin(ChangeTail tail, String reason) throws SQLException {
    position = tail.open();
    if (cluster != null) {
      cluster.begins(tail.nextTerm());
    }
    deliverResync(reason);
  }

  private void deliver(List<Change> batch) {
    for (Change change : batch) {
      try {
        listener.changed(change);
      } catch (RuntimeException | Error e) {
        LOG.error(
            "The listener failed on change {} of {}; continuing with the next",
            change.seq(),
            change.table(),
            e);
      }
    }
    changes.add(batch.size());
  }

  private void deliverResync(String reason) {
    try {
      listener.resync(reason);
    } catch (RuntimeException | Error e) {
      LOG.error("The listener failed to handle a resync; continuing", e);
    }
  }

  /**
   * Waits for a signal until the backstop, or until the listening connection may be half open; true
   * when a signal came. Fails when the connection that holds the slot is lost meanwhile, or gives
   * no answer to a heartbeat.
   */
  private boolean awaitSignal(ChangeTail tail) throws SQLException, InterruptedException {
    long start = System.nanoTime();
    long beat = start;
    waiting = true;
    try {
      while (goesOn() && since(start).compareTo(backstop) < 0 && listenLoop.isListening()) {
        if (wakeUp.await(look())) {
          return true;
        }
        tail.checkAlive();
        if (since(beat).compareTo(settings.listening().heartbeat()) >= 0) {
          tail.ping();
          beat = System.nanoTime();
        }
      }
    } finally {
      waiting = false;
    }
    return false;
  }

  private Duration look() {
    Duration heartbeat = settings.listening().heartbeat();
    return heartbeat.compareTo(LOOK) < 0 ? heartbeat : LOOK;
  }

  /**
   * Keeps the log short: every minute while changes come, otherwise when the backstop wakes the
   * relay anyway.
   */
  private void maintainWhenDue(ChangeTail tail) throws SQLException {
    Duration rhythm = lastChange - lastMaintenance > 0 ? MAINTENANCE : IDLE_MAINTENANCE;
    if (since(lastMaintenance).compareTo(rhythm) < 0) {
      return;
    }
    lastMaintenance = System.nanoTime();
    try {
      tail.maintain();
    } catch (SQLException e) {
      LOG.warn("The change log could not be maintained ({}); trying again later", e.getMessage());
      tail.checkAlive();
    }
  }

  /**
   * Twice as long as a poll took that found something, and after each empty one twice as long as
   * before, within bounds: where processors are scarce, fewer and larger polls leave them to the
   * writers. While only this process commits, a few changes at a time, the longest one: the next
   * commit ends it, and a poll that comes before it would only be in its way.
   */
  private Duration busyPause(boolean found, Duration poll, boolean forOwn) {
    boolean endsByCommit =
        forOwn && lastCount <= FEW_CHANGES && since(lastOfOthers).compareTo(settings.calm()) >= 0;
    Duration wanted =
        endsByCommit ? LONGEST_BUSY_PAUSE : (found ? poll : busyPause).multipliedBy(2);
    Duration longest = wanted.compareTo(LONGEST_BUSY_PAUSE) > 0 ? LONGEST_BUSY_PAUSE : wanted;
    busyPause = longest.compareTo(settings.pause()) < 0 ? settings.pause() : longest;
    return busyPause;
  }

  /** The pause grows with the time that slow writers keep the relay from sleeping. */
  private Duration drainPause() {
    Duration quarter = since(lastChange).dividedBy(4);
    return quarter.compareTo(LONGEST_DRAIN_PAUSE) > 0 ? LONGEST_DRAIN_PAUSE : quarter;
  }

  private boolean goesOn() {
    return !isClosing() && (cluster == null || !following || cluster.goesOn());
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  /**
   * A commit of this process ends the pause early, unless there are many: at once after a poll that
   * found nothing, else after the shortest pause.
   */
  private void pauseUntilCommit(boolean found, Duration wait) throws InterruptedException {
    if (lastCount > FEW_CHANGES) {
      pause(wait);
      return;
    }
    Duration least = found ? settings.pause() : Duration.ZERO;
    pause(least);
    forOwnCommit = committed.await(wait.minus(least));
  }

  private void pause(Duration wait) throws InterruptedException {
    if (closing.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
      LOG.debug("The relay ends");
    }
  }

  private static Duration since(long nanoTime) {
    return Duration.ofNanos(System.nanoTime() - nanoTime);
  }

  /** One of the few advisory locks with which a connection tells writers that its relay sleeps. */
  private final class SleepSlot {
    private final ChangeTail tail;
    private OptionalInt number = OptionalInt.empty();
    private long lastClaim;

    SleepSlot(ChangeTail tail) {
      this.tail = tail;
      this.lastClaim = System.nanoTime() - NEXT_CLAIM.toNanos();
    }

    /** Whether this relay has a slot; tries to claim one every few seconds while it has none. */
    boolean isClaimed() throws SQLException {
      if (number.isEmpty() && since(lastClaim).compareTo(NEXT_CLAIM) >= 0) {
        lastClaim = System.nanoTime();
        number = tail.claimSlot();
        if (number.isEmpty() && !warnedOfPolling) {
          warnedOfPolling = true;
          LOG.warn(
              "Four relays already sleep on this database; this one polls every {} ms instead",
              POLLING_PAUSE.toMillis());
        }
      }
      return number.isPresent();
    }

    /** Sleeps if every writer that did not notify has ended. */
    boolean sleep() throws SQLException {
      if (number.isPresent() && tail.sleep(number.getAsInt())) {
        asleep = true;
        sleeps.increment();
      }
      return asleep;
    }

    void wake() throws SQLException {
      asleep = false;
      tail.wake(number.orElseThrow());
    }
  }
}
