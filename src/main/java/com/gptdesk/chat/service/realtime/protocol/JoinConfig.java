package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.Nullable;

/**
 * The options with which a client joins a topic.
 *
 * @param ack whether broadcasts are acknowledged
 * @param self whether its own broadcasts come back
 * @param presence whether it wants presence; null when it did not say, like old clients without
 *     that option
 * @param key its presence key; empty for one that the server makes
 * @param replay whether it asks for earlier broadcasts
 * @param replicationReady whether it wants to be told when broadcasts of the database reach it
 */
public record JoinConfig(
    boolean ack,
    boolean self,
    @Nullable Boolean presence,
    String key,
    boolean replay,
    boolean replicationReady) {
  static final JoinConfig NONE = new JoinConfig(false, false, null, "", false, false);
}
