package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which functions are served, and their rate limits.
 *
 * @param enabled false: calls answer 503
 * @param served names of functions that are served beside the chat's own
 * @param mayRollBack whether clients may have a call undone after its answer
 * @param maxRequestsPerSecond calls of one person on this node
 * @param maxRequestsPerSecondPerAddress calls from one address on this node
 * @param batches how many messages one commit stores
 */
public record RpcSettings(
    boolean enabled,
    List<String> served,
    boolean mayRollBack,
    int maxRequestsPerSecond,
    int maxRequestsPerSecondPerAddress,
    BatchLimits batches) {

  private static final Setting<Integer> PER_PERSON =
      Setting.number(
          "CHAT_MAX_REQUESTS_PER_SECOND",
          100,
          1,
          1_000_000,
          "calls of functions by one user; twice as many at once, then 429 with `Retry-After`");
  private static final Setting<Integer> PER_ADDRESS =
      Setting.number(
          "CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS",
          1000,
          1,
          1_000_000,
          "calls, broadcasts by HTTP and new sockets from one address (IPv6: one /64)");
  private static final Setting<List<String>> SERVED =
      Setting.of(
          "CHAT_SERVED_FUNCTIONS",
          "names with * for any letters, separated by commas",
          RpcSettings::namesIn,
          List.of(),
          "none",
          "functions of schema `public` served beside the chat's own. `serve`, `info`, `validate` and `verify-policies` say which name no function has that clients may execute");

  private static final Setting<Boolean> ROLLBACK =
      Setting.flag(
          "CHAT_ALLOW_ROLLBACK",
          false,
          "true: `Prefer: tx=rollback` undoes a call of a function or a write of a table after its answer, for tests of a client");

  /** How often functions may be called. */
  public static final List<Setting<?>> RATES = List.of(PER_PERSON, PER_ADDRESS);

  /** Which functions are served. */
  public static final List<Setting<?>> FUNCTIONS = List.of(SERVED, ROLLBACK);

  /** Read from the environment. */
  public static RpcSettings from(Settings settings, boolean enabled) {
    int perPerson = settings.get(PER_PERSON);
    int perAddress = settings.get(PER_ADDRESS);
    BatchLimits batches = BatchLimits.from(settings);
    return new RpcSettings(
        enabled, settings.get(SERVED), settings.get(ROLLBACK), perPerson, perAddress, batches);
  }

  private static @Nullable List<String> namesIn(String text) {
    return text.matches("[\\w$*]+(\\s*,\\s*[\\w$*]+)*") ? Setting.listOf(text) : null;
  }
}
