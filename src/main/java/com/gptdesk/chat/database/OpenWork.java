package com.gptdesk.chat.database;

import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The work of this thread that holds a pooled connection. Nested work on the same pool would take a
 * second one, and threads that do so could wait for each other for ever.
 *
 * @param pool the pool of its connection
 * @param caller its caller; null for the login itself
 * @param inside runs work in its transaction
 * @param outer the outer work of this thread; null for none
 */
record OpenWork(
    DataSource pool, @Nullable Caller caller, Configuration inside, @Nullable OpenWork outer) {

  private static final ThreadLocal<@Nullable OpenWork> INNERMOST = new ThreadLocal<>();

  /** {@return the innermost work of this thread on that pool; null when there is none} */
  @SuppressWarnings("ReferenceEquality") // pools are compared by identity
  static @Nullable OpenWork on(@Nullable DataSource pool) {
    OpenWork open = pool == null ? null : INNERMOST.get();
    while (open != null && open.pool != pool) {
      open = open.outer;
    }
    return open;
  }

  /** Runs work on a connection of the pool, and records it meanwhile. */
  static <T extends @Nullable Object> T during(
      @Nullable DataSource pool, @Nullable Caller caller, Configuration inside, Supplier<T> work) {
    if (pool == null) {
      return work.get();
    }
    OpenWork before = INNERMOST.get();
    INNERMOST.set(new OpenWork(pool, caller, inside, before));
    try {
      return work.get();
    } finally {
      if (before == null) {
        INNERMOST.remove();
      } else {
        INNERMOST.set(before);
      }
    }
  }

  /**
   * Its transaction, for the same caller only.
   *
   * @throws IllegalStateException for another caller
   */
  Configuration joinedAs(@Nullable Caller asking) {
    if (asking == null || !asking.equals(caller)) {
      throw new IllegalStateException(
          "This thread is inside the work of %s, and asks the same pool for a second connection, as %s. That could wait for ever when others do the same. Ask after the work, or in its transaction: ChatDatabase.on(tx.configuration()).as(…)."
              .formatted(named(caller), named(asking)));
    }
    return inside;
  }

  /** Without the claims, which should not be logged. */
  private static String named(@Nullable Caller caller) {
    return caller == null ? "the login itself" : "one " + caller.role().sqlName();
  }
}
