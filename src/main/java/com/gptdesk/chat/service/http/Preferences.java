package com.gptdesk.chat.service.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The header {@code Prefer}, as PostgREST reads it: of each preference the first valid value. With
 * {@code handling=strict} a value that is not obeyed is refused, else it is ignored.
 *
 * @param strict whether it says {@code handling=strict}
 * @param rollsBack whether everything is undone after the answer
 * @param timezone the zone of times in the answer; null for UTC
 * @param maxAffected how many rows a function may return; null for any number
 * @param applied for the header {@code Preference-Applied}; empty for none
 */
public record Preferences(
    boolean strict,
    boolean rollsBack,
    @Nullable String timezone,
    @Nullable Long maxAffected,
    String applied) {

  /** No preference. */
  public static final Preferences NONE = new Preferences(false, false, null, null, "");

  private static final Set<String> VALUES =
      Set.of(
          "resolution=merge-duplicates",
          "resolution=ignore-duplicates",
          "return=representation",
          "return=headers-only",
          "return=minimal",
          "count=exact",
          "count=planned",
          "count=estimated",
          "missing=default",
          "missing=null",
          "handling=strict",
          "handling=lenient",
          "tx=commit",
          "tx=rollback");

  /**
   * Reads the header for a call of a function.
   *
   * @param mayRollBack whether {@code tx} is obeyed
   * @param zones the time zones of the database; asked only for a preference
   * @throws Problem.Stop PGRST122 for values that are not obeyed, with {@code handling=strict}
   */
  public static Preferences ofCall(
      @Nullable String prefer, boolean mayRollBack, Supplier<Set<String>> zones) {
    if (prefer == null || prefer.isBlank()) {
      return NONE;
    }
    List<String> given = new ArrayList<>();
    List<String> invalid = new ArrayList<>();
    for (String one : prefer.split(",", -1)) {
      String preference = one.strip();
      if (!preference.isEmpty()) {
        (isValid(preference, mayRollBack, zones) ? given : invalid).add(preference);
      }
    }
    String count = first(given, "count");
    String tx = mayRollBack ? first(given, "tx") : null;
    String handling = first(given, "handling");
    boolean strict = "handling=strict".equals(handling);
    if (strict && !invalid.isEmpty()) {
      throw Problem.of(400, "PGRST122", "Invalid preferences given with handling=strict")
          .withDetails("Invalid preferences: " + String.join(", ", invalid))
          .stop();
    }
    String timezone = first(given, "timezone");
    String affected = strict ? first(given, "max-affected") : null;
    List<String> applied = new ArrayList<>();
    for (String one : new @Nullable String[] {count, tx, handling, timezone, affected}) {
      if (one != null) {
        applied.add(one);
      }
    }
    return new Preferences(
        strict,
        "tx=rollback".equals(tx),
        timezone == null ? null : valueOf(timezone),
        affected == null ? null : Long.valueOf(valueOf(affected)),
        String.join(", ", applied));
  }

  private static boolean isValid(
      String preference, boolean mayRollBack, Supplier<Set<String>> zones) {
    if (preference.startsWith("timezone=")) {
      return zones.get().contains(valueOf(preference));
    }
    return preference.startsWith("max-affected=")
        ? valueOf(preference).matches("\\d{1,9}")
        : VALUES.contains(preference) && (mayRollBack || !preference.equals("tx=rollback"));
  }

  private static @Nullable String first(List<String> given, String name) {
    for (String one : given) {
      if (one.startsWith(name + "=")) {
        return one;
      }
    }
    return null;
  }

  private static String valueOf(String preference) {
    return preference.substring(preference.indexOf('=') + 1);
  }

  /** The answer says which preferences were obeyed. */
  public Reply applied(Reply reply) {
    return applied.isEmpty() ? reply : reply.withHeader("Preference-Applied", applied);
  }
}
