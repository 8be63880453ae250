package com.gptdesk.chat.service.realtime.channel;

import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Something said on a topic, on its way to the database.
 *
 * @param topic as applications know it
 * @param event what kind of thing it is, 1 to 255 bytes as UTF-8
 * @param payload JSON text; null when it is {@code raw} bytes
 * @param raw bytes; null when it is JSON
 * @param origin the channel it came from, which does not hear it; null for none
 */
public record Broadcast(
    String topic,
    String event,
    @Nullable String payload,
    @Nullable Buffer raw,
    @Nullable String origin) {}
