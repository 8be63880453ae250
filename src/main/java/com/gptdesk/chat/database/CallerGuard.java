package com.gptdesk.chat.database;

import java.util.Arrays;
import java.util.regex.Pattern;
import org.jooq.DSLContext;
import org.jooq.ExecuteContext;
import org.jooq.ExecuteListener;
import org.jooq.ExecuteListenerProvider;
import org.jspecify.annotations.Nullable;

/**
 * Stops statements that would change who is asking, or stay on the connection for the next person,
 * before they run: the role and the claims are the door's, and so are the transaction's beginning
 * and end. It reads the statement's text, so it catches mistakes and injected SQL, not whoever
 * hides it; the door looks again when the work is done.
 */
final class CallerGuard implements ExecuteListener {

  private static final long serialVersionUID = 1L;

  private static final Pattern FORBIDDEN =
      Pattern.compile(
          "\\bset_config\\b"
              // The savepoints of the driver, in which a joined transaction became somebody.
              + "|\\b(?:JDBC_SAVEPOINT_|PGJDBC_AUTOSAVE)"
              // Of a statement alone, not of a body or a literal in it, which may say so, too.
              + "|^(?:begin|start|end)\\b"
              + "|"
              + Traces.BEGINNING
              + "(?:(?:set\\s+(?:local\\s+|session\\s+)?|reset\\s+)\"?(?:role|session_authorization|authorization|all|request)\\b"
              + "|set\\s+(?!local\\b|constraints\\b|transaction\\b)"
              + "|reset\\b"
              + "|(?:un)?listen\\b"
              + "|prepare\\b|deallocate\\b"
              + "|declare\\b[^;]*\\bwith\\s+hold\\b"
              + "|discard\\b"
              + "|commit\\b"
              + "|rollback\\b(?!\\s+(?:(?:work|transaction)\\s+)?to\\b)"
              + "|abort\\b)",
          Pattern.CASE_INSENSITIVE);

  /** Known by its class, so that the door can be without it. */
  private record Provider() implements ExecuteListenerProvider {
    @Override
    public ExecuteListener provide() {
      return new CallerGuard();
    }
  }

  private CallerGuard() {}

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
  public void start(ExecuteContext context) {
    Traces traces = Traces.of(context.configuration());
    if (traces != null) {
      traces.begins();
    }
  }

  @Override
  public void executeStart(ExecuteContext context) {
    Traces traces = Traces.of(context.configuration());
    check(context.sql(), traces);
    for (String sql : context.batchSQL()) {
      check(sql, traces);
    }
  }

  private static void check(@Nullable String sql, @Nullable Traces traces) {
    if (sql == null) {
      return;
    }
    for (String statement : SqlText.statements(sql)) {
      if (FORBIDDEN.matcher(statement).find()) {
        throw new IllegalStateException(
            "Who is asking is the door's to say: ChatDatabase.as(…) sets the role and the claims, and begins and ends the transaction. Nothing else may outlive it either: SET LOCAL, no PREPARE, LISTEN or cursor WITH HOLD.");
      }
      if (traces != null) {
        traces.saw(statement);
      }
    }
  }
}
