package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.auth.InvalidToken;

/** The reason of a failure for clients: a code of Supabase Realtime and a sentence. */
public final class FailureReason {
  private FailureReason() {}

  /** For a failure of a token or of the database. */
  public static String of(RuntimeException e) {
    if (e instanceof InvalidToken invalid) {
      String code =
          switch (invalid.reason()) {
            case MALFORMED -> "MalformedJWT";
            case BAD_SIGNATURE -> "JwtSignatureError";
            case EXPIRED,
                NOT_YET_VALID,
                MISSING_CLAIM,
                WRONG_AUDIENCE,
                WRONG_ISSUER,
                UNKNOWN_ROLE,
                KEYS_UNAVAILABLE ->
                "InvalidJWTToken";
          };
      return code + ": " + invalid.getMessage();
    }
    return "UnableToConnectToProject: The database is not available; try again";
  }

  /** For a failure of a broadcast or of presence, which the database may refuse. */
  static String ofTopic(RuntimeException e) {
    if (e instanceof Refusal refusal) {
      boolean isRight = refusal.code().equals("PT403") || refusal.code().equals("42501");
      return (isRight ? "Unauthorized: " : "InvalidBroadcast: ") + refusal.getMessage();
    }
    return of(e);
  }
}
