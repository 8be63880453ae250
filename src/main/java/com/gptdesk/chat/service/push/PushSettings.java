package com.gptdesk.chat.service.push;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether and how people who are away are told; the limits of devices stand in {@code
 * chat.settings}.
 *
 * @param key null: nobody is told
 * @param subject whom the operators of push services write to
 * @param hosts the push services
 * @param showsText whether a notice may have the message's text, where a person wants it
 * @param life after so long a notice is no longer worth sending
 * @param pause between two looks at the change log
 * @param timeout of one request
 * @param parallel requests at once on this node
 */
public record PushSettings(
    @Nullable PushKey key,
    String subject,
    PushHosts hosts,
    boolean showsText,
    Duration life,
    Duration pause,
    Duration timeout,
    int parallel) {

  private static final Setting<@Nullable Path> KEY_FILE =
      Setting.readableFile(
          "CHAT_PUSH_KEY_FILE",
          "no push notifications",
          "the key that `push-keys` writes; the same on each node. Another key ends all subscriptions");
  private static final Setting<@Nullable String> SUBJECT =
      Setting.of(
          "CHAT_PUSH_SUBJECT",
          "a mailto: or https: address",
          text -> text.matches("(mailto:[^\\s@]+@|https://)[^\\s@]+") ? text : null,
          null,
          "none; needed with CHAT_PUSH_KEY_FILE",
          "whom the operators of push services write to when something is wrong");
  private static final Setting<PushHosts> HOSTS =
      Setting.of(
          "CHAT_PUSH_HOSTS",
          "hosts such as push.example or *.push.example, separated by commas",
          PushHosts::of,
          new PushHosts(PushHosts.KNOWN),
          String.join(", ", PushHosts.KNOWN),
          "push services that may be posted to, by https; `http://127.0.0.1:port` for trying");
  private static final Setting<Boolean> TEXT =
      Setting.flag(
          "CHAT_PUSH_TEXT",
          false,
          "`true`: a notice has the message's text where its person wants it; else the sender's name alone");
  private static final Setting<Duration> LIFE =
      Setting.millis(
          "CHAT_PUSH_TTL_MS",
          86_400_000,
          1000,
          2_000_000_000,
          "after this a message is not told any more, here and at the push service");
  private static final Setting<Duration> PAUSE =
      Setting.millis(
          "CHAT_PUSH_POLL_MS", 1000, 50, 60_000, "so often a node looks for messages to tell of");
  private static final Setting<Duration> TIMEOUT =
      Setting.millis(
          "CHAT_PUSH_TIMEOUT_MS", 10_000, 100, 60_000, "a push service that is silent for so long");
  private static final Setting<Integer> PARALLEL =
      Setting.number(
          "CHAT_PUSH_PARALLEL", 32, 1, 1000, "requests to push services at once on a node");

  /** For help and for the document. */
  public static final List<Setting<?>> SETTINGS =
      List.of(KEY_FILE, SUBJECT, HOSTS, TEXT, LIFE, PAUSE, TIMEOUT, PARALLEL);

  /** Read from the environment. */
  public static PushSettings from(Settings settings) {
    Path file = settings.get(KEY_FILE);
    PushKey key = file == null ? null : PushKey.in(file);
    String subject = settings.get(SUBJECT);
    if (file != null && key == null) {
      settings.problem("CHAT_PUSH_KEY_FILE must hold a key that push-keys wrote.");
    }
    if (file != null && subject == null) {
      settings.problem("Set CHAT_PUSH_SUBJECT as well: push services refuse requests without it.");
    }
    return new PushSettings(
        key,
        subject == null ? "" : subject,
        settings.get(HOSTS),
        settings.get(TEXT),
        settings.get(LIFE),
        settings.get(PAUSE),
        settings.get(TIMEOUT),
        settings.get(PARALLEL));
  }

  /** What browsers subscribe for; null where nobody is told. */
  public @Nullable String publicKey() {
    return key == null ? null : key.publicKey();
  }
}
