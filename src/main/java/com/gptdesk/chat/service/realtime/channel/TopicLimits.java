package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Limits of broadcasts and presence, with Supabase's names, and which topics there are. A message
 * over a limit is answered with an error and not sent.
 *
 * @param maxPayloadBytes the longest payload of a broadcast or of presence, in bytes of UTF-8
 * @param maxEventsPerSecond broadcasts and presence calls of one connection, or of one person by
 *     HTTP, averaged; twice as many may come at once
 * @param maxPresenceEventsPerWindow presence calls of one connection in a window
 * @param presenceWindow the length of the window
 * @param others names of topics beside the chat's own; null for none
 */
public record TopicLimits(
    int maxPayloadBytes,
    int maxEventsPerSecond,
    int maxPresenceEventsPerWindow,
    Duration presenceWindow,
    @Nullable Pattern others) {

  private static final Setting<Integer> PAYLOAD =
      Setting.number(
          "CHAT_MAX_PAYLOAD_SIZE_IN_KB",
          256,
          1,
          1000,
          "the longest payload of a broadcast and of what is tracked, its key included");
  private static final Setting<Integer> EVENTS =
      Setting.number(
          "CHAT_MAX_EVENTS_PER_SECOND",
          100,
          1,
          1_000_000,
          "broadcasts and presence calls of one socket, or of one user by HTTP");
  private static final Setting<Integer> PRESENCE_EVENTS =
      Setting.number(
          "CHAT_MAX_CLIENT_PRESENCE_EVENTS_PER_WINDOW",
          100,
          1,
          1_000_000,
          "presence calls of one socket");
  private static final Setting<Duration> PRESENCE_WINDOW =
      Setting.millis(
          "CHAT_CLIENT_PRESENCE_WINDOW_MS", 30_000, 1000, 3_600_000, "the length of that window");

  private static final Setting<@Nullable Pattern> OTHERS =
      Setting.of(
          "CHAT_TOPIC_NAMES",
          "a regular expression",
          TopicLimits::pattern,
          null,
          "none",
          "names of topics beside the chat's own, of at most 255 characters, for which the function in `chat.settings.topic_function` says who may use them");

  /** The settings of topics. */
  public static final List<Setting<?>> SETTINGS =
      List.of(PAYLOAD, EVENTS, PRESENCE_EVENTS, PRESENCE_WINDOW, OTHERS);

  /** Read from the environment. */
  public static TopicLimits from(Settings settings) {
    return new TopicLimits(
        1024 * settings.get(PAYLOAD),
        settings.get(EVENTS),
        settings.get(PRESENCE_EVENTS),
        settings.get(PRESENCE_WINDOW),
        settings.get(OTHERS));
  }

  private static @Nullable Pattern pattern(String text) {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      return null;
    }
  }

  /** The defaults. */
  public static TopicLimits defaults() {
    return from(new Settings(Map.of()));
  }

  /** The error for a payload that is too large, with Supabase's name. */
  ObjectNode tooLarge() {
    return Json.object()
        .put("error", "payload_size_exceeded")
        .put("reason", "PayloadTooLarge: At most " + maxPayloadBytes / 1024 + " KB");
  }
}
