package com.gptdesk.chat.database;

import java.util.Arrays;
import java.util.regex.Pattern;
import org.jooq.DSLContext;
import org.jooq.ExecuteContext;
import org.jooq.ExecuteListener;
import org.jooq.ExecuteListenerProvider;
import org.jspecify.annotations.Nullable;

/**
 * Stops statements that would change who is asking, before they run: the role and the claims are
 * the door's, and so are the transaction's beginning and end. It reads the statement's text, so it
 * catches mistakes and injected SQL, not whoever hides it; the door looks again when the work is
 * done.
 */
final class SameCaller implements ExecuteListener {

  private static final long serialVersionUID = 1L;

  /** The beginning of a statement, or of the next one in the same text. */
  private static final String BEGINNING = "(?:^|;)(?:\\s|--[^\\n]*+(?:\\n|$)|/\\*(?s:.*?)\\*/)*+";

  private static final Pattern FORBIDDEN =
      Pattern.compile(
          "\\bset_config\\b"
              + "|"
              + BEGINNING
              + "(?:(?:set\\s+(?:local\\s+|session\\s+)?|reset\\s+)\"?(?:role|session_authorization|authorization|all|request)\\b"
              + "|set\\s+session\\s+(?:authorization|characteristics)\\b"
              + "|discard\\b"
              + "|commit\\b"
              + "|rollback\\b(?!\\s+(?:(?:work|transaction)\\s+)?to\\b)"
              + "|abort\\b"
              + "|prepare\\s+transaction\\b)",
          Pattern.CASE_INSENSITIVE);

  /** Known by its class, so that the door can be without it. */
  private record Provider() implements ExecuteListenerProvider {
    @Override
    public ExecuteListener provide() {
      return new SameCaller();
    }
  }

  private SameCaller() {}

  /** The same context, in which nobody becomes somebody else. */
  static DSLContext keptIn(DSLContext tx) {
    return tx.configuration().deriveAppending(new Provider()).dsl();
  }

  /** The same context, in which the door may say who is asking. */
  static DSLContext notKeptIn(DSLContext tx) {
    ExecuteListenerProvider[] others =
        Arrays.stream(tx.configuration().executeListenerProviders())
            .filter(provider -> !(provider instanceof Provider))
            .toArray(ExecuteListenerProvider[]::new);
    return tx.configuration().derive(others).dsl();
  }

  @Override
  public void executeStart(ExecuteContext context) {
    check(context.sql());
    for (String sql : context.batchSQL()) {
      check(sql);
    }
  }

  private static void check(@Nullable String sql) {
    if (sql != null && FORBIDDEN.matcher(sql).find()) {
      throw new IllegalStateException(
          "Who is asking is the door's to say: ChatDatabase.as(…) sets the role and the claims, and ends the transaction.");
    }
  }
}
