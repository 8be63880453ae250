package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.proof.Scene.Talk;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The bell rings for who sleeps, and for nobody else. The sleeper here is a session of ours, step
 * by step, or a real relay.
 */
class DoorbellTest {
  private TestDatabase database;
  private Scene scene;
  private Talk talk;
  private Ears ears;

  @BeforeEach
  void open() throws SQLException {
    database = TestDatabase.fresh();
    scene = Scene.of(database);
    talk = scene.talks(1).getFirst();
    ears = new Ears(scene);
  }

  @AfterEach
  void close() throws SQLException {
    ears.close();
    database.close();
  }

  @Test
  void nobodySleepsNobodyRings() throws SQLException {
    scene.say(talk, "hi");
    assertEquals(0, ears.rings());
    try (Connection sleeper = sleeper()) {
      assertTrue(sleeps(sleeper));
      scene.say(talk, "hi"); // the control
      assertEquals(1, ears.rings());
      Scene.run(sleeper, "select relay.wake(0)");
      scene.say(talk, "hi");
      assertEquals(0, ears.rings());
    }
  }

  @Test
  void aWriterWithAnOldSnapshotRings() throws SQLException {
    for (String isolation : List.of("repeatable read", "serializable")) {
      try (Connection writer = scene.service().connect();
          Connection sleeper = sleeper()) {
        Scene.run(writer, "begin isolation level " + isolation);
        Scene.become(writer, talk.one());
        Scene.query(
            writer, "select count(*) from public.user_messages"); // its snapshot: nobody sleeps
        assertTrue(sleeps(sleeper));
        Scene.send(writer, talk, "hi");
        Scene.run(writer, "commit");
        assertEquals(1, ears.rings(), isolation);
      }
    }
  }

  @Test
  void whoSkippedTheBellMustEndBeforeAnybodySleeps() throws SQLException {
    try (Connection writer = scene.service().connect();
        Connection sleeper = sleeper()) {
      writer.setAutoCommit(false);
      Scene.become(writer, talk.one());
      Scene.send(writer, talk, "hi");
      assertTrue(!sleeps(sleeper));
      writer.commit();
      assertTrue(sleeps(sleeper));
      assertEquals(0, ears.rings());
    }
  }

  /**
   * With the savepoint goes the lock that kept the relay awake, and the change that needed it; the
   * next change asks anew.
   */
  @Test
  void aSavepointRolledBackTakesNobodysBellAway() throws SQLException {
    try (Connection writer = scene.service().connect();
        Connection sleeper = sleeper()) {
      writer.setAutoCommit(false);
      Scene.become(writer, talk.one());
      Savepoint savepoint = writer.setSavepoint();
      Scene.send(writer, talk, "never");
      assertTrue(!sleeps(sleeper));
      writer.rollback(savepoint);
      assertTrue(sleeps(sleeper));
      Scene.send(writer, talk, "hi");
      writer.commit();
      assertEquals(1, ears.rings());

      // And a ring that went with its savepoint rings again.
      Scene.become(writer, talk.one());
      savepoint = writer.setSavepoint();
      Scene.send(writer, talk, "never");
      writer.rollback(savepoint);
      writer.commit();
      assertEquals(0, ears.rings());
      Scene.become(writer, talk.one());
      savepoint = writer.setSavepoint();
      Scene.send(writer, talk, "never");
      writer.rollback(savepoint);
      Scene.send(writer, talk, "hi");
      writer.commit();
      assertEquals(1, ears.rings());

      // A change kept before a savepoint that is rolled back keeps the relay awake.
      Scene.run(sleeper, "select relay.wake(0)");
      Scene.become(writer, talk.one());
      Scene.send(writer, talk, "hi");
      savepoint = writer.setSavepoint();
      Scene.send(writer, talk, "never");
      writer.rollback(savepoint);
      assertTrue(!sleeps(sleeper));
      writer.commit();
      assertTrue(sleeps(sleeper));
    }
  }

  @Test
  void aSleeperThatIsKilledLeavesNobodyRinging() throws SQLException {
    Connection sleeper = sleeper();
    assertTrue(sleeps(sleeper));
    scene.say(talk, "hi");
    assertEquals(1, ears.rings());
    String pid = Scene.query(sleeper, "select pg_backend_pid()");
    sleeper.abort(Runnable::run); // as a killed process: its socket is closed without a word
    Await.until(
        "its backend to end",
        () ->
            scene
                .superuserReads("select count(*) from pg_stat_activity where pid = " + pid)
                .equals("0"));
    scene.say(talk, "hi");
    assertEquals(0, ears.rings());
    try (Connection next = sleeper()) { // and its bed is free
      assertTrue(sleeps(next));
    }
  }

  /**
   * A stranger may hold the keys for ever: then writers ring and the relay polls, and nothing
   * worse.
   */
  @Test
  void aStrangerWithTheKeysCostsRingsAndPollsOnly() throws SQLException {
    Heard heard = new Heard();
    try (Connection stranger = scene.owner().connect();
        Relay relay = heard.through(scene.relay())) {
      Await.until("the relay to sleep", relay::isAsleep);
      scene.say(talk, "marker 1");
      heard.awaits("marker 1");
      Await.until(
          "the stranger to be quicker than the relay",
          () -> Scene.query(stranger, "select pg_try_advisory_lock(1667785076, 0)").equals("t"));
      long sleeps = relay.sleeps();
      for (int i = 2; i < 6; i++) {
        scene.say(talk, "marker " + i);
        heard.awaits("marker " + i);
      }
      long polls = relay.polls();
      Await.until("many a poll", () -> relay.polls() > polls + 10);
      assertEquals(sleeps, relay.sleeps());
    }
  }

  @Test
  void idleTheRelayRunsNoQueryAndHearsTheNextMessageAtOnce() throws SQLException {
    TestDatabase.asSuperuser("create extension if not exists pg_stat_statements");
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay())) {
      scene.say(talk, "marker before");
      heard.awaits("marker before");
      Await.until("the relay to sleep", relay::isAsleep);
      Await.until("its last poll to be over", this::isQuiet);
      long slept = System.nanoTime();
      long polls = relay.polls();
      String queries = calls() + " " + backends();
      Await.until(
          "ten seconds",
          Duration.ofSeconds(15),
          () -> System.nanoTime() - slept > Duration.ofSeconds(10).toNanos());
      assertEquals(queries, calls() + " " + backends());
      assertEquals(polls, relay.polls());

      long sent = System.nanoTime();
      scene.say(talk, "marker after");
      heard.awaits("marker after");
      long took = Duration.ofNanos(System.nanoTime() - sent).toMillis();
      new Report("Idle for ten seconds")
          .line("statements run meanwhile", 0)
          .line("the next message took, ms", took)
          .print();
      assertTrue(took < 5_000, () -> took + " ms; the backstop is at 30 s");
    }
  }

  /** All statements ever run in this database; ours that ask are run in another one. */
  private long calls() {
    String count =
        "select coalesce(sum(s.calls), 0) from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = '%s'"
            .formatted(name());
    try (Connection connection = TestDatabase.server().superuser().connect()) {
      return Long.parseLong(Scene.query(connection, count));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** When each of the relay's two sessions ran its last query. */
  private String backends() {
    String sessions =
        "select count(*) || ' ' || string_agg(query_start || ' ' || state_change, ', ' order by pid) from pg_stat_activity where datname = '%s' and application_name like 'gptdesk-chat %%'"
            .formatted(name());
    try (Connection connection = TestDatabase.server().superuser().connect()) {
      String found = Scene.query(connection, sessions);
      assertTrue(found.startsWith("2 "), found);
      return found;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The relay's sessions have run nothing for a fifth of a second. */
  private boolean isQuiet() {
    String quiet =
        "select clock_timestamp() - max(state_change) > '200 ms' from pg_stat_activity where datname = '%s' and application_name like 'gptdesk-chat %%'"
            .formatted(name());
    try (Connection connection = TestDatabase.server().superuser().connect()) {
      return Scene.query(connection, quiet).equals("t");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private String name() {
    String url = scene.owner().url();
    return url.substring(url.lastIndexOf('/') + 1);
  }

  @Test
  void underSteadyLoadFewTransactionsRing() throws SQLException {
    List<Talk> talks = Scene.of(database).talks(8, 50);
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay());
        Traffic traffic = new Traffic(scene, talks, 16, Proof.SEED)) {
      ears.rings();
      long sleepsBefore = relay.sleeps();
      traffic.begin();
      LockSupport.parkNanos(Proof.length().toNanos() / 3);
      traffic.fallSilent();
      long rings = ears.rings();
      long committed = traffic.committed.sum();
      long perThousand = rings * 1000 / Math.max(1, committed);
      new Report("Steady load")
          .line("transactions committed", committed)
          .line("changes told", heard.changes().size())
          .line("NOTIFYs", rings)
          .line("NOTIFYs per 1,000 commits", perThousand)
          .line("fell asleep", relay.sleeps() - sleepsBefore)
          .print();
      assertTrue(committed > 100);
      assertTrue(perThousand < 100, () -> perThousand + " per thousand");
    }
  }

  /** A session with the first bed. */
  private Connection sleeper() throws SQLException {
    Connection connection = scene.service().connect();
    Scene.run(connection, "set role chat_relay");
    assertEquals("0", Scene.query(connection, "select relay.claim_slot()"));
    return connection;
  }

  private static boolean sleeps(Connection sleeper) throws SQLException {
    return Scene.query(sleeper, "select relay.sleep(0)").equals("t");
  }
}
