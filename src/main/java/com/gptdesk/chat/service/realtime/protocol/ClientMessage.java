package com.gptdesk.chat.service.realtime.protocol;

import io.vertx.core.buffer.Buffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A message of a client. Every frame becomes one of these; none causes an exception. */
public sealed interface ClientMessage {

  /**
   * A message of the protocol. {@code ref} and {@code joinRef} are the client's counters, echoed
   * unchanged.
   */
  sealed interface Message extends ClientMessage {
    String topic();

    @Nullable String ref();

    @Nullable String joinRef();
  }

  /**
   * {@code phx_join}.
   *
   * @param subscriptions the {@code postgres_changes} objects as the client sent them
   * @param isPrivate whether the client demands access to the topic
   * @param accessToken the token in the payload, if there is one
   * @param config the options of its topic
   */
  record Join(
      String topic,
      @Nullable String ref,
      @Nullable String joinRef,
      List<ObjectNode> subscriptions,
      boolean isPrivate,
      @Nullable String accessToken,
      JoinConfig config)
      implements Message {}

  /** {@code phx_leave}. */
  record Leave(String topic, @Nullable String ref, @Nullable String joinRef) implements Message {}

  /** {@code heartbeat}, on topic {@code phoenix}. */
  record Heartbeat(String topic, @Nullable String ref, @Nullable String joinRef)
      implements Message {}

  /** {@code access_token}: from now on the channel has the identity of this token. */
  record AccessToken(
      String topic, @Nullable String ref, @Nullable String joinRef, @Nullable String token)
      implements Message {}

  /**
   * {@code broadcast}, as text or as binary kind 3.
   *
   * @param payload the payload; null when it is not JSON but {@code raw} bytes
   */
  record Broadcast(
      String topic,
      @Nullable String ref,
      @Nullable String joinRef,
      String event,
      @Nullable JsonNode payload,
      @Nullable Buffer raw)
      implements Message {}

  /** {@code presence}: {@code action} is {@code track} or {@code untrack}. */
  record Presence(
      String topic,
      @Nullable String ref,
      @Nullable String joinRef,
      String action,
      @Nullable JsonNode payload)
      implements Message {}

  /** A well-formed message with an unknown event. */
  record Unknown(String topic, @Nullable String ref, @Nullable String joinRef, String event)
      implements Message {}

  /** Not a message: it is dropped, and the socket stays open. */
  record Malformed(String reason) implements ClientMessage {}
}
