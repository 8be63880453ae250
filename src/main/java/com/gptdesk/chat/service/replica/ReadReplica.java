package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A streaming replica that answers reads of users to whom it can show all that they have seen.
 *
 * <p>For each person it remembers a position of the write-ahead log that the replica must have
 * replayed. After a write this is the position of its commit, after a delivered change the position
 * at the next check. The statement that reads compares it before it takes its snapshot, so the rule
 * also holds after a crash sets the replica back. When the replica is behind or fails, the primary
 * answers.
 *
 * <p>Thread-safe. {@link #requireFresh} returns at once; the other methods block.
 */
public final class ReadReplica implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ReadReplica.class);
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(100);

  /** Positions that are not replayed yet, kept with their time: about ten minutes. */
  private static final int MAX_MARKS = 6000;

  private static final Need NOTHING = new Need.Replayed(0);

  /**
   * The key of callers without a person: anonymous ones see nothing that changes, and all servers
   * count as one caller.
   */
  private static final UUID NO_PERSON = new UUID(0, 0);

  /**
   * The insert position, since a commit that does not wait for the disk may be beyond the write
   * position.
   */
  private static final String NOW = "select pg_current_wal_insert_lsn()";

  private static final String REPLAYED =
      "select pg_last_wal_replay_lsn() where pg_is_in_recovery()";

  /** The position of the primary's log at a time. */
  private record Mark(long nanos, long position) {}

  /** The primary's answer to the question of that number. */
  private record Position(long question, long position) {}

  /** What a person must see. */
  private sealed interface Need {
    /** Everything up to this position. */
    record Replayed(long position) implements Need {}

    /** Everything at the first check after this one; until then only the primary may answer. */
    record NextLook(long after) implements Need {}
  }

  private final DataSource primary;
  private final DataSource replica;
  private final ServiceDatabase database;
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
   * Unused before {@link #start}.
   *
   * @param primary the service's connections
   * @param replica connections to the replica, which may be down
   * @param settings how far behind it may be, and how much is kept
   * @param signer as {@link ServiceDatabase#signedBy}
   */
  public ReadReplica(
      DataSource primary,
      DataSource replica,
      ReplicaSettings settings,
      @Nullable ClaimsSigner signer) {
    this.primary = primary;
    this.replica = replica;
    this.database = new ServiceDatabase(replica).signedBy(signer);
    this.settings = settings;
  }

  /** Starts to check the replica's position. */
  public void start() {
    Thread.ofVirtual().name("replica").start(this::look);
  }

  /**
   * Calls a function that only reads, like {@link ServiceDatabase#call}.
   *
   * @param caller the caller
   * @param person the calling person; null for a caller without one
   * @param position the position that the caller has seen; null for none
   * @param statement the call, as {@link ServiceDatabase#call} takes it
   * @param argumentsJson an object of its arguments
   * @return null when the primary has to answer
   */
  public @Nullable Answer call(
      Caller caller,
      @Nullable UUID person,
      @Nullable LogSequenceNumber position,
      String statement,
      String argumentsJson) {
    return read(
        person,
        position,
        replayed ->
            new Answer(database.callWhenReplayed(caller, replayed, statement, argumentsJson)));
  }

  /**
   * Calls a function that only reads, like {@link ServiceDatabase#callWith}.
   *
   * @param <T> of the answer
   * @param caller the caller
   * @param person the calling person; null for a caller without one
   * @param position the position that the caller has seen; null for none
   * @param settings what holds while it runs
   * @param statement the call, as {@link ServiceDatabase#call} takes it
   * @param argumentsJson an object of its arguments
   * @param more what stands for the other question marks
   * @param answer makes the answer of the result
   * @return null when the primary has to answer
   */
  public <T> @Nullable T callWith(
      Caller caller,
      @Nullable UUID person,
      @Nullable LogSequenceNumber position,
      CallSettings settings,
      String statement,
      String argumentsJson,
      List<?> more,
      Function<CallResult, T> answer) {
    return read(
        person,
        position,
        replayed ->
            database.callWith(
                caller, true, replayed, settings, statement, argumentsJson, more, answer));
  }

  private <T> @Nullable T read(
      @Nullable UUID person,
      @Nullable LogSequenceNumber position,
      Function<LogSequenceNumber, T> call) {
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
      return call.apply(LogSequenceNumber.valueOf(least));
    } catch (DatabaseUnavailable e) {
      say(false, "cannot be reached: " + e.getMessage());
      return null;
    } catch (RuntimeException e) {
      // It may be for what it has not replayed, or cannot do: the primary knows, and says so.
      LOG.debug("The replica refused a read; the primary answers", e);
      return null;
    }
  }

  /**
   * The result of a read.
   *
   * @param json as {@link ServiceDatabase#call}
   */
  public record Answer(@Nullable String json) {}

  /**
   * To be called after the commit of a write: from now on its caller reads nothing older.
   *
   * @param person the person who wrote; null for a caller without one
   * @return a position of the log that includes it; null when the primary does not answer
   */
  public @Nullable LogSequenceNumber written(@Nullable UUID person) {
    try {
      long position = positionNow();
      need(key(person), new Need.Replayed(position));
      return LogSequenceNumber.valueOf(position);
    } catch (SQLException e) {
      requireFresh(person);
      LOG.warn("The primary's log position could not be read: {}", e.getMessage());
      return null;
    }
  }

  /**
   * This person received a change or may have written: the next read must show it.
   *
   * @param person null for a caller without a person
   */
  public void requireFresh(@Nullable UUID person) {
    need(key(person), new Need.NextLook(looks.get()));
  }

  /** As {@link #requireFresh}, for everybody: changes were missed. */
  public void requireFreshForAll() {
    everybody.set(new Need.NextLook(looks.get()));
  }

  /**
   * Whether reads go to the replica.
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
      requireFreshForAll(); // before their positions are dropped
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
   * The primary's log position at some moment after this call began. One query at a time serves all
   * callers that came before it, so many writers cost as much as one.
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
        throw new SQLException("It is not a standby, or has replayed nothing");
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

  /** Reads the log position, which resolves what persons with new changes must see. */
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
      LOG.debug("The primary's log position could not be read", e);
    }
  }

  private static boolean isBefore(Need need, long look) {
    return need instanceof Need.NextLook(long after) && after < look;
  }

  /**
   * Checks the replica's position. Everybody must see what it has replayed from now on, so that
   * nobody goes back when it restarts at an earlier position. Persons who need no more are
   * forgotten.
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
