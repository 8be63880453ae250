package com.gptdesk.chat.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is committed is told once and in order, whatever happens to the relay's connections. */
class RelayTest {
  /** Longer than any test: what wakes a relay is the bell, or that its connection is lost. */
  private static final Duration NEVER = Duration.ofHours(1);

  private final List<AutoCloseable> open = new ArrayList<>();
  private TestDatabase database;
  private Person alice;
  private UUID conversation;

  @BeforeEach
  void twoPeopleTalk() {
    database = TestDatabase.fresh();
    alice = database.alice();
    conversation = alice.talksTo(database.bob());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
    database.close();
  }

  @ParameterizedTest
  @EnumSource
  void aMessageIsToldToItsTwoPeople(ListenDriver doorbell) {
    Heard heard = relay(settings().withDoorbell(doorbell));

    alice.sends(conversation, "hi");

    Change change = heard.awaits(1).getFirst();
    assertEquals("user_messages", change.table());
    assertEquals(Change.Operation.INSERT, change.operation());
    assertTrue(
        change.scopes().contains(Scope.user(alice.id()))
            && change.scopes().contains(Scope.user(database.bob().id())));
    assertTrue(String.valueOf(change.record()).contains("\"content\":\"hi\""), change::toString);
  }

  @ParameterizedTest
  @EnumSource
  void itSleepsWhenNothingHappensAndTheNextMessageWakesIt(ListenDriver doorbell) {
    Heard heard = relay(settings().withDoorbell(doorbell));
    for (int i = 1; i <= 5; i++) {
      heard.fallsAsleep();
      long polls = heard.relay.polls();
      alice.sends(conversation, "message " + i);
      heard.awaits(i); // There is no backstop: only the bell can have done it.
      assertTrue(heard.relay.polls() > polls);
    }
    Await.until("the last waking", () -> heard.relay.wakes() == 5);
    assertTrue(heard.relay.bellsHeard() >= 5);
    assertEquals(0, heard.relay.reconnects());
    assertEquals(0, heard.relay.resyncs());
  }

  @Test
  void asleepItAsksNothing() {
    Heard heard = relay(settings());
    heard.fallsAsleep();
    alice.sends(conversation, "wakes it"); // so that no ring of its beginning is left
    heard.awaits(1);
    heard.fallsAsleep();
    long polls = heard.relay.polls();
    long slept = heard.relay.sleeps();

    // The marker: another relay has slept and woken in between.
    Heard other = relay(settings());
    other.fallsAsleep();

    assertEquals(polls, heard.relay.polls());
    assertEquals(slept, heard.relay.sleeps());
  }

  @ParameterizedTest
  @EnumSource
  void aListenerThatIsKilledIsRemadeAndNothingIsMissed(ListenDriver doorbell) {
    Heard heard = relay(settings().withDoorbell(doorbell));
    int sent = 0;
    for (int i = 0; i < 3; i++) {
      heard.fallsAsleep();
      long made = heard.relay.reconnects();
      kill("gptdesk-chat doorbell");
      heard.awaits(++sent, () -> alice.sends(conversation, "while deaf"));
      Await.until(
          "a new listener", () -> heard.relay.reconnects() > made && heard.relay.isHearing());
    }
    heard.fallsAsleep();
    heard.awaits(++sent, () -> alice.sends(conversation, "after"));
    heard.hasAllInOrder(sent);
    assertEquals(0, heard.relay.resyncs());
  }

  @Test
  void aReaderThatIsKilledAsleepGoesOnWhereItWas() {
    Heard heard = relay(settings());
    heard.fallsAsleep();
    long made = heard.relay.reconnects();

    kill("gptdesk-chat relay");
    alice.sends(conversation, "nobody holds the key any more, so this rings nowhere");

    heard.awaits(1);
    Await.until("a new connection", () -> heard.relay.reconnects() > made);
    heard.hasAllInOrder(1);
    assertEquals(0, heard.relay.resyncs());
  }

  @Test
  void aReaderThatIsKilledAtWorkTellsEverythingOnceAndInOrder() throws InterruptedException {
    Heard heard = relay(settings());
    Thread killer =
        Thread.ofVirtual()
            .start(
                () -> {
                  for (int i = 1; i <= 4; i++) {
                    int next = i * 30;
                    Await.until("progress", () -> heard.changes.size() >= next);
                    kill("gptdesk-chat relay");
                  }
                });
    for (int i = 0; i < 200; i++) {
      alice.sends(conversation, "message");
    }
    killer.join();

    heard.awaits(200);
    heard.hasAllInOrder(200);
    Await.until("a new connection", () -> heard.relay.reconnects() >= 1);
    assertEquals(0, heard.relay.resyncs());
  }

  /** A transaction that began before the relay fell asleep, and commits when it sleeps. */
  @Test
  void aWriterWithAnOldSnapshotWakesItToo() throws SQLException {
    Heard heard = relay(settings());
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      statement.execute("select count(*) from public.users");
      heard.fallsAsleep();
      statement.execute(
          "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
              .formatted(alice.id(), database.carol().id()));
      connection.commit();
    }
    assertEquals("user_blocks", heard.awaits(1).getFirst().table());
  }

  @Test
  void whileAWriterThatSkippedTheBellIsAtWorkItDoesNotSleep() throws SQLException {
    Heard heard;
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(
          "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
              .formatted(alice.id(), database.carol().id()));
      // It tries to fall asleep whenever a poll finds nothing.
      heard = relay(settings().withPace(Duration.ofMillis(1), Duration.ZERO, NEVER));
      long polls = heard.relay.polls();
      Await.until("it goes on polling", () -> heard.relay.polls() > polls + 50);
      assertEquals(0, heard.relay.sleeps());
      connection.commit();
    }
    heard.awaits(1);
    heard.fallsAsleep();
  }

  @Test
  void anotherEpochMeansToBeginAnewAndToSaySo() {
    Heard heard = relay(settings());
    alice.sends(conversation, "before");
    heard.awaits(1);

    database.asOwner("delete from relay.epoch"); // what a crash does
    alice.sends(conversation, "lost, if it came too early");

    Await.until("the resync", () -> heard.resyncs.size() == 2);
    assertEquals(1, heard.relay.resyncs());
    int told = heard.changes.size();
    alice.sends(conversation, "after");
    heard.awaits(told + 1);
  }

  @Test
  void aListenerThatFailsDoesNotStopIt() {
    Heard heard = relay(settings());
    heard.failsOn = 1;

    alice.sends(conversation, "one");
    alice.sends(conversation, "two");

    heard.awaits(2);
  }

  @Test
  void fourRelaysSleepAndAFifthGoesOnPolling() {
    var relays = new ArrayList<Heard>();
    for (int i = 0; i < 4; i++) {
      Heard heard = relay(settings());
      heard.fallsAsleep();
      relays.add(heard);
    }
    Heard fifth = relay(settings());
    Await.until("it hears", () -> fifth.relay.isHearing());
    long polls = fifth.relay.polls();
    Await.until("it polls", () -> fifth.relay.polls() > polls + 5);
    assertEquals(0, fifth.relay.sleeps());
    relays.add(fifth);

    alice.sends(conversation, "hi");

    relays.forEach(heard -> heard.awaits(1));
    relays.subList(0, 4).forEach(Heard::fallsAsleep);
  }

  @Test
  void closingEndsItsWaitAndItsConnections() {
    Heard heard = relay(settings());
    heard.fallsAsleep();

    heard.relay.close();

    assertFalse(heard.relay.isHearing());
    Await.until("no connection", () -> connections() == 0);
  }

  @Test
  void aDatabaseThatCannotBeReachedIsTriedAgain() {
    Login login = database.service();
    var heard =
        new Heard(
            RelaySettings.of(
                "jdbc:postgresql://127.0.0.1:1/nowhere", login.user(), login.password()));
    open.add(heard.relay);
    heard.relay.start();
    Await.until("it tries", () -> heard.relay.reconnects() >= 2);
    assertFalse(heard.relay.isHearing());
  }

  private RelaySettings settings() {
    Login login = database.service();
    return RelaySettings.of(login.url(), login.user(), login.password())
        .withPace(Duration.ofMillis(1), Duration.ofMillis(30), NEVER);
  }

  private Heard relay(RelaySettings settings) {
    var heard = new Heard(settings);
    open.add(heard.relay);
    heard.relay.start();
    Await.until("it hears", () -> heard.relay.isHearing());
    return heard;
  }

  private void kill(String name) {
    asSuperuser(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '"
            + name
            + "' and datname = current_database()");
  }

  private int connections() {
    return Integer.parseInt(
        database.ownerReads(
            "select count(*) from pg_stat_activity where application_name in ('gptdesk-chat relay', 'gptdesk-chat doorbell') and datname = current_database()"));
  }

  private void asSuperuser(String sql) {
    Login superuser = TestDatabase.server().superuser();
    String here = database.service().url();
    try (Connection connection = new Login(here, superuser.user(), superuser.password()).connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  private static final class Heard implements ChangeListener {
    final List<Change> changes = new CopyOnWriteArrayList<>();
    final List<String> resyncs = new CopyOnWriteArrayList<>();
    final Relay relay;
    volatile int failsOn = -1;

    Heard(RelaySettings settings) {
      relay = new Relay(settings, this);
    }

    @Override
    public void changed(Change change) {
      changes.add(change);
      if (changes.size() == failsOn) {
        throw new IllegalStateException("cannot");
      }
    }

    @Override
    public void resync(String reason) {
      resyncs.add(reason);
    }

    List<Change> awaits(int number) {
      return Await.value(number + " changes", () -> changes, heard -> heard.size() >= number);
    }

    void awaits(int number, Runnable after) {
      after.run();
      awaits(number);
    }

    void fallsAsleep() {
      Await.until("it sleeps", relay::isAsleep);
    }

    /** The numbers of the messages are 1 to n. */
    void hasAllInOrder(int number) {
      var expected = new ArrayList<String>();
      var found = new ArrayList<String>();
      for (int i = 1; i <= number; i++) {
        expected.add(String.valueOf(i));
      }
      for (Change change : changes) {
        found.add(String.valueOf(change.record()).replaceFirst(".*\"seq\":(\\d+).*", "$1"));
      }
      assertEquals(expected, found);
    }
  }
}
