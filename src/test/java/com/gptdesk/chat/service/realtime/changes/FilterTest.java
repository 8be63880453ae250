package com.gptdesk.chat.service.realtime.changes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.testing.Await;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What a filter lets through: the same rows as SQL would. */
class FilterTest {
  private static final PublishedTables TABLES =
      PublishedTables.of(
          List.of(
              column("id", "uuid"),
              column("n", "int4"),
              column("price", "numeric"),
              column("name", "text"),
              column("done", "bool"),
              column("at", "timestamptz"),
              column("day", "date"),
              column("info", "jsonb"),
              column("nothing", "text")));

  private static final String ROW =
      """
      {"id":"00000000-0000-4000-8000-00000000000a","n":7,"price":1.50,"name":"Doe, \\"Jane\\" (x)","done":true,
       "at":"2026-01-31T12:00:00.123456+00:00","day":"2026-01-31","info":{"a":1},"nothing":null}""";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          id=eq.00000000-0000-4000-8000-00000000000a   | true
          id=eq.00000000-0000-4000-8000-00000000000A   | true
          id=eq.00000000-0000-4000-8000-00000000000b   | false
          id=neq.00000000-0000-4000-8000-00000000000b  | true
          id=gt.00000000-0000-4000-7000-00000000000a   | true
          id=lt.f0000000-0000-4000-7000-00000000000a   | true
          n=eq.7                                       | true
          n=eq.7.0                                     | true
          n=eq.8                                       | false
          n=neq.7                                      | false
          n=gt.6                                       | true
          n=gte.7                                      | true
          n=lt.7                                       | false
          n=lte.7                                      | true
          n=gt.10                                      | false
          n=in.(1,7)                                   | true
          n=in.(1,2)                                   | false
          n=in.()                                      | false
          n=not.in.(1,2)                               | true
          n=not.eq.7                                   | false
          price=eq.1.5                                 | true
          price=in.(1.5)                               | true
          done=eq.true                                 | true
          done=is.true                                 | true
          done=is.false                                | false
          done=not.is.false                            | true
          done=is.unknown                              | false
          at=eq.2026-01-31T12:00:00.123456Z            | true
          at=eq.2026-01-31 13:00:00.123456+01          | true
          at=gt.2026-01-31                             | true
          at=lt.2026-01-31T12:00:00Z                   | false
          day=eq.2026-01-31                            | true
          day=gte.2026-02-01                           | false
          name=eq."Doe, \\"Jane\\" (x)"                | true
          name=like.Doe%                               | true
          name=like.doe%                               | false
          name=ilike.doe%                              | true
          name=ilike.%JANE%                            | true
          name=like.D_e%                               | true
          name=like.D_                                 | false
          name=not.like.Doe%                           | false
          name=in.(a,"Doe, \\"Jane\\" (x)")            | true
          name=in.("a,b","Doe, \\"Jane\\" (x)","")   | true
          name=in.("Doe, \\"Jane\\" (x)",)           | true
          name=in.(")","(")                            | false
          name=match.^Doe                              | true
          name=match.^doe                              | false
          name=imatch.^doe                             | true
          name=match."[A-Z]oe, +.Jane"                 | true
          name=not.match.Jane                          | false
          name=not.imatch.john                         | true
          nothing=match.x                              | false
          nothing=not.match.x                          | false
          n=isdistinct.7                               | false
          n=isdistinct.7.0                             | false
          n=isdistinct.8                               | true
          n=not.isdistinct.7                           | true
          nothing=isdistinct.x                         | true
          nothing=not.isdistinct.x                     | false
          done=isdistinct.false                        | true
          nothing=eq.x                                 | false
          nothing=neq.x                                | false
          nothing=not.eq.x                             | false
          nothing=not.in.(x)                           | false
          nothing=is.null                              | true
          nothing=not.is.null                          | false
          info=is.null                                 | false
          info=not.is.null                             | true
          n=eq.7,done=is.true                          | true
          n=eq.7,done=is.false                         | false
          n=in.(7,8),name=like.Doe%,nothing=is.null    | true
          """)
  void letsThrough(String filter, boolean passes) throws InvalidFilter {
    JsonNode row = Objects.requireNonNull(Json.read(ROW));
    assertEquals(passes, filter(filter).passes(row));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          n                 | column=operator.value
          =eq.1             | column=operator.value
          n=7               | operator.value
          n=what.7          | unknown operator "what"
          n=EQ.7            | unknown operator "EQ"
          m=eq.7            | has no column "m"
          n=eq.seven        | "seven" is not a number
          n=eq.             | "" is not a number
          n=eq.1e999999999  | not a number
          n=in.7            | list in brackets
          n=in.(7           | not closed
          n=in.(7)8         | is too much
          name=eq."x        | not closed
          name=in.("a"b)    | list
          name=in.("a       | not closed
          name=in.(a))      | is too much
          name=eq.a, b      | double quotes
          id=eq.7           | "7" is not a uuid
          done=eq.perhaps   | not a boolean
          name=match.(a     | not closed
          name=match.a)     | was not opened
          name=match.*a     | nothing before it
          name=match.(.)\\1 | is not offered
          name=match.(?=a)  | are not offered
          n=match.7         | is for texts
          n=isdistinct.x    | "x" is not a number
          at=eq.yesterday   | not a timestamp
          n=like.7          | is for texts
          n=is.7            | "is" takes null
          info=eq.{}        | can only be filtered by "is"
          """)
  void saysWhatIsWrong(String filter, String part) {
    String message =
        String.valueOf(assertThrows(InvalidFilter.class, () -> filter(filter)).getMessage());
    assertTrue(message.contains(part), message);
  }

  @Test
  void aBlankFilterLetsThroughEverything() throws InvalidFilter {
    assertTrue(filter(" ").isEmpty());
  }

  @Test
  void atMostAHundredValues() throws InvalidFilter {
    assertFalse(filter("n=in.(" + "1,".repeat(99) + "1)").isEmpty());
    assertThrows(InvalidFilter.class, () -> filter("n=in.(" + "1,".repeat(100) + "1)"));
  }

  @Test
  void aPatternThatAsksForBacktrackingIsStillQuick() {
    String pattern = "%a".repeat(60) + "%b";
    assertTimeoutPreemptively(Await.PATIENCE, () -> Filter.matches(pattern, "a".repeat(10_000)));
  }

  private static Filter filter(String text) throws InvalidFilter {
    return Filter.of(Filter.read(text), Objects.requireNonNull(TABLES.named("t")));
  }

  private static PublishedTables.Column column(String name, String type) {
    return new PublishedTables.Column("t", name, type, name.equals("id"));
  }
}
