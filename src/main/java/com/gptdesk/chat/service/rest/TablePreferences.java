package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.PreferHeader;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a client prefers of a request for a table.
 *
 * @param returned what is wanted of the rows that were written
 * @param resolution what becomes of a row that is there already; null for a plain insert
 * @param rollsBack whether everything is undone after the answer
 * @param timezone the zone of times in conditions and in the answer; null for UTC
 * @param missingIsDefault whether a column that a row lacks takes its default
 * @param maxAffected how many rows may be written; null for any number
 * @param applied those that hold, for the answer
 */
record TablePreferences(
    Returned returned,
    Count count,
    @Nullable Resolution resolution,
    boolean rollsBack,
    @Nullable String timezone,
    boolean missingIsDefault,
    @Nullable Integer maxAffected,
    List<String> applied) {

  /** What is wanted of the rows that were written. */
  enum Returned {
    MINIMAL,
    /** Of one new row its address. */
    HEADERS,
    REPRESENTATION
  }

  /** How all rows that meet the conditions are counted. */
  enum Count {
    NONE,
    EXACT,
    /** As the planner thinks. */
    PLANNED,
    /** Exactly up to the largest page, from there as the planner thinks. */
    ESTIMATED
  }

  /** What an upsert does with a row that is there already. */
  enum Resolution {
    MERGE,
    IGNORE
  }

  private static final Map<String, Returned> RETURNED =
      Map.of(
          "minimal", Returned.MINIMAL,
          "headers-only", Returned.HEADERS,
          "representation", Returned.REPRESENTATION);
  private static final Map<String, Count> COUNTS =
      Map.of("exact", Count.EXACT, "planned", Count.PLANNED, "estimated", Count.ESTIMATED);
  private static final Map<String, Resolution> RESOLUTIONS =
      Map.of("merge-duplicates", Resolution.MERGE, "ignore-duplicates", Resolution.IGNORE);

  /**
   * Reads the header; null for none.
   *
   * @param mayRollBack whether {@code tx} is obeyed
   * @param zones the time zones of the database; asked only for a preference
   */
  static TablePreferences of(
      @Nullable String prefer, boolean mayRollBack, Supplier<Set<String>> zones) {
    PreferHeader header =
        PreferHeader.of(prefer, (name, value) -> isKnown(name, value, mayRollBack, zones));
    Map<String, String> given = header.given();
    String affected = header.isStrict() ? given.get("max-affected") : null;
    return new TablePreferences(
        RETURNED.getOrDefault(given.getOrDefault("return", ""), Returned.MINIMAL),
        COUNTS.getOrDefault(given.getOrDefault("count", ""), Count.NONE),
        RESOLUTIONS.get(given.getOrDefault("resolution", "")),
        "rollback".equals(given.get("tx")),
        given.get("timezone"),
        "default".equals(given.get("missing")),
        affected == null ? null : Integer.valueOf(affected),
        given.entrySet().stream()
            .filter(one -> affected != null || !one.getKey().equals("max-affected"))
            .map(one -> one.getKey() + "=" + one.getValue())
            .toList());
  }

  /** Whether the rows that were written are wanted. */
  boolean representation() {
    return returned == Returned.REPRESENTATION;
  }

  private static boolean isKnown(
      String name, String value, boolean mayRollBack, Supplier<Set<String>> zones) {
    return switch (name) {
      case "return" -> RETURNED.containsKey(value);
      case "count" -> COUNTS.containsKey(value);
      case "resolution" -> RESOLUTIONS.containsKey(value);
      case "timezone" -> zones.get().contains(value);
      case "missing" -> value.equals("default") || value.equals("null");
      case "handling" -> PreferHeader.isHandling(value);
      case "max-affected" -> value.matches("\\d{1,9}");
      case "tx" -> value.equals("commit") || (mayRollBack && value.equals("rollback"));
      default -> false;
    };
  }
}
