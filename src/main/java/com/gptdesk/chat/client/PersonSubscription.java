package com.gptdesk.chat.client;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.relay.UserFeed;
import java.util.ArrayDeque;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One subscriber's queue. The relay's thread puts in; a virtual thread, there only while there is
 * something to tell and somebody who asked for it, takes out, and alone calls the subscriber.
 *
 * <p>What the person may hear is read when the queue comes to where it may have changed, so a
 * change is judged by the rights of its place in the log's order.
 */
final class PersonSubscription implements Subscriber, Flow.Subscription {

  private static final Logger LOG = LoggerFactory.getLogger(PersonSubscription.class);

  private static final long NEXT_TRY_MILLIS = 1000;

  /** What waits in the queue, in the order of the log. */
  private sealed interface Item {}

  private record Told(Change change) implements Item {}

  /** The rights are to be read; then a word for the subscriber, when they are others or it says. */
  private record Rights(@Nullable String reason) implements Item {}

  private final LiveChanges live;
  private final UUID userId;
  private final int capacity;
  private final Flow.Subscriber<? super LiveEvent> subscriber;

  // Guarded by this.
  private final ArrayDeque<Item> queue = new ArrayDeque<>();
  private long requested;
  private boolean working;
  private boolean completing;
  private boolean ended;
  private @Nullable Throwable misuse;

  // Owned by whoever is working.
  private final UserFeed feed = new UserFeed();

  PersonSubscription(
      LiveChanges live, UUID userId, int capacity, Flow.Subscriber<? super LiveEvent> subscriber) {
    this.live = live;
    this.userId = userId;
    this.capacity = capacity;
    this.subscriber = subscriber;
  }

  /** First registered, then read: a change of rights in between is heard. */
  void start() {
    synchronized (this) {
      working = true; // nothing before onSubscribe has returned
      queue.add(new Rights("From here on every change is told; read what you show."));
    }
    live.fanOut().add(this, Set.of(Scope.user(userId)));
    try {
      subscriber.onSubscribe(this);
    } catch (RuntimeException | Error e) {
      cancel();
      throw e;
    }
    synchronized (this) {
      working = false;
    }
    work();
  }

  @Override
  public void changed(Change change) {
    put(UserFeed.mayChangeRights(change) ? new Rights(null) : new Told(change));
  }

  @Override
  public void resync(String reason) {
    // With the rights: a change of them may be among what was missed.
    put(new Rights(reason));
  }

  @Override
  public void request(long count) {
    synchronized (this) {
      if (count <= 0) {
        misuse = new IllegalArgumentException("A subscriber requests at least 1, not " + count);
      } else {
        requested = requested + count < 0 ? Long.MAX_VALUE : requested + count;
      }
    }
    work();
  }

  @Override
  public void cancel() {
    synchronized (this) {
      ended = true;
      queue.clear();
    }
    live.ended(this);
  }

  /** Nothing will come any more. */
  void complete() {
    synchronized (this) {
      completing = true;
      queue.clear();
    }
    work();
  }

  private void put(Item item) {
    synchronized (this) {
      if (ended || completing) {
        return;
      }
      if (queue.size() >= capacity) {
        queue.clear();
        queue.add(
            new Rights("Changes came faster than they were taken; read what you show again."));
      } else {
        queue.add(item);
      }
    }
    work();
  }

  /** Sees to it that somebody works while there is something to do. */
  private void work() {
    synchronized (this) {
      if (working || !hasWork()) {
        return;
      }
      working = true;
    }
    Thread.ofVirtual().name("live-changes").start(this::tellAll);
  }

  private boolean hasWork() {
    return !ended && (misuse != null || completing || (requested > 0 && !queue.isEmpty()));
  }

  private void tellAll() {
    try {
      while (true) {
        @Nullable Item item;
        @Nullable Throwable wrong;
        synchronized (this) {
          if (!hasWork()) {
            working = false;
            return;
          }
          wrong = misuse;
          item = wrong != null || completing ? null : queue.remove();
        }
        if (item == null) {
          end(wrong);
          return;
        }
        if (!tell(item)) {
          return;
        }
      }
    } catch (RuntimeException | Error e) {
      LOG.error("A subscriber to the changes of user {} failed; it hears no more", userId, e);
      cancel();
    }
  }

  /** False when that was the end. */
  private boolean tell(Item item) {
    switch (item) {
      case Told told -> {
        if (feed.maySee(told.change())) {
          emit(LiveEvent.Changed.of(told.change()));
        }
      }
      case Rights rights -> {
        return renew(rights.reason());
      }
    }
    return true;
  }

  private boolean renew(@Nullable String reason) {
    feed.unknown();
    if (reason != null) {
      feed.missed(reason);
    }
    Set<Scope> found;
    try {
      found = live.scopesOf(userId);
    } catch (DatabaseUnavailable e) {
      LOG.warn("The rights of user {} could not be read; trying again", userId, e);
      return laterAgain(reason);
    } catch (RuntimeException e) {
      end(e);
      return false;
    }
    if (found.isEmpty()) {
      end(
          new Refusal(
              "PT403", "This user may not use the chat.", null, "Only active people may.", null));
      return false;
    }
    live.fanOut().rescope(this, found);
    UserFeed.Renewal renewal = feed.known(found);
    if (renewal.missed() != null) {
      emit(new LiveEvent.Resync(renewal.missed()));
    } else if (renewal.isRescoped()) {
      emit(new LiveEvent.Resync("What you may see has changed."));
    }
    return true;
  }

  /** Waits a moment and puts the question first in the queue again. */
  private boolean laterAgain(@Nullable String reason) {
    try {
      TimeUnit.MILLISECONDS.sleep(NEXT_TRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      cancel();
      return false;
    }
    synchronized (this) {
      if (!ended && !completing) {
        queue.addFirst(new Rights(reason));
      }
    }
    return true;
  }

  private void emit(LiveEvent event) {
    synchronized (this) {
      if (ended) {
        return;
      }
      requested -= requested == Long.MAX_VALUE ? 0 : 1;
    }
    subscriber.onNext(event);
  }

  private void end(@Nullable Throwable failure) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      queue.clear();
    }
    live.ended(this);
    if (failure == null) {
      subscriber.onComplete();
    } else {
      subscriber.onError(failure);
    }
  }
}
