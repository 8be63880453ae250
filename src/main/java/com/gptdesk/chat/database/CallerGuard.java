package com.gptdesk.chat.database;

import java.util.Arrays;
import java.util.regex.Pattern;
import org.jooq.DSLContext;
import org.jooq.ExecuteContext;
import org.jooq.ExecuteListener;
import org.jooq.ExecuteListenerProvider;
import org.jspecify.annotations.Nullable;

/**
 * Rejects statements that would change the caller, or leave something on the connection for the
 * next one, before they run. Only {@link ChatDatabase} sets the role and claims, and begins and
 * ends the transaction. The guard reads the statement's text, so it catches mistakes and injected
 * SQL, but not hidden attempts. {@link ChatDatabase} checks again after the work.
 */
final class CallerGuard implements ExecuteListener {

  private static final long serialVersionUID = 1L;

  private static final Pattern FORBIDDEN =
      Pattern.compile(
          "\\bset_config\\b"
              // The driver's savepoints, in which a joined transaction took its role.
              + "|\\b(?:JDBC_SAVEPOINT_|PGJDBC_AUTOSAVE)"
              // Matches a statement only, not a body or literal in it, which may contain the same
              // words.
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

  /** Recognised by its class, so that it can be removed from the configuration. */
  private record Provider() implements ExecuteListenerProvider {
    @Override
    public ExecuteListener provide() {
      return new CallerGuard();
    }
  }

  private CallerGuard() {}

  /** The same context with the guard. */
  static DSLContext keptIn(DSLContext tx) {
    return tx.configuration().deriveAppending(new Provider()).dsl();
  }

  /** The same context without the guard, for setting the caller. */
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
            "Only ChatDatabase.as(…) may set the role and the claims, and begin and end the transaction. Nothing may outlive it either: use SET LOCAL, and no PREPARE, LISTEN or cursor WITH HOLD.");
      }
      if (traces != null) {
        traces.saw(statement);
      }
    }
  }
}
