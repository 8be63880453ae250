package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A streaming replica that answers reads, to whom it can show all that they know of.
 *
 * <p>Of each person it is remembered which position of the write-ahead log must have been replayed:
 * after a write the position behind its commit, after a change that the relay told the position at
 * the next look. The replica compares in the statement that reads, after which the read takes its
 * snapshot; so it holds also when the replica has crashed and come up a little earlier in the log.
 * Every no of the replica's, and every failure, is for the primary to answer.
 *
 * <p>For any number of threads. {@link #told} takes note only; the rest blocks.
 */
public final class ReadReplica implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ReadReplica.class);
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(100);

  /** Positions not replayed yet that are remembered with their time: some ten minutes. */
  private static final int MAX_MARKS = 6000;

  private static final Need NOTHING = new Need.Replayed(0);

  /**
   * Without a name a caller sees nothing that changes, and a server of GPT Desk's is one caller.
   */
  private static final UUID NO_PERSON = new UUID(0, 0);

  /**
   * Inserted, not merely written: a commit that does not wait for the disk is in no smaller one.
   */
  private static final String NOW = "select pg_current_wal_insert_lsn()";

  private static final String REPLAYED =
      "select pg_last_wal_replay_lsn() where pg_is_in_recovery()";

  /** Where the primary's log was at a time. */
  private record Mark(long nanos, long position) {}

  /** What the primary answered to the question of that number. */
  private record Position(long question, long position) {}

  /** What somebody must see. */
  private sealed interface Need {
    /** All up to this position. */
    record Replayed(long position) implements Need {}

    /** What stands at the first look after this one: until then only the primary will do. */
    record NextLook(long after) implements Need {}
  }

  private final DataSource primary;
  private final DataSource replica;
  private final ChatDatabase door;
  private final ReplicaSettings settings;
  private final Map<UUID, Need> needs = new ConcurrentHashMap<>();
  private final AtomicReference<Need> everybody = new AtomicReference<>(new Need.Replayed(0));
  private final AtomicLong looks = new AtomicLong();
  private final AtomicLong questions = new AtomicLong();
  private final ReentrantLock asking = new ReentrantLock();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Deque<Mark> unreplayed = new ArrayDeque<>(); // of the looking thread
  private Position last = new Position(0, 0); // by the lock
  private volatile boolean usable;
  private volatile long lookedAt;

  /**
   * Not asked before {@link #start}.
   *
   * @param primary the service's connections
   * @param replica connections to the replica, which may be down
   * @param settings how far behind it may be, and how much is remembered
   * @param signer as {@link ChatDatabase#signedBy}
   */
  public ReadReplica(
      DataSource primary,
      DataSource replica,
      ReplicaSettings settings,
      @Nullable ClaimsSigner signer) {
    this.primary = primary;
    this.replica = replica;
    this.door = new ChatDatabase(replica).signedBy(signer);
    this.settings = settings;
  }

  /** Begins to look how far the replica is. */
  public void start() {
    Thread.ofVirtual().name("replica").start(this::look);
  }

  /**
   * Calls a function that only reads, as {@link ChatDatabase#call}.
   *
   * @param caller as whom
   * @param person who calls; null for a caller without a person
   * @param position what the caller says it knows of; null for nothing
   * @param statement the call, as {@link ChatDatabase#call} takes it
   * @param argumentsJson an object of its arguments
   * @return null when the primary must be asked
   */
  public @Nullable Answer call(
      Caller caller,
      @Nullable UUID person,
      @Nullable LogSequenceNumber position,
      String statement,
      String argumentsJson) {
    if (!isUsable()
        || !(everybody.get() instanceof Need.Replayed(long floor))
        || !(needs.getOrDefault(key(person), NOTHING) instanceof Need.Replayed(long own))) {
      return null;
    }
    long known = position == null ? 0 : position.asLong();
    if (known < 0) {
      return null; // no log is that long
    }
    long least = Math.max(Math.max(floor, own), known);
    try {
      return new Answer(
          door.callWhenReplayed(
              caller, LogSequenceNumber.valueOf(least), statement, argumentsJson));
    } catch (DatabaseUnavailable e) {
      say(false, "cannot be reached: " + e.getMessage());
      return null;
    } catch (RuntimeException e) {
      // It may be for what it has not replayed, or cannot do: the primary knows, and says so.
      LOG.debug("The replica refused what the primary is asked now", e);
      return null;
    }
  }

  /**
   * What a read came to.
   *
   * @param json as {@link ChatDatabase#call}
   */
  public record Answer(@Nullable String json) {}

  /**
   * To be called after a write's commit: from here on its caller reads nothing older here.
   *
   * @param person whose write it was; null for a caller without a person
   * @return a position of the log that includes it; null when the primary cannot be asked
   */
  public @Nullable LogSequenceNumber written(@Nullable UUID person) {
    try {
      long position = positionNow();
      need(key(person), new Need.Replayed(position));
      return LogSequenceNumber.valueOf(position);
    } catch (SQLException e) {
      told(person);
      LOG.warn("The primary does not say where its log is: {}", e.getMessage());
      return null;
    }
  }

  /**
   * This person heard of a change, or may have written: what is read next must show it.
   *
   * @param person null for a caller without a person
   */
  public void told(@Nullable UUID person) {
    need(key(person), new Need.NextLook(looks.get()));
  }

  /** As {@link #told}, of everybody: changes went by unheard. */
  public void toldAll() {
    everybody.set(new Need.NextLook(looks.get()));
  }

  /**
   * Whether reads go there.
   *
   * @return true while it answers and is not too far behind
   */
  public boolean isUsable() {
    return usable && System.nanoTime() - lookedAt < settings.maxLag().plus(BETWEEN_LOOKS).toNanos();
  }

  private static UUID key(@Nullable UUID person) {
    return person == null ? NO_PERSON : person;
  }

  private void need(UUID person, Need need) {
    if (needs.size() >= settings.maxCallers() && !needs.containsKey(person)) {
      toldAll(); // before they are forgotten
      needs.clear();
    }
    needs.merge(person, need, ReadReplica::later);
  }

  private static Need later(Need one, Need other) {
    if (one instanceof Need.Replayed(long a) && other instanceof Need.Replayed(long b)) {
      return a > b ? one : other;
    }
    if (one instanceof Need.NextLook(long a) && other instanceof Need.NextLook(long b)) {
      return a > b ? one : other;
    }
    return one instanceof Need.NextLook ? one : other;
  }

  /**
   * Where the primary's log is now, or was at a moment after this call began. One question at a
   * time, whose answer serves all who came before it was asked: many writers cost as much as one.
   */
  private long positionNow() throws SQLException {
    long before = questions.get();
    asking.lock();
    try {
      if (last.question() <= before) {
        long question = questions.incrementAndGet();
        last = new Position(question, position(primary, NOW));
      }
      return last.position();
    } finally {
      asking.unlock();
    }
  }

  private static long position(DataSource source, String query) throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      String position = row.next() ? row.getString(1) : null;
      if (position == null) {
        throw new SQLException("It is no standby, or has replayed nothing");
      }
      return LogSequenceNumber.valueOf(position).asLong();
    }
  }

  private void look() {
    try {
      do {
        learn();
        compare();
      } while (!closing.await(BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Where the log is, and so what those must see who were told something until now. */
  private void learn() {
    long look = looks.incrementAndGet();
    try {
      long now = position(primary, NOW);
      if (unreplayed.size() < MAX_MARKS) {
        unreplayed.add(new Mark(System.nanoTime(), now));
      }
      Need replayed = new Need.Replayed(now);
      needs.forEach(
          (person, need) -> {
            if (isBefore(need, look)) {
              needs.replace(person, need, replayed);
            }
          });
      Need all = everybody.get();
      if (isBefore(all, look)) {
        everybody.compareAndSet(all, replayed);
      }
    } catch (SQLException e) {
      LOG.debug("The primary does not say where its log is", e);
    }
  }

  private static boolean isBefore(Need need, long look) {
    return need instanceof Need.NextLook(long after) && after < look;
  }

  /**
   * How far the replica is. What it has replayed everybody must see from now on, so that nobody
   * goes back when it comes up again with less, and those who need no more are forgotten.
   */
  private void compare() {
    try {
      long replayed = position(replica, REPLAYED);
      while (!unreplayed.isEmpty() && unreplayed.element().position() <= replayed) {
        unreplayed.remove();
      }
      Need floor = everybody.get();
      if (floor instanceof Need.Replayed(long least)
          && least < replayed
          && everybody.compareAndSet(floor, new Need.Replayed(replayed))) {
        needs.values().removeIf(need -> need instanceof Need.Replayed(long own) && own <= replayed);
      }
      lookedAt = System.nanoTime();
      boolean near =
          unreplayed.isEmpty()
              || lookedAt - unreplayed.element().nanos() <= settings.maxLag().toNanos();
      say(near, near ? "is near enough" : "is too far behind");
    } catch (SQLException e) {
      say(false, "cannot be reached: " + e.getMessage());
    }
  }

  private void say(boolean now, String why) {
    if (usable != now) {
      LOG.info("Reads go to the {}: the replica {}", now ? "replica" : "primary", why);
    }
    usable = now;
  }

  @Override
  public void close() {
    closing.countDown();
  }
}
