package com.gptdesk.chat.service.realtime.protocol;

import com.gptdesk.chat.database.StorableText;
import io.vertx.core.buffer.Buffer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Version 1.0.0: a message is a JSON object. As in Phoenix, the join ref is not sent back. */
public final class SerializerV1 implements Serializer {

  @Override
  public ClientMessage decode(String text) {
    JsonNode node = Json.read(StorableText.ofJson(text));
    if (!(node instanceof ObjectNode object)) {
      return new ClientMessage.Malformed("not a JSON object");
    }
    return Payloads.read(
        object.get("join_ref"),
        object.get("ref"),
        object.get("topic"),
        object.get("event"),
        object.get("payload"));
  }

  @Override
  public ClientMessage decode(Buffer binary) {
    return new ClientMessage.Malformed("a binary frame on a socket of version 1.0.0");
  }

  @Override
  public String encode(ServerMessage frame) {
    return "{\"topic\":"
        + Json.quote(frame.topic())
        + ",\"event\":\""
        + Payloads.event(frame)
        + "\",\"payload\":"
        + Payloads.payload(frame)
        + ",\"ref\":"
        + Json.quote(Payloads.ref(frame))
        + "}";
  }

  @Override
  public boolean speaksBinary() {
    return false;
  }
}
