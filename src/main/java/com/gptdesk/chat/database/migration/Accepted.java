package com.gptdesk.chat.database.migration;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The intended changes of a DBA: a file with one line for each, named as in the output of {@code
 * validate} and {@code verify-policies}. {@code *} matches any text; {@code #} starts a comment.
 *
 * <p>Thread-safe.
 */
public final class Accepted {

  /** Accepts nothing. */
  public static final Accepted NOTHING = new Accepted(List.of());

  private final Map<String, Pattern> lines = new LinkedHashMap<>();
  private final Map<String, Boolean> used = new ConcurrentHashMap<>();

  private Accepted(List<String> lines) {
    for (String line : lines) {
      String thing = line.replaceFirst("(^|\\s)#.*", "").strip();
      if (!thing.isEmpty()) {
        this.lines.put(
            thing,
            Pattern.compile(
                Stream.of(thing.split("\\*", -1))
                    .map(Pattern::quote)
                    .collect(Collectors.joining(".*"))));
      }
    }
  }

  /**
   * Reads such a file.
   *
   * @param file in UTF-8
   * @return the accepted changes
   * @throws IllegalStateException it cannot be read
   */
  public static Accepted in(Path file) {
    try {
      return new Accepted(Files.readAllLines(file));
    } catch (IOException e) {
      throw new IllegalStateException(
          "The file of accepted changes cannot be read: " + e.getMessage());
    }
  }

  /**
   * Parses these lines.
   *
   * @param lines as in the file
   * @return the accepted changes
   */
  public static Accepted of(String... lines) {
    return new Accepted(List.of(lines));
  }

  /**
   * Whether a difference is accepted.
   *
   * @param id its id in a report
   * @return whether a line matches it
   */
  public boolean covers(String id) {
    boolean covered = false;
    for (Map.Entry<String, Pattern> line : lines.entrySet()) {
      if (line.getValue().matcher(id).matches()) {
        used.put(line.getKey(), true);
        covered = true;
      }
    }
    return covered;
  }

  /**
   * Lines that have matched nothing so far.
   *
   * @return in the order of the file
   */
  public List<String> stale() {
    List<String> stale = new ArrayList<>(lines.keySet());
    stale.removeAll(used.keySet());
    return stale;
  }
}
