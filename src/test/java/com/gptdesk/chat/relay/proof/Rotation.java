package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes the log turn its children over as fast as days of traffic would: uses up transaction ids,
 * lets a quarter of change_log_hours pass, and calls relay.maintain(), again and again. No relay is
 * that far behind: it has told what was there when the quarter began. Its own thread, until closed.
 */
final class Rotation implements AutoCloseable {
  private static final int IDS = 1 << 16;

  private final ProofDatabase scene;
  private final Talk talk;
  private final ReceivedChanges received;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Map<String, Integer> outcomes = new TreeMap<>();
  private final Thread thread;
  private long burnt;
  private @Nullable Throwable failure;

  /**
   * @param talk where it says its markers
   * @param received what the relay tells
   */
  Rotation(ProofDatabase scene, Talk talk, ReceivedChanges received) {
    this.scene = scene;
    this.talk = talk;
    this.received = received;
    this.thread = Thread.ofPlatform().name("rotation").start(this::run);
  }

  private void run() {
    int turn = 1;
    try (Connection burner = scene.superuser().connect();
        Connection relay = scene.service().connect()) {
      ProofDatabase.run(relay, "set role chat_relay");
      do {
        ProofDatabase.run(
            burner,
            "do $$ begin for i in 1..%d loop perform pg_current_xact_id(); commit; end loop; end $$"
                .formatted(IDS));
        scene.say(talk, "marker turn " + turn);
        received.awaits("marker turn " + turn++);
        scene.timePasses(15);
        String said = ProofDatabase.query(relay, "select relay.maintain()");
        synchronized (this) {
          burnt += IDS;
          outcomes.merge(said.replaceAll("_\\d+", ""), 1, Integer::sum);
        }
      } while (!closing.await(150, TimeUnit.MILLISECONDS));
    } catch (SQLException | AssertionError e) {
      synchronized (this) {
        failure = e;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What relay.maintain() said, and how often. */
  synchronized Map<String, Integer> outcomes() {
    return new TreeMap<>(outcomes);
  }

  /** Fails when the log does not turn over any more. */
  synchronized int truncations() {
    if (failure != null) {
      throw new AssertionError("The rotation has failed", failure);
    }
    return outcomes.entrySet().stream()
        .filter(e -> e.getKey().contains("truncated"))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  synchronized long burnt() {
    return burnt;
  }

  /** Returns when the last turn has ended. */
  void stop() {
    closing.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stop();
  }
}
