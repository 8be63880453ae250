package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Limits of the WebSocket endpoint. A breach is always answered with a reason.
 *
 * @param enabled whether joins are accepted
 * @param sockets how many sockets, and what one may join
 * @param frames what a client may send
 * @param queues what may wait for a slow client
 * @param replays what the database is queried for a client that was away
 * @param times when a socket ends
 */
public record RealtimeSettings(
    boolean enabled,
    SocketLimits sockets,
    FrameLimits frames,
    QueueLimits queues,
    ReplayLimits replays,
    Times times) {

  /**
   * How many sockets, and what one may join.
   *
   * @param maxConnections sockets on this node
   * @param maxConnectionsPerUser sockets on this node on which one person has joined something
   * @param maxChannelsPerConnection channels joined at once on one socket
   * @param maxJoinsPerSecond joins on one socket, averaged; twice as many may come at once
   */
  record SocketLimits(
      int maxConnections,
      int maxConnectionsPerUser,
      int maxChannelsPerConnection,
      int maxJoinsPerSecond) {}

  /**
   * What a client may send.
   *
   * @param maxBytes the longest message
   * @param maxPerSecond messages of one client, averaged; twice as many may come at once, and more
   *     are refused
   * @param maxSubscriptions {@code postgres_changes} subscriptions in one join
   */
  record FrameLimits(int maxBytes, int maxPerSecond, int maxSubscriptions) {}

  /**
   * What may wait for a slow client before its socket is closed; it reconnects and catches up.
   *
   * @param maxBytes of what is to be written
   * @param maxChanges changes that may wait for one socket
   */
  record QueueLimits(int maxBytes, int maxChanges) {

    /** The most that is held for one channel during a replay; live changes are shared. */
    int maxHeldBytes() {
      return 4 * maxBytes;
    }
  }

  /**
   * What the database is queried for a client that was away.
   *
   * @param maxRevisions the most changes of one conversation that are replayed; beyond that the
   *     client is told to read it again
   * @param maxDatabaseQuestions how many sockets may query the database at the same time
   */
  record ReplayLimits(int maxRevisions, int maxDatabaseQuestions) {}

  /**
   * When a socket ends.
   *
   * @param idleTimeout after so long without a message from the client; clients send a heartbeat
   *     every 25 to 30 s
   * @param tokenLeeway how long after its {@code exp} a token is still accepted, as in the verifier
   */
  record Times(Duration idleTimeout, Duration tokenLeeway) {}

  private static final Setting<Integer> CONNECTIONS =
      Setting.number("CHAT_MAX_CONNECTIONS", 20_000, 1, 1_000_000, "sockets on this node");
  private static final Setting<Integer> CONNECTIONS_PER_USER =
      Setting.number(
          "CHAT_MAX_CONNECTIONS_PER_USER", 50, 1, 100_000, "sockets of one person on this node");
  private static final Setting<Integer> CHANNELS =
      Setting.number("CHAT_MAX_CHANNELS_PER_CONNECTION", 100, 1, 10_000, "channels on one socket");
  private static final Setting<Integer> JOINS =
      Setting.number("CHAT_MAX_JOINS_PER_SECOND", 100, 1, 100_000, "joins on one socket");
  private static final Setting<Integer> SUBSCRIPTIONS =
      Setting.number(
          "CHAT_MAX_BINDINGS_PER_CHANNEL",
          100,
          1,
          10_000,
          "`postgres_changes` subscriptions in one channel");
  private static final Setting<Integer> FRAME_BYTES =
      Setting.number(
          "CHAT_MAX_FRAME_BYTES",
          1024 * 1024,
          1024,
          64 * 1024 * 1024,
          "the longest frame from a client");
  private static final Setting<Integer> FRAMES =
      Setting.number(
          "CHAT_MAX_FRAMES_PER_SECOND",
          200,
          1,
          1_000_000,
          "frames from one socket; twice as many at once");
  private static final Setting<Integer> QUEUED_BYTES =
      Setting.number(
          "CHAT_MAX_QUEUED_BYTES",
          4 * 1024 * 1024,
          64 * 1024,
          256 * 1024 * 1024,
          "bytes that may wait for a slow client before its socket is closed");
  private static final Setting<Integer> QUEUED_CHANGES =
      Setting.number(
          "CHAT_MAX_QUEUED_CHANGES",
          20_000,
          100,
          1_000_000,
          "changes that may wait for a slow client before its socket is closed");
  private static final Setting<Integer> REPLAYED =
      Setting.number(
          "CHAT_MAX_REPLAYED",
          10_000,
          1,
          1_000_000,
          "revisions of one conversation replayed by `since`; for more the client is told to read again");
  private static final Setting<Integer> DATABASE_QUESTIONS =
      Setting.number(
          "CHAT_MAX_DATABASE_QUESTIONS",
          8,
          1,
          1000,
          "sockets that query the database at the same time, for example when a thousand reconnect");

  /** The settings of the WebSocket endpoint. */
  public static final List<Setting<?>> SETTINGS =
      List.of(
          CONNECTIONS,
          CONNECTIONS_PER_USER,
          CHANNELS,
          JOINS,
          SUBSCRIPTIONS,
          FRAME_BYTES,
          FRAMES,
          QUEUED_BYTES,
          QUEUED_CHANGES,
          REPLAYED,
          DATABASE_QUESTIONS);

  /** Read from the environment. */
  public static RealtimeSettings from(Settings settings, boolean enabled) {
    return new RealtimeSettings(
        enabled,
        new SocketLimits(
            settings.get(CONNECTIONS),
            settings.get(CONNECTIONS_PER_USER),
            settings.get(CHANNELS),
            settings.get(JOINS)),
        new FrameLimits(
            settings.get(FRAME_BYTES), settings.get(FRAMES), settings.get(SUBSCRIPTIONS)),
        new QueueLimits(settings.get(QUEUED_BYTES), settings.get(QUEUED_CHANGES)),
        new ReplayLimits(settings.get(REPLAYED), settings.get(DATABASE_QUESTIONS)),
        new Times(Duration.ofSeconds(60), Duration.ofSeconds(30)));
  }

  /** The defaults. */
  public static RealtimeSettings defaults() {
    return from(new Settings(Map.of()), true);
  }

  /** The same, switched on or off. */
  RealtimeSettings withEnabled(boolean other) {
    return new RealtimeSettings(other, sockets, frames, queues, replays, times);
  }

  /** The same with other limits of sockets and channels. */
  RealtimeSettings with(SocketLimits other) {
    return new RealtimeSettings(enabled, other, frames, queues, replays, times);
  }

  /** The same with other limits on what a client sends. */
  RealtimeSettings with(FrameLimits other) {
    return new RealtimeSettings(enabled, sockets, other, queues, replays, times);
  }

  /** The same with other queues for slow clients. */
  RealtimeSettings with(QueueLimits other) {
    return new RealtimeSettings(enabled, sockets, frames, other, replays, times);
  }

  /** The same with other limits on replays. */
  RealtimeSettings with(ReplayLimits other) {
    return new RealtimeSettings(enabled, sockets, frames, queues, other, times);
  }

  /** The same with other times. */
  RealtimeSettings with(Times other) {
    return new RealtimeSettings(enabled, sockets, frames, queues, replays, other);
  }
}
