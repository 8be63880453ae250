package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.PreferHeader;
import com.gptdesk.chat.service.http.Reply;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a client prefers of a call of a function.
 *
 * @param strict whether it says {@code handling=strict}
 * @param rollsBack whether everything is undone after the answer
 * @param timezone the zone of times in the answer; null for UTC
 * @param maxAffected how many rows a function may return; null for any number
 * @param applied for the header {@code Preference-Applied}; empty for none
 */
record CallPreferences(
    boolean strict,
    boolean rollsBack,
    @Nullable String timezone,
    @Nullable Long maxAffected,
    String applied) {

  /** No preference. */
  static final CallPreferences NONE = new CallPreferences(false, false, null, null, "");

  /** Values of tables' preferences are passed over, also when strict: clients send them always. */
  private static final Map<String, Set<String>> VALUES =
      Map.of(
          "resolution", Set.of("merge-duplicates", "ignore-duplicates"),
          "return", Set.of("representation", "headers-only", "minimal"),
          "count", Set.of("exact", "planned", "estimated"),
          "missing", Set.of("default", "null"));

  /**
   * Reads the header.
   *
   * @param mayRollBack whether {@code tx} is obeyed
   * @param zones the time zones of the database; asked only for a preference
   */
  static CallPreferences of(
      @Nullable String prefer, boolean mayRollBack, Supplier<Set<String>> zones) {
    if (prefer == null || prefer.isBlank()) {
      return NONE;
    }
    PreferHeader header =
        PreferHeader.of(prefer, (name, value) -> isValid(name, value, mayRollBack, zones));
    String affected = header.isStrict() ? header.given().get("max-affected") : null;
    String applied =
        List.of("count", "tx", "handling", "timezone", "max-affected").stream()
            .filter(header.given()::containsKey)
            .filter(name -> mayRollBack || !name.equals("tx"))
            .filter(name -> affected != null || !name.equals("max-affected"))
            .map(name -> name + "=" + header.given().get(name))
            .collect(Collectors.joining(", "));
    return new CallPreferences(
        header.isStrict(),
        "rollback".equals(header.given().get("tx")),
        header.given().get("timezone"),
        affected == null ? null : Long.valueOf(affected),
        applied);
  }

  private static boolean isValid(
      String name, String value, boolean mayRollBack, Supplier<Set<String>> zones) {
    return switch (name) {
      case "timezone" -> zones.get().contains(value);
      case "max-affected" -> value.matches("\\d{1,9}");
      case "tx" -> value.equals("commit") || (mayRollBack && value.equals("rollback"));
      case "handling" -> PreferHeader.isHandling(value);
      default -> VALUES.getOrDefault(name, Set.of()).contains(value);
    };
  }

  /** The answer says which preferences were obeyed. */
  Reply applied(Reply reply) {
    return applied.isEmpty() ? reply : reply.withHeader("Preference-Applied", applied);
  }
}
