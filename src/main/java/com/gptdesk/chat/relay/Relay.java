package com.gptdesk.chat.relay;

import com.gptdesk.chat.relay.listen.Backoff;
import com.gptdesk.chat.relay.listen.ListenLoop;
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
 * Tells a listener every committed change once, in the log's order, or that it has to catch up.
 *
 * <p>While changes come it polls. When none came for a moment it asks for its key; having it means
 * that every writer from then on rings, so after one more empty poll it waits for the doorbell and
 * runs no query, but for a backstop. Several relays sleep with several keys; one that finds none
 * free goes on polling, slowly.
 *
 * <p>With a {@link LeadingListener} it is one of several of which one reads at a time: it waits for
 * the lead, then does the same, but asks the database every few seconds, which thereby knows that
 * it lives.
 *
 * <p>One daemon thread owns the state. Counters and {@link #isHearing} may be read by any thread.
 */
public final class Relay implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Relay.class);

  /** The pace of a relay that may not sleep: no key is free, or nothing would wake it. */
  private static final Duration WAKEFUL_PAUSE = Duration.ofMillis(50);

  /** The longest pause while changes come, unless the settings say a longer one. */
  private static final Duration LONGEST_BUSY_PAUSE = Duration.ofMillis(8);

  /** The longest pause of a relay that waits for slow writers before it may sleep. */
  private static final Duration DROWSY_PAUSE = Duration.ofMillis(20);

  /** Asleep, how often it looks whether its own connection still stands, which costs no query. */
  private static final Duration LOOK = Duration.ofMillis(200);

  /** How often a relay that does not lead asks whether it may. */
  private static final Duration STANDBY_PAUSE = Duration.ofSeconds(1);

  /** How often a relay looks whether its listener could lead. */
  private static final Duration UNABLE_PAUSE = Duration.ofMillis(100);

  /** The longest silence of a relay that leads. */
  private static final Duration LEADER_BACKSTOP = Duration.ofSeconds(5);

  /** After so many rings in a row without a change, further ones are answered less often. */
  private static final int MOST_IDLE_RINGS = 3;

  private static final Duration NEXT_CLAIM = Duration.ofSeconds(10);
  private static final Duration MAINTENANCE = Duration.ofMinutes(1);

  private static final Duration IDLE_MAINTENANCE = Duration.ofMinutes(10);
  private static final Duration PATIENCE_AT_CLOSE = Duration.ofSeconds(2);

  private final RelaySettings settings;
  private final ChangeListener listener;
  private final @Nullable LeadingListener cluster;
  private final Duration backstop;
  private final WakeUp bell = new WakeUp();
  private final ListenLoop doorbell;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;

  private final LongAdder polls = new LongAdder();
  private final LongAdder changes = new LongAdder();
  private final LongAdder sleeps = new LongAdder();
  private final LongAdder wakes = new LongAdder();
  private final LongAdder resyncs = new LongAdder();
  private final LongAdder reconnects = new LongAdder();
  private volatile boolean following;
  private volatile boolean waiting;
  private volatile boolean leading;
  private volatile @Nullable ChangeTail current;

  // Owned by the relay's thread.
  private boolean asleep;
  private ChangeTail.@Nullable Position position;
  private long lastChange = System.nanoTime();
  private long lastMaintenance = System.nanoTime();
  private boolean saidWakeful;

  /**
   * Makes a relay that does nothing until {@link #start}.
   *
   * @param settings where to connect, and at which pace
   * @param listener who is told, by the relay's own thread; a {@link LeadingListener} makes it one
   *     of several
   */
  public Relay(RelaySettings settings, ChangeListener listener) {
    this.settings = settings;
    this.listener = listener;
    this.cluster = listener instanceof LeadingListener leader ? leader : null;
    this.backstop =
        cluster != null && settings.backstop().compareTo(LEADER_BACKSTOP) > 0
            ? LEADER_BACKSTOP
            : settings.backstop();
    this.doorbell = new ListenLoop(settings.listening(), bell);
    this.thread = Thread.ofPlatform().daemon().name("relay").unstarted(this::run);
  }

  /** Begins to connect and returns at once; see {@link #isHearing}. */
  public void start() {
    doorbell.start();
    thread.start();
  }

  /** {@return whether changes arrive in time: the log is being read and the doorbell listens} */
  public boolean isHearing() {
    return following && doorbell.isListening();
  }

  /** {@return whether it is the one that reads, of several} */
  public boolean isLeading() {
    return leading;
  }

  /** {@return whether it waits for the bell and runs no query} */
  public boolean isAsleep() {
    return waiting;
  }

  /** {@return how often the log was asked for changes} */
  public long polls() {
    return polls.sum();
  }

  /** {@return how many changes the listener was told} */
  public long changes() {
    return changes.sum();
  }

  /** {@return how often the bell rang; a connection made or lost counts as a ring} */
  public long bellsHeard() {
    return bell.heard();
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
   * How often it had to begin anew and tell the listener to catch up; the first beginning is not
   * counted.
   *
   * @return a count since the start
   */
  public long resyncs() {
    return resyncs.sum();
  }

  /**
   * {@return how often a lost connection was remade, the one that reads or the one that listens}
   */
  public long reconnects() {
    return reconnects.sum() + doorbell.reconnects();
  }

  /**
   * Stops telling and ends both connections. Returns when the relay's thread has ended, or after
   * some seconds.
   */
  @Override
  public void close() {
    closing.countDown();
    bell.ring();
    doorbell.close();
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
    var backoff = new Backoff(settings.firstRetry(), settings.longestRetry());
    try {
      while (!isClosing()) {
        awaitAble();
        try (ChangeTail tail = ChangeTail.connect(settings)) {
          current = tail;
          if (awaitLead(tail)) {
            follow(tail, backoff);
          }
        } catch (SQLException e) {
          retryLater(e, backoff);
        } finally {
          current = null;
          following = false;
          asleep = false;
          leaveLead();
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("The relay was interrupted and ends");
    }
  }

  private void awaitAble() throws InterruptedException {
    while (cluster != null && !cluster.canLead() && !isClosing()) {
      pause(UNABLE_PAUSE);
    }
  }

  /** Waits until it is this relay's turn; false when it is to end, or could not lead any more. */
  private boolean awaitLead(ChangeTail tail) throws SQLException, InterruptedException {
    if (cluster == null) {
      return true;
    }
    while (!isClosing() && cluster.canLead()) {
      if (tail.lead()) {
        position = null; // Others have told what was after it.
        leading = true;
        LOG.info("This node reads the change log for all");
        return true;
      }
      pause(STANDBY_PAUSE);
    }
    return false;
  }

  /** With the connection the lead is given up. */
  private void leaveLead() {
    if (cluster != null && leading) {
      leading = false;
      cluster.ends();
      LOG.info("This node does not read the change log for all any more");
    }
  }

  private void retryLater(SQLException e, Backoff backoff) throws InterruptedException {
    if (isClosing()) {
      return;
    }
    Duration wait = backoff.next();
    LOG.warn(
        "The change log cannot be read ({}: {}); trying again in {} ms",
        e.getSQLState(),
        e.getMessage(),
        wait.toMillis());
    reconnects.increment();
    pause(wait);
  }

  /** Follows the log by one connection until it fails or the relay is closed. */
  private void follow(ChangeTail tail, Backoff backoff) throws SQLException, InterruptedException {
    var key = new Key(tail);
    boolean rung = false;
    int idleRings = 0;
    while (goesOn()) {
      // Before the poll: whatever commits after its snapshot then rings where somebody hears it.
      boolean listening = doorbell.isListening();
      if (asleep && !listening) {
        key.release();
      }
      long polled = System.nanoTime();
      boolean found = poll(tail);
      Duration took = since(polled);
      following = true;
      backoff.reset();
      if (found) {
        lastChange = System.nanoTime();
        if (asleep) {
          key.release();
          wakes.increment();
        }
      }
      maintainWhenDue(tail);
      idleRings = rung && !found ? idleRings + 1 : 0;
      rung = false;
      if (asleep) {
        if (idleRings > MOST_IDLE_RINGS) {
          pause(WAKEFUL_PAUSE); // anybody can NOTIFY
        }
        rung = waitForTheBell(tail);
      } else if (found || since(lastChange).compareTo(settings.calm()) < 0) {
        pause(busyPause(took));
      } else if (!listening || !key.isThere()) {
        pause(WAKEFUL_PAUSE);
      } else if (!key.take()) {
        pause(drowsyPause());
      }
    }
    if (asleep) {
      key.release();
    }
  }

  /** Reads once and tells what there is; true when there was something. */
  private boolean poll(ChangeTail tail) throws SQLException {
    polls.increment();
    ChangeTail.Position from = position;
    if (from == null) {
      begin(tail, "The relay has begun to read the change log.");
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
      LOG.warn("The relay begins anew and tells everybody to catch up: {}", e.getMessage());
      begin(tail, "Changes were missed; read what you show again.");
      return true;
    }
    position = batch.next();
    tell(batch.changes());
    return !batch.changes().isEmpty();
  }

  /**
   * First the new beginning, then the word: who catches up after hearing it misses nothing in
   * between.
   */
  private void begin(ChangeTail tail, String reason) throws SQLException {
    position = tail.open();
    if (cluster != null) {
      cluster.begins(tail.nextTerm());
    }
    tellResync(reason);
  }

  private void tell(List<Change> batch) {
    for (Change change : batch) {
      try {
        listener.changed(change);
      } catch (RuntimeException | Error e) {
        LOG.error(
            "The listener failed on change {} of {}; going on with the next",
            change.seq(),
            change.table(),
            e);
      }
    }
    changes.add(batch.size());
  }

  private void tellResync(String reason) {
    try {
      listener.resync(reason);
    } catch (RuntimeException | Error e) {
      LOG.error("The listener failed on being told to catch up; going on", e);
    }
  }

  /**
   * Waits for a ring, at most until the backstop; true when it rang. Fails when the connection that
   * holds the key is lost meanwhile.
   */
  private boolean waitForTheBell(ChangeTail tail) throws SQLException, InterruptedException {
    long start = System.nanoTime();
    waiting = true;
    try {
      while (goesOn() && since(start).compareTo(backstop) < 0) {
        if (bell.await(LOOK)) {
          return true;
        }
        tail.checkAlive();
      }
    } finally {
      waiting = false;
    }
    return false;
  }

  /**
   * Keeps the log short: each minute while changes come, else now and then when the backstop wakes
   * the relay anyway.
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
      LOG.warn("The change log could not be maintained ({}); going on without", e.getMessage());
      tail.checkAlive();
    }
  }

  /**
   * Twice as long as the last poll took, within bounds: where processors are scarce, fewer and
   * larger polls leave them to the writers.
   */
  private Duration busyPause(Duration poll) {
    Duration wanted = poll.multipliedBy(2);
    Duration longest = wanted.compareTo(LONGEST_BUSY_PAUSE) > 0 ? LONGEST_BUSY_PAUSE : wanted;
    return longest.compareTo(settings.pause()) < 0 ? settings.pause() : longest;
  }

  /** Longer the longer slow writers keep the relay from sleeping. */
  private Duration drowsyPause() {
    Duration quarter = since(lastChange).dividedBy(4);
    return quarter.compareTo(DROWSY_PAUSE) > 0 ? DROWSY_PAUSE : quarter;
  }

  private boolean goesOn() {
    return !isClosing() && (cluster == null || !following || cluster.goesOn());
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private void pause(Duration wait) throws InterruptedException {
    if (closing.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
      LOG.debug("The relay ends");
    }
  }

  private static Duration since(long nanoTime) {
    return Duration.ofNanos(System.nanoTime() - nanoTime);
  }

  /** The key of one connection to one of the few beds. */
  private final class Key {
    private final ChangeTail tail;
    private OptionalInt slot = OptionalInt.empty();
    private long lastClaim;

    Key(ChangeTail tail) {
      this.tail = tail;
      this.lastClaim = System.nanoTime() - NEXT_CLAIM.toNanos();
    }

    /** Whether there is a key for this relay; asks for one now and then while there is none. */
    boolean isThere() throws SQLException {
      if (slot.isEmpty() && since(lastClaim).compareTo(NEXT_CLAIM) >= 0) {
        lastClaim = System.nanoTime();
        slot = tail.claimSlot();
        if (slot.isEmpty() && !saidWakeful) {
          saidWakeful = true;
          LOG.warn(
              "Four relays sleep on this database already; this one polls every {} ms instead",
              WAKEFUL_PAUSE.toMillis());
        }
      }
      return slot.isPresent();
    }

    /** Falls asleep if every writer that skipped the bell has ended. */
    boolean take() throws SQLException {
      if (slot.isPresent() && tail.sleep(slot.getAsInt())) {
        asleep = true;
        sleeps.increment();
      }
      return asleep;
    }

    void release() throws SQLException {
      asleep = false;
      tail.wake(slot.orElseThrow());
    }
  }
}
