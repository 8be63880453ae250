package com.gptdesk.chat.service.realtime.protocol;

import io.vertx.core.buffer.Buffer;

/** One framing of the protocol's messages. Stateless and thread-safe. */
public interface Serializer {
  /** Reads a text frame. */
  ClientMessage decode(String text);

  /** Reads a binary frame. */
  ClientMessage decode(Buffer binary);

  /** Writes a text frame. */
  String encode(ServerMessage frame);

  /** Whether clients of this framing read binary frames. */
  boolean speaksBinary();
}
