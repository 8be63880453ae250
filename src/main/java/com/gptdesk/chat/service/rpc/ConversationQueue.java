package com.gptdesk.chat.service.rpc;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Queues calls that write to one conversation. They would wait for its row in the database anyway,
 * but each with a connection that others need. So a busy or locked conversation takes only one
 * connection of a node.
 *
 * <p>First come, first served. Thread-safe.
 */
final class ConversationQueue {
  /** After this wait a call goes to the database, whose own limits then apply. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final class Lane {
    private final ReentrantLock turn = new ReentrantLock(true);
    private int users; // changed inside the map's compute
  }

  private final Duration patience;
  private final ConcurrentHashMap<String, Lane> lanes = new ConcurrentHashMap<>();

  ConversationQueue() {
    this(PATIENCE);
  }

  /**
   * @param patience how long a call waits for its turn
   */
  ConversationQueue(Duration patience) {
    this.patience = patience;
  }

  /**
   * Does the work when it is its turn.
   *
   * @param conversation an id; null for work that concerns none
   */
  <T> T inTurn(@Nullable String conversation, Supplier<T> work) {
    if (conversation == null) {
      return work.get();
    }
    Lane lane = enter(conversation);
    boolean isMine = false;
    try {
      isMine = lane.turn.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS);
      return work.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("The service is stopping", e);
    } finally {
      if (isMine) {
        lane.turn.unlock();
      }
      leave(conversation);
    }
  }

  /** How many conversations have a call. */
  int size() {
    return lanes.size();
  }

  private Lane enter(String conversation) {
    return Objects.requireNonNull(
        lanes.compute(
            conversation,
            (same, there) -> {
              Lane lane = there == null ? new Lane() : there;
              lane.users++;
              return lane;
            }));
  }

  private void leave(String conversation) {
    lanes.computeIfPresent(conversation, (same, lane) -> --lane.users == 0 ? null : lane);
  }
}
