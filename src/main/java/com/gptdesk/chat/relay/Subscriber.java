package com.gptdesk.chat.relay;

/**
 * Receives the changes of its audiences. Called by the relay's thread, so it must return quickly.
 * Compared by identity.
 */
public interface Subscriber {
  /**
   * One change that this subscriber may see, delivered once.
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
