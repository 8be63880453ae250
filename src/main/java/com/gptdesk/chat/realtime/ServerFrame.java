package com.gptdesk.chat.realtime;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What the server says. */
sealed interface ServerFrame {
  String topic();

  /** The answer to the message with this {@code ref}. */
  record Reply(
      String topic, @Nullable String joinRef, @Nullable String ref, boolean ok, ObjectNode response)
      implements ServerFrame {}

  /** The channel is closed for good: the client does not join again by itself. */
  record Close(String topic, @Nullable String joinRef) implements ServerFrame {}

  /** The channel broke: the client joins again, with the token it has by then. */
  record Failure(String topic, @Nullable String joinRef) implements ServerFrame {}

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
      implements ServerFrame {}

  /**
   * One change for one channel.
   *
   * @param ids the ids of the bindings it meets, as JSON array text
   * @param data the change, as JSON object text
   */
  record PostgresChanges(String topic, String ids, String data) implements ServerFrame {}

  /**
   * Something that was said on the topic.
   *
   * @param payload type, event and payload, as JSON object text
   */
  record Broadcast(String topic, String payload) implements ServerFrame {}

  /**
   * Who is there.
   *
   * @param state keys and their metas, as JSON object text
   */
  record PresenceState(String topic, @Nullable String joinRef, String state)
      implements ServerFrame {}

  /**
   * Who came and who went.
   *
   * @param diff joins and leaves, as JSON object text
   */
  record PresenceDiff(String topic, String diff) implements ServerFrame {}
}
