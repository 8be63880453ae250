package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.Payloads;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import io.vertx.core.buffer.Buffer;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * A broadcast or presence change on a topic, read from the change log. The payload is passed on as
 * text, unchanged. Immutable.
 */
public sealed interface TopicEvent {
  /** The change in the log, whose audiences may receive it. */
  Change change();

  /** The topic's name without its prefix. */
  String topic();

  /**
   * A broadcast.
   *
   * @param json the protocol's payload, as JSON object text; null for raw bytes
   * @param frame the binary frame of raw bytes, the same for everybody; null for JSON
   * @param origin the channel it came from; empty for none
   */
  record BroadcastEvent(
      Change change,
      String topic,
      @Nullable String origin,
      @Nullable String json,
      @Nullable Buffer frame)
      implements TopicEvent {}

  /**
   * Who joined and who left.
   *
   * @param xid the transaction, to compare with the snapshot of a state
   * @param json the protocol's {@code presence_diff}, as JSON object text
   */
  record PresenceEvent(Change change, String topic, long xid, String json) implements TopicEvent {}

  /** Whether a change is an event of a topic, not of a table's row. */
  static boolean isOnTopic(Change change) {
    return change.table().equals("broadcast") || change.table().equals("presence");
  }

  /** The event of a change; null for a table's change, and for one that is malformed. */
  static @Nullable TopicEvent of(Change change) {
    String record = change.record();
    if (record == null) {
      return null;
    }
    boolean isBroadcast = change.table().equals("broadcast");
    if (!isBroadcast && !change.table().equals("presence")) {
      return null;
    }
    try {
      return isBroadcast ? broadcast(change, Parts.of(record)) : presence(change, Parts.of(record));
    } catch (JacksonException | IllegalArgumentException e) {
      LoggerHolder.LOG.error("Change {} of the log is malformed and is skipped", change.seq(), e);
      return null;
    }
  }

  private static BroadcastEvent broadcast(Change change, Parts parts) {
    String topic = parts.topic;
    if (parts.binary != null) {
      byte[] bytes = Base64.getDecoder().decode(parts.binary);
      Buffer frame = Payloads.userBroadcast(TopicName.PREFIX + topic, parts.event, bytes);
      return new BroadcastEvent(change, topic, parts.origin, null, frame);
    }
    String json =
        "{\"type\":\"broadcast\",\"event\":"
            + Json.quote(parts.event)
            + ",\"payload\":"
            + parts.payload
            + "}";
    return new BroadcastEvent(change, topic, parts.origin, json, null);
  }

  private static PresenceEvent presence(Change change, Parts parts) {
    return new PresenceEvent(change, parts.topic, Long.parseLong(parts.xid), parts.payload);
  }

  /** The members of a record; absent ones are empty or null. */
  final class Parts {
    private String topic = "";
    private String event = "";
    private String xid = "";
    private String payload = "{}";
    private @Nullable String origin;
    private @Nullable String binary;

    private Parts() {}

    /** The payload is the last member; its text is cut out unchanged. */
    private static Parts of(String record) {
      var parts = new Parts();
      try (JsonParser parser = Json.parser(record)) {
        parser.nextToken();
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
          JsonToken value = parser.nextToken();
          if (name.equals("payload")) {
            int from = (int) parser.currentTokenLocation().getCharOffset();
            parts.payload = record.substring(from, record.length() - 1);
            return parts;
          }
          parts.take(name, value == JsonToken.VALUE_NULL ? null : parser.getString());
        }
      }
      return parts;
    }

    private void take(String name, @Nullable String value) {
      String text = value == null ? "" : value;
      switch (name) {
        case "topic" -> topic = text;
        case "event" -> event = text;
        case "xid" -> xid = text;
        case "origin" -> origin = value;
        case "binary" -> binary = value;
        default -> throw new IllegalArgumentException("an unknown member \"" + name + "\"");
      }
    }
  }

  /** An interface's fields are public. */
  final class LoggerHolder {
    private static final Logger LOG = LoggerFactory.getLogger(TopicEvent.class);

    private LoggerHolder() {}
  }
}
