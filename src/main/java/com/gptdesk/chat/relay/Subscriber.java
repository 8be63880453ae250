package com.gptdesk.chat.relay;

/**
 * Hears the changes that meet its scopes. Called by the relay's thread, so it only takes note and
 * returns; compared by identity.
 */
public interface Subscriber {
  /**
   * One change that this subscriber may see, told once.
   *
   * @param change what was committed
   */
  void changed(Change change);

  /**
   * See {@link ChangeListener#resync}.
   *
   * @param reason a sentence for people
   */
  void resync(String reason);
}
