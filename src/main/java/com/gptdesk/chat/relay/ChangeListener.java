package com.gptdesk.chat.relay;

/**
 * Hears every change the relay reads. Called by the relay's own thread, in order; whoever needs
 * long hands the work on.
 */
public interface ChangeListener {
  /**
   * One change, told once.
   *
   * @param change what was committed
   */
  void changed(Change change);

  /**
   * Changes were missed and cannot be told any more: whoever follows them has to read their state
   * again. What comes after this call is complete again.
   *
   * @param reason a sentence for people
   */
  void resync(String reason);
}
