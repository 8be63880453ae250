package com.gptdesk.chat.realtime;

import java.time.Duration;

/**
 * Limits of the WebSocket side. A breach is answered with a reason, never with silence.
 *
 * @param enabled whether joins are accepted at all
 * @param maxConnections sockets on this node
 * @param maxConnectionsPerUser sockets on this node on which one person has joined something
 * @param maxChannelsPerConnection channels joined at once on one socket
 * @param maxBindingsPerChannel {@code postgres_changes} bindings of one channel
 * @param maxJoinsPerSecond joins on one socket, averaged; twice as many may come at once
 * @param maxFrameBytes the longest message a client may send
 * @param idleTimeout a socket is closed when nothing came from the client for so long; clients send
 *     a heartbeat each 25 to 30 s
 * @param maxQueuedBytes what may wait for a slow client before its socket is closed; it comes back
 *     and catches up
 * @param maxQueuedChanges changes that may wait to be looked at for one socket before it is closed
 * @param tokenLeeway how long after its {@code exp} a token is still accepted, as by the verifier
 */
public record RealtimeSettings(
    boolean enabled,
    int maxConnections,
    int maxConnectionsPerUser,
    int maxChannelsPerConnection,
    int maxBindingsPerChannel,
    int maxJoinsPerSecond,
    int maxFrameBytes,
    Duration idleTimeout,
    int maxQueuedBytes,
    int maxQueuedChanges,
    Duration tokenLeeway) {

  /** What suits most. */
  public static RealtimeSettings defaults() {
    return new RealtimeSettings(
        true,
        20_000,
        50,
        100,
        100,
        100,
        1024 * 1024,
        Duration.ofSeconds(60),
        4 * 1024 * 1024,
        20_000,
        Duration.ofSeconds(30));
  }

  /** The same, switched on or off. */
  public RealtimeSettings withEnabled(boolean on) {
    return new RealtimeSettings(
        on,
        maxConnections,
        maxConnectionsPerUser,
        maxChannelsPerConnection,
        maxBindingsPerChannel,
        maxJoinsPerSecond,
        maxFrameBytes,
        idleTimeout,
        maxQueuedBytes,
        maxQueuedChanges,
        tokenLeeway);
  }

  /** The same with other limits of sockets and channels. */
  public RealtimeSettings withLimits(
      int connections, int connectionsPerUser, int channelsPerConnection, int joinsPerSecond) {
    return new RealtimeSettings(
        enabled,
        connections,
        connectionsPerUser,
        channelsPerConnection,
        maxBindingsPerChannel,
        joinsPerSecond,
        maxFrameBytes,
        idleTimeout,
        maxQueuedBytes,
        maxQueuedChanges,
        tokenLeeway);
  }

  /** The same with other queues for slow clients. */
  public RealtimeSettings withQueues(int bytes, int changes) {
    return new RealtimeSettings(
        enabled,
        maxConnections,
        maxConnectionsPerUser,
        maxChannelsPerConnection,
        maxBindingsPerChannel,
        maxJoinsPerSecond,
        maxFrameBytes,
        idleTimeout,
        bytes,
        changes,
        tokenLeeway);
  }

  /** The same with other times. */
  public RealtimeSettings withTimes(Duration idle, Duration leeway) {
    return new RealtimeSettings(
        enabled,
        maxConnections,
        maxConnectionsPerUser,
        maxChannelsPerConnection,
        maxBindingsPerChannel,
        maxJoinsPerSecond,
        maxFrameBytes,
        idle,
        maxQueuedBytes,
        maxQueuedChanges,
        leeway);
  }
}
