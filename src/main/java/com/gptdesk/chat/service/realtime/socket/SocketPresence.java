package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jooq.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps {@code user_presence} in step with the sockets. A user who connects is online; one who has
 * left all nodes is offline a little later, so that reloading a page goes unnoticed. Every node
 * does this for its own users and for those of nodes that died.
 *
 * <p>It works while sockets are open and waits otherwise, so an idle node runs no query. One
 * virtual thread owns the state.
 */
public final class SocketPresence implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SocketPresence.class);

  /** How often expired typing is ended. */
  private static final Duration BEAT = Duration.ofSeconds(1);

  /** After how many beats users are renewed, and silent ones are looked for. */
  private static final int TOUCH = 3;

  /** Longer than another node needs to renew a user who is connected there. */
  private static final Duration GRACE = Duration.ofSeconds(7);

  /** How long a node watches a user who left and still calls functions. */
  private static final Duration LONGEST_FAREWELL = Duration.ofSeconds(28);

  private final ServiceDatabase database;
  private final ConnectedUsers users;
  private final PresenceTracker tracker;
  private final Semaphore changes = new Semaphore(0);
  private final Thread thread;
  private volatile boolean closed;

  private final Set<UUID> present = new HashSet<>();
  private final Map<UUID, Long> leftAt = new HashMap<>();
  private long beats;

  /** Creates one that does nothing until {@link #start}. */
  public SocketPresence(ServiceDatabase database, RealtimeServer server, PresenceTracker tracker) {
    this.database = database;
    this.users = server.users();
    this.tracker = tracker;
    this.thread = Thread.ofVirtual().name("presence").unstarted(this::run);
  }

  /** Starts the thread. */
  public void start() {
    users.whenChanged(changes::release);
    thread.start();
  }

  private void run() {
    try {
      long nextBeat = System.nanoTime();
      while (!closed) {
        long wait = nextBeat - System.nanoTime();
        if (isIdle()) {
          changes.acquire();
        } else if (wait > 0 && changes.tryAcquire(wait, TimeUnit.NANOSECONDS)) {
          changes.drainPermits();
          attempt(this::follow);
          continue; // However many come and go, the beat is not put off.
        }
        changes.drainPermits();
        if (!closed) {
          attempt(this::beat);
          nextBeat = System.nanoTime() + BEAT.toNanos();
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("Presence is no longer updated");
    }
  }

  private boolean isIdle() {
    return present.isEmpty() && leftAt.isEmpty() && tracker.isIdle() && users.count() == 0;
  }

  private void beat() {
    follow();
    expireTyping();
    if (beats++ % TOUCH == 0) {
      keep();
    }
  }

  private void expireTyping() {
    ask(Routines::expireTyping);
  }

  private void keep() {
    if (!present.isEmpty()) {
      UUID[] ids = present.toArray(UUID[]::new);
      ask(configuration -> Routines.touchPresence(configuration, ids));
    }
    sendOff();
    ask(Routines::expirePresence);
    tracker.keep();
  }

  /** Writes who came, and notes who left. */
  private void follow() {
    Set<UUID> now = users.all();
    long time = System.nanoTime();
    for (UUID user : present) {
      if (!now.contains(user)) {
        leftAt.putIfAbsent(user, time);
      }
    }
    leftAt.keySet().removeAll(now);
    var came = new HashSet<>(now);
    came.removeAll(present);
    present.retainAll(now);
    if (!came.isEmpty()) {
      UUID[] ids = came.toArray(UUID[]::new);
      ask(
          configuration -> {
            // Away and busy stay and are renewed; a user who was offline is online.
            int changed = Routines.comeOnline(configuration, ids);
            return changed + Routines.touchPresence(configuration, ids);
          });
      present.addAll(came); // Only now, so that a failure is retried.
    }
  }

  /** A user who left and was not seen since, on any node or by a call, is offline. */
  private void sendOff() {
    long time = System.nanoTime();
    var gone = new HashSet<UUID>();
    leftAt.forEach(
        (user, left) -> {
          if (time - left >= GRACE.toNanos()) {
            gone.add(user);
          }
        });
    if (gone.isEmpty()) {
      return;
    }
    UUID[] ids = gone.toArray(UUID[]::new);
    ask(configuration -> Routines.goOffline(configuration, ids, (int) GRACE.toMillis()));
    // A user who is still active by then is followed by another node.
    leftAt.values().removeIf(left -> time - left >= LONGEST_FAREWELL.toNanos());
  }

  private void ask(Function<Configuration, Integer> work) {
    database.as(ServiceDatabase.RELAY, tx -> work.apply(tx.configuration()));
  }

  private static void attempt(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      LOG.warn("Presence could not be updated; trying again", e);
    }
  }

  @Override
  public void close() {
    closed = true;
    changes.release();
    thread.interrupt();
  }
}
