package com.gptdesk.chat.relay;

import java.util.Collection;

/**
 * The source of a fan-out's changes, which may deliver only the scopes that have subscribers. Any
 * thread may call; only {@link #awaitSubscribed} blocks.
 */
public interface ScopeSource {
  /** Delivers every change anyway, as the fan-out's own relay does. */
  ScopeSource ALL =
      new ScopeSource() {
        @Override
        public void wanted(Scope scope) {}

        @Override
        public void unwanted(Scope scope) {}

        @Override
        public void awaitSubscribed(Collection<Scope> scopes) {}
      };

  /**
   * This scope now has a subscriber, and had none before.
   *
   * @param scope a person or a team
   */
  void wanted(Scope scope);

  /**
   * This scope no longer has a subscriber.
   *
   * @param scope one that was wanted
   */
  void unwanted(Scope scope);

  /**
   * Returns when every change of these scopes that commits from now on will be delivered or
   * replaced by a resync. What is read from the database after that joins the changes without a
   * gap.
   *
   * @param scopes those that are wanted; others are not waited for
   * @throws IllegalStateException when that takes too long
   */
  void awaitSubscribed(Collection<Scope> scopes);
}
