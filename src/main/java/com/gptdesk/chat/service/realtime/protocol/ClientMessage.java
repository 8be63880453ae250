package com.gptdesk.chat.service.realtime.protocol;

import io.vertx.core.buffer.Buffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a client says. Whatever arrives becomes one of these; none is refused with an exception. */
public sealed interface ClientMessage {

  /**
   * A frame that is one of the protocol's messages. {@code ref} and {@code joinRef} are the
   * client's counters, echoed as they are.
   */
  sealed interface Message extends ClientMessage {
    String topic();

    @Nullable String ref();

    @Nullable String joinRef();
  }

  /**
   * {@code phx_join}.
   *
   * @param bindings the {@code postgres_changes} objects, just as the client sent them
   * @param isPrivate whether the client insists on being let into the topic
   * @param accessToken the token in the payload, if there is one
   * @param config how it wants to take part in its topic
   */
  record Join(
      String topic,
      @Nullable String ref,
      @Nullable String joinRef,
      List<ObjectNode> bindings,
      boolean isPrivate,
      @Nullable String accessToken,
      JoinConfig config)
      implements Message {}

  /** {@code phx_leave}. */
  record Leave(String topic, @Nullable String ref, @Nullable String joinRef) implements Message {}

  /** {@code heartbeat}, on topic {@code phoenix}. */
  record Heartbeat(String topic, @Nullable String ref, @Nullable String joinRef)
      implements Message {}

  /** {@code access_token}: from now on the channel speaks for whom this token names. */
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

  /** A well-formed message with an event that the protocol does not know. */
  record Unknown(String topic, @Nullable String ref, @Nullable String joinRef, String event)
      implements Message {}

  /** No message at all; dropped, and the socket stays open. */
  record Malformed(String reason) implements ClientMessage {}
}
