package com.gptdesk.chat.service.realtime.changes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What matches is what PostgreSQL's own expressions match. */
class TextPatternTest {

  private static final List<String> TEXTS =
      List.of(
          "",
          "a",
          "A",
          "b",
          "ab",
          "aab",
          "abc",
          "ABC",
          "hello world",
          "Hello, World!",
          "line\nline2",
          "a.b",
          "a]b",
          "a-b",
          "a{2}",
          "x{",
          "1 22 333",
          "tab\tend",
          "foo_bar",
          "()",
          "a|b",
          "Straße",
          "ÄÖÜ äöü",
          "日本語",
          "😀 smile",
          "^a$",
          "a\\b",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaab");

  private static final List<String> PATTERNS =
      List.of(
          "",
          "a",
          "^a",
          "a$",
          "^a$",
          "^$",
          "a*",
          "a+b",
          "a?b",
          "^a{2}b",
          "^(a|b)+$",
          "(a|b|c){3}",
          "a{1,2}b",
          "a{2,}b",
          "^(a{0,2})$",
          "[abc]",
          "[^abc]",
          "[]a]",
          "[a-c]+$",
          "[a\\-]b",
          "[[:digit:]]+",
          "[^[:space:]]+",
          "[[:upper:]][[:lower:]]",
          "[[:alpha:]_]+$",
          ".",
          "^.$",
          "^..$",
          "a.b",
          "e.l",
          "\\d+",
          "\\d{3}",
          "\\D",
          "\\s",
          "\\S+\\s\\S+",
          "\\w+_\\w+",
          "^\\W",
          "\\mworld\\M",
          "\\yfoo",
          "o\\Y",
          "\\Aa",
          "b\\Z",
          "a\\.b",
          "a\\]b",
          "a\\\\b",
          "\\t",
          "\\n",
          "x{",
          "a{x",
          "(?:ab)+",
          "(?i)hello",
          "(a|)b",
          "(|a)c",
          "***=a.b",
          "***:a.b",
          "***=(",
          "ß",
          "[ä-ü]",
          "日",
          "\\u65e5",
          "\\U0001F600",
          "[日😀]",
          "(((a)))*b",
          "(a*)*b",
          "(a+)+$",
          "a*?b",
          "a+?",
          "a??b",
          "a{1,2}?b",
          "[^\\d]",
          "[\\w]+$",
          "^[^a]",
          "-",
          "[-a]",
          "[a-]",
          "}",
          "]",
          "(^a|b$)",
          "^*",
          "$a");

  private final List<String> wrong = new ArrayList<>();

  @Test
  void theAnswersArePostgresOwn() {
    try (TestDatabase database = TestDatabase.fresh()) {
      for (String pattern : PATTERNS) {
        compare(database, pattern);
      }
      Random random = new Random(5);
      String[] pieces = {
        "a", "b", "[ab]", "[^a]", ".", "(", ")", "|", "*", "+", "?", "{2}", "{0,1}", "^", "$",
        "\\w", "\\d", "\\m", "(?:", "c"
      };
      for (int i = 0; i < 300; i++) {
        StringBuilder pattern = new StringBuilder();
        for (int n = 1 + random.nextInt(7); n > 0; n--) {
          pattern.append(pieces[random.nextInt(pieces.length)]);
        }
        compare(database, pattern.toString());
      }
    }
    assertEquals(List.of(), wrong);
  }

  private void compare(TestDatabase database, String pattern) {
    for (boolean anyCase : new boolean[] {false, true}) {
      List<Boolean> expected;
      try {
        expected =
            database
                .alice()
                .does(
                    tx ->
                        tx.fetch(
                                "select t "
                                    + (anyCase ? "~*" : "~")
                                    + " ? from unnest(?::text[]) with ordinality u (t, n) order by n",
                                pattern,
                                TEXTS.toArray(String[]::new))
                            .getValues(0, Boolean.class));
      } catch (RuntimeException e) {
        expected = List.of(); // no pattern
      }
      List<Boolean> answers;
      try {
        TextPattern read = TextPattern.of(pattern, anyCase);
        answers = TEXTS.stream().map(read::isIn).toList();
      } catch (InvalidFilter e) {
        answers = List.of();
      }
      if (!answers.equals(expected)) {
        wrong.add(pattern + (anyCase ? " any case" : "") + "\n  " + expected + "\n  " + answers);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a",
        "a)",
        "[a",
        "[b-a]",
        "*",
        "a**",
        "a{3,2}",
        "a{256}",
        "\\",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(a)\\1",
        "[[:word",
        "[[:no:]]",
        "(?q)a",
        "\\u12"
      })
  void whatIsNotOfferedIsRefused(String pattern) {
    assertThrows(InvalidFilter.class, () -> TextPattern.of(pattern, false));
  }

  @Test
  void noPatternTakesLong() throws InvalidFilter {
    assertThrows(InvalidFilter.class, () -> TextPattern.of("(((a{200}){200}){200})", false));
    assertThrows(InvalidFilter.class, () -> TextPattern.of("(".repeat(10_000), false));
    assertThrows(InvalidFilter.class, () -> TextPattern.of("a".repeat(10_000), false));
    TextPattern evil = TextPattern.of("^(([a-z]+)+)+$", false);
    assertFalse(evil.isIn("a".repeat(100_000) + "!")); // else this would never end
  }
}
