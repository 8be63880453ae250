package com.gptdesk.chat.relay;

import java.util.Collection;
import java.util.UUID;

/**
 * Where the changes of a fan-out come from, when it is told only those it waits for. Any thread may
 * call; only {@link #awaitHeard} waits.
 */
public interface ScopeSource {
  /** Tells everything by itself, as a relay of the fan-out's own does. */
  ScopeSource ALL =
      new ScopeSource() {
        @Override
        public void wanted(UUID scope) {}

        @Override
        public void unwanted(UUID scope) {}

        @Override
        public void awaitHeard(Collection<UUID> scopes) {}
      };

  /**
   * Somebody waits for changes of this scope, and nobody did before.
   *
   * @param scope the id of a person or a team
   */
  void wanted(UUID scope);

  /**
   * Nobody waits for them any more.
   *
   * @param scope an id that was wanted
   */
  void unwanted(UUID scope);

  /**
   * Returns when every change of these scopes that commits from now on will be told, or followed by
   * a resync. What the database says after that joins on without a gap.
   *
   * @param scopes ids that are wanted; others are not waited for
   * @throws IllegalStateException when that does not come about in time
   */
  void awaitHeard(Collection<UUID> scopes);
}
