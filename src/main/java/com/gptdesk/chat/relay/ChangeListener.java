package com.gptdesk.chat.relay;

/**
 * Receives every change that the relay reads. Called by the relay's own thread, in order; slow work
 * belongs on another thread.
 */
public interface ChangeListener {
  /**
   * One change, delivered once.
   *
   * @param change what was committed
   */
  void changed(Change change);

  /**
   * Changes were missed and can no longer be delivered, so their readers have to read the state
   * again. Delivery is complete again after this call.
   *
   * @param reason a sentence for people
   */
  void resync(String reason);
}
