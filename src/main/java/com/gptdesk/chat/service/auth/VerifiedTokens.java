package com.gptdesk.chat.service.auth;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Who was named by tokens that were verified a moment ago, since one user sends the same token with
 * each request. An entry lives for a minute at most, so that a withdrawn key is not believed for
 * longer. Bounded; thread-safe.
 */
final class VerifiedTokens {
  /** An entry lives for one to two of these. */
  private static final Duration GENERATION = Duration.ofSeconds(30);

  /** The most of one generation; two are kept. */
  static final int MOST = 4096;

  /** In characters; longer ones are verified each time, so that memory is bounded. */
  static final int LONGEST = 2048;

  /**
   * What was put in one after the other.
   *
   * @param until from then on tokens are put in the next one
   */
  private record Generation(Map<String, Identity> tokens, Instant until) {
    static Generation at(Instant now) {
      return new Generation(new ConcurrentHashMap<>(), now.plus(GENERATION));
    }

    boolean isFull(Instant now) {
      return !now.isBefore(until) || tokens.size() >= MOST;
    }

    boolean isForgotten(Instant now) {
      return !now.isBefore(until.plus(GENERATION));
    }
  }

  private volatile Generation young = Generation.at(Instant.EPOCH);
  private volatile Generation old = young;

  /** Null when it was not verified in the last minute. Whether it has expired is not checked. */
  @Nullable Identity of(String token, Instant now) {
    Identity identity = in(young, token, now);
    return identity != null ? identity : in(old, token, now);
  }

  private static @Nullable Identity in(Generation generation, String token, Instant now) {
    return generation.isForgotten(now) ? null : generation.tokens().get(token);
  }

  /** The token has just been verified. */
  void add(String token, Identity identity, Instant now) {
    if (token.length() > LONGEST) {
      return;
    }
    if (young.isFull(now)) {
      begin(now);
    }
    young.tokens().put(token, identity);
  }

  private synchronized void begin(Instant now) {
    if (young.isFull(now)) {
      old = young;
      young = Generation.at(now);
    }
  }

  /** How many there are, also of those that are forgotten and still in memory. */
  int size() {
    return young.tokens().size() + old.tokens().size();
  }
}
