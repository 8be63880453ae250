package com.gptdesk.chat.service.text;

import java.util.Collection;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/** The name that somebody meant who wrote a slightly different one. */
public final class NearestName {

  /** How many letters may be wrong in a name that is taken for a slip. */
  private static final int FARTHEST = 4;

  private NearestName() {}

  /** The name most like what was written, the first by the alphabet of several; null for none. */
  public static @Nullable String in(Collection<String> names, String written) {
    return names.stream()
        .filter(name -> distance(name, written) <= FARTHEST)
        .min(
            Comparator.<String>comparingInt(name -> distance(name, written))
                .thenComparing(Comparator.naturalOrder()))
        .orElse(null);
  }

  /** Levenshtein's distance, or too far where the lengths alone say so: a name may be very long. */
  private static int distance(String one, String other) {
    if (Math.abs(one.length() - other.length()) > FARTHEST) {
      return Integer.MAX_VALUE;
    }
    int[] above = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int[] row = new int[other.length() + 1];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int change = above[j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[other.length()];
  }
}
