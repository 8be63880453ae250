package com.gptdesk.chat.service.http;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.auth.InvalidToken;
import org.jspecify.annotations.Nullable;

/**
 * The table of errors for invalid tokens, refusals of the database and an unavailable database:
 * status, code, message and hint. HTTP and sockets answer from it: each problem carries the code of
 * PostgREST and that of Supabase Realtime.
 */
public final class Errors {

  private static final String TOKEN = "InvalidJWTToken";
  private static final String AWAY = "UnableToConnectToProject";

  private Errors() {}

  /** The database is unavailable, has no partition for the month, or its disk is full. */
  public static Problem of(DatabaseUnavailable e) {
    if (e.isPartitionMissing()) {
      return partitionMissing().withRealtimeCode(AWAY);
    }
    return e.isDiskFull() ? diskFull().withRealtimeCode(AWAY) : unavailable();
  }

  /** The database did not answer, for whatever reason. */
  public static Problem unavailable() {
    return Problem.of(503, "PGRST000", "The database cannot be reached now")
        .withRealtimeCode(AWAY)
        .withHint("Try again in a moment")
        .withHeader("Retry-After", "1");
  }

  private static Problem partitionMissing() {
    return Problem.of(503, "PT503", "The database has no partition for the messages of this month")
        .withDetails("Nothing was sent, and the partition could not be created")
        .withHint("The operator has to call chat.ensure_message_partitions(); then try again")
        .withHeader("Retry-After", "5");
  }

  /** As PostgREST does for the whole class 53. */
  private static Problem diskFull() {
    return Problem.of(503, "53100", "The database's disk is full, so nothing new can be stored")
        .withDetails("Nothing was changed")
        .withHint("The operator has to free space; then try again")
        .withHeader("Retry-After", "5");
  }

  public static Problem of(InvalidToken e) {
    Problem problem =
        switch (e.reason()) {
          case MALFORMED ->
              Problem.of(401, "PGRST301", e.getMessage()).withRealtimeCode("MalformedJWT");
          case BAD_SIGNATURE ->
              Problem.of(401, "PGRST301", e.getMessage()).withRealtimeCode("JwtSignatureError");
          case EXPIRED, NOT_YET_VALID, MISSING_CLAIM, WRONG_AUDIENCE, WRONG_ISSUER ->
              Problem.of(401, "PGRST303", e.getMessage()).withRealtimeCode(TOKEN);
          case UNKNOWN_ROLE -> Problem.of(401, "22023", e.getMessage()).withRealtimeCode(TOKEN);
          case KEYS_UNAVAILABLE ->
              Problem.of(503, "PGRST301", e.getMessage())
                  .withRealtimeCode(TOKEN)
                  .withHeader("Retry-After", "5");
        };
    return problem.status() == 401
        ? problem.withHeader(
            "WWW-Authenticate",
            "Bearer error=\"invalid_token\", error_description=\""
                + e.getMessage().replace('"', '\'')
                + "\"")
        : problem;
  }

  private static Problem tooSlow(Refusal refusal) {
    return Problem.of(503, "PT503", "The database took too long, so the call was stopped")
        .withRealtimeCode(AWAY)
        .withDetails(refusal.getMessage())
        .withHint("Nothing was changed. Try again in a moment, or request less at once")
        .withHeader("Retry-After", "1");
  }

  public static Problem of(Refusal refusal, boolean anonymous) {
    if (refusal.reason() == Refusal.Reason.TOO_SLOW) {
      return tooSlow(refusal);
    }
    return of(
        refusal.code(),
        String.valueOf(refusal.getMessage()),
        refusal.details(),
        refusal.hint(),
        anonymous);
  }

  /** What PostgreSQL reports, word by word. */
  public static Problem of(
      String sqlState,
      String message,
      @Nullable String details,
      @Nullable String hint,
      boolean anonymous) {
    int status = status(sqlState, message, anonymous);
    Problem problem =
        Problem.of(status, sqlState, message)
            .withRealtimeCode(realtimeCode(status))
            .withDetails(details)
            .withHint(hint);
    return switch (status) {
      case 401 -> problem.withHeader("WWW-Authenticate", "Bearer");
      case 503 -> problem.withHeader("Retry-After", "1");
      default -> problem;
    };
  }

  /** On a socket only a broadcast or presence is refused. */
  private static String realtimeCode(int status) {
    return status == 401 || status == 403
        ? "Unauthorized"
        : status >= 500 ? AWAY : "InvalidBroadcast";
  }

  /** PostgREST's table of SQLSTATEs. */
  private static int status(String sqlState, String message, boolean anonymous) {
    return switch (sqlState) {
      case "42501" -> anonymous ? 401 : 403;
      case "23503", "23505" -> 409;
      case "25006" -> 405;
      case "P0001" -> 400;
      case "53400", "42P17" -> 500;
      case "57P01" -> 503;
      case "21000" -> message.endsWith("requires a WHERE clause") ? 400 : 500;
      case "42883" -> message.startsWith("function xmlagg(") ? 406 : 404;
      case "42P01" -> 404;
      default ->
          switch (sqlState.substring(0, Math.min(2, sqlState.length()))) {
            case "PT" -> statusInCode(sqlState);
            case "08", "53" -> 503;
            case "0L", "0P", "28" -> 403;
            case "09",
                "25",
                "2D",
                "38",
                "39",
                "3B",
                "40",
                "54",
                "55",
                "57",
                "58",
                "F0",
                "HV",
                "P0",
                "XX" ->
                500;
            default -> 400;
          };
    };
  }

  private static int statusInCode(String sqlState) {
    return sqlState.matches("PT[45]\\d\\d") ? Integer.parseInt(sqlState.substring(2)) : 500;
  }
}
