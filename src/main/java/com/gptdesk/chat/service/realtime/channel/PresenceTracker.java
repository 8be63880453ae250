package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.Refusal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the channels of this node track on topics. The database holds it for everybody. This copy
 * restores it when the database has lost it, and removes from the database what is no longer
 * tracked.
 *
 * <p>Thread-safe. Methods that use the database block, so call them on virtual threads.
 */
public final class PresenceTracker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PresenceTracker.class);
  private static final String UNKNOWN_NODE = "PT410";
  private static final int BATCH = 1000;

  private final Topics topics;
  private final UUID node = UUID.randomUUID();
  private final String prefix = node.toString().substring(24);
  private final AtomicLong numbers = new AtomicLong();
  private final ConcurrentHashMap<String, Tracked> tracked = new ConcurrentHashMap<>();

  /** To be removed from the database; kept until that succeeds. */
  private final Set<String> leaving = ConcurrentHashMap.newKeySet();

  private final AtomicBoolean clearing = new AtomicBoolean();
  private final AtomicLong recoveriesAsked = new AtomicLong();

  /** Guards the next fields, and lets only one thread write again at a time. */
  private final Object recovery = new Object();

  private long recoveriesServed;

  /** Whether the database did not know this node, and what it tracks is not written again yet. */
  private boolean isUnknown;

  private volatile boolean closed;

  /** Creates a tracker that tracks nothing; the node is registered in the database at first use. */
  public PresenceTracker(Topics topics) {
    this.topics = topics;
  }

  /** A name for a new channel, unique among all nodes. */
  public String newOrigin() {
    return node + "/" + numbers.incrementAndGet();
  }

  /** How many channels of this node track something. */
  public int size() {
    return tracked.size();
  }

  /** Whether there is something to keep alive or to remove. */
  public boolean isIdle() {
    return tracked.isEmpty() && leaving.isEmpty();
  }

  /**
   * Tracks something for a channel.
   *
   * @throws Refusal when the database refuses; then the earlier state remains
   */
  void track(String origin, String topic, String key, UUID userId, String meta) {
    var wanted =
        new Tracked(
            origin,
            topic,
            key,
            prefix + "." + Long.toString(numbers.incrementAndGet(), 36),
            userId,
            meta);
    Tracked before = tracked.put(origin, wanted);
    try {
      String ref = write(wanted);
      tracked.replace(origin, wanted, wanted.withRef(ref));
    } catch (RuntimeException e) {
      if (before == null) {
        tracked.remove(origin, wanted);
      } else {
        tracked.replace(origin, wanted, before);
      }
      throw e;
    }
    if (!tracked.containsKey(origin)) {
      untrackSoon(List.of(origin)); // The channel was closed meanwhile.
    }
  }

  private String write(Tracked wanted) {
    try {
      return topics.track(node, wanted);
    } catch (Refusal e) {
      if (!e.code().equals(UNKNOWN_NODE)) {
        throw e;
      }
    }
    recover();
    return topics.track(node, wanted);
  }

  /** Untracks a channel. */
  void untrack(String origin) {
    tracked.remove(origin);
    topics.untrack(List.of(origin));
  }

  /** Untracks these channels; returns at once, and retries until it succeeds. */
  void untrackSoon(List<String> origins) {
    for (String origin : origins) {
      tracked.remove(origin);
      leaving.add(origin);
    }
    if (!closed && clearing.compareAndSet(false, true)) {
      Thread.ofVirtual().name("presence").start(this::clear);
    }
  }

  private void clear() {
    try {
      while (!leaving.isEmpty() && !closed) {
        List<String> some = leaving.stream().limit(BATCH).toList();
        topics.untrack(some);
        some.forEach(leaving::remove);
      }
    } catch (RuntimeException e) {
      LOG.warn(
          "{} channels could not be removed from their topics; trying again", leaving.size(), e);
    } finally {
      clearing.set(false);
    }
  }

  /**
   * To be called every few seconds while sockets are open: renews this node, removes what is left
   * over, and cleans up after nodes that died.
   */
  public void keep() {
    if (!leaving.isEmpty()) {
      untrackSoon(List.of());
    }
    if (!tracked.isEmpty()) {
      renew();
    }
    topics.expireNodes();
  }

  /**
   * Changes were missed, so the database may have lost what this node tracks. Concurrent calls
   * share one or two recoveries.
   */
  void recover() {
    if (tracked.isEmpty()) {
      return;
    }
    long mine = recoveriesAsked.incrementAndGet();
    synchronized (recovery) {
      if (recoveriesServed >= mine) {
        return; // By a recovery that started after this call.
      }
      long served = recoveriesAsked.get();
      renew();
      recoveriesServed = served;
    }
  }

  /** Renews this node; when this returns, the database has what it tracks. */
  private void renew() {
    synchronized (recovery) {
      if (!topics.touch(node)) {
        isUnknown = true;
      }
      if (isUnknown) {
        writeAgain();
        isUnknown = false;
      }
    }
  }

  private void writeAgain() {
    var all = new ArrayList<>(tracked.values());
    for (int from = 0; from < all.size(); from += BATCH) {
      topics.trackAgain(node, all.subList(from, Math.min(all.size(), from + BATCH)));
    }
    // Channels that left while this was written.
    List<String> gone =
        all.stream().map(Tracked::origin).filter(origin -> !tracked.containsKey(origin)).toList();
    if (!gone.isEmpty()) {
      untrackSoon(gone);
    }
  }

  /** The node stops: removes all its channels from their topics in one call. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (isIdle()) {
      return;
    }
    try {
      topics.forget(node);
    } catch (RuntimeException e) {
      LOG.warn("The presence of this node could not be ended; it expires by itself", e);
    }
  }
}
