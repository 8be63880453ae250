package com.gptdesk.chat.service.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import org.junit.jupiter.api.Test;

/** A token that comes again is known for a while. */
class VerifiedTokensTest {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

  private final VerifiedTokens tokens = new VerifiedTokens();
  private final Identity somebody = Identity.anonymous();

  @Test
  void itIsKnownForAWhile() {
    assertNull(tokens.of("token", NOW));
    tokens.add("token", somebody, NOW);
    assertEquals(somebody, tokens.of("token", NOW));
    assertEquals(somebody, tokens.of("token", NOW.plusSeconds(29)));
    assertNull(tokens.of("another", NOW));
  }

  @Test
  void itIsForgottenAfterAMinute() {
    tokens.add("first", somebody, NOW);
    tokens.add("second", somebody, NOW.plusSeconds(29));
    assertEquals(somebody, tokens.of("first", NOW.plusSeconds(59)));
    assertNull(tokens.of("first", NOW.plusSeconds(60)));

    tokens.add("third", somebody, NOW.plusSeconds(40));
    assertEquals(somebody, tokens.of("second", NOW.plusSeconds(59)));
    assertEquals(somebody, tokens.of("third", NOW.plusSeconds(69)));
    assertNull(tokens.of("second", NOW.plusSeconds(60)));
  }

  @Test
  void thereAreNeverMoreThanTwoGenerationsOfThem() {
    for (int i = 0; i < 3 * VerifiedTokens.MOST; i++) {
      tokens.add("token " + i, somebody, NOW);
      assertTrue(tokens.size() <= 2 * VerifiedTokens.MOST, () -> tokens.size() + " are kept");
    }
    assertEquals(somebody, tokens.of("token " + (3 * VerifiedTokens.MOST - 1), NOW));
    assertNull(tokens.of("token 0", NOW));
  }

  @Test
  void aVeryLongOneIsNotKept() {
    String longest = "t".repeat(VerifiedTokens.LONGEST);
    tokens.add(longest, somebody, NOW);
    tokens.add(longest + "t", somebody, NOW);
    assertEquals(somebody, tokens.of(longest, NOW));
    assertNull(tokens.of(longest + "t", NOW));
  }
}
