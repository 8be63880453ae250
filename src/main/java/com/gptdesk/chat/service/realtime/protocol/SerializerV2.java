package com.gptdesk.chat.service.realtime.protocol;

import com.gptdesk.chat.database.StorableText;
import io.vertx.core.buffer.Buffer;
import tools.jackson.databind.JsonNode;

/**
 * Version 2.0.0: a message is a JSON array {@code [join_ref, ref, topic, event, payload]};
 * broadcasts may be binary.
 */
public final class SerializerV2 implements Serializer {
  private static final int PARTS = 5;

  @Override
  public ClientMessage decode(String text) {
    JsonNode node = Json.read(StorableText.ofJson(text));
    if (node == null || !node.isArray() || node.size() != PARTS) {
      return new ClientMessage.Malformed("not a JSON array of five elements");
    }
    return Payloads.read(node.get(0), node.get(1), node.get(2), node.get(3), node.get(4));
  }

  @Override
  public ClientMessage decode(Buffer binary) {
    return Payloads.readBinary(binary);
  }

  @Override
  public String encode(ServerMessage frame) {
    return "["
        + Json.quote(Payloads.joinRef(frame))
        + ","
        + Json.quote(Payloads.ref(frame))
        + ","
        + Json.quote(frame.topic())
        + ",\""
        + Payloads.event(frame)
        + "\","
        + Payloads.payload(frame)
        + "]";
  }

  @Override
  public boolean speaksBinary() {
    return true;
  }
}
