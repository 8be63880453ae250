package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Writers notify relays that sleep, and no others. The sleeper here is a session of ours, step by
 * step, or a real relay.
 */
class SleepAndWakeTest {
  /** Longer than any test: only a NOTIFY wakes a relay. */
  private static final Duration NEVER = Duration.ofHours(1);

  private TestDatabase database;
  private ProofDatabase scene;
  private Talk talk;
  private NotifyCounter notifies;

  @BeforeEach
  void open() throws SQLException {
    database = TestDatabase.fresh();
    scene = ProofDatabase.of(database);
    talk = scene.talks(1).getFirst();
    notifies = new NotifyCounter(scene);
  }

  @AfterEach
  void close() throws SQLException {
    notifies.close();
    database.close();
  }

  @Test
  void nobodySleepsNobodyRings() throws SQLException {
    scene.say(talk, "hi");
    assertEquals(0, notifies.count());
    try (Connection sleeper = sleeper()) {
      assertTrue(sleeps(sleeper));
      scene.say(talk, "hi"); // the control
      assertEquals(1, notifies.count());
      ProofDatabase.run(sleeper, "select relay.wake(0)");
      scene.say(talk, "hi");
      assertEquals(0, notifies.count());
    }
  }

  @Test
  void aWriterWithAnOldSnapshotRings() throws SQLException {
    try (Connection sleeper = sleeper()) {
      for (String isolation : List.of("repeatable read", "serializable")) {
        // The owner's: people write in READ COMMITTED alone.
        try (Connection writer = scene.owner().connect()) {
          ProofDatabase.run(writer, "begin isolation level " + isolation);
          ProofDatabase.query(
              writer, "select count(*) from public.user_messages"); // its snapshot: nobody sleeps
          assertTrue(sleeps(sleeper));
          ProofDatabase.query(
              writer,
              "insert into public.user_messages (conversation_id, sender_id, content) values (?, ?, 'hi') returning id",
              talk.id(),
              talk.one());
          ProofDatabase.run(writer, "commit");
          assertEquals(1, notifies.count(), isolation);
          ProofDatabase.run(sleeper, "select relay.wake(0)");
        }
      }
    }
  }

  @Test
  void whoSkippedTheBellMustEndBeforeAnybodySleeps() throws SQLException {
    try (Connection writer = scene.service().connect();
        Connection sleeper = sleeper()) {
      writer.setAutoCommit(false);
      ProofDatabase.become(writer, talk.one());
      ProofDatabase.send(writer, talk, "hi");
      assertTrue(!sleeps(sleeper));
      writer.commit();
      assertTrue(sleeps(sleeper));
      assertEquals(0, notifies.count());
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
      ProofDatabase.become(writer, talk.one());
      Savepoint savepoint = writer.setSavepoint();
      ProofDatabase.send(writer, talk, "never");
      assertTrue(!sleeps(sleeper));
      writer.rollback(savepoint);
      assertTrue(sleeps(sleeper));
      ProofDatabase.send(writer, talk, "hi");
      writer.commit();
      assertEquals(1, notifies.count());

      // A NOTIFY that was rolled back with its savepoint is sent again.
      ProofDatabase.become(writer, talk.one());
      savepoint = writer.setSavepoint();
      ProofDatabase.send(writer, talk, "never");
      writer.rollback(savepoint);
      writer.commit();
      assertEquals(0, notifies.count());
      ProofDatabase.become(writer, talk.one());
      savepoint = writer.setSavepoint();
      ProofDatabase.send(writer, talk, "never");
      writer.rollback(savepoint);
      ProofDatabase.send(writer, talk, "hi");
      writer.commit();
      assertEquals(1, notifies.count());

      // A change kept before a savepoint that is rolled back keeps the relay awake.
      ProofDatabase.run(sleeper, "select relay.wake(0)");
      ProofDatabase.become(writer, talk.one());
      ProofDatabase.send(writer, talk, "hi");
      savepoint = writer.setSavepoint();
      ProofDatabase.send(writer, talk, "never");
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
    assertEquals(1, notifies.count());
    String pid = ProofDatabase.query(sleeper, "select pg_backend_pid()");
    sleeper.abort(Runnable::run); // as a killed process: its socket is closed without a word
    Await.until(
        "its backend to end",
        () ->
            scene
                .superuserReads("select count(*) from pg_stat_activity where pid = " + pid)
                .equals("0"));
    scene.say(talk, "hi");
    assertEquals(0, notifies.count());
    try (Connection next = sleeper()) { // and its slot is free
      assertTrue(sleeps(next));
    }
  }

  /**
   * A stranger may hold the slots for ever: then writers notify and the relay polls, and nothing
   * worse.
   */
  @Test
  void aStrangerWithTheKeysCostsRingsAndPollsOnly() throws Exception {
    ReceivedChanges received = new ReceivedChanges();
    try (Connection stranger = scene.owner().connect();
        Relay relay = received.through(scene.relay());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Await.until("the relay to sleep", relay::isAsleep);
      // It waits in line for the key, so it has it as soon as the relay wakes up.
      Future<?> taken =
          threads.submit(
              () -> ProofDatabase.query(stranger, "select pg_advisory_lock(1667785076, 0)"));
      Await.until(
          "the stranger to wait",
          () ->
              scene
                  .superuserReads(
                      "select count(*) from pg_locks where locktype = 'advisory' and not granted")
                  .equals("1"));
      scene.say(talk, "marker 1");
      received.awaits("marker 1");
      Await.result(taken);
      long sleeps = relay.sleeps();
      for (int i = 2; i < 6; i++) {
        scene.say(talk, "marker " + i);
        received.awaits("marker " + i);
      }
      long polls = relay.polls();
      Await.until("many a poll", () -> relay.polls() > polls + 10);
      assertEquals(sleeps, relay.sleeps());
    }
  }

  @Test
  void idleTheRelayRunsNoQueryAndHearsTheNextMessageAtOnce() throws SQLException {
    TestDatabase.asSuperuser("create extension if not exists pg_stat_statements");
    ReceivedChanges received = new ReceivedChanges();
    try (TestDatabase elsewhere = TestDatabase.fresh();
        Relay relay = received.through(paced(scene, Duration.ofMillis(30)))) {
      Await.until("the relay to sleep", relay::isAsleep);
      scene.say(talk, "marker before"); // so that no notification of its start is left
      received.awaits("marker before");
      Await.until("the relay to sleep", relay::isAsleep);
      // A NOTIFY that came late, of what it had found already, is answered once.
      List<String> stretches = List.of(stretch(relay, elsewhere), stretch(relay, elsewhere));
      assertTrue(stretches.contains("no query"), stretches::toString);

      scene.say(talk, "marker after");
      received.awaits("marker after"); // There is no backstop: only a NOTIFY can have woken it.
    }
  }

  /** What the relay asked while another one polled, which never becomes calm enough to sleep. */
  private String stretch(Relay relay, TestDatabase elsewhere) throws SQLException {
    String before = asked(relay);
    try (Relay awake = new ReceivedChanges().through(paced(ProofDatabase.of(elsewhere), NEVER))) {
      long polls = awake.polls();
      Await.until("many a poll elsewhere", () -> awake.polls() > polls + 40);
    }
    String after = asked(relay);
    return before.equals(after) ? "no query" : before + " before " + after;
  }

  /**
   * What it has asked until now. That its sessions still live it asks by an empty query, which
   * counts as none.
   */
  private String asked(Relay relay) {
    // Not while it has counted a poll that it has not asked yet.
    Await.until("its sessions to be idle", () -> relay.isAsleep() && areItsSessionsIdle());
    return relay.polls() + " polls, " + calls() + " calls";
  }

  private static RelaySettings paced(ProofDatabase scene, Duration calm) {
    return scene.relay().withPace(Duration.ofMillis(1), calm, NEVER);
  }

  /** All statements ever run in this database; ours that ask are run in another one. */
  private long calls() {
    String count =
        "select coalesce(sum(s.calls), 0) from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = '%s'"
            .formatted(name());
    try (Connection connection = TestDatabase.server().superuser().connect()) {
      return Long.parseLong(ProofDatabase.query(connection, count));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private boolean areItsSessionsIdle() {
    String sessions =
        "select count(*) || case when bool_and(state = 'idle') then ' idle' else ' active' end from pg_stat_activity where datname = '%s' and application_name like 'gptdesk-chat %%'"
            .formatted(name());
    try (Connection connection = TestDatabase.server().superuser().connect()) {
      return ProofDatabase.query(connection, sessions).equals("2 idle");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private String name() {
    String url = scene.owner().url();
    return url.substring(url.lastIndexOf('/') + 1);
  }

  /** Sixteen writers at once, and a relay that never becomes calm enough to sleep. */
  @Test
  void underSteadyLoadNobodyRings() throws SQLException {
    List<Talk> talks = ProofDatabase.of(database).talks(8, 50);
    ReceivedChanges received = new ReceivedChanges();
    try (Relay relay = received.through(paced(scene, NEVER));
        Traffic traffic = new Traffic(scene, talks, 16, Proof.SEED)) {
      notifies.count();
      traffic.begin();
      Await.until("much work", () -> traffic.committed.sum() >= 500L * Proof.TIMES);
      traffic.fallSilent();
      scene.say(talk, "marker last");
      received.awaits("marker last");
      long counted = notifies.count();
      new Report("Steady load")
          .line("transactions committed", traffic.committed)
          .line("changes told", received.changes().size())
          .line("NOTIFYs", counted)
          .print();
      assertEquals(0, counted);
      assertEquals(0, relay.sleeps());
    }
  }

  /** A session with the first sleep slot. */
  private Connection sleeper() throws SQLException {
    Connection connection = scene.service().connect();
    ProofDatabase.run(connection, "set role chat_relay");
    assertEquals("0", ProofDatabase.query(connection, "select relay.claim_slot()"));
    return connection;
  }

  private static boolean sleeps(Connection sleeper) throws SQLException {
    return ProofDatabase.query(sleeper, "select relay.sleep(0)").equals("t");
  }
}
