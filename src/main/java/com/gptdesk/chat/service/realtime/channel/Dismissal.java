package com.gptdesk.chat.service.realtime.channel;

/** Ends channels. Called only on the socket's context. */
@FunctionalInterface
public interface Dismissal {
  /**
   * Ends a channel and delivers its client why.
   *
   * @param comesBack whether the client joins again by itself, with its current token
   */
  void dismiss(Channel channel, String reason, boolean comesBack);
}
