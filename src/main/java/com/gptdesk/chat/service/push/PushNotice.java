package com.gptdesk.chat.service.push;

import com.nimbusds.jose.util.Base64URL;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One message that one device is to be told of.
 *
 * @param device the subscription
 * @param messageSeq the message's number in the conversation
 * @param tries how often it was taken, this time included
 * @param expiresAt after this it is worth nothing
 * @param endpoint the address at the push service
 * @param publicKey the browser's
 * @param secret the browser's
 * @param userId whose device it is
 * @param text what was written; null where it is not shown
 */
record PushNotice(
    UUID device,
    UUID conversation,
    long messageSeq,
    int tries,
    Instant expiresAt,
    String endpoint,
    Base64URL publicKey,
    Base64URL secret,
    UUID userId,
    String senderName,
    @Nullable String text) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** What the worker of the page reads. Names and texts are short enough for one record. */
  byte[] message() {
    ObjectNode json = JSON.createObjectNode();
    json.put("type", "message");
    json.put("user", userId.toString());
    json.put("conversation", conversation.toString());
    json.put("seq", messageSeq);
    json.put("sender", senderName);
    json.put("text", text);
    return JSON.writeValueAsString(json).getBytes(StandardCharsets.UTF_8);
  }

  /** Without the keys and what was written. */
  @Override
  public String toString() {
    return "PushNotice[device %s, conversation %s, message %d]"
        .formatted(device, conversation, messageSeq);
  }
}
