package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which tables are served, and how much one request may ask of them.
 *
 * @param served names of tables that are served beside the chat's own; a star stands for any
 *     letters
 * @param maxRows rows of an answer, and of each embedded list; also of an operator's function
 * @param maxDepth how deep tables may be embedded in one another
 * @param statementTimeout how long a statement may take
 * @param maxBytes bytes of the rows in an answer, as JSON
 */
public record RestLimits(
    List<String> served, int maxRows, int maxDepth, Duration statementTimeout, int maxBytes) {
  private static final int BYTES = 16 * 1024 * 1024;

  private static final Setting<List<String>> SERVED =
      Setting.of(
          "CHAT_SERVED_TABLES",
          "names with * for any letters, separated by commas",
          RestLimits::namesIn,
          List.of(),
          "none",
          "tables and views of schema `public` served beside the chat's own, where they have row-level security or `security_invoker`");
  private static final Setting<Integer> ROWS =
      Setting.number(
          "CHAT_TABLE_MAX_ROWS",
          1000,
          1,
          100_000,
          "rows of an answer, and of each embedded list; also of an operator's function that returns a set");
  private static final Setting<Integer> DEPTH =
      Setting.number(
          "CHAT_TABLE_MAX_DEPTH", 4, 0, 10, "how deep tables may be embedded in one another");
  private static final Setting<Duration> TIMEOUT =
      Setting.millis(
          "CHAT_TABLE_STATEMENT_TIMEOUT_MS",
          5000,
          1,
          600_000,
          "how long a statement on tables may take; then 503");

  private static final Setting<Integer> MAX_BYTES =
      Setting.number(
          "CHAT_TABLE_MAX_BYTES",
          BYTES,
          1000,
          268_435_456,
          "bytes of the rows in an answer, as JSON; then 413");

  /** For help and for the document. */
  public static final List<Setting<?>> SETTINGS = List.of(SERVED, ROWS, DEPTH, TIMEOUT, MAX_BYTES);

  /** What holds when nothing is set. */
  public static final RestLimits DEFAULT =
      new RestLimits(List.of(), 1000, 4, Duration.ofSeconds(5));

  public RestLimits {
    served = List.copyOf(served);
  }

  /** With the usual number of bytes. */
  public RestLimits(List<String> served, int maxRows, int maxDepth, Duration statementTimeout) {
    this(served, maxRows, maxDepth, statementTimeout, BYTES);
  }

  /** Read from the environment. */
  public static RestLimits from(Settings settings) {
    return new RestLimits(
        settings.get(SERVED),
        settings.get(ROWS),
        settings.get(DEPTH),
        settings.get(TIMEOUT),
        settings.get(MAX_BYTES));
  }

  /** The answer where the rows have more bytes than an answer may. */
  public static Problem tooLong() {
    return Problem.of(413, "PT413", "The rows are too long for one answer")
        .withDetails("Nothing was changed")
        .withHint("Ask for fewer rows or columns, or embed less; limit and offset give pages");
  }

  private static @Nullable List<String> namesIn(String text) {
    return text.matches("[\\w$*]+(\\s*,\\s*[\\w$*]+)*") ? Setting.listOf(text) : null;
  }
}
