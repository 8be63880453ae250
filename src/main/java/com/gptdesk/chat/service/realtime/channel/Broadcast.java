package com.gptdesk.chat.service.realtime.channel;

import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * A broadcast on its way to the database.
 *
 * @param topic its name without the prefix
 * @param event the name of the event, 1 to 255 bytes of UTF-8
 * @param payload JSON text; null when it is {@code raw} bytes
 * @param raw bytes; null when it is JSON
 * @param origin the channel it came from, which does not receive it; null for none
 */
public record Broadcast(
    String topic,
    String event,
    @Nullable String payload,
    @Nullable Buffer raw,
    @Nullable String origin) {}
