package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a client says in {@code Prefer}. What is not known is passed over, and refused with {@code
 * handling=strict}.
 *
 * @param representation whether the rows that were written are wanted
 * @param resolution what becomes of a row that is there already; null for a plain insert
 * @param missingIsDefault whether a column that a row lacks takes its default
 * @param maxAffected how many rows may be written; null for any number
 * @param applied those that hold, for the answer
 */
record Preferences(
    boolean representation,
    Count count,
    @Nullable Resolution resolution,
    boolean missingIsDefault,
    @Nullable Integer maxAffected,
    List<String> applied) {

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

  private static final Map<String, Count> COUNTS =
      Map.of("exact", Count.EXACT, "planned", Count.PLANNED, "estimated", Count.ESTIMATED);
  private static final Map<String, Resolution> RESOLUTIONS =
      Map.of("merge-duplicates", Resolution.MERGE, "ignore-duplicates", Resolution.IGNORE);

  /** Reads the header; null for none. */
  static Preferences of(@Nullable String header) {
    Map<String, String> given = new TreeMap<>();
    List<String> applied = new ArrayList<>();
    List<String> invalid = new ArrayList<>();
    for (String one : header == null ? new String[0] : header.split(",", -1)) {
      String preference = one.strip();
      String[] parts = preference.split("=", 2);
      if (preference.isEmpty()) {
        continue;
      }
      boolean known = parts.length == 2 && isKnown(parts[0], parts[1]);
      if (known && given.putIfAbsent(parts[0], parts[1]) == null) {
        applied.add(preference);
      } else if (!known) {
        invalid.add(preference);
      }
    }
    boolean strict = "strict".equals(given.get("handling"));
    if (strict && !invalid.isEmpty()) {
      throw Problem.of(400, "PGRST122", "Invalid preferences given with handling=strict")
          .withDetails("Invalid preferences: " + String.join(", ", invalid))
          .stop();
    }
    if (!strict) {
      applied.removeIf(preference -> preference.startsWith("max-affected="));
    }
    return new Preferences(
        "representation".equals(given.get("return")),
        COUNTS.getOrDefault(given.getOrDefault("count", ""), Count.NONE),
        RESOLUTIONS.get(given.getOrDefault("resolution", "")),
        "default".equals(given.get("missing")),
        strict && given.containsKey("max-affected")
            ? Integer.valueOf(given.get("max-affected"))
            : null,
        List.copyOf(applied));
  }

  private static boolean isKnown(String name, String value) {
    return switch (name) {
      case "return" -> value.equals("minimal") || value.equals("representation");
      case "count" -> COUNTS.containsKey(value);
      case "resolution" -> RESOLUTIONS.containsKey(value);
      case "missing" -> value.equals("default") || value.equals("null");
      case "handling" -> value.equals("strict") || value.equals("lenient");
      case "max-affected" -> value.matches("\\d{1,9}");
      case "tx" -> value.equals("commit");
      default -> false;
    };
  }
}
