package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.testing.Await;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Many writers who do everything a chat does and everything a transaction can do: commit, roll
 * back, roll back to savepoints, dawdle, and write long after their snapshot. What is not to be
 * seen by anybody says "never". Writers outlive a lost connection.
 */
final class Traffic implements AutoCloseable {
  private final ProofDatabase scene;
  private final List<Talk> talks;
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean ending;
  private volatile boolean silent = true;
  private final AtomicInteger busy = new AtomicInteger();

  final LongAdder committed = new LongAdder();
  final LongAdder rolledBack = new LongAdder();
  final LongAdder savepointsRolledBack = new LongAdder();
  final LongAdder oldSnapshots = new LongAdder();
  final LongAdder unknown = new LongAdder();
  final Map<String, LongAdder> refused = new ConcurrentSkipListMap<>();

  /** Begins silent. */
  Traffic(ProofDatabase scene, List<Talk> talks, int writers, long seed) {
    this.scene = scene;
    this.talks = talks;
    for (int i = 0; i < writers; i++) {
      var writer = i % 4 == 0 ? new Operator(i, seed + i) : new Chatter(i, seed + i);
      threads.add(Thread.ofPlatform().name("writer " + i).start(writer));
    }
  }

  /** Lets everybody write. */
  void begin() {
    silent = false;
  }

  /** Lets nobody begin a transaction; those that run go on. */
  void pause() {
    silent = true;
  }

  /** No transaction runs any more. */
  void fallSilent() {
    pause();
    Await.until("the writers to end", () -> busy.get() == 0);
  }

  @Override
  public void close() {
    ending = true;
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void dawdle(Random random, int mostMillis) {
    LockSupport.parkNanos(1_000_000L * (1 + random.nextInt(mostMillis)));
  }

  /** One who writes over one connection. */
  private abstract class Writer implements Runnable {
    final Random random;
    private final int number;
    private int count;
    private @Nullable Connection connection;

    Writer(int number, long seed) {
      this.number = number;
      this.random = new Random(seed);
    }

    @Override
    public void run() {
      while (!ending) {
        if (silent) {
          LockSupport.parkNanos(1_000_000);
          continue;
        }
        busy.incrementAndGet();
        try {
          // Asked again: whoever waits for silence did not see this one before it was busy.
          if (!silent) {
            once();
          }
        } finally {
          busy.decrementAndGet();
        }
        if (random.nextInt(8) == 0) {
          dawdle(random, 15);
        }
      }
      leave();
    }

    private void once() {
      boolean committing = false;
      try {
        Connection open = connection;
        if (open == null) {
          open = connect();
          open.setAutoCommit(false);
          connection = open;
        }
        open.setTransactionIsolation(isolation());
        boolean never = random.nextInt(7) == 0;
        boolean old = transact(open, never);
        if (never) {
          open.rollback();
          rolledBack.increment();
        } else {
          committing = true;
          open.commit();
          committed.increment();
          if (old) {
            oldSnapshots.increment();
          }
          kept();
        }
      } catch (SQLException e) {
        String state = String.valueOf(e.getSQLState());
        refused.computeIfAbsent(state, any -> new LongAdder()).increment();
        if (committing && !state.startsWith("40")) {
          unknown.increment();
        }
        undo(state);
      }
    }

    private void undo(String state) {
      try {
        if (connection != null) {
          connection.rollback();
        }
      } catch (SQLException e) {
        leave();
      }
      if (state.startsWith("08") || state.startsWith("57")) {
        leave();
        dawdle(random, 50);
      }
    }

    private void leave() {
      try {
        if (connection != null) {
          connection.close();
        }
      } catch (SQLException e) {
        // It was lost already.
      }
      connection = null;
    }

    abstract Connection connect() throws SQLException;

    /** What people write needs the rights of its own moment. */
    int isolation() {
      return Connection.TRANSACTION_READ_COMMITTED;
    }

    /** Does the work of one transaction; true when it wrote long after its snapshot. */
    abstract boolean transact(Connection tx, boolean never) throws SQLException;

    /** What the last transaction did is committed. */
    void kept() {}

    final void sendMany(Connection tx, Talk talk, UUID me, boolean never) throws SQLException {
      try (var insert =
          tx.prepareStatement(
              "insert into public.user_messages (conversation_id, sender_id, content) select ?, ?, ? || n from generate_series(1, ?) n")) {
        insert.setObject(1, talk.id());
        insert.setObject(2, me);
        insert.setString(3, text(never));
        insert.setInt(4, 2 + random.nextInt(6));
        insert.executeUpdate();
      }
    }

    final String text(boolean never) {
      return (never ? "never " : "")
          + number
          + "-"
          + ++count
          + " "
          + "x".repeat(random.nextInt(200));
    }
  }

  /**
   * A person of any talk, by the contract's functions; now and then a back end that writes several
   * rows at once.
   */
  private final class Chatter extends Writer {
    private static final int MEMORY = 40;

    private final List<Said> said = new ArrayList<>();
    private final List<Said> saidNow = new ArrayList<>();

    private record Said(Talk talk, UUID by, UUID id) {}

    Chatter(int number, long seed) {
      super(number, seed);
    }

    @Override
    Connection connect() throws SQLException {
      return scene.service().connect();
    }

    @Override
    boolean transact(Connection tx, boolean never) throws SQLException {
      saidNow.clear();
      Talk talk = talks.get(random.nextInt(talks.size()));
      UUID me = random.nextBoolean() ? talk.one() : talk.two();
      if (random.nextInt(12) == 0) {
        ProofDatabase.query(tx, "select set_config('role', 'service_role', true)");
        sendMany(tx, talk, me, never);
      } else {
        ProofDatabase.become(tx, me);
        for (int step = random.nextInt(3); step >= 0; step--) {
          if (random.nextInt(4) == 0) {
            inSavepoint(tx, talk, me, never);
          } else {
            step(tx, talk, me, never);
          }
        }
      }
      if (random.nextInt(8) == 0) {
        dawdle(random, 120);
      }
      return false;
    }

    private void inSavepoint(Connection tx, Talk talk, UUID me, boolean never) throws SQLException {
      boolean undone = random.nextBoolean();
      int before = saidNow.size();
      Savepoint savepoint = tx.setSavepoint();
      step(tx, talk, me, never || undone);
      if (random.nextInt(4) == 0) {
        dawdle(random, 40);
      }
      if (undone) {
        tx.rollback(savepoint);
        saidNow.subList(before, saidNow.size()).clear();
        savepointsRolledBack.increment();
      } else {
        tx.releaseSavepoint(savepoint);
      }
    }

    private void step(Connection tx, Talk talk, UUID me, boolean never) throws SQLException {
      switch (random.nextInt(14)) {
        case 0 ->
            ProofDatabase.query(
                tx, "select public.mark_conversation_as_read(?, 1000000000)", talk.id());
        case 1 ->
            ProofDatabase.query(
                tx, "select public.update_presence(?)", random.nextBoolean() ? "online" : "away");
        case 2 ->
            ProofDatabase.query(
                tx,
                "select public.update_typing_status(?)",
                me.equals(talk.one()) ? talk.two() : talk.one());
        case 3 -> {
          UUID id = UUID.fromString(ProofDatabase.query(tx, "select chat.uuid7()"));
          for (int tries = 0; tries < 2; tries++) {
            ProofDatabase.query(
                tx,
                "select id from public.send_message(?, ?, id => ?)",
                talk.id(),
                text(never),
                id);
          }
          saidNow.add(new Said(talk, me, id));
        }
        case 4, 5, 6 -> {
          Said old = remembered(me);
          if (old == null) {
            saidNow.add(new Said(talk, me, ProofDatabase.send(tx, talk, text(never))));
          } else {
            change(tx, old, never);
          }
        }
        default -> saidNow.add(new Said(talk, me, ProofDatabase.send(tx, talk, text(never))));
      }
    }

    private void change(Connection tx, Said old, boolean never) throws SQLException {
      switch (random.nextInt(8)) {
        case 0 -> {
          ProofDatabase.query(tx, "select id from public.delete_message(?)", old.id());
          said.remove(old);
        }
        case 1, 2 ->
            ProofDatabase.query(
                tx, "select public.add_reaction(?, ?)", old.id(), ":" + random.nextInt(5) + ":");
        case 3 ->
            ProofDatabase.query(
                tx, "select public.remove_reaction(?, ?)", old.id(), ":" + random.nextInt(5) + ":");
        default ->
            ProofDatabase.query(
                tx, "select id from public.edit_message(?, ?)", old.id(), text(never));
      }
    }

    private @Nullable Said remembered(UUID me) {
      List<Said> mine = said.stream().filter(s -> s.by().equals(me)).toList();
      return mine.isEmpty() ? null : mine.get(random.nextInt(mine.size()));
    }

    @Override
    void kept() {
      said.addAll(saidNow);
      while (said.size() > MEMORY) {
        said.removeFirst();
      }
    }
  }

  /**
   * Whom the tables belong to: writes or changes several messages in one statement, under their
   * conversation's lock, now and then long after the snapshot was taken.
   */
  private final class Operator extends Writer {
    Operator(int number, long seed) {
      super(number, seed);
    }

    @Override
    Connection connect() throws SQLException {
      return scene.owner().connect();
    }

    @Override
    int isolation() {
      return switch (random.nextInt(10)) {
        case 0, 1, 2 -> Connection.TRANSACTION_READ_COMMITTED;
        case 3, 4, 5 -> Connection.TRANSACTION_SERIALIZABLE;
        default -> Connection.TRANSACTION_REPEATABLE_READ;
      };
    }

    @Override
    boolean transact(Connection tx, boolean never) throws SQLException {
      boolean old = false;
      if (tx.getTransactionIsolation() != Connection.TRANSACTION_READ_COMMITTED) {
        ProofDatabase.query(
            tx, "select count(*) from public.user_conversations"); // takes the snapshot, and no id
        old = random.nextBoolean();
        if (old) {
          dawdle(random, 150);
        }
      }
      Talk in = talks.get(random.nextInt(talks.size()));
      if (random.nextBoolean()) {
        sendMany(tx, in, in.one(), never);
      } else {
        edit(tx, in.id(), never);
      }
      if (!never) {
        dawdle(random, 30);
      }
      return old;
    }

    private void edit(Connection tx, UUID talk, boolean never) throws SQLException {
      ProofDatabase.query(
          tx,
          "select revision from public.user_conversations where id = ? for no key update",
          talk);
      ProofDatabase.query(
          tx,
          """
          with picked as (
            select m.id, row_number() over () as n
            from (
              select m.id
              from public.user_messages m
              where m.conversation_id = ? and not m.is_deleted
              order by m.seq desc
              limit ?
            ) m
          ),
          counted as (
            select count(*) as n from picked
          ),
          numbered as (
            update public.user_conversations c set revision = c.revision + counted.n
            from counted
            where c.id = ? and counted.n > 0
            returning c.revision - counted.n as revision
          ),
          changed as (
            update public.user_messages m set content = ?, is_edited = true, revision = numbered.revision + picked.n
            from picked, numbered
            where m.id = picked.id
            returning m.id
          )
          select count(*) from changed
          """,
          talk,
          1 + random.nextInt(6),
          talk,
          (never ? "never " : "") + "all of these say the same");
    }
  }
}
