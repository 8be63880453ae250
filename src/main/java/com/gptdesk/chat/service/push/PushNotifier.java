package com.gptdesk.chat.service.push;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells people who are away of new messages, through the push services of their browsers. Every
 * node does it: one at a time reads the change log, and each posts what it takes from the queue. A
 * notice is posted at least once; what a crash interrupts is posted again.
 *
 * <p>One virtual thread looks for work; each request has one of its own.
 */
public final class PushNotifier implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PushNotifier.class);
  private static final Duration SWEEP = Duration.ofHours(1);
  private static final Duration FIRST_WAIT = Duration.ofSeconds(15);
  private static final Duration LONGEST_WAIT = Duration.ofHours(1);
  private static final Duration DAY = Duration.ofDays(1);

  private final PushRecords records;
  private final PushPost post;
  private final PushCounts counts;
  private final PushSettings settings;
  private final Semaphore free;
  private final CountDownLatch closing = new CountDownLatch(1);
  private long swept = System.nanoTime() - SWEEP.toNanos();

  private PushNotifier(
      PushRecords records, PushPost post, PushCounts counts, PushSettings settings) {
    this.records = records;
    this.post = post;
    this.counts = counts;
    this.settings = settings;
    this.free = new Semaphore(settings.parallel());
  }

  /**
   * Tells the database what this node sends with. Without a key there is no notifier, and what
   * other nodes do stays as it is.
   */
  public static @Nullable PushNotifier of(
      ServiceDatabase database, PushSettings settings, PushCounts counts) {
    return of(database, settings, counts, null);
  }

  static @Nullable PushNotifier of(
      ServiceDatabase database,
      PushSettings settings,
      PushCounts counts,
      @Nullable SSLContext trust) {
    PushKey key = settings.key();
    if (key == null) {
      String others = PushRecords.publicKey(database);
      if (others != null) {
        LOG.warn(
            "This node has no CHAT_PUSH_KEY_FILE and sends no push notifications; nodes with the key {} do. The command push-off turns them off for all",
            others);
      }
      return null;
    }
    if (PushRecords.introduce(database, settings)) {
      LOG.info(
          "Push notifications are sent with the key {}; browsers with another key subscribe again",
          key.publicKey());
    }
    return new PushNotifier(
        new PushRecords(database, settings),
        new PushPost(settings, key, Clock.systemUTC(), trust),
        counts,
        settings);
  }

  /** Runs at once and then after each pause, until closed. */
  public void start() {
    Thread.ofVirtual()
        .name("push-notifier")
        .start(
            () -> {
              try {
                do {
                  attempt();
                } while (!closing.await(settings.pause().toMillis(), TimeUnit.MILLISECONDS));
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private void attempt() throws InterruptedException {
    try {
      run();
    } catch (DatabaseUnavailable e) {
      LOG.warn(
          "Nobody was told by push: {}; trying again in {} ms",
          e.getMessage(),
          settings.pause().toMillis());
    } catch (RuntimeException e) {
      LOG.warn("Nobody was told by push; trying again in {} ms", settings.pause().toMillis(), e);
    }
  }

  private void run() throws InterruptedException {
    while (closing.getCount() > 0 && records.queue()) {
      LOG.debug("More changes wait to be read");
    }
    int most;
    List<PushNotice> taken;
    do {
      // Only as many as can be posted at once: what waits here would lose its lease.
      free.acquire();
      most = 1 + free.drainPermits();
      try {
        taken = records.take(most);
      } catch (RuntimeException e) {
        free.release(most);
        throw e;
      }
      free.release(most - taken.size());
      for (PushNotice notice : taken) {
        Thread.ofVirtual().name("push").start(() -> tell(notice));
      }
    } while (taken.size() == most && closing.getCount() > 0);
    if (System.nanoTime() - swept >= SWEEP.toNanos()) {
      while (closing.getCount() > 0 && records.sweep()) {
        LOG.debug("Removed devices that no browser has named for long");
      }
      swept = System.nanoTime();
    }
  }

  private void tell(PushNotice notice) {
    counts.began();
    try {
      PushOutcome outcome = post.send(notice);
      if (closing.getCount() == 0 && outcome instanceof PushOutcome.Later) {
        return; // closing broke it off; another node takes it when the lease has ended
      }
      Duration wait = outcome instanceof PushOutcome.Later later ? waitFor(later, notice) : null;
      log(notice, outcome, wait);
      records.finish(notice, outcome, wait);
      counts.count(outcome);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("{} has an unknown outcome; trying again when its lease has ended", notice, e);
    } finally {
      counts.ended();
      free.release();
    }
  }

  private static void log(PushNotice notice, PushOutcome outcome, @Nullable Duration wait) {
    switch (outcome) {
      case PushOutcome.Sent() -> LOG.debug("{} was sent", notice);
      case PushOutcome.Gone() ->
          LOG.info("The device {} is unknown to its push service; it is removed", notice.device());
      case PushOutcome.Refused(String why) ->
          LOG.warn("{} was refused: {}; it is dropped", notice, why);
      case PushOutcome.Later later ->
          LOG.info("{} was not taken: {}; trying again in {}", notice, later.why(), wait);
    }
  }

  /** As the push service asks; else twice as long after each try. */
  private static Duration waitFor(PushOutcome.Later later, PushNotice notice) {
    Duration asked = later.after();
    if (asked != null) {
      return asked.isNegative() ? Duration.ZERO : asked.compareTo(DAY) > 0 ? DAY : asked;
    }
    Duration doubled = FIRST_WAIT.multipliedBy(1L << Math.min(notice.tries() - 1, 20));
    Duration wait = doubled.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : doubled;
    return wait.multipliedBy(75 + ThreadLocalRandom.current().nextInt(51)).dividedBy(100);
  }

  /** What is being posted is broken off, and posted again by another node or after a restart. */
  @Override
  public void close() {
    closing.countDown();
    post.close();
  }
}
