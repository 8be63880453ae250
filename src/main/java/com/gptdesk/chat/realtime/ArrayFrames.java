package com.gptdesk.chat.realtime;

import io.vertx.core.buffer.Buffer;
import tools.jackson.databind.JsonNode;

/**
 * Version 2.0.0: a message is a JSON array {@code [join_ref, ref, topic, event, payload]};
 * broadcasts may be binary.
 */
final class ArrayFrames implements FrameCodec {
  private static final int PARTS = 5;

  @Override
  public ClientFrame decode(String text) {
    JsonNode node = Json.read(text);
    if (node == null || !node.isArray() || node.size() != PARTS) {
      return new ClientFrame.Malformed("no JSON array of five");
    }
    return FrameCodec.message(node.get(0), node.get(1), node.get(2), node.get(3), node.get(4));
  }

  @Override
  public ClientFrame decode(Buffer binary) {
    return Messages.readBinary(binary);
  }

  @Override
  public String encode(ServerFrame frame) {
    return "["
        + Json.quote(Messages.joinRef(frame))
        + ","
        + Json.quote(Messages.ref(frame))
        + ","
        + Json.quote(frame.topic())
        + ",\""
        + Messages.event(frame)
        + "\","
        + Messages.payload(frame)
        + "]";
  }

  @Override
  public boolean speaksBinary() {
    return true;
  }
}
