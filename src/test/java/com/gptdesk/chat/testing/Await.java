package com.gptdesk.chat.testing;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Waits for something observable; instead of a sleep, which hides a race.
 *
 * <p>The deadline only ends a test that hangs. No test passes because it came, and none should fail
 * because a machine is slow, so there is one for all and it is long.
 */
public final class Await {
  /** When whoever waits gives up. */
  public static final Duration PATIENCE = Duration.ofMinutes(3);

  private static final Duration PAUSE = Duration.ofMillis(5);

  private Await() {}

  /** {@link #PATIENCE} for a socket or a connection that takes an int of milliseconds. */
  public static int patienceMillis() {
    return Math.toIntExact(PATIENCE.toMillis());
  }

  /** Returns as soon as the condition holds; fails the test when it never does. */
  public static void until(String what, Callable<Boolean> condition) {
    value(what, condition, holds -> holds);
  }

  /** Returns the first value that is good; fails the test when none ever is. */
  public static <T> T value(String what, Callable<T> source, Predicate<T> isGood) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      @Nullable T last;
      try {
        last = source.call();
        if (isGood.test(last)) {
          return last;
        }
      } catch (Exception e) {
        throw failure("While waiting for " + what, e);
      }
      if (System.nanoTime() > deadline) {
        throw failure("Waited %s for %s; the last value was: %s".formatted(PATIENCE, what, last));
      }
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw failure("Interrupted while waiting for " + what);
      }
    }
  }

  /** Returns when the latch is open. */
  public static void open(CountDownLatch latch) {
    try {
      if (!latch.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw failure("The latch stayed shut");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure("Interrupted while waiting for a latch");
    }
  }

  /** What the queue holds next; fails the test when nothing ever comes. */
  public static <T> T next(String what, BlockingQueue<T> queue) {
    try {
      T next = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      if (next == null) {
        throw failure("Waited in vain for " + what);
      }
      return next;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure("Interrupted while waiting for " + what);
    }
  }

  /** What the work returns, or throws. */
  public static <T> T result(Future<T> work) throws ExecutionException {
    try {
      return work.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw failure("Waited in vain for a result", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure("Interrupted while waiting for a result");
    }
  }

  /** Not the framework's, which the soak and the bench do not have. */
  private static AssertionError failure(String what) {
    return new AssertionError(what);
  }

  private static AssertionError failure(String what, Throwable cause) {
    return new AssertionError(what, cause);
  }
}
