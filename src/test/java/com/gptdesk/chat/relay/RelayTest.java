package com.gptdesk.chat.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.relay.listen.ListenSettings;
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
  /** Longer than any test: only a NOTIFY wakes a relay, or that its connection is lost. */
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
  void aMessageIsToldToItsTwoPeople(ListenDriver driver) {
    ReceivedChanges received = relay(settings().withDriver(driver));

    alice.sends(conversation, "hi");

    Change change = received.awaits(1).getFirst();
    assertEquals("user_messages", change.table());
    assertEquals(Change.Operation.INSERT, change.operation());
    assertTrue(
        change.audiences().contains(Audience.user(alice.id()))
            && change.audiences().contains(Audience.user(database.bob().id())));
    assertTrue(String.valueOf(change.record()).contains("\"content\":\"hi\""), change::toString);
  }

  @ParameterizedTest
  @EnumSource
  void itSleepsWhenNothingHappensAndTheNextMessageWakesIt(ListenDriver driver) {
    ReceivedChanges received = relay(settings().withDriver(driver));
    for (int i = 1; i <= 5; i++) {
      received.fallsAsleep();
      alice.sends(conversation, "message " + i);
      received.awaits(i); // There is no backstop: only a NOTIFY can have done it.
    }
    Await.until("the last waking", () -> received.relay.wakes() == 5);
    assertTrue(received.relay.notifications() >= 5);
    assertEquals(0, received.relay.reconnects());
    assertEquals(0, received.relay.resyncs());
  }

  @Test
  void asleepItAsksNothing() {
    ReceivedChanges received = relay(settings());
    received.fallsAsleep();
    alice.sends(conversation, "wakes it"); // so that no notification of its start is left
    received.awaits(1);
    received.fallsAsleep();
    long polls = received.relay.polls();
    long slept = received.relay.sleeps();

    // The marker: one that never becomes calm enough to sleep has polled all the while. (On another
    // database: its own would notify the first.)
    try (TestDatabase elsewhere = TestDatabase.fresh()) {
      Login login = elsewhere.service();
      ReceivedChanges awake =
          relay(
              RelaySettings.of(login.url(), login.user(), login.password())
                  .withPace(Duration.ofMillis(1), NEVER, NEVER));
      long before = awake.relay.polls();
      Await.until("many a poll elsewhere", () -> awake.relay.polls() > before + 40);
      awake.relay.close();
    }

    // A NOTIFY that came late, of what it had found already, is answered once.
    assertTrue(
        received.relay.polls() <= polls + 1,
        () -> polls + " polls, then " + received.relay.polls());
    assertEquals(slept, received.relay.sleeps());
  }

  @Test
  void aCommitOfTheSameProcessMakesItPoll() {
    ReceivedChanges received = relay(settings());
    received.fallsAsleep();
    alice.sends(conversation, "wakes it"); // so that no notification of its start is left
    received.awaits(1);
    received.fallsAsleep();
    long polls = received.relay.polls();
    // Nobody notifies, and it is never time to look. A word that meets a poll does not wake it.
    Await.until(
        "it polls",
        () -> {
          received.relay.lookNow();
          return received.relay.polls() > polls;
        });
  }

  @Test
  void aCommitOfTheSameProcessEndsThePauseOfAPollThatFoundNothing() {
    // It neither polls by itself nor sleeps.
    ReceivedChanges received = relay(settings().withPace(NEVER, NEVER, NEVER));
    alice.sends(conversation, "found at once");
    received.relay.lookNow();
    received.awaits(1);
  }

  @ParameterizedTest
  @EnumSource
  void aListenerThatIsKilledIsRemadeAndNothingIsMissed(ListenDriver driver) {
    ReceivedChanges received = relay(settings().withDriver(driver));
    int sent = 0;
    for (int i = 0; i < 3; i++) {
      received.fallsAsleep();
      long made = received.relay.reconnects();
      kill("gptdesk-chat listener");
      received.awaits(++sent, () -> alice.sends(conversation, "while not listening"));
      Await.until(
          "a new listener",
          () -> received.relay.reconnects() > made && received.relay.isUpToDate());
    }
    received.fallsAsleep();
    received.awaits(++sent, () -> alice.sends(conversation, "after"));
    received.hasAllInOrder(sent);
    assertEquals(0, received.relay.resyncs());
  }

  @Test
  void aReaderThatIsKilledAsleepGoesOnWhereItWas() {
    ReceivedChanges received = relay(settings());
    received.fallsAsleep();
    long made = received.relay.reconnects();

    kill("gptdesk-chat relay");
    alice.sends(conversation, "nobody holds the slot any more, so this notifies nobody");

    received.awaits(1);
    Await.until("a new connection", () -> received.relay.reconnects() > made);
    received.hasAllInOrder(1);
    assertEquals(0, received.relay.resyncs());
  }

  @Test
  void whileItWaitsToReadAgainItIsNotUpToDate() {
    RelaySettings usual = settings();
    ReceivedChanges received =
        relay(
            new RelaySettings(
                new ListenSettings(
                    usual.listening().jdbcUrl(),
                    usual.listening().user(),
                    usual.listening().password(),
                    usual.listening().driver(),
                    usual.listening().backstop(),
                    usual.listening().heartbeat(),
                    usual.listening().timeout(),
                    usual.listening().connectTimeout(),
                    NEVER,
                    NEVER),
                usual.pause(),
                usual.calm(),
                usual.maxRows(),
                null));
    received.fallsAsleep();

    kill("gptdesk-chat relay");

    Await.until("the loss", () -> received.relay.reconnects() == 1);
    assertFalse(received.relay.isUpToDate());
  }

  @Test
  void aReaderThatIsKilledAtWorkTellsEverythingOnceAndInOrder() throws InterruptedException {
    ReceivedChanges received = relay(settings());
    Thread killer =
        Thread.ofVirtual()
            .start(
                () -> {
                  for (int i = 1; i <= 4; i++) {
                    int next = i * 30;
                    Await.until("progress", () -> received.changes.size() >= next);
                    kill("gptdesk-chat relay");
                  }
                });
    for (int i = 0; i < 200; i++) {
      alice.sends(conversation, "message");
    }
    killer.join();

    received.awaits(200);
    received.hasAllInOrder(200);
    Await.until("a new connection", () -> received.relay.reconnects() >= 1);
    assertEquals(0, received.relay.resyncs());
  }

  /** A transaction that began before the relay fell asleep, and commits when it sleeps. */
  @Test
  void aWriterWithAnOldSnapshotWakesItToo() throws SQLException {
    ReceivedChanges received = relay(settings());
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      statement.execute("select count(*) from public.users");
      received.fallsAsleep();
      statement.execute(
          "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
              .formatted(alice.id(), database.carol().id()));
      connection.commit();
    }
    assertEquals("user_blocks", received.awaits(1).getFirst().table());
  }

  @Test
  void whileAWriterThatSkippedTheBellIsAtWorkItDoesNotSleep() throws SQLException {
    ReceivedChanges received;
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(
          "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
              .formatted(alice.id(), database.carol().id()));
      // It tries to fall asleep whenever a poll finds nothing.
      received = relay(settings().withPace(Duration.ofMillis(1), Duration.ZERO, NEVER));
      long polls = received.relay.polls();
      Await.until("it goes on polling", () -> received.relay.polls() > polls + 50);
      assertEquals(0, received.relay.sleeps());
      connection.commit();
    }
    received.awaits(1);
    received.fallsAsleep();
  }

  @Test
  void anotherEpochMeansToBeginAnewAndToSaySo() {
    ReceivedChanges received = relay(settings());
    alice.sends(conversation, "before");
    received.awaits(1);

    database.asOwner("delete from relay.epoch"); // what a crash does
    alice.sends(conversation, "lost, if it came too early");

    Await.until("the resync", () -> received.resyncs.size() == 2);
    assertEquals(1, received.relay.resyncs());
    alice.sends(conversation, "after");
    Await.until("what came after", () -> received.hasReceived("after"));
  }

  @Test
  void aListenerThatFailsDoesNotStopIt() {
    ReceivedChanges received = relay(settings());
    received.failsOn = 1;

    alice.sends(conversation, "one");
    alice.sends(conversation, "two");

    received.awaits(2);
  }

  @Test
  void fourRelaysSleepAndAFifthGoesOnPolling() {
    var relays = new ArrayList<ReceivedChanges>();
    for (int i = 0; i < 4; i++) {
      ReceivedChanges received = relay(settings());
      received.fallsAsleep();
      relays.add(received);
    }
    ReceivedChanges fifth = relay(settings());
    Await.until("it is up to date", () -> fifth.relay.isUpToDate());
    long polls = fifth.relay.polls();
    Await.until("it polls", () -> fifth.relay.polls() > polls + 5);
    assertEquals(0, fifth.relay.sleeps());
    relays.add(fifth);

    alice.sends(conversation, "hi");

    relays.forEach(received -> received.awaits(1));
    relays.subList(0, 4).forEach(ReceivedChanges::fallsAsleep);
  }

  @Test
  void closingEndsItsWaitAndItsConnections() {
    ReceivedChanges received = relay(settings());
    received.fallsAsleep();

    received.relay.close();

    Await.until("it is up to date no more", () -> !received.relay.isUpToDate());
    Await.until("no connection", () -> connections() == 0);
  }

  @Test
  void aDatabaseThatCannotBeReachedIsTriedAgain() {
    Login login = database.service();
    var received =
        new ReceivedChanges(
            RelaySettings.of(
                "jdbc:postgresql://127.0.0.1:1/nowhere", login.user(), login.password()));
    open.add(received.relay);
    received.relay.start();
    Await.until("it tries", () -> received.relay.reconnects() >= 2);
    assertFalse(received.relay.isUpToDate());
  }

  private RelaySettings settings() {
    Login login = database.service();
    return RelaySettings.of(login.url(), login.user(), login.password())
        .withPace(Duration.ofMillis(1), Duration.ofMillis(30), NEVER)
        .withHeartbeat(NEVER, Duration.ofMinutes(1), Duration.ofMinutes(1)); // see HalfOpenTest
  }

  private ReceivedChanges relay(RelaySettings settings) {
    var received = new ReceivedChanges(settings);
    open.add(received.relay);
    received.relay.start();
    Await.until("it is up to date", () -> received.relay.isUpToDate());
    return received;
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
            "select count(*) from pg_stat_activity where application_name in ('gptdesk-chat relay', 'gptdesk-chat listener') and datname = current_database()"));
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

  private static final class ReceivedChanges implements ChangeListener {
    final List<Change> changes = new CopyOnWriteArrayList<>();
    final List<String> resyncs = new CopyOnWriteArrayList<>();
    final Relay relay;
    volatile int failsOn = -1;

    ReceivedChanges(RelaySettings settings) {
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
      return Await.value(number + " changes", () -> changes, received -> received.size() >= number);
    }

    void awaits(int number, Runnable after) {
      after.run();
      awaits(number);
    }

    boolean hasReceived(String content) {
      return changes.stream()
          .anyMatch(
              change ->
                  String.valueOf(change.record()).contains("\"content\":\"" + content + "\""));
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
