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
 * What a DBA has added or changed on purpose: a file of their own with one line for each thing, as
 * {@code validate} and {@code verify-policies} name it. {@code *} stands for anything; {@code #}
 * and what follows it is a comment.
 *
 * <p>Any thread may ask.
 */
public final class Accepted {

  /** Nothing is. */
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
   * What that file names.
   *
   * @param file in UTF-8
   * @return what is accepted
   * @throws IllegalStateException it cannot be read
   */
  public static Accepted in(Path file) {
    try {
      return new Accepted(Files.readAllLines(file));
    } catch (IOException e) {
      throw new IllegalStateException(
          "The file of accepted things cannot be read: " + e.getMessage());
    }
  }

  /**
   * What these lines name.
   *
   * @param lines as in the file
   * @return what is accepted
   */
  public static Accepted of(String... lines) {
    return new Accepted(List.of(lines));
  }

  /**
   * Whether it is accepted.
   *
   * @param id what a report calls it
   * @return whether a line names it
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
   * Lines that have named nothing until now.
   *
   * @return in the order of the file
   */
  public List<String> stale() {
    List<String> stale = new ArrayList<>(lines.keySet());
    stale.removeAll(used.keySet());
    return stale;
  }
}
