package com.gptdesk.chat.service.realtime.protocol;

import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** One framing of the protocol's messages. Without state, so any thread may use it. */
public sealed interface Serializer permits SerializerV1, SerializerV2 {

  /**
   * The framing a client asks for by its query parameter {@code vsn}; absent means 1.0.0. Null when
   * it is not spoken here.
   */
  static @Nullable Serializer ofVersion(@Nullable String vsn) {
    if (vsn == null || vsn.isEmpty() || vsn.startsWith("1.")) {
      return new SerializerV1();
    }
    return vsn.startsWith("2.") ? new SerializerV2() : null;
  }

  /** Reads a text frame. */
  ClientMessage decode(String text);

  /** Reads a binary frame. */
  ClientMessage decode(Buffer binary);

  /** Writes a text frame. */
  String encode(ServerMessage frame);

  /** Whether clients of this framing read binary frames. */
  boolean speaksBinary();

  /** The message in the parts that both framings have. */
  static ClientMessage message(
      @Nullable JsonNode joinRef,
      @Nullable JsonNode ref,
      @Nullable JsonNode topic,
      @Nullable JsonNode event,
      @Nullable JsonNode payload) {
    if (topic == null || !topic.isString() || event == null || !event.isString()) {
      return new ClientMessage.Malformed("topic and event must be texts");
    }
    return Payloads.read(
        reference(joinRef),
        reference(ref),
        topic.stringValue(),
        event.stringValue(),
        payload instanceof ObjectNode object ? object : Json.object());
  }

  /** A counter of the client's as text; clients send text, and a number is understood. */
  private static @Nullable String reference(@Nullable JsonNode node) {
    return node == null || node.isNull() || node.isContainer() ? null : node.asString();
  }
}
