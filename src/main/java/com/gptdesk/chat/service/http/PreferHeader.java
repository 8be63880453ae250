package com.gptdesk.chat.service.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The header {@code Prefer}, as PostgREST reads it: of each preference the first valid value. What
 * is not valid is passed over, and refused with {@code handling=strict}.
 *
 * @param given values by name, in the order in which they came
 */
public record PreferHeader(Map<String, String> given) {

  /**
   * Reads the header.
   *
   * @param header null for none
   * @param isValid whether a preference of this name with this value is obeyed
   * @throws Problem.Stop PGRST122 for values that are not obeyed, with {@code handling=strict}
   */
  public static PreferHeader of(@Nullable String header, BiPredicate<String, String> isValid) {
    Map<String, String> given = new LinkedHashMap<>();
    List<String> invalid = new ArrayList<>();
    for (String one : header == null ? new String[0] : header.split(",", -1)) {
      String preference = one.strip();
      String[] parts = preference.split("=", 2);
      if (parts.length == 2 && isValid.test(parts[0], parts[1])) {
        given.putIfAbsent(parts[0], parts[1]);
      } else if (!preference.isEmpty()) {
        invalid.add(preference);
      }
    }
    PreferHeader prefer = new PreferHeader(given);
    if (prefer.isStrict() && !invalid.isEmpty()) {
      throw Problem.of(400, "PGRST122", "Invalid preferences given with handling=strict")
          .withDetails("Invalid preferences: " + String.join(", ", invalid))
          .stop();
    }
    return prefer;
  }

  /** Whether a preference that is not obeyed is refused. */
  public boolean isStrict() {
    return "strict".equals(given.get("handling"));
  }

  /** Whether a value is one of {@code handling}. */
  public static boolean isHandling(String value) {
    return value.equals("strict") || value.equals("lenient");
  }
}
