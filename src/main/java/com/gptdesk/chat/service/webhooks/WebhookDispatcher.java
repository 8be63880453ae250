package com.gptdesk.chat.service.webhooks;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.service.database.ServiceDatabase;
import io.vertx.core.Vertx;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves changes into events and posts those that are due. One thread decides, a virtual thread for
 * each post waits for its answer. Every node does it; the database says who gets which event. What
 * a crash interrupts is posted again with the same id.
 */
public final class WebhookDispatcher implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WebhookDispatcher.class);
  private static final int PAGE = 1000;

  /** Whether there are webhooks at all, and the figures, are asked so often. */
  private static final Duration FIGURES = Duration.ofSeconds(10);

  private static final Duration DEAD_LETTERS = Duration.ofHours(1);

  /** Longer than a post may take: nobody else posts the event meanwhile. */
  private static final Duration AFTER_TIMEOUT = Duration.ofSeconds(30);

  private final WebhookRecords records;
  private final WebhookSettings settings;
  private final WebhookSender sender;
  private final WebhookCounts counts = new WebhookCounts();
  private final Semaphore news = new Semaphore(0);
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger posting = new AtomicInteger();
  private final Map<String, Integer> postingTo = new ConcurrentHashMap<>();

  private volatile WebhookRecords.Figures figures = new WebhookRecords.Figures(0, 0, 0, 0, 0);
  private long nextFigures = System.nanoTime();
  private long nextDeadLetters = System.nanoTime();

  public WebhookDispatcher(Vertx vertx, ServiceDatabase database, WebhookSettings settings) {
    this(vertx, database, settings, InetAddress::getAllByName);
  }

  WebhookDispatcher(
      Vertx vertx, ServiceDatabase database, WebhookSettings settings, HostNames.Lookup lookup) {
    this.records = new WebhookRecords(database);
    this.settings = settings;
    this.sender = new WebhookSender(vertx, settings, lookup);
  }

  /** Wakes the dispatcher at each change that the listener has heard. */
  public ChangeListener informedBy(ChangeListener listener) {
    return new ChangeListener() {
      @Override
      public void changed(Change change) {
        listener.changed(change);
        wake();
      }

      @Override
      public void resync(String reason) {
        listener.resync(reason);
        wake();
      }
    };
  }

  private void wake() {
    if (figures.webhooks() > 0 && news.availablePermits() == 0) {
      news.release();
    }
  }

  /** Runs until closed. */
  public void start() {
    Thread.ofVirtual().name("webhooks").start(this::run);
  }

  private void run() {
    try {
      while (closing.getCount() > 0) {
        boolean goesOn = attempt();
        if (!goesOn) {
          Duration pause = figures.webhooks() > 0 ? settings.poll() : FIGURES;
          news.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS);
        }
        news.drainPermits();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      ended.countDown();
    }
  }

  /** One round; true when there may be more to do at once. */
  private boolean attempt() {
    try {
      askWhenDue();
      if (figures.webhooks() == 0) {
        return false;
      }
      long read = records.fill(PAGE);
      counts.isRead(read);
      boolean took = post();
      return read > 0 || took;
    } catch (DatabaseUnavailable e) {
      LOG.warn("Webhooks wait for the database: {}", e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("Webhooks were not looked after; trying again", e);
    }
    return false;
  }

  private void askWhenDue() {
    long now = System.nanoTime();
    if (now - nextFigures >= 0) {
      figures = records.figures();
      nextFigures = now + FIGURES.toNanos();
    }
    if (figures.webhooks() > 0 && now - nextDeadLetters >= 0) {
      long gone = records.dropDeadLetters(settings.deadDays());
      if (gone > 0) {
        LOG.info("Deleted {} dead letters of more than {} days", gone, settings.deadDays());
      } else {
        nextDeadLetters = now + DEAD_LETTERS.toNanos();
      }
    }
  }

  private boolean post() {
    int free = settings.parallel() - posting.get();
    if (free <= 0) {
      return false; // the end of a post wakes us
    }
    int ofOne = Math.max(1, settings.parallel() / 2);
    List<String> busy =
        postingTo.entrySet().stream()
            .filter(entry -> entry.getValue() >= ofOne)
            .map(Map.Entry::getKey)
            .toList();
    List<WebhookEvent> due =
        records.take(settings.longestPost().plus(AFTER_TIMEOUT), free, ofOne, busy);
    for (WebhookEvent event : due) {
      posting.incrementAndGet();
      postingTo.merge(event.webhook(), 1, Integer::sum);
      Thread.ofVirtual().name("webhook-" + event.messageId()).start(() -> deliver(event));
    }
    return !due.isEmpty();
  }

  private void deliver(WebhookEvent event) {
    try {
      settle(event, sender.post(event));
    } catch (DatabaseUnavailable e) {
      LOG.warn("{} will be posted again: {}", event, e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("{} will be posted again", event, e);
    } finally {
      posting.decrementAndGet();
      postingTo.computeIfPresent(event.webhook(), (name, n) -> n == 1 ? null : n - 1);
      news.release();
    }
  }

  private void settle(WebhookEvent event, WebhookSender.Outcome outcome) {
    String problem = outcome.problem();
    if (problem == null) {
      records.finish(event.id());
      counts.isDelivered();
      return;
    }
    boolean isGivenUp =
        event.tries() >= settings.maxTries() || event.age().compareTo(settings.maxAge()) > 0;
    records.fail(event.id(), problem, isGivenUp ? null : pause(event.tries(), outcome.notBefore()));
    if (isGivenUp) {
      counts.isDead();
      LOG.warn("{} is a dead letter after {} tries: {}", event, event.tries(), problem);
    } else {
      counts.isFailed();
      LOG.debug("{} failed at try {}: {}", event, event.tries(), problem);
    }
  }

  /** Doubles with each try, up to a bound, less up to half by chance. */
  private Duration pause(int tries, @Nullable Duration notBefore) {
    long most = settings.longestPause().toMillis();
    long doubled =
        Math.min(most, settings.firstPause().toMillis() << Math.min(tries - 1, 30)); // at most 2^52
    long pause = doubled - ThreadLocalRandom.current().nextLong(doubled / 2 + 1);
    return Duration.ofMillis(
        notBefore == null ? pause : Math.max(pause, Math.min(most, notBefore.toMillis())));
  }

  /** For metrics. */
  public WebhookCounts counts() {
    return counts;
  }

  /** Events that wait, at most some seconds old. */
  public long waiting() {
    return figures.waiting();
  }

  /** Dead letters that are kept. */
  public long deadLetters() {
    return figures.dead();
  }

  /** The age in seconds of the oldest event that waits for an active webhook. */
  public double oldestSeconds() {
    return figures.oldestSeconds();
  }

  /** How often changes were lost before they were read. */
  public long gaps() {
    return figures.gaps();
  }

  /** Begins no post any more, and waits for the answers to those that are on their way. */
  @Override
  public void close() {
    closing.countDown();
    news.release();
    try {
      if (ended.await(settings.longestPost().toMillis(), TimeUnit.MILLISECONDS)) {
        long deadline = System.nanoTime() + settings.longestPost().toNanos();
        while (posting.get() > 0 && System.nanoTime() - deadline < 0) {
          news.tryAcquire(100, TimeUnit.MILLISECONDS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    sender.close();
  }
}
