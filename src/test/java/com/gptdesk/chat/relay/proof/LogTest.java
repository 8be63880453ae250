package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/**
 * The log is emptied behind the relays, never under them; and who cannot be told everything is told
 * so.
 */
class LogTest {
  /** More transactions than four children once held, at 2^18 each. */
  private static final int MANY = 5 << 18;

  private TestDatabase database;
  private ProofDatabase scene;
  private List<Talk> talks;
  private Talk talk;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    scene = ProofDatabase.of(database);
    talks = scene.talks(2);
    talk = talks.getFirst();
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** On a quiet system as on a busy one: the first row of each segment is there for its hours. */
  @Test
  void aSegmentGoesWhenItsHoursHavePassedAndTheRelayMissesNothing() {
    ReceivedChanges received = new ReceivedChanges();
    try (Relay relay = received.through(scene.relay())) {
      scene.say(talk, "marker 1");
      received.awaits("marker 1");
      String child = scene.ownerReads("select tableoid::regclass from relay.change_log");
      assertEquals("nothing to truncate", scene.maintain());
      scene.timePasses(30);
      assertEquals("nothing to truncate", scene.maintain());
      scene.say(talk, "marker 2");
      received.awaits("marker 2");
      scene.timePasses(31);
      assertTrue(scene.maintain().contains("left " + child));
      scene.say(talk, "marker 3");
      received.awaits("marker 3");
      scene.drain(); // from now on nobody can write there
      scene.timePasses(30);
      assertEquals("nothing to truncate", scene.maintain());
      assertEquals("3", markers("relay.change_log"));
      scene.timePasses(31);
      assertTrue(scene.maintain().startsWith("truncated " + child));
      assertEquals("0", scene.ownerReads("select count(*) from " + child));
      assertEquals("1", markers("relay.change_log"));
      scene.say(talk, "marker 4");
      received.awaits("marker 4");
      assertEquals(4, messages(received));
      assertEquals(0, relay.resyncs());
    }
  }

  /** Of this database or of others of its server: they once turned the log over by themselves. */
  @Test
  void noNumberOfTransactionsCutsTheLog() throws SQLException {
    ReceivedChanges received = new ReceivedChanges();
    try (Relay relay = received.through(scene.relay());
        Connection reader = scene.service().connect()) {
      ProofDatabase.run(reader, "set role chat_relay");
      String epoch = ProofDatabase.query(reader, "select epoch from relay.open()");
      String begin = ProofDatabase.query(reader, "select snapshot from relay.open()");
      for (int i = 1; i <= 6; i++) {
        scene.say(talk, "marker " + i);
        received.awaits("marker " + i);
        assertEquals("nothing to truncate", scene.maintain());
        scene.burnTransactionIds(MANY / 5);
      }
      scene.drain();
      assertEquals(
          "6",
          ProofDatabase.query(
              reader, "select count(seq) from relay.tail(?::uuid, ?, 100)", epoch, begin));
      assertEquals("0", scene.ownerReads("select count(cut_at) from relay.epoch"));
      assertEquals(0, relay.resyncs());
    }
  }

  @Test
  void aLogOverItsSizeLosesItsOldestSegmentAndSaysSo() throws SQLException {
    scene.asOwner("update chat.settings set change_log_max_mb = 4");
    try (Connection reader = scene.service().connect()) {
      ProofDatabase.run(reader, "set role chat_relay");
      String epoch = ProofDatabase.query(reader, "select epoch from relay.open()");
      String begin = ProofDatabase.query(reader, "select snapshot from relay.open()");
      String between = begin;
      for (int i = 0; i < 3; i++) {
        log();
        assertTrue(scene.maintain().contains("left relay.change_log_"));
        scene.drain();
        between =
            i == 0 ? ProofDatabase.query(reader, "select snapshot from relay.open()") : between;
      }
      assertEquals("ok", scene.ownerReads(CUT));
      String oldest =
          scene.ownerReads("select tableoid::regclass from relay.change_log order by seq limit 1");
      log();
      String said = scene.maintain();
      assertTrue(
          said.startsWith("over change_log_max_mb: truncated " + oldest + "; left relay."), said);
      assertEquals("10500", scene.ownerReads("select count(*) from relay.change_log"));
      assertEquals("warning", scene.ownerReads(CUT));
      assertEquals(
          "t",
          ProofDatabase.query(
              reader, "select cut_at > now() - interval '1 minute' from relay.log_state()"));
      SQLException no =
          assertThrows(
              SQLException.class,
              () ->
                  ProofDatabase.query(
                      reader, "select from relay.tail(?::uuid, ?, 9)", epoch, begin));
      assertEquals("PT410", no.getSQLState());
      assertTrue(no.getMessage().contains("chat.settings.change_log_max_mb"), no.getMessage());
      assertEquals( // the control: who had read what was cut goes on
          "10500",
          ProofDatabase.query(
              reader, "select count(seq) from relay.tail(?::uuid, ?, 99999)", epoch, between));
    }
  }

  private static final String CUT =
      "select state from chat.health where item = 'change log, cut short'";

  /** A little more than a quarter of 4 MB. */
  private void log() {
    scene.asOwner(
        "insert into relay.change_log (table_name, operation, audience, record)"
            + " select 'users', 'UPDATE', '{}', repeat('x', 200) from generate_series(1, 3500)");
  }

  /** Also one in another database of the server, which nobody here knows of. */
  @Test
  void anOpenTransactionHoldsItsSegmentAndNobodyElse() throws SQLException {
    ReceivedChanges received = new ReceivedChanges();
    try (Relay relay = received.through(scene.relay());
        Connection elsewhere = TestDatabase.server().superuser().connect();
        Connection slow = scene.service().connect()) {
      elsewhere.setAutoCommit(false);
      ProofDatabase.query(elsewhere, "select pg_current_xact_id()");
      slow.setAutoCommit(false);
      ProofDatabase.become(slow, talk.one());
      ProofDatabase.send(slow, talk, "marker slow");
      scene.say(talks.get(1), "marker quick");
      received.awaits("marker quick");
      String child = scene.ownerReads("select distinct tableoid::regclass from relay.change_log");
      scene.maintain();
      scene.timePasses(61);
      assertTrue(scene.maintain().contains("left " + child));
      scene.timePasses(61);
      String held = "an open transaction holds " + child;
      assertTrue(scene.maintain().contains(held));
      slow.commit();
      received.awaits("marker slow");
      assertTrue(scene.maintain().contains(held)); // the other database's
      Await.until("the relay to sleep all the same", relay::isAsleep);
      scene.say(talk, "marker after");
      received.awaits("marker after");
      elsewhere.commit();
      scene.drain(); // its hours begin when it has ended
      assertEquals("2", markers(child));
      scene.timePasses(61);
      assertTrue(scene.maintain().contains("truncated " + child));
      assertEquals(3, messages(received));
      assertEquals(0, relay.resyncs());
    }
  }

  /** Who has read which segment is written before the turn, and gets an id after it. */
  @Test
  void whoGotAnIdBeforeTheTurnIsWaitedFor() throws SQLException {
    scene.asOwner("select relay.open()");
    scene.say(talk, "hi");
    scene.maintain();
    scene.timePasses(61);
    try (Connection caller = scene.service().connect()) {
      caller.setAutoCommit(false);
      ProofDatabase.query(caller, "select pg_current_xact_id()");
      assertTrue(scene.maintain().contains("left "));
      ProofDatabase.run(caller, "set role chat_relay");
      assertTrue(
          ProofDatabase.query(caller, "select relay.maintain()")
              .contains("in a transaction that has changed something"));
      caller.commit();
    }
    assertEquals(
        "0",
        scene.ownerReads("select count(sealed_before) from relay.segments where generation = 3"));
    scene.maintain();
    assertEquals(
        "1",
        scene.ownerReads("select count(sealed_before) from relay.segments where generation = 3"));
  }

  @Test
  void aRelayThatWasAwayTooLongTellsItsClientsToCatchUp() throws SQLException {
    FollowingClient client = new FollowingClient(scene, talks);
    CountDownLatch away = new CountDownLatch(1);
    CountDownLatch back = new CountDownLatch(1);
    var listener =
        new ChangeListener() {
          @Override
          public void changed(Change change) {
            client.changed(change);
            if (String.valueOf(change.record()).contains("go away")) {
              away.countDown();
              try {
                back.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
          }

          @Override
          public void resync(String reason) {
            client.resync(reason);
          }
        };
    try (Relay relay = new Relay(scene.relay(), listener)) {
      relay.start();
      Await.until("the relay to be up to date", () -> relay.isUpToDate() && client.resyncs() == 1);
      scene.say(talk, "hi");
      scene.say(talk, "go away");
      Await.until("the relay to be held up", () -> away.getCount() == 0);
      scene.say(talk, "while away");
      scene.say(talks.get(1), "while away, elsewhere");
      hoursPass();
      scene.say(talk, "and after");
      back.countDown();
      Await.until("the resync", () -> client.resyncs() == 2);
      assertEquals(1, relay.resyncs());
      scene.say(talk, "at last");
      Await.until("the last message", () -> client.holds("at last"));
      assertEquals(2, client.resyncs());
      assertTrue(client.caughtUp() >= 3);
      client.assertHasEverything();
    } finally {
      back.countDown();
    }
  }

  @Test
  void moreThanOnePollBringsIsToldInPages() throws SQLException {
    FollowingClient client = new FollowingClient(scene, talks);
    try (Relay relay = client.through(scene.relay().withMaxRows(10))) {
      sayMany(10); // one page, of which nothing says that it is the last
      Await.until("ten", () -> client.told() == 10);
      sayMany(35);
      Await.until("all", () -> client.told() == 45);
      scene.say(talk, "at last");
      Await.until("the last message", () -> client.holds("at last"));
      client.assertHasEverything();
      assertEquals(46, client.told());
      assertEquals(0, relay.resyncs());
    }
  }

  /**
   * A person with many messages is deleted. Between two pages one commits who wrote before that,
   * another writes, and the relay loses its connection.
   */
  @Test
  void whatHappensBetweenTwoPagesIsToldAfterThem() throws SQLException {
    sayMany(250);
    String before = scene.ownerReads("select max(seq) from relay.change_log");
    ReceivedChanges received = new ReceivedChanges();
    CountDownLatch amid = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    var listener =
        new ChangeListener() {
          @Override
          public void changed(Change change) {
            received.changed(change);
            if (received.changes().size() == 50) {
              amid.countDown();
              try {
                goOn.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
          }

          @Override
          public void resync(String reason) {
            received.resync(reason);
          }
        };
    try (Relay relay = new Relay(scene.relay().withMaxRows(20), listener);
        Connection early = scene.service().connect()) {
      relay.start();
      Await.until(
          "the relay to be up to date", () -> relay.isUpToDate() && !received.resyncs().isEmpty());
      early.setAutoCommit(false);
      ProofDatabase.become(early, talks.get(1).one());
      ProofDatabase.send(early, talks.get(1), "marker early");
      scene.asOwner("delete from public.users where id = '%s'".formatted(talk.one()));
      Await.until("the relay to be held up", () -> amid.getCount() == 0);
      early.commit();
      scene.say(talks.get(1), "marker late");
      assertEquals(1, scene.terminate("gptdesk-chat relay"));
      goOn.countDown();
      received.awaits("marker early");
      received.awaits("marker late");
      assertEquals(0, relay.resyncs());
      assertEquals(
          scene.ownerReads(
              "select array_agg(seq order by record is not null, seq) from relay.change_log where seq > "
                  + before),
          received.changes().stream()
              .map(change -> String.valueOf(change.seq()))
              .collect(Collectors.joining(",", "{", "}")));
      assertTrue(received.changes().size() > 250, () -> "" + received.changes().size());
    } finally {
      goOn.countDown();
    }
  }

  private void sayMany(int count) throws SQLException {
    try (Connection service = scene.service().connect()) {
      ProofDatabase.run(service, "set role service_role");
      ProofDatabase.query(
          service,
          "with sent as (insert into public.user_messages (conversation_id, sender_id, content) select ?, ?, 'many ' || n from generate_series(1, ?) n returning id) select count(*) from sent",
          talk.id(),
          talk.one(),
          count);
    }
  }

  /**
   * relay.maintain() that is stopped in the middle (a frozen machine) must not empty what is
   * written meanwhile. Meanwhile relays come and go.
   */
  @Test
  void maintenanceThatWasHeldUpDoesNotEmptyWhatIsWrittenNow() throws Exception {
    scene.asOwner("select relay.open()");
    scene.say(talk, "an old one, to be emptied");
    scene.maintain();
    scene.timePasses(61);
    assertTrue(scene.maintain().contains("left "));
    scene.drain();
    scene.timePasses(61);
    scene.asOwner(
        """
        create function relay.hold_up() returns trigger language plpgsql as $$
        begin
          loop
            exit when exists (select from pg_locks where locktype = 'advisory' and objid = 4711);
            perform pg_sleep(0.005);
          end loop;
          return null;
        end $$;
        create trigger hold_up after update on relay.epoch for each statement execute function relay.hold_up();
        """);
    ReceivedChanges received = new ReceivedChanges();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
        Connection signal = scene.owner().connect()) {
      Future<String> said = executor.submit(scene::maintain);
      Await.until(
          "maintenance to be held up",
          () ->
              scene
                  .superuserReads(
                      "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'")
                  .equals("1"));
      scene.timePasses(61);
      try (Relay relay = received.through(scene.relay())) {
        scene.say(talk, "marker awaited");
        received.awaits("marker awaited");
        goesOn(signal);
        String outcome = Await.result(said); // before the log is looked at
        assertEquals(
            "1",
            scene.ownerReads(
                "select count(*) from relay.change_log where record like '%marker awaited%'"),
            outcome);
        assertEquals(0, relay.resyncs());
      } finally {
        goesOn(signal);
      }
    }
  }

  private static void goesOn(Connection signal) throws SQLException {
    ProofDatabase.query(signal, "select pg_advisory_lock(4711)");
  }

  /**
   * A dump has the log and its epoch, unless somebody remembered --no-unlogged-table-data; on a
   * younger server their transactions are still to come.
   */
  @Test
  void aDumpRestoredOnAYoungerServerBringsNothingBack() throws SQLException {
    scene.say(talk, "an old one, from the dump");
    scene.asOwner("create table relay.dumped as select * from relay.change_log");
    scene.asOwner(
        """
        delete from relay.change_log;
        with there as (select pg_current_xact_id()::text::bigint + 10000000 as xid)
        insert into relay.change_log (seq, xid, slot, table_name, operation, at, audience, record)
        select seq, there.xid::text::xid8, (there.xid >> 18) & 3, table_name, operation, at, audience, record
        from relay.dumped, there;
        """);
    assertOnlyTheNewIsTold();
  }

  @Test
  void anEpochOfAServerFurtherOnIsNotBelieved() throws SQLException {
    scene.asOwner(
        """
        insert into relay.epoch (kept_from)
        values ((pg_current_xact_id()::text::bigint + 10000000)::text::xid8);
        insert into relay.segments (generation, sealed_before)
        values (2, (pg_current_xact_id()::text::bigint + 10000000)::text::xid8)
        """);
    assertOnlyTheNewIsTold();
  }

  private void assertOnlyTheNewIsTold() {
    ReceivedChanges received = new ReceivedChanges();
    try (Relay relay = received.through(scene.relay())) {
      Await.until("the relay to sleep", relay::isAsleep);
      scene.say(talk, "marker new");
      received.awaits("marker new");
      Await.until("the relay to sleep", relay::isAsleep);
      assertEquals(1, messages(received));
      assertEquals(0, relay.resyncs());
    }
  }

  /** A relay that comes back to such a server has a position of another life. */
  @Test
  void aPositionFromTheFutureIsAnotherLife() throws SQLException {
    try (Connection relay = scene.service().connect()) {
      ProofDatabase.run(relay, "set role chat_relay");
      String epoch = ProofDatabase.query(relay, "select epoch from relay.open()");
      String now = ProofDatabase.query(relay, "select pg_snapshot_xmax(pg_current_snapshot())");
      long later = Long.parseLong(now) + 1_000_000;
      SQLException no =
          assertThrows(
              SQLException.class,
              () ->
                  ProofDatabase.query(
                      relay,
                      "select * from relay.tail(?::uuid, ?, 10)",
                      epoch,
                      later + ":" + later + ":"));
      assertEquals("PT410", no.getSQLState());
      ProofDatabase.query(
          relay,
          "select * from relay.tail(?::uuid, ?, 10)",
          epoch,
          now + ":" + now + ":"); // the control
    }
  }

  /** So many that what was written is gone; a relay that maintains, too, only makes it sooner. */
  private void hoursPass() {
    Await.until(
        "the log to be empty",
        () -> {
          scene.timePasses(61);
          scene.maintain();
          return scene.ownerReads("select count(*) from relay.change_log").equals("0");
        });
  }

  @Test
  void aMessageLongerThanANotificationArrivesWhole() throws SQLException {
    scene.asOwner("update chat.settings set max_message_length = 100000");
    String text = "marker " + "äöü€😀 \\ <b> '; -- ".repeat(4500) + "end";
    assertTrue(text.length() > 80_000 && text.codePointCount(0, text.length()) <= 100_000);
    ReceivedChanges received = new ReceivedChanges();
    try (Relay relay = received.through(scene.relay())) {
      for (int i = 0; i < 2; i++) { // asleep, and awake
        scene.say(talk, text);
        int told = i + 1;
        Await.until("the long message", () -> messages(received) == told);
      }
      assertEquals(0, relay.resyncs());
    }
    for (Change change : received.changes()) {
      assertEquals(
          text,
          JsonMapper.shared().readTree(String.valueOf(change.record())).get("content").asString());
    }
  }

  /** What a DBA sets for the login must not stop the relay. */
  @Test
  void theLoginsOwnSettingsDoNotMatter() throws SQLException {
    ReceivedChanges received = new ReceivedChanges();
    scene.asSuperuser(
        """
        alter role chat_login in database %1$s set default_transaction_isolation = 'repeatable read';
        alter role chat_login in database %1$s set statement_timeout = '300ms';
        alter role chat_login in database %1$s set lock_timeout = '300ms';
        alter role chat_login in database %1$s set idle_session_timeout = '1s';
        alter role chat_login in database %1$s set timezone = 'Pacific/Chatham';
        alter role chat_login in database %1$s set datestyle = 'German';
        alter role chat_login in database %1$s set search_path = ''
        """
            .formatted(scene.superuserReads("select current_database()")));
    try (Relay relay = received.through(scene.relay())) {
      for (int i = 1; i <= 3; i++) {
        Await.until("the relay to sleep", relay::isAsleep);
        sayAsOwner("marker " + i);
        received.awaits("marker " + i);
      }
      // Until it received, it was as likely to be cut off by these settings as anybody.
      long made = relay.reconnects();
      // A poll that waits longer than the login's statements may; then a sleep that is longer than
      // it may idle.
      try (Connection locker = scene.owner().connect()) {
        ProofDatabase.run(locker, "begin; lock table relay.change_log in access exclusive mode");
        scene.asSuperuser("notify gptdesk_chat");
        Await.until(
            "a poll to wait",
            () ->
                scene
                    .superuserReads(
                        "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'gptdesk-chat relay' and wait_event_type = 'Lock'")
                    .equals("1"));
        ProofDatabase.run(locker, "select pg_sleep(0.6)");
        ProofDatabase.run(locker, "commit");
      }
      Await.until("the relay to sleep", relay::isAsleep);
      long asleep = System.nanoTime();
      Await.until("a long sleep", () -> System.nanoTime() - asleep > 1_500_000_000L);
      sayAsOwner("marker last");
      received.awaits("marker last");
      assertEquals(4, messages(received));
      assertEquals(made, relay.reconnects());
      assertEquals(0, relay.resyncs());
    }
  }

  private void sayAsOwner(String content) {
    scene.asOwner(
        "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', '%s')"
            .formatted(talk.id(), talk.one(), content));
  }

  private String markers(String table) {
    return scene.ownerReads("select count(*) from " + table + " where record like '%\"marker %'");
  }

  private static int messages(ReceivedChanges received) {
    return (int) received.changes().stream().filter(c -> c.table().equals("user_messages")).count();
  }
}
