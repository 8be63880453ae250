package com.gptdesk.chat.testing;

import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.cluster.NatsCluster;
import com.gptdesk.chat.service.cluster.NatsSettings;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The changes of one node under test: it reads the change log itself, or receives changes over
 * NATS.
 */
public final class NodeChanges implements AutoCloseable {
  private final @Nullable NatsCluster cluster;
  private final FanOut fanOut;
  private final Relay relay;

  /**
   * Creates one that is not started.
   *
   * @param nats null for a relay of its own
   */
  public NodeChanges(RelaySettings settings, @Nullable NatsSettings nats) {
    this(settings, nats, fanOut -> fanOut);
  }

  /**
   * Creates one that is not started.
   *
   * @param between what stands before its fan-out
   */
  public NodeChanges(
      RelaySettings settings, @Nullable NatsSettings nats, UnaryOperator<ChangeListener> between) {
    if (nats == null) {
      cluster = null;
      fanOut = new FanOut();
      relay = new Relay(settings, between.apply(fanOut));
    } else {
      cluster = new NatsCluster(nats);
      fanOut = new FanOut(cluster.audiences());
      relay = new Relay(settings, cluster.leader());
      cluster.start(between.apply(fanOut), fanOut, null);
    }
  }

  public FanOut fanOut() {
    return fanOut;
  }

  public Relay relay() {
    return relay;
  }

  /** Only with NATS. */
  public NatsCluster cluster() {
    if (cluster == null) {
      throw new IllegalStateException("this one reads the change log itself");
    }
    return cluster;
  }

  /** Starts, and returns when it is up to date. */
  public NodeChanges start() {
    relay.start();
    Await.until("the node to be up to date", this::isUpToDate);
    return this;
  }

  public boolean isUpToDate() {
    return cluster == null ? relay.isUpToDate() : cluster.problem() == null;
  }

  @Override
  public void close() {
    relay.close();
    if (cluster != null) {
      cluster.close();
    }
  }
}
