package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Sixteen writers, every kind of transaction, bursts and silences, a log that is emptied all the
 * while: each change once, in order.
 */
class NothingIsLostTest {
  private static final int CHANGES = 2000;
  private static final int SLEEPS = 5;
  private static final int TRUNCATIONS = 2;

  /** Fewer than what often becomes visible at once: most snapshots take several polls. */
  private static final int MOST_IN_A_POLL = 5;

  @Test
  void everyCommittedChangeIsToldOnceInItsConversationsOrder() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      ProofDatabase scene = ProofDatabase.of(database);
      List<Talk> talks = scene.talks(10);
      Ledger.witness(scene);
      ReceivedChanges received = new ReceivedChanges();
      Random random = new Random(Proof.SEED);
      try (Relay relay = received.through(scene.relay().withMaxRows(MOST_IN_A_POLL));
          NotifyCounter notifies = new NotifyCounter(scene);
          Rotation rotation = new Rotation(scene, talks.getFirst(), received);
          Traffic traffic = new Traffic(scene, talks, 16, Proof.SEED)) {
        int bursts = 0;
        // Until the run was as hard as it claims to be.
        while (received.changes().size() < CHANGES * Proof.TIMES
            || rotation.truncations() < TRUNCATIONS
            || relay.sleeps() < SLEEPS
            || traffic.oldSnapshots.sum() == 0
            || traffic.savepointsRolledBack.sum() == 0) {
          traffic.begin();
          LockSupport.parkNanos(Duration.ofMillis(20 + random.nextInt(500)).toNanos());
          traffic.pause();
          if (++bursts % 4 == 0) {
            Await.until("the relay to sleep", relay::isAsleep);
          } else {
            // Not until it sleeps: writers wake it while it falls asleep, too.
            LockSupport.parkNanos(Duration.ofMillis(random.nextInt(250)).toNanos());
          }
        }
        traffic.fallSilent();
        for (Talk talk : talks) {
          scene.say(talk, "marker " + talk.id());
        }
        talks.forEach(talk -> received.awaits("marker " + talk.id()));
        Await.until("the relay to sleep", relay::isAsleep);
        rotation.stop();

        Ledger ledger = new Ledger(scene);
        ledger.check(received.changes());
        new Report("Everything once, in order (seed " + Proof.SEED + ")")
            .line("transactions committed", traffic.committed)
            .line("  with an old snapshot", traffic.oldSnapshots)
            .line("rolled back", traffic.rolledBack)
            .line("savepoints rolled back", traffic.savepointsRolledBack)
            .line("refused, by SQLSTATE", traffic.refused)
            .line("changes told", received.changes().size())
            .line("lost", ledger.lost())
            .line("told twice", ledger.twice())
            .line("out of order", ledger.disordered())
            .line("told though rolled back", ledger.never())
            .line(
                "bursts / fell asleep / woken",
                bursts + " / " + relay.sleeps() + " / " + relay.wakes())
            .line("polls", relay.polls())
            .line("NOTIFYs", notifies.count())
            .line("transaction ids used up", rotation.burnt())
            .line("relay.maintain()", rotation.outcomes())
            .print();

        ledger.assertFlawless();
        assertEquals(0, relay.resyncs());
        assertEquals(0, relay.reconnects());
      }
    }
  }
}
