package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What the server says. */
public sealed interface ServerMessage {
  String topic();

  /** The answer to the message with this {@code ref}. */
  record Reply(
      String topic, @Nullable String joinRef, @Nullable String ref, boolean ok, ObjectNode response)
      implements ServerMessage {

    /** Answers a client's message. */
    public static Reply to(ClientMessage.Message message, boolean ok, ObjectNode response) {
      return new Reply(message.topic(), message.joinRef(), message.ref(), ok, response);
    }
  }

  /** The channel is closed for good: the client does not join again by itself. */
  record Close(String topic, @Nullable String joinRef) implements ServerMessage {}

  /** The channel broke: the client joins again, with the token it has by then. */
  record Failure(String topic, @Nullable String joinRef) implements ServerMessage {}

  /**
   * A word to people and to {@code .on('system')}.
   *
   * @param extension what it is about
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
   * @param ids the ids of the bindings it meets, as JSON array text
   * @param data the change, as JSON object text
   */
  record PostgresChanges(String topic, String ids, String data) implements ServerMessage {}

  /**
   * Something that was said on the topic.
   *
   * @param payload type, event and payload, as JSON object text
   */
  record Broadcast(String topic, String payload) implements ServerMessage {}

  /**
   * Who is there.
   *
   * @param state keys and their metas, as JSON object text
   */
  record PresenceState(String topic, @Nullable String joinRef, String state)
      implements ServerMessage {}

  /**
   * Who came and who went.
   *
   * @param diff joins and leaves, as JSON object text
   */
  record PresenceDiff(String topic, String diff) implements ServerMessage {}
}
