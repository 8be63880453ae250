package com.gptdesk.chat.service.realtime.socket;

import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** On how many sockets of this node each user has joined something. Any thread may call. */
final class ConnectedUsers {
  private final int most;
  private final ConcurrentHashMap<UUID, Integer> sockets = new ConcurrentHashMap<>();
  private volatile Runnable whenChanged = () -> {};

  /**
   * @param most sockets of one user
   */
  ConnectedUsers(int most) {
    this.most = most;
  }

  /** How many users are connected, each counted once. */
  int count() {
    return sockets.size();
  }

  /** Who is connected, as of now. */
  Set<UUID> all() {
    return Set.copyOf(sockets.keySet());
  }

  /** Called, on any thread, whenever a user came with a first socket or left with the last. */
  void whenChanged(Runnable listener) {
    whenChanged = listener;
  }

  /** One more socket of this user; false when there are as many as there may be. */
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

  /** One socket less. */
  void exit(UUID userId) {
    sockets.computeIfPresent(userId, (same, now) -> now > 1 ? now - 1 : null);
    whenChanged.run();
  }
}
