package com.gptdesk.chat.database;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import java.sql.Connection;
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

  /** How long a connection may take to say that it lives. */
  private static final int PATIENCE_SECONDS = 5;

  /** What kind of no it is, to switch over; {@link #code()} says it exactly. */
  public enum Reason {
    /** Something given cannot be: an empty text, a page of a thousand, a malformed value. */
    INVALID,
    /** Longer than the chat allows. */
    TOO_LONG,
    /** This person may not do it: not in the conversation, blocked, not active, no grant. */
    NOT_ALLOWED,
    /** There is none that this person knows of. */
    NOT_FOUND,
    /** It does not fit what is there: an id that is taken, a message that was deleted. */
    CONFLICT,
    /** A write in a transaction that only reads. */
    READ_ONLY,
    /** Somebody else was quicker each time; the same again may succeed. */
    LOST_RACE,
    /** It took longer than allowed. */
    TOO_SLOW,
    /** A no of some other kind, such as one raised by a trigger of the platform's. */
    OTHER
  }

  /** The SQLSTATE. */
  private final String code;

  /** Why, in one word, or more about it. */
  private final @Nullable String details;

  /** What the caller may do about it. */
  private final @Nullable String hint;

  /**
   * A refusal as the database worded it.
   *
   * @param code the SQLSTATE
   * @param message a sentence for the caller
   * @param details why in one word, or more of it; null when there is no more
   * @param hint what the caller may do about it
   * @param cause what the driver threw
   */
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
   * What kind of no it is.
   *
   * @return never null; {@link Reason#OTHER} for what has no kind of its own
   */
  public Reason reason() {
    return switch (code) {
      case "PT400", "23502", "23503", "23514" -> Reason.INVALID;
      case "PT403", "42501" -> Reason.NOT_ALLOWED;
      case "PT404" -> Reason.NOT_FOUND;
      case "PT409", "23505", "23P01" -> Reason.CONFLICT;
      case "PT413" -> Reason.TOO_LONG;
      case "25006" -> Reason.READ_ONLY;
      case "57014", "55P03" -> Reason.TOO_SLOW;
      default ->
          code.startsWith("22")
              ? Reason.INVALID
              : code.startsWith("40") ? Reason.LOST_RACE : Reason.OTHER;
    };
  }

  /**
   * The SQLSTATE, five characters: {@code PTxyz} says HTTP status xyz, the rest is PostgreSQL's.
   *
   * @return for instance {@code PT403}
   */
  public String code() {
    return code;
  }

  /**
   * Why, in one word that stays the same, when a function of the chat's refused: {@code blocked},
   * {@code gone}. {@code docs/api.md} lists them. Else what PostgreSQL says more about it.
   *
   * @return null when there is no more
   */
  public @Nullable String details() {
    return details;
  }

  /**
   * What the caller may do about it.
   *
   * @return a sentence; null when there is no advice
   */
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

  /** True for what others' locks kept from being done just now: PT503 says "call it again". */
  static boolean isOfOthersLocks(RuntimeException meaning) {
    return isWorthARetry(meaning)
        || (meaning instanceof Refusal refusal
            && (refusal.code.equals("PT503") || refusal.code.equals("55P03")));
  }

  /**
   * True when the server itself refused and lives on: then it has undone the transaction. After a
   * lost connection nobody knows. The severity is a word in the server's language, so another one
   * than ERROR is asked of the connection.
   */
  static boolean isOfAnUndoneTransaction(SQLException failure, Connection connection) {
    ServerErrorMessage server =
        failure instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
    if (server == null) {
      return false;
    }
    try {
      if (!connection.getAutoCommit()) {
        connection.rollback();
        return true;
      }
      return "ERROR".equals(server.getSeverity()) || connection.isValid(PATIENCE_SECONDS);
    } catch (SQLException e) { // a pool has closed it
      failure.addSuppressed(e);
      return false;
    }
  }

  /**
   * True for what a migration does to a transaction that began before it: a function that is gone
   * or has another result. Run again, the transaction meets the new schema alone.
   */
  static boolean isOfAMigration(RuntimeException fault) {
    SQLException sql = fault instanceof Refusal ? null : sqlExceptionIn(fault);
    return sql != null
        && switch (String.valueOf(sql.getSQLState())) {
          case "0A000" -> String.valueOf(sql.getMessage()).contains("cached plan");
          case "XX000" -> String.valueOf(sql.getMessage()).contains("cache lookup failed");
          case "42883" -> true;
          default -> false;
        };
  }

  private static RuntimeException meaningOf(SQLException sql, RuntimeException fault) {
    String state = sql.getSQLState() == null ? "" : sql.getSQLState();
    if (sql instanceof SQLTransientConnectionException || isUnavailability(state)) {
      return new DatabaseUnavailable(
          state.equals("53100")
              ? "The database's disk is full"
              : "The database cannot be reached or is full",
          sql);
    }
    if (!isRefusal(state)) {
      return fault;
    }
    ServerErrorMessage server =
        sql instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
    if (server != null && isMissingPartition(state, server)) {
      return new DatabaseUnavailable("The month has no partition for its messages", sql);
    }
    if (server == null || server.getMessage() == null) {
      return new Refusal(state, String.valueOf(sql.getMessage()), null, null, sql);
    }
    String hint = server.getHint();
    return new Refusal(
        state,
        server.getMessage(),
        server.getDetail(),
        hint == null && state.equals("42501") ? WritingFunctions.hint(fault) : hint,
        sql);
  }

  /** A violated check has a name; a row that no partition takes has none. */
  private static boolean isMissingPartition(String state, ServerErrorMessage server) {
    return state.equals("23514")
        && server.getConstraint() == null
        && "user_messages".equals(server.getTable());
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
        || state.equals("55P03") // waited longer for a lock than allowed
        || state.equals("P0001"); // raised without a code
  }

  private static boolean isUnavailability(String state) {
    return state.startsWith("08")
        || state.startsWith("53")
        || state.startsWith("57P0")
        || state.equals("25P03"); // the transaction was left open too long, its session is gone
  }

  /**
   * The first that says what happened: jOOQ wraps what fails in the middle of a result, a lost
   * connection too, in one without a state.
   */
  private static @Nullable SQLException sqlExceptionIn(Throwable failure) {
    SQLException first = null;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql) {
        if (sql.getSQLState() != null) {
          return sql;
        }
        first = first == null ? sql : first;
      }
    }
    return first;
  }
}
