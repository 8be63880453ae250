package com.gptdesk.chat.database;

import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The work of this thread that holds a connection of a pool. More work on the same pool would take
 * a second one: when as many threads as the pool has connections did so, each would wait for
 * another.
 *
 * @param pool whose connection it holds
 * @param caller as whom it runs, as the caller said it; null for the login itself
 * @param inside joins its transaction
 * @param outer what the thread had begun before; null for the first
 */
record OpenWork(
    DataSource pool, @Nullable Caller caller, Configuration inside, @Nullable OpenWork outer) {

  private static final ThreadLocal<@Nullable OpenWork> INNERMOST = new ThreadLocal<>();

  /** {@return the innermost work of this thread on that pool; null when there is none} */
  @SuppressWarnings("ReferenceEquality") // a pool is equal to itself alone, whatever it says
  static @Nullable OpenWork on(@Nullable DataSource pool) {
    OpenWork open = pool == null ? null : INNERMOST.get();
    while (open != null && open.pool != pool) {
      open = open.outer;
    }
    return open;
  }

  /** Runs work on a connection of the pool, which is known for as long as that lasts. */
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
   * The door into its transaction, for the same caller alone.
   *
   * @throws IllegalStateException somebody else is asking
   */
  ChatDatabase joinedAs(@Nullable Caller asking) {
    if (asking == null || !asking.equals(caller)) {
      throw new IllegalStateException(
          "This thread is inside the work of %s, and asks the same pool for a second connection, as %s. That could wait for ever when others do the same. Ask after the work, or in its transaction: ChatDatabase.on(tx.configuration()).as(…)."
              .formatted(named(caller), named(asking)));
    }
    return ChatDatabase.on(inside);
  }

  /** Without the claims, which may say more than a log should. */
  private static String named(@Nullable Caller caller) {
    return caller == null ? "the login itself" : "one " + caller.role().sqlName();
  }
}
