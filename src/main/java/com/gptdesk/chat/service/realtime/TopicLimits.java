package com.gptdesk.chat.service.realtime;

import java.time.Duration;

/**
 * Limits of what is said and shown on topics, by the names Supabase gives them. A breach is
 * answered with an error, and what breached it is not sent.
 *
 * @param maxPayloadBytes the longest payload of a broadcast and of what is tracked, as UTF-8
 * @param maxEventsPerSecond broadcasts and presence calls of one connection, or of one person by
 *     HTTP, averaged; twice as many may come at once
 * @param maxPresenceEventsPerWindow presence calls of one connection in a window
 * @param presenceWindow how long such a window is
 */
public record TopicLimits(
    int maxPayloadBytes,
    int maxEventsPerSecond,
    int maxPresenceEventsPerWindow,
    Duration presenceWindow) {

  /** What suits most. */
  public static TopicLimits defaults() {
    return new TopicLimits(256 * 1024, 100, 100, Duration.ofSeconds(30));
  }
}
