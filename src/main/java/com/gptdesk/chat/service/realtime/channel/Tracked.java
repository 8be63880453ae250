package com.gptdesk.chat.service.realtime.channel;

import java.util.UUID;

/**
 * What one channel tracks for its person on a topic.
 *
 * @param origin the channel
 * @param key its key in the state
 * @param ref a new one whenever the meta changes
 * @param meta a JSON object as text
 */
public record Tracked(
    String origin, String topic, String key, String ref, UUID userId, String meta) {
  Tracked withRef(String other) {
    return new Tracked(origin, topic, key, other, userId, meta);
  }
}
