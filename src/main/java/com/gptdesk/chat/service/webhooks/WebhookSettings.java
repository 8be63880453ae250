package com.gptdesk.chat.service.webhooks;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;

/**
 * How webhooks are posted. Which there are stands in the database.
 *
 * @param enabled whether this node posts
 * @param parallel posts at a time on this node
 * @param timeout of one post, from the connection to the answer
 * @param nameTimeout of the look-up of the host's name, before that
 * @param maxTries after so many an event becomes a dead letter
 * @param maxAge after so long, too
 * @param firstPause after the first failure; it doubles with each
 * @param longestPause between two tries
 * @param maxAnswerBytes that are read of an answer
 * @param isPrivateAllowed whether private addresses are allowed, and http there
 * @param deadDays so long dead letters are kept
 * @param poll at the latest after so long the node looks for what is due
 */
public record WebhookSettings(
    boolean enabled,
    int parallel,
    Duration timeout,
    Duration nameTimeout,
    int maxTries,
    Duration maxAge,
    Duration firstPause,
    Duration longestPause,
    int maxAnswerBytes,
    boolean isPrivateAllowed,
    int deadDays,
    Duration poll) {

  private static final Setting<Boolean> ENABLED =
      Setting.flag(
          "CHAT_WEBHOOKS",
          true,
          "`false`: this node posts to no webhook; others of the database do");
  private static final Setting<Integer> PARALLEL =
      Setting.number(
          "CHAT_WEBHOOK_PARALLEL",
          32,
          1,
          1000,
          "posts at a time on a node; a webhook has half of them at the most");
  private static final Setting<Duration> TIMEOUT =
      Setting.millis(
          "CHAT_WEBHOOK_TIMEOUT_MS",
          15_000,
          100,
          120_000,
          "a receiver that has not answered by then is tried again later");
  private static final Setting<Duration> NAME_TIMEOUT =
      Setting.millis(
          "CHAT_WEBHOOK_DNS_TIMEOUT_MS",
          5000,
          100,
          60_000,
          "a receiver whose name is not resolved by then is tried again later; the time for the post begins after it");
  private static final Setting<Integer> MAX_TRIES =
      Setting.number(
          "CHAT_WEBHOOK_MAX_TRIES",
          20,
          1,
          1000,
          "after so many an event becomes a dead letter, and the next of its conversation goes");
  private static final Setting<Integer> MAX_AGE =
      Setting.number(
          "CHAT_WEBHOOK_MAX_AGE_HOURS",
          72,
          1,
          8760,
          "an event that fails and is older becomes a dead letter, too");
  private static final Setting<Duration> FIRST_PAUSE =
      Setting.millis(
          "CHAT_WEBHOOK_RETRY_MS",
          1000,
          10,
          3_600_000,
          "the pause after the first failure; it doubles with each, less up to half by chance");
  private static final Setting<Duration> LONGEST_PAUSE =
      Setting.millis(
          "CHAT_WEBHOOK_RETRY_MAX_MS",
          3_600_000,
          10,
          86_400_000,
          "the longest pause between two tries, also where `Retry-After` asks for more");
  private static final Setting<Integer> MAX_ANSWER =
      Setting.number(
          "CHAT_WEBHOOK_MAX_ANSWER_BYTES",
          16_384,
          0,
          1_048_576,
          "so much of an answer is read before the connection ends; its status counts all the same");
  private static final Setting<Boolean> PRIVATE =
      Setting.flag(
          "CHAT_WEBHOOK_PRIVATE_ADDRESSES",
          false,
          "`true`: webhooks may lead to private addresses and this machine, and by http there");
  private static final Setting<Integer> DEAD_DAYS =
      Setting.number(
          "CHAT_WEBHOOK_DEAD_DAYS", 14, 1, 3650, "so long dead letters are kept for operators");
  private static final Setting<Duration> POLL =
      Setting.millis(
          "CHAT_WEBHOOK_POLL_MS",
          1000,
          10,
          60_000,
          "so often a node looks for what is due; changes that it hears of wake it before");

  /** For help and for the document. */
  public static final List<Setting<?>> SETTINGS =
      List.of(
          ENABLED,
          PARALLEL,
          TIMEOUT,
          NAME_TIMEOUT,
          MAX_TRIES,
          MAX_AGE,
          FIRST_PAUSE,
          LONGEST_PAUSE,
          MAX_ANSWER,
          PRIVATE,
          DEAD_DAYS,
          POLL);

  /** Read from the environment. */
  public static WebhookSettings from(Settings settings) {
    return new WebhookSettings(
        settings.get(ENABLED),
        settings.get(PARALLEL),
        settings.get(TIMEOUT),
        settings.get(NAME_TIMEOUT),
        settings.get(MAX_TRIES),
        Duration.ofHours(settings.get(MAX_AGE)),
        settings.get(FIRST_PAUSE),
        settings.get(LONGEST_PAUSE),
        settings.get(MAX_ANSWER),
        settings.get(PRIVATE),
        settings.get(DEAD_DAYS),
        settings.get(POLL));
  }

  /** So long a post may take, from the look-up of the name to the answer. */
  Duration longestPost() {
    return nameTimeout.plus(timeout);
  }
}
