package com.gptdesk.chat.service.rpc;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets calls that write to one conversation come one after the other. They would wait for its row
 * all the same, but in the database, each with a connection that others need: a busy conversation,
 * or one that somebody holds locked, takes one connection of a node and no more.
 *
 * <p>First come, first served, for any number of threads.
 */
final class ConversationQueue {
  /** Who has waited so long goes to the database, whose own limits say what is wrong. */
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
   * @param patience how long somebody waits for their turn
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
      throw new IllegalStateException("The service stops", e);
    } finally {
      if (isMine) {
        lane.turn.unlock();
      }
      leave(conversation);
    }
  }

  /** How many conversations somebody is writing to. */
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
