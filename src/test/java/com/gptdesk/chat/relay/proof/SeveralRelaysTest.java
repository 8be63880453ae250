package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Several nodes on one database: each tells everything; four sleep, the fifth polls. */
class SeveralRelaysTest {
  private final List<ReceivedChanges> received = new ArrayList<>();
  private final List<Relay> relays = new ArrayList<>();
  private TestDatabase database;
  private ProofDatabase scene;
  private List<Talk> talks;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    scene = ProofDatabase.of(database);
    talks = scene.talks(6);
    Ledger.witness(scene);
  }

  @AfterEach
  void close() {
    relays.forEach(Relay::close);
    database.close();
  }

  @Test
  void twoFallAsleepBothWakeBothTellEverything() throws SQLException {
    begin(2);
    for (int i = 1; i <= 5; i++) {
      Await.until("both to sleep", () -> relays.stream().allMatch(Relay::isAsleep));
      scene.say(talks.getFirst(), "marker " + i);
      allAwait("marker " + i);
    }
    relays.forEach(relay -> Await.until("the last waking", () -> relay.wakes() == 5));
    loadAndCheck("Two relays");
  }

  @Test
  void theFifthPollsAndTellsEverythingAndSleepsWhenASlotIsFree() throws SQLException {
    begin(5);
    Await.until("four to sleep", () -> relays.stream().filter(Relay::isAsleep).count() == 4);
    Relay fifth = relays.stream().filter(relay -> relay.sleeps() == 0).findFirst().orElseThrow();
    long polls = fifth.polls();
    Await.until("the fifth to poll on", () -> fifth.polls() > polls + 10);
    scene.say(talks.getFirst(), "marker five");
    allAwait("marker five");
    loadAndCheck("Five relays");
    assertEquals(0, fifth.sleeps());

    Relay first = relays.stream().filter(relay -> relay != fifth).findFirst().orElseThrow();
    first.close();
    Await.until("the fifth to take the free slot", fifth::isAsleep);
    scene.say(talks.getFirst(), "marker six");
    received.get(relays.indexOf(fifth)).awaits("marker six");
  }

  private void begin(int count) {
    for (int i = 0; i < count; i++) {
      ReceivedChanges notifies = new ReceivedChanges();
      received.add(notifies);
      relays.add(notifies.through(scene.relay()));
    }
  }

  private void allAwait(String marker) {
    received.forEach(each -> each.awaits(marker));
  }

  private void loadAndCheck(String title) throws SQLException {
    Report report = new Report(title);
    try (Traffic traffic = new Traffic(scene, talks, 8, Proof.SEED)) {
      for (int burst = 0; burst < 4; burst++) {
        traffic.begin();
        long enough = 50L * (burst + 1) * Proof.TIMES;
        Await.until("some work", () -> traffic.committed.sum() > enough);
        traffic.fallSilent();
        long asleep = Math.min(4, relays.size());
        Await.until(
            "all to sleep who can",
            () -> relays.stream().filter(Relay::isAsleep).count() == asleep);
      }
      talks.forEach(talk -> scene.say(talk, "marker " + talk.id()));
      talks.forEach(talk -> allAwait("marker " + talk.id()));
      report.line("transactions committed", traffic.committed);
    }
    for (int i = 0; i < relays.size(); i++) {
      Ledger ledger = new Ledger(scene);
      ledger.check(received.get(i).changes());
      report.line(
          "relay " + (i + 1),
          "told %d, lost %d, twice %d, out of order %d; slept %d, polled %d"
              .formatted(
                  received.get(i).changes().size(),
                  ledger.lost(),
                  ledger.twice(),
                  ledger.disordered(),
                  relays.get(i).sleeps(),
                  relays.get(i).polls()));
      ledger.assertFlawless();
      assertEquals(0, relays.get(i).resyncs());
    }
    report.print();
  }
}
