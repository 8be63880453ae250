package com.gptdesk.chat.service.http;

import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The rate limits of a node: calls of functions for each person, and calls, broadcasts and new
 * sockets for each address. Twice as many may come at once. Servers without a person's id are
 * limited by address only. Thread-safe.
 */
public final class RequestLimits {
  private final int perPerson;
  private final int perAddress;
  private final RateLimiter<UUID> people;
  private final RateLimiter<String> addresses;

  /**
   * @param perPerson calls a second with tokens of one person
   * @param perAddress calls, broadcasts and upgrades a second from one address, whatever the token
   */
  public RequestLimits(int perPerson, int perAddress) {
    this(perPerson, perAddress, System::nanoTime);
  }

  /**
   * @param nanoClock the clock of the limits
   */
  public RequestLimits(int perPerson, int perAddress, LongSupplier nanoClock) {
    this.perPerson = perPerson;
    this.perAddress = perAddress;
    this.people = new RateLimiter<>(perPerson, nanoClock);
    this.addresses = new RateLimiter<>(perAddress, nanoClock);
  }

  /** Limits that no test reaches. */
  public static RequestLimits ample() {
    return new RequestLimits(1_000_000, 1_000_000);
  }

  /** The error for that person; null when within the limit. */
  public @Nullable Problem refusalOf(@Nullable UUID person) {
    return person == null || people.take(person, 1) ? null : tooMany("one person", perPerson);
  }

  /** The error for that address; null when within the limit. */
  public @Nullable Problem refusalOf(String address) {
    return addresses.take(address, 1) ? null : tooMany("one address", perAddress);
  }

  private static Problem tooMany(String whose, int perSecond) {
    return Problem.of(429, "PT429", "Too many requests of " + whose)
        .withDetails("At most " + perSecond + " a second on average, twice as many at once")
        .withHint("Wait for a second, and send fewer at once")
        .withHeader("Retry-After", "1");
  }
}
