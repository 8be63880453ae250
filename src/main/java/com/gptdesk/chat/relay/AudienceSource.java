package com.gptdesk.chat.relay;

import java.util.Collection;

/**
 * The source of a fan-out's changes, which may deliver only the audiences that have subscribers.
 * Any thread may call; only {@link #awaitSubscribed} blocks.
 */
public interface AudienceSource {
  /** Delivers every change anyway, as the fan-out's own relay does. */
  AudienceSource ALL =
      new AudienceSource() {
        @Override
        public void wanted(Audience audience) {}

        @Override
        public void unwanted(Audience audience) {}

        @Override
        public void awaitSubscribed(Collection<Audience> audiences) {}
      };

  /**
   * This audience now has a subscriber, and had none before.
   *
   * @param audience a person or a team
   */
  void wanted(Audience audience);

  /**
   * This audience no longer has a subscriber.
   *
   * @param audience one that was wanted
   */
  void unwanted(Audience audience);

  /**
   * Returns when every change of these audiences that commits from now on will be delivered or
   * replaced by a resync. What is read from the database after that joins the changes without a
   * gap.
   *
   * @param audiences those that are wanted; others are not waited for
   * @throws IllegalStateException when that takes too long
   */
  void awaitSubscribed(Collection<Audience> audiences);
}
