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
 * What the channels of this node show on topics. The database has it for everybody; this is the
 * node's own note, from which it is written again when the database has lost it, and by which
 * nothing stays there that is shown no longer.
 *
 * <p>Any thread may call; what asks the database blocks, so call it on virtual threads.
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

  /** To be taken out of the database; stays here until it is. */
  private final Set<String> leaving = ConcurrentHashMap.newKeySet();

  private final AtomicBoolean clearing = new AtomicBoolean();
  private final AtomicLong recoveriesAsked = new AtomicLong();

  /** Guards the next, and lets one thread recover at a time. */
  private final Object recovery = new Object();

  private long recoveriesServed;
  private volatile boolean closed;

  /** Makes a node that shows nothing yet; the database hears of it when it does. */
  public PresenceTracker(Topics topics) {
    this.topics = topics;
  }

  /** A name for a new channel, unlike any other on any node. */
  public String newOrigin() {
    return node + "/" + numbers.incrementAndGet();
  }

  /** How many channels of this node show something. */
  public int size() {
    return tracked.size();
  }

  /** Whether there is something to keep or to take away. */
  public boolean isIdle() {
    return tracked.isEmpty() && leaving.isEmpty();
  }

  /**
   * A channel shows something.
   *
   * @throws Refusal when the database says no; then it shows what it did before
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
      untrackSoon(List.of(origin)); // The channel has gone meanwhile.
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

  /** A channel shows nothing any more. */
  void untrack(String origin) {
    tracked.remove(origin);
    topics.untrack(List.of(origin));
  }

  /** These channels show nothing any more; returns at once, and does not give up. */
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
      LOG.warn("{} channels could not be taken from their topics; trying again", leaving.size(), e);
    } finally {
      clearing.set(false);
    }
  }

  /**
   * To be called every few seconds while sockets are open: the node says that it is there, takes
   * away what is left over, and looks after nodes that died.
   */
  public void keep() {
    if (!leaving.isEmpty()) {
      untrackSoon(List.of());
    }
    if (!tracked.isEmpty() && !topics.touch(node)) {
      writeAgain();
    }
    topics.expireNodes();
  }

  /**
   * Changes were missed: the database may have lost what this node shows. However many ask at once,
   * it is looked after once or twice.
   */
  void recover() {
    if (tracked.isEmpty()) {
      return;
    }
    long mine = recoveriesAsked.incrementAndGet();
    synchronized (recovery) {
      if (recoveriesServed >= mine) {
        return; // By one that began after this was asked.
      }
      long served = recoveriesAsked.get();
      if (!topics.touch(node)) {
        writeAgain();
      }
      recoveriesServed = served;
    }
  }

  private void writeAgain() {
    var all = new ArrayList<>(tracked.values());
    for (int from = 0; from < all.size(); from += BATCH) {
      topics.trackAgain(node, all.subList(from, Math.min(all.size(), from + BATCH)));
    }
    // Who left while this was being written.
    List<String> gone =
        all.stream().map(Tracked::origin).filter(origin -> !tracked.containsKey(origin)).toList();
    if (!gone.isEmpty()) {
      untrackSoon(gone);
    }
  }

  /** The node stops: everybody has left its topics, said in one go. */
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
