package com.gptdesk.chat.client;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.relay.UserFeed;
import java.util.ArrayDeque;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One subscriber's queue. The relay's thread adds to it. A virtual thread takes from it and is the
 * only one to call the subscriber; it exists only while there are events that were requested.
 *
 * <p>The person's rights are read again at the place in the queue where they may have changed. So
 * each change is checked with the rights of its place in the log.
 */
final class PersonSubscription implements Subscriber, Flow.Subscription {

  private static final Logger LOG = LoggerFactory.getLogger(PersonSubscription.class);

  private static final long NEXT_TRY_MILLIS = 1000;

  /** What waits in the queue, in the order of the log. */
  private sealed interface Item {}

  private record ChangeItem(Change change) implements Item {}

  /** The rights are to be read again; a resync follows when they differ or there is a reason. */
  private record RightsItem(@Nullable String reason) implements Item {}

  private final UUID userId;
  private final FanOut fanOut;
  private final Supplier<Set<Audience>> rights;
  private final int capacity;
  private final Flow.Subscriber<? super LiveEvent> subscriber;
  private final Consumer<PersonSubscription> onEnd;

  // Guarded by this.
  private final ArrayDeque<Item> queue = new ArrayDeque<>();
  private long requested;
  private boolean working;
  private boolean completing;
  private boolean ended;
  private @Nullable Throwable misuse;

  // Owned by the thread that is working.
  private final UserFeed feed = new UserFeed();

  /**
   * Creates one that is not started.
   *
   * @param rights reads the audiences that the user belongs to; none for a user who may not use the
   *     chat
   * @param onEnd is called once the subscription has ended
   */
  PersonSubscription(
      UUID userId,
      FanOut fanOut,
      Supplier<Set<Audience>> rights,
      int capacity,
      Flow.Subscriber<? super LiveEvent> subscriber,
      Consumer<PersonSubscription> onEnd) {
    this.userId = userId;
    this.fanOut = fanOut;
    this.rights = rights;
    this.capacity = capacity;
    this.subscriber = subscriber;
    this.onEnd = onEnd;
  }

  /** Registers first and reads then, so that a change of rights in between is not missed. */
  void start() {
    synchronized (this) {
      working = true; // nothing before onSubscribe has returned
      queue.add(new RightsItem("From here on every change is delivered; read what you show."));
    }
    fanOut.add(this, Set.of(Audience.user(userId)));
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
    put(UserFeed.mayChangeRights(change) ? new RightsItem(null) : new ChangeItem(change));
  }

  @Override
  public void resync(String reason) {
    // Reads the rights, too: a change of them may be among the missed changes.
    put(new RightsItem(reason));
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
    onEnd.accept(this);
  }

  /** Ends the subscription normally. */
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
            new RightsItem("Changes came faster than they were taken; read what you show again."));
      } else {
        queue.add(item);
      }
    }
    work();
  }

  /** Starts a thread if there is work and none runs. */
  private void work() {
    synchronized (this) {
      if (working || !hasWork()) {
        return;
      }
      working = true;
    }
    Thread.ofVirtual().name("live-changes").start(this::deliverAll);
  }

  private boolean hasWork() {
    return !ended && (misuse != null || completing || (requested > 0 && !queue.isEmpty()));
  }

  private void deliverAll() {
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
        if (!deliver(item)) {
          return;
        }
      }
    } catch (RuntimeException | Error e) {
      LOG.error("A subscriber to the changes of user {} failed; its subscription ends", userId, e);
      cancel();
    }
  }

  /** False when the subscription has ended. */
  private boolean deliver(Item item) {
    switch (item) {
      case ChangeItem waiting -> {
        if (feed.maySee(waiting.change())) {
          emit(LiveEvent.Changed.of(waiting.change()));
        }
      }
      case RightsItem waiting -> {
        return renew(waiting.reason());
      }
    }
    return true;
  }

  private boolean renew(@Nullable String reason) {
    feed.unknown();
    if (reason != null) {
      feed.missed(reason);
    }
    Set<Audience> found;
    try {
      found = rights.get();
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
    fanOut.resubscribe(this, found);
    UserFeed.Renewal renewal = feed.known(found);
    if (renewal.missed() != null) {
      emit(new LiveEvent.Resync(renewal.missed()));
    } else if (renewal.hasOtherAudiences()) {
      emit(new LiveEvent.Resync("What you may see has changed."));
    }
    return true;
  }

  /** Waits a moment and puts the item back at the head of the queue. */
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
        queue.addFirst(new RightsItem(reason));
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
    onEnd.accept(this);
    if (failure == null) {
      subscriber.onComplete();
    } else {
      subscriber.onError(failure);
    }
  }
}
