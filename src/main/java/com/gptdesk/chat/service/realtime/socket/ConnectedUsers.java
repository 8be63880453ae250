package com.gptdesk.chat.service.realtime.socket;

import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Counts the sockets of this node on which each user has joined a channel. Thread-safe. */
final class ConnectedUsers {
  private final int most;
  private final ConcurrentHashMap<UUID, Integer> sockets = new ConcurrentHashMap<>();
  private volatile Runnable whenChanged = () -> {};

  /**
   * @param the most sockets of one user
   */
  ConnectedUsers(int most) {
    this.most = most;
  }

  /** How many users are connected, each counted once. */
  int count() {
    return sockets.size();
  }

  /** Who is connected now. */
  Set<UUID> all() {
    return Set.copyOf(sockets.keySet());
  }

  /** Called on any thread when a socket joins or leaves. */
  void whenChanged(Runnable listener) {
    whenChanged = listener;
  }

  /** Adds a socket of this user; false when the limit is reached. */
  boolean enter(UUID userId) {
    int[] entered = {0};
    sockets.compute(
        userId,
        (same, now) -> {
          int before = now == null ? 0 : now;
          entered[0] = before < most ? 1 : 0;
          return before + entered[0] == 0 ? null : Integer.valueOf(before + entered[0]);
        });
    whenChanged.run();
    return entered[0] == 1;
  }

  /** Removes a socket of this user. */
  void exit(UUID userId) {
    sockets.computeIfPresent(userId, (same, now) -> now > 1 ? now - 1 : null);
    whenChanged.run();
  }
}
