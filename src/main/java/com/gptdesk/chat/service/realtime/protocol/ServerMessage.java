package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A message of the server. */
public sealed interface ServerMessage {
  String topic();

  /** The reply to the message with this {@code ref}. */
  record Reply(
      String topic, @Nullable String joinRef, @Nullable String ref, boolean ok, ObjectNode response)
      implements ServerMessage {

    /** Answers a client's message. */
    public static Reply to(ClientMessage.Message message, boolean ok, ObjectNode response) {
      return new Reply(message.topic(), message.joinRef(), message.ref(), ok, response);
    }
  }

  /** The channel is closed; the client does not join again by itself. */
  record Close(String topic, @Nullable String joinRef) implements ServerMessage {}

  /** The channel failed; the client joins again with its current token. */
  record Failure(String topic, @Nullable String joinRef) implements ServerMessage {}

  /**
   * A notice for {@code .on('system')}.
   *
   * @param extension the part of the protocol that it is about
   * @param status {@code ok}, {@code error} or {@code resync}
   * @param channel the topic without its prefix
   */
  record Notice(
      String topic,
      @Nullable String joinRef,
      String extension,
      String status,
      String message,
      String channel)
      implements ServerMessage {}

  /**
   * One change for one channel.
   *
   * @param ids the ids of the matching subscriptions, as JSON array text
   * @param data the change, as JSON object text
   */
  record PostgresChanges(String topic, String ids, String data) implements ServerMessage {}

  /**
   * A broadcast on the topic.
   *
   * @param payload type, event and payload, as JSON object text
   */
  record Broadcast(String topic, String payload) implements ServerMessage {}

  /**
   * Who is present.
   *
   * @param state keys and their metas, as JSON object text
   */
  record PresenceState(String topic, @Nullable String joinRef, String state)
      implements ServerMessage {}

  /**
   * Who joined and who left.
   *
   * @param diff joins and leaves, as JSON object text
   */
  record PresenceDiff(String topic, String diff) implements ServerMessage {}
}
