package com.gptdesk.chat.service.realtime.channel;

/** Ends channels. Called on the socket's context alone. */
@FunctionalInterface
public interface Dismissal {
  /**
   * Ends a channel and tells its client why.
   *
   * @param comesBack whether the client joins again by itself, with the token it has by then
   */
  void dismiss(Channel channel, String reason, boolean comesBack);
}
