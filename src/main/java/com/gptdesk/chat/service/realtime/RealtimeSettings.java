package com.gptdesk.chat.service.realtime;

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
 * @param maxFramesPerSecond messages of one client, averaged; twice as many may come at once, and
 *     what is more is refused
 * @param maxReplayed changes of one conversation that are replayed to who missed them; for more the
 *     client is told to read it again
 * @param maxDatabaseQuestions how many sockets may ask the database something at the same time
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
    Duration tokenLeeway,
    int maxFramesPerSecond,
    int maxReplayed,
    int maxDatabaseQuestions) {

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
        Duration.ofSeconds(30),
        200,
        10_000,
        8);
  }

  /** What may be held for one channel while it is told what it missed; live changes are shared. */
  int maxHeldBytes() {
    return 4 * maxQueuedBytes;
  }

  /**
   * The same with other limits on what a client sends, and on what the database is asked for it.
   */
  public RealtimeSettings withFrames(int frameBytes, int framesPerSecond, int bindings) {
    return new RealtimeSettings(
        enabled,
        maxConnections,
        maxConnectionsPerUser,
        maxChannelsPerConnection,
        bindings,
        maxJoinsPerSecond,
        frameBytes,
        idleTimeout,
        maxQueuedBytes,
        maxQueuedChanges,
        tokenLeeway,
        framesPerSecond,
        maxReplayed,
        maxDatabaseQuestions);
  }

  /** The same with other limits on what the database is asked for clients that were away. */
  public RealtimeSettings withReplay(int replayed, int databaseQuestions) {
    return new RealtimeSettings(
        enabled,
        maxConnections,
        maxConnectionsPerUser,
        maxChannelsPerConnection,
        maxBindingsPerChannel,
        maxJoinsPerSecond,
        maxFrameBytes,
        idleTimeout,
        maxQueuedBytes,
        maxQueuedChanges,
        tokenLeeway,
        maxFramesPerSecond,
        replayed,
        databaseQuestions);
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
        tokenLeeway,
        maxFramesPerSecond,
        maxReplayed,
        maxDatabaseQuestions);
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
        tokenLeeway,
        maxFramesPerSecond,
        maxReplayed,
        maxDatabaseQuestions);
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
        tokenLeeway,
        maxFramesPerSecond,
        maxReplayed,
        maxDatabaseQuestions);
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
        leeway,
        maxFramesPerSecond,
        maxReplayed,
        maxDatabaseQuestions);
  }
}
