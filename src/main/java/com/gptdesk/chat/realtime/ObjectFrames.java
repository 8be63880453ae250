package com.gptdesk.chat.realtime;

import io.vertx.core.buffer.Buffer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Version 1.0.0: a message is a JSON object. The join ref is not sent back, as Phoenix does it. */
final class ObjectFrames implements FrameCodec {

  @Override
  public ClientFrame decode(String text) {
    JsonNode node = Json.read(text);
    if (!(node instanceof ObjectNode object)) {
      return new ClientFrame.Malformed("no JSON object");
    }
    return FrameCodec.message(
        object.get("join_ref"),
        object.get("ref"),
        object.get("topic"),
        object.get("event"),
        object.get("payload"));
  }

  @Override
  public ClientFrame decode(Buffer binary) {
    return new ClientFrame.Malformed("a binary frame on a socket of version 1.0.0");
  }

  @Override
  public String encode(ServerFrame frame) {
    return "{\"topic\":"
        + Json.quote(frame.topic())
        + ",\"event\":\""
        + Messages.event(frame)
        + "\",\"payload\":"
        + Messages.payload(frame)
        + ",\"ref\":"
        + Json.quote(Messages.ref(frame))
        + "}";
  }

  @Override
  public boolean speaksBinary() {
    return false;
  }
}
