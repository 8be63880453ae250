package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The one door to the database. Everything runs in a transaction as somebody, with that person's
 * role and claims for exactly as long as it lasts, so row-level security always holds.
 *
 * <p>The login behind the data source must be a member of {@code chat_service} and own nothing.
 * Blocking; for any number of threads at once.
 *
 * <p>The database's no arrives as {@link Refusal}, an unreachable database as {@link
 * DatabaseUnavailable}, a fault as whatever it is. A deadlock or a serialization failure is tried
 * again, so work given to the door must not do anything else that cannot be repeated.
 */
public final class ChatDatabase {

  private static final int TRIES = 3;
  private static final String ENTER =
      "select set_config('transaction_read_only', ?, true),"
          + " set_config('request.jwt.claims', ?, true), set_config('role', ?, true)";
  private static final String CALL = "select chat.door(?, ?, ?, ?, ?::json)";

  private final DataSource dataSource;
  private final DSLContext root;

  public ChatDatabase(DataSource dataSource) {
    this.dataSource = dataSource;
    this.root =
        DSL.using(dataSource, SQLDialect.POSTGRES, new Settings().withExecuteLogging(false));
  }

  /** Runs the work in one transaction as that person. */
  public <T extends @Nullable Object> T as(UUID user, Function<DSLContext, T> work) {
    return as(Caller.user(user), work);
  }

  /** Runs the work in one transaction as that caller; commits when it returns. */
  public <T extends @Nullable Object> T as(Caller caller, Function<DSLContext, T> work) {
    return transact(caller, false, work);
  }

  /** As {@link #as}, in a transaction that refuses to write (25006). */
  public <T extends @Nullable Object> T reading(Caller caller, Function<DSLContext, T> work) {
    return transact(caller, true, work);
  }

  /**
   * Runs the work as the login itself, in a transaction that refuses to write. The login may read
   * no table; this is for the few functions of schema chat that say what can be called.
   */
  public <T extends @Nullable Object> T asItself(Function<DSLContext, T> work) {
    return withRetries(
        () ->
            root.transactionResult(
                transaction -> {
                  transaction.dsl().fetch("set transaction read only");
                  return work.apply(transaction.dsl());
                }));
  }

  /**
   * Calls a function in one round trip, a transaction of its own.
   *
   * @param statement made by {@code chat.call_statement}, never by a client
   * @param argumentsJson a JSON object: the arguments by name
   * @return the result as JSON text; null for a function that returns nothing
   */
  public @Nullable String call(
      Caller caller, boolean readOnly, String statement, String argumentsJson) {
    return withRetries(
        () -> {
          try (Connection connection = dataSource.getConnection();
              PreparedStatement call = connection.prepareStatement(CALL)) {
            call.setString(1, caller.claims());
            call.setString(2, caller.role().sqlName());
            call.setBoolean(3, readOnly);
            call.setString(4, statement);
            call.setString(5, argumentsJson);
            try (ResultSet result = call.executeQuery()) {
              result.next();
              return result.getString(1);
            }
          } catch (SQLException e) {
            throw Refusal.meaningOf(e);
          }
        });
  }

  private <T extends @Nullable Object> T transact(
      Caller caller, boolean readOnly, Function<DSLContext, T> work) {
    return withRetries(
        () ->
            root.transactionResult(
                transaction -> {
                  transaction
                      .dsl()
                      .fetch(
                          ENTER, readOnly ? "on" : "off", caller.claims(), caller.role().sqlName());
                  return work.apply(transaction.dsl());
                }));
  }

  private static <T extends @Nullable Object> T withRetries(Supplier<T> transaction) {
    for (int attempt = 1; ; attempt++) {
      try {
        return transaction.get();
      } catch (RuntimeException e) {
        RuntimeException meaning = Refusal.meaningOf(e);
        if (attempt == TRIES || !Refusal.isWorthARetry(meaning) || !pause(attempt)) {
          throw meaning;
        }
      }
    }
  }

  /** Lets the winner finish; false when there is no time because we are being stopped. */
  private static boolean pause(int attempt) {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(1, 20L * attempt));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
