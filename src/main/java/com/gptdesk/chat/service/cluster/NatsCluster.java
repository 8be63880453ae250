package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.LeadingListener;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.relay.ScopeSource;
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
 * One node's place among others that share a NATS server: its ear, its voice should it lead, and
 * the connection of both, which is made again with back-off whenever it is lost.
 *
 * <p>To be wired thus: {@code new FanOut(cluster.scopes())} waits, {@code new Relay(settings,
 * cluster.leader())} reads when it is this node's turn, {@link #start} connects. Close the relay
 * first. Any thread may call.
 */
public final class NatsCluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NatsCluster.class);
  private static final Duration FIRST_RETRY = Duration.ofMillis(100);
  private static final Duration LONGEST_RETRY = Duration.ofSeconds(10);
  private static final Duration PATIENCE_AT_CLOSE = Duration.ofSeconds(2);

  /** Who wants to know of everybody whom a change concerns, whether they are connected or not. */
  public interface Attendant {
    /**
     * A change concerns this person, or team.
     *
     * @param scope which of the two, and its id
     */
    void told(Scope scope);

    /** Changes were missed; they may concern anybody. */
    void toldAll();
  }

  private final NatsSettings settings;
  private final ClusterFeed gateway = new ClusterFeed(ClusterFeed.ASKED_AGAIN_AFTER);
  private final ChangePublisher publisher = new ChangePublisher();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final LongAdder reconnects = new LongAdder();
  private final Thread thread = Thread.ofVirtual().name("nats").unstarted(this::run);
  private volatile @Nullable NatsConnection line;

  /**
   * Makes a node that hears nothing yet.
   *
   * @param settings where NATS is
   */
  public NatsCluster(NatsSettings settings) {
    this.settings = settings;
  }

  /** {@return what tells a fan-out the changes it waits for} */
  public ScopeSource scopes() {
    return gateway;
  }

  /** {@return what a relay tells when it is its turn to read for all} */
  public LeadingListener leader() {
    return publisher;
  }

  /**
   * Begins to connect and returns at once; see {@link #trouble}.
   *
   * @param listener is told the changes of the scopes that somebody waits for, by one thread
   * @param fanOut knows who waits for a scope, to be told when changes were missed there
   * @param attendant is told before the listener whom each change concerns; null for nobody
   */
  public void start(ChangeListener listener, FanOut fanOut, @Nullable Attendant attendant) {
    if (attendant != null) {
      gateway.wanted(ClusterFeed.EVERYBODY);
    }
    gateway.start(
        new ClusterFeed.Hearers() {
          @Override
          public ChangeListener all() {
            return listener;
          }

          @Override
          public void missed(List<Scope> scopes, String reason) {
            fanOut.resync(scopes, reason);
          }

          @Override
          public void noted(List<Scope> scopes) {
            if (attendant != null) {
              scopes.forEach(attendant::told);
            }
          }

          @Override
          public void notedNot() {
            if (attendant != null) {
              attendant.toldAll();
            }
          }
        });
    connect();
  }

  /** Keeps a connection from now on. */
  void connect() {
    thread.start();
  }

  /** {@return what keeps changes from arriving in time, for people; null when nothing does} */
  public @Nullable String trouble() {
    return gateway.trouble();
  }

  /** {@return whether the connection stands} */
  public boolean isConnected() {
    return line != null;
  }

  /** {@return how many scopes somebody here waits for} */
  public int size() {
    return gateway.size();
  }

  /** {@return how often a change was missed on a scope, and caught up with by who waited for it} */
  public long gaps() {
    return gateway.gaps();
  }

  /** {@return how many messages this node dropped, since it connected, because too many waited} */
  public long dropped() {
    NatsConnection now = line;
    return now == null ? 0 : now.dropped();
  }

  /** {@return how often everybody was told to catch up} */
  public long resyncs() {
    return gateway.resyncs();
  }

  /** {@return how often a lost connection was remade} */
  public long reconnects() {
    return reconnects.sum();
  }

  private void run() {
    var backoff = new Backoff(FIRST_RETRY, LONGEST_RETRY);
    var ears = new NatsConnection.Ears(gateway::take, publisher::asked);
    boolean first = true;
    try {
      while (closing.getCount() != 0) {
        String trouble = "it was lost";
        try (NatsConnection now = NatsConnection.open(settings, ears)) {
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
          trouble = String.valueOf(e.getMessage());
        } finally {
          connected(null);
        }
        Duration wait = backoff.next();
        if (closing.getCount() != 0) {
          LOG.warn("No connection to NATS ({}); trying again in {} ms", trouble, wait.toMillis());
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
    line = now;
    gateway.connected(now);
    publisher.connected(now);
  }

  /** Ends the connection. */
  @Override
  public void close() {
    closing.countDown();
    thread.interrupt();
    gateway.close();
    try {
      if (thread.isAlive() && !thread.join(PATIENCE_AT_CLOSE)) {
        LOG.warn("The connection to NATS does not end; going on without");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
