package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Waits for something observable, with a deadline; instead of a sleep, which hides a race. */
public final class Await {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(5);

  private Await() {}

  /** Returns as soon as the condition holds; fails the test when it does not within 20 s. */
  public static void until(String what, Callable<Boolean> condition) {
    until(what, PATIENCE, condition);
  }

  public static void until(String what, Duration patience, Callable<Boolean> condition) {
    value(what, patience, condition, holds -> holds);
  }

  /** Returns the first value that is good; fails the test when none is within 20 s. */
  public static <T> T value(String what, Callable<T> source, Predicate<T> isGood) {
    return value(what, PATIENCE, source, isGood);
  }

  public static <T> T value(
      String what, Duration patience, Callable<T> source, Predicate<T> isGood) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      @Nullable T last;
      try {
        last = source.call();
        if (isGood.test(last)) {
          return last;
        }
      } catch (Exception e) {
        return fail("While waiting for " + what, e);
      }
      if (System.nanoTime() > deadline) {
        return fail("Waited %s for %s; the last value was: %s".formatted(patience, what, last));
      }
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return fail("Interrupted while waiting for " + what);
      }
    }
  }
}
