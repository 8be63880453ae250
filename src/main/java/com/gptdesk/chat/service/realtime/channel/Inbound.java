package com.gptdesk.chat.service.realtime.channel;

/**
 * The messages of one client. Reading pauses while a message waits for the database, so messages
 * stay in order and work cannot pile up. Called only on the socket's context.
 */
public interface Inbound {
  /** Pauses reading. */
  void pause();

  /** Resumes reading, unless the socket has ended. */
  void resume();
}
