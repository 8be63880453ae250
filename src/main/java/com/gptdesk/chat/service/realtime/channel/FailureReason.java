package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.http.Errors;
import com.gptdesk.chat.service.http.Problem;

/**
 * The reason of a failure for clients of a socket: a code of Supabase Realtime and a sentence, both
 * from {@link Errors}.
 */
public final class FailureReason {
  private FailureReason() {}

  /** For a failure of a token, or of a query that the service makes for itself. */
  public static String of(RuntimeException e) {
    return shown(
        switch (e) {
          case InvalidToken invalid -> Errors.of(invalid);
          case DatabaseUnavailable away -> Errors.of(away);
          default -> Errors.unavailable();
        });
  }

  /** For a failure of a broadcast or of presence, which the database may refuse. */
  static String ofTopic(RuntimeException e) {
    return e instanceof Refusal refusal ? shown(Errors.of(refusal, false)) : of(e);
  }

  private static String shown(Problem problem) {
    return problem.realtimeCode() + ": " + problem.sentence();
  }
}
