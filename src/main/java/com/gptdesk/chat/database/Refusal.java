package com.gptdesk.chat.database;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * The database's no: what was asked is not allowed, not valid, or lost against somebody else's
 * change. Meant for the caller, word by word; no fault of ours.
 */
public final class Refusal extends RuntimeException {

  private final String code;
  private final @Nullable String details;
  private final @Nullable String hint;

  public Refusal(
      String code,
      String message,
      @Nullable String details,
      @Nullable String hint,
      @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.details = details;
    this.hint = hint;
  }

  /**
   * The SQLSTATE, five characters: {@code PTxyz} says HTTP status xyz, the rest is PostgreSQL's.
   */
  public String code() {
    return code;
  }

  public @Nullable String details() {
    return details;
  }

  /** What the caller may do about it. */
  public @Nullable String hint() {
    return hint;
  }

  /**
   * What this failure means: a {@link Refusal}, a {@link DatabaseUnavailable}, or the failure
   * itself when it is a fault.
   */
  static RuntimeException meaningOf(RuntimeException failure) {
    if (failure instanceof Refusal || failure instanceof DatabaseUnavailable) {
      return failure;
    }
    SQLException sql = sqlExceptionIn(failure);
    return sql == null ? failure : meaningOf(sql, failure);
  }

  static RuntimeException meaningOf(SQLException failure) {
    return meaningOf(failure, new IllegalStateException("The database failed", failure));
  }

  /** True for what may succeed when the whole transaction is run again. */
  static boolean isWorthARetry(RuntimeException meaning) {
    return meaning instanceof Refusal refusal
        && (refusal.code.equals("40001") || refusal.code.equals("40P01"));
  }

  private static RuntimeException meaningOf(SQLException sql, RuntimeException fault) {
    String state = sql.getSQLState() == null ? "" : sql.getSQLState();
    if (sql instanceof SQLTransientConnectionException || isUnavailability(state)) {
      return new DatabaseUnavailable("The database cannot be reached or is full", sql);
    }
    if (!isRefusal(state)) {
      return fault;
    }
    ServerErrorMessage server =
        sql instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
    if (server == null || server.getMessage() == null) {
      return new Refusal(state, String.valueOf(sql.getMessage()), null, null, sql);
    }
    return new Refusal(state, server.getMessage(), server.getDetail(), server.getHint(), sql);
  }

  private static boolean isRefusal(String state) {
    return state.startsWith("PT")
        || state.startsWith("22")
        || state.startsWith("23")
        || state.startsWith("40")
        || state.startsWith("54")
        || state.equals("25006") // a write in a read-only transaction
        || state.equals("42501") // insufficient privilege, or a policy's no
        || state.equals("57014") // took longer than allowed
        || state.equals("P0001"); // raised without a code
  }

  private static boolean isUnavailability(String state) {
    return state.startsWith("08") || state.startsWith("53") || state.startsWith("57P0");
  }

  private static @Nullable SQLException sqlExceptionIn(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql) {
        return sql;
      }
    }
    return null;
  }
}
