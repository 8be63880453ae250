package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.Nullable;

/**
 * How a client wants to take part in the topic that it joins.
 *
 * @param ack whether broadcasts are acknowledged
 * @param self whether its own broadcasts come back
 * @param presence whether it wants to know who is there; null when it did not say, as clients from
 *     before there was a choice
 * @param key what it is found under; empty for one that the server makes
 */
public record JoinConfig(boolean ack, boolean self, @Nullable Boolean presence, String key) {
  static final JoinConfig NONE = new JoinConfig(false, false, null, "");
}
