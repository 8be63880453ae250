package com.gptdesk.chat.relay;

import java.util.Collection;

/**
 * Where the changes of a fan-out come from, when it is told only those it waits for. Any thread may
 * call; only {@link #awaitHeard} waits.
 */
public interface ScopeSource {
  /** Tells everything by itself, as a relay of the fan-out's own does. */
  ScopeSource ALL =
      new ScopeSource() {
        @Override
        public void wanted(Scope scope) {}

        @Override
        public void unwanted(Scope scope) {}

        @Override
        public void awaitHeard(Collection<Scope> scopes) {}
      };

  /**
   * Somebody waits for changes of this scope, and nobody did before.
   *
   * @param scope a person or a team
   */
  void wanted(Scope scope);

  /**
   * Nobody waits for them any more.
   *
   * @param scope one that was wanted
   */
  void unwanted(Scope scope);

  /**
   * Returns when every change of these scopes that commits from now on will be told, or followed by
   * a resync. What the database says after that joins on without a gap.
   *
   * @param scopes those that are wanted; others are not waited for
   * @throws IllegalStateException when that does not come about in time
   */
  void awaitHeard(Collection<Scope> scopes);
}
