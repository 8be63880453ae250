package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.proof.Scene.Talk;
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
  /** So many transactions go to one child of the log before the next one is written. */
  private static final int BLOCK = 1 << 18;

  private TestDatabase database;
  private Scene scene;
  private List<Talk> talks;
  private Talk talk;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    scene = Scene.of(database);
    talks = scene.talks(2);
    talk = talks.getFirst();
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void aChildIsEmptiedTwoBlocksLaterAndTheRelayMissesNothing() {
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay())) {
      scene.say(talk, "marker 1");
      heard.awaits("marker 1");
      String child = scene.ownerReads("select tableoid::regclass from relay.change_log");
      assertTrue(scene.maintain().contains("nothing"));
      scene.burnTransactionIds(BLOCK);
      scene.say(talk, "marker 2");
      assertTrue(
          scene.maintain().contains("nothing")); // the block before this one may be read still
      scene.burnTransactionIds(BLOCK);
      scene.say(talk, "marker 3");
      assertIsEmptied(child);
      heard.awaits("marker 3");
      assertEquals("2", scene.ownerReads("select count(*) from relay.change_log"));
      assertEquals(3, messages(heard));
      assertEquals(0, relay.resyncs());
    }
  }

  /** By this maintenance, or by a relay's own when a minute has passed. */
  private void assertIsEmptied(String child) {
    String said = scene.maintain();
    assertTrue(said.contains("truncated") || said.contains("nothing"), said);
    assertEquals("0", scene.ownerReads("select count(*) from " + child));
  }

  /** Also one in another database of the server, which nobody here knows of. */
  @Test
  void anOpenTransactionHoldsItsChildAndNobodyElse() throws SQLException {
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay());
        Connection elsewhere = TestDatabase.server().superuser().connect();
        Connection slow = scene.service().connect()) {
      elsewhere.setAutoCommit(false);
      Scene.query(elsewhere, "select pg_current_xact_id()");
      slow.setAutoCommit(false);
      Scene.become(slow, talk.one());
      Scene.send(slow, talk, "marker slow");
      scene.say(talks.get(1), "marker quick");
      heard.awaits("marker quick");
      String child = scene.ownerReads("select distinct tableoid::regclass from relay.change_log");
      scene.burnTransactionIds(2 * BLOCK);
      assertTrue(scene.maintain().contains("an open transaction holds"));
      slow.commit();
      heard.awaits("marker slow");
      assertTrue(scene.maintain().contains("an open transaction holds")); // the other database's
      Await.until("the relay to sleep all the same", relay::isAsleep);
      scene.say(talk, "marker after");
      heard.awaits("marker after");
      elsewhere.commit();
      assertIsEmptied(child);
      assertEquals(3, messages(heard));
      assertEquals(0, relay.resyncs());
    }
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
      Await.until("the relay to hear", () -> relay.isHearing() && client.resyncs() == 1);
      scene.say(talk, "hi");
      scene.say(talk, "go away");
      Await.until("the relay to be held up", () -> away.getCount() == 0);
      scene.say(talk, "while away");
      scene.say(talks.get(1), "while away, elsewhere");
      scene.burnTransactionIds(2 * BLOCK);
      assertTrue(scene.maintain().contains("truncated")); // the relay is held up, so by nobody else
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
    Heard heard = new Heard();
    CountDownLatch amid = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    var listener =
        new ChangeListener() {
          @Override
          public void changed(Change change) {
            heard.changed(change);
            if (heard.changes().size() == 50) {
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
            heard.resync(reason);
          }
        };
    try (Relay relay = new Relay(scene.relay().withMaxRows(20), listener);
        Connection early = scene.service().connect()) {
      relay.start();
      Await.until("the relay to hear", () -> relay.isHearing() && !heard.resyncs().isEmpty());
      early.setAutoCommit(false);
      Scene.become(early, talks.get(1).one());
      Scene.send(early, talks.get(1), "marker early");
      scene.asOwner("delete from public.users where id = '%s'".formatted(talk.one()));
      Await.until("the relay to be held up", () -> amid.getCount() == 0);
      early.commit();
      scene.say(talks.get(1), "marker late");
      assertEquals(1, scene.terminate("gptdesk-chat relay"));
      goOn.countDown();
      heard.awaits("marker early");
      heard.awaits("marker late");
      assertEquals(0, relay.resyncs());
      assertEquals(
          scene.ownerReads(
              "select array_agg(seq order by record is not null, seq) from relay.change_log where seq > "
                  + before),
          heard.changes().stream()
              .map(change -> String.valueOf(change.seq()))
              .collect(Collectors.joining(",", "{", "}")));
      assertTrue(heard.changes().size() > 250, () -> "" + heard.changes().size());
    } finally {
      goOn.countDown();
    }
  }

  private void sayMany(int count) throws SQLException {
    try (Connection service = scene.service().connect()) {
      Scene.run(service, "set role service_role");
      Scene.query(
          service,
          "with sent as (insert into public.user_messages (conversation_id, sender_id, content) select ?, ?, 'many ' || n from generate_series(1, ?) n returning id) select count(*) from sent",
          talk.id(),
          talk.one(),
          count);
    }
  }

  /**
   * relay.maintain() that is stopped in the middle (a frozen machine, a very long delete) must not
   * empty what was written meanwhile, when its child's turn has come again. Meanwhile relays come
   * and go.
   */
  @Test
  void maintenanceThatWasHeldUpDoesNotEmptyWhatIsWrittenNow() throws Exception {
    scene.asOwner("select relay.open()");
    scene.say(talk, "an old one, to be emptied");
    scene.burnTransactionIds(2 * BLOCK);
    anHourPasses();
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
    Heard heard = new Heard();
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
      scene.burnTransactionIds(2 * BLOCK); // the child's turn has come again
      try (Relay relay = heard.through(scene.relay())) {
        scene.say(talk, "marker awaited");
        heard.awaits("marker awaited");
        goesOn(signal);
        assertEquals(
            "1",
            scene.ownerReads(
                "select count(*) from relay.change_log where record like '%marker awaited%'"),
            said.get());
        assertEquals(0, relay.resyncs());
      } finally {
        goesOn(signal);
      }
    }
  }

  private static void goesOn(Connection signal) throws SQLException {
    Scene.query(signal, "select pg_advisory_lock(4711)");
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
        insert into relay.change_log (seq, xid, slot, table_name, operation, at, scopes, record)
        select seq, there.xid::text::xid8, (there.xid >> 18) & 3, table_name, operation, at, scopes, record
        from relay.dumped, there;
        """);
    assertOnlyTheNewIsTold();
  }

  @Test
  void anEpochOfAServerFurtherOnIsNotBelieved() throws SQLException {
    scene.asOwner(
        """
        insert into relay.epoch (kept_from, next_kept_from)
        select x, x from (select (pg_current_xact_id()::text::bigint + 10000000)::text::xid8 x)
        """);
    assertOnlyTheNewIsTold();
  }

  private void assertOnlyTheNewIsTold() {
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay())) {
      Await.until("the relay to sleep", relay::isAsleep);
      scene.say(talk, "marker new");
      heard.awaits("marker new");
      Await.until("the relay to sleep", relay::isAsleep);
      assertEquals(1, messages(heard));
      assertEquals(0, relay.resyncs());
    }
  }

  /** A relay that comes back to such a server has a position of another life. */
  @Test
  void aPositionFromTheFutureIsAnotherLife() throws SQLException {
    try (Connection relay = scene.service().connect()) {
      Scene.run(relay, "set role chat_relay");
      String epoch = Scene.query(relay, "select epoch from relay.open()");
      String now = Scene.query(relay, "select pg_snapshot_xmax(pg_current_snapshot())");
      long later = Long.parseLong(now) + 1_000_000;
      SQLException no =
          assertThrows(
              SQLException.class,
              () ->
                  Scene.query(
                      relay,
                      "select * from relay.tail(?::uuid, ?, 10)",
                      epoch,
                      later + ":" + later + ":"));
      assertEquals("PT410", no.getSQLState());
      Scene.query(
          relay,
          "select * from relay.tail(?::uuid, ?, 10)",
          epoch,
          now + ":" + now + ":"); // the control
    }
  }

  /**
   * On a quiet system no child is emptied; what was said is deleted all the same, by the second
   * maintenance an hour apart.
   */
  @Test
  void whatIsOlderThanTheKeptHoursIsDeleted() {
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay())) {
      scene.say(talk, "marker old");
      heard.awaits("marker old");
      assertEquals("nothing to truncate", scene.maintain());
      anHourPasses();
      scene.maintain(); // notes what is old by now
      assertEquals("1", scene.ownerReads("select count(*) from relay.change_log"));
      scene.say(talk, "marker young");
      heard.awaits("marker young");
      anHourPasses();
      scene.maintain();
      assertEquals("1", scene.ownerReads("select count(*) from relay.change_log"));
      scene.say(talk, "marker last");
      heard.awaits("marker last");
      assertEquals(3, messages(heard));
      assertEquals(0, relay.resyncs());
    }
  }

  private void anHourPasses() {
    scene.asOwner(
        "update relay.epoch set next_kept_since = next_kept_since - interval '61 minutes'");
  }

  @Test
  void aMessageLongerThanANotificationArrivesWhole() throws SQLException {
    scene.asOwner("update chat.settings set max_message_length = 100000");
    String text = "marker " + "äöü€😀 \\ <b> '; -- ".repeat(4500) + "end";
    assertTrue(text.length() > 80_000 && text.codePointCount(0, text.length()) <= 100_000);
    Heard heard = new Heard();
    try (Relay relay = heard.through(scene.relay())) {
      for (int i = 0; i < 2; i++) { // asleep, and awake
        scene.say(talk, text);
        int told = i + 1;
        Await.until("the long message", () -> messages(heard) == told);
      }
      assertEquals(0, relay.resyncs());
    }
    for (Change change : heard.changes()) {
      assertEquals(
          text,
          JsonMapper.shared().readTree(String.valueOf(change.record())).get("content").asString());
    }
  }

  /** What a DBA sets for the login must not make the relay deaf. */
  @Test
  void theLoginsOwnSettingsDoNotMatter() throws SQLException {
    Heard heard = new Heard();
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
    try (Relay relay = heard.through(scene.relay())) {
      for (int i = 1; i <= 3; i++) {
        Await.until("the relay to sleep", relay::isAsleep);
        sayAsOwner("marker " + i);
        heard.awaits("marker " + i);
      }
      // A poll that waits longer than the login's statements may; then a sleep that is longer than
      // it may idle.
      scene.asOwner(
          "begin; lock table relay.change_log in access exclusive mode; select pg_sleep(0.6); commit");
      Await.until("the relay to sleep", relay::isAsleep);
      long asleep = System.nanoTime();
      Await.until("a long sleep", () -> System.nanoTime() - asleep > 1_500_000_000L);
      sayAsOwner("marker last");
      heard.awaits("marker last");
      assertEquals(4, messages(heard));
      assertEquals(0, relay.reconnects());
      assertEquals(0, relay.resyncs());
    }
  }

  private void sayAsOwner(String content) {
    scene.asOwner(
        "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', '%s')"
            .formatted(talk.id(), talk.one(), content));
  }

  private static int messages(Heard heard) {
    return (int) heard.changes().stream().filter(c -> c.table().equals("user_messages")).count();
  }
}
