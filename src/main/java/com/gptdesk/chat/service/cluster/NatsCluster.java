package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.AudienceSource;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.LeadingListener;
import com.gptdesk.chat.relay.listen.Backoff;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node of a cluster that shares a NATS server: the feed that receives changes, the publisher
 * for when it leads, and their connection. A lost connection is replaced with back-off.
 *
 * <p>Use {@code new FanOut(cluster.audiences())} to subscribe, {@code new Relay(settings,
 * cluster.leader())} to read while this node leads, and {@link #start} to connect. Close the relay
 * first. Thread-safe.
 */
public final class NatsCluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NatsCluster.class);
  private static final Duration FIRST_RETRY = Duration.ofMillis(100);
  private static final Duration LONGEST_RETRY = Duration.ofSeconds(10);
  private static final Duration PATIENCE_AT_CLOSE = Duration.ofSeconds(2);

  /** Receives the audiences of all changes, whether their users are connected here or not. */
  public interface AudienceObserver {
    /**
     * A change has this audience.
     *
     * @param audience a person or a team
     */
    void changeFor(Audience audience);

    /** Changes were missed; they may have any audience. */
    void changesMissed();
  }

  private final NatsSettings settings;
  private final ClusterFeed feed = new ClusterFeed(ClusterFeed.ASKED_AGAIN_AFTER);
  private final ChangePublisher publisher = new ChangePublisher();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final LongAdder reconnects = new LongAdder();
  private final Thread thread = Thread.ofVirtual().name("nats").unstarted(this::run);
  private volatile @Nullable NatsConnection connection;

  /**
   * Creates a node that is not connected.
   *
   * @param settings where to connect
   */
  public NatsCluster(NatsSettings settings) {
    this.settings = settings;
  }

  /** {@return the source of the fan-out's changes} */
  public AudienceSource audiences() {
    return feed;
  }

  /** {@return the listener of the relay, which publishes its changes while it leads} */
  public LeadingListener leader() {
    return publisher;
  }

  /**
   * Starts to connect and returns at once; see {@link #problem}.
   *
   * @param listener receives the changes of the wanted audiences, in one thread
   * @param fanOut resyncs the subscribers of audiences whose changes were missed
   * @param observer receives the audiences of each change before the listener; null for none
   */
  public void start(ChangeListener listener, FanOut fanOut, @Nullable AudienceObserver observer) {
    if (observer != null) {
      feed.wanted(ClusterFeed.EVERYBODY);
    }
    feed.start(
        new ClusterFeed.Receivers() {
          @Override
          public ChangeListener listener() {
            return listener;
          }

          @Override
          public void missed(List<Audience> audiences, String reason) {
            fanOut.resync(audiences, reason);
          }

          @Override
          public void changesFor(List<Audience> audiences) {
            if (observer != null) {
              audiences.forEach(observer::changeFor);
            }
          }

          @Override
          public void changesMissed() {
            if (observer != null) {
              observer.changesMissed();
            }
          }
        });
    connect();
  }

  /** Opens the connection and keeps it open. */
  void connect() {
    thread.start();
  }

  /** {@return why changes do not arrive in time, in words; null when they do} */
  public @Nullable String problem() {
    return feed.problem();
  }

  /** {@return whether the connection is open} */
  public boolean isConnected() {
    return connection != null;
  }

  /** {@return how many audiences this node subscribes to} */
  public int size() {
    return feed.size();
  }

  /**
   * {@return how often a change was missed on an audience, so that its subscribers had to catch up}
   */
  public long gaps() {
    return feed.gaps();
  }

  /** {@return how many messages this node has dropped since it connected, as too many waited} */
  public long dropped() {
    NatsConnection now = connection;
    return now == null ? 0 : now.dropped();
  }

  /** {@return how often everybody had to catch up} */
  public long resyncs() {
    return feed.resyncs();
  }

  /** {@return how often a lost connection was replaced} */
  public long reconnects() {
    return reconnects.sum();
  }

  private void run() {
    var backoff = new Backoff(FIRST_RETRY, LONGEST_RETRY);
    var handlers = new NatsConnection.Handlers(feed::receive, publisher::answer);
    boolean first = true;
    try {
      while (closing.getCount() != 0) {
        String problem = "it was lost";
        try (NatsConnection now = NatsConnection.open(settings, handlers)) {
          if (!first) {
            reconnects.increment();
          }
          first = false;
          backoff.reset();
          connected(now);
          LOG.info("Connected to NATS at {}", settings);
          now.awaitEnd();
        } catch (IOException | RuntimeException e) {
          LOG.debug("NATS cannot be reached", e);
          problem = String.valueOf(e.getMessage());
        } finally {
          connected(null);
        }
        Duration wait = backoff.next();
        if (closing.getCount() != 0) {
          LOG.warn("No connection to NATS ({}); trying again in {} ms", problem, wait.toMillis());
        }
        if (closing.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("The connection to NATS was interrupted and ends");
    }
  }

  private void connected(@Nullable NatsConnection now) {
    connection = now;
    feed.connected(now);
    publisher.connected(now);
  }

  /** Ends the connection. */
  @Override
  public void close() {
    closing.countDown();
    thread.interrupt();
    feed.close();
    try {
      if (thread.isAlive() && !thread.join(PATIENCE_AT_CLOSE)) {
        LOG.warn("The connection to NATS does not end; closing without it");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
