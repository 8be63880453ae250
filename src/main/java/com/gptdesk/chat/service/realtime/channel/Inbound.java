package com.gptdesk.chat.service.realtime.channel;

/**
 * What one client sends. It is not read while a message waits for the database, so messages stay in
 * order and a client cannot pile up work. Called on the socket's context alone.
 */
public interface Inbound {
  /** Reads no further. */
  void pause();

  /** Reads on, unless the socket has ended. */
  void resume();
}
