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
 * Something said or shown on a topic, as the log tells it. Read once, whoever asks first; the
 * payload is handed on as the text it came as. Immutable.
 */
public sealed interface TopicEvent {
  /** The log's row, which says who may hear it. */
  Change change();

  /** As applications know it. */
  String topic();

  /**
   * A broadcast.
   *
   * @param json the protocol's payload, as JSON object text; null for raw bytes
   * @param frame the binary frame of raw bytes, the same for everybody; null for JSON
   * @param origin the channel it came from, if it came from one
   */
  record Said(
      Change change,
      String topic,
      @Nullable String origin,
      @Nullable String json,
      @Nullable Buffer frame)
      implements TopicEvent {}

  /**
   * Who came and who went.
   *
   * @param xid the transaction: whether a state that was read holds it already
   * @param json the protocol's {@code presence_diff}, as JSON object text
   */
  record Moved(Change change, String topic, long xid, String json) implements TopicEvent {}

  /** Whether a change is something said on a topic and no row of a table. */
  static boolean isOnTopic(Change change) {
    return change.table().equals("broadcast") || change.table().equals("presence");
  }

  /** What a change says on a topic; null for one of a table, and for one that cannot be read. */
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
      return isBroadcast ? said(change, Parts.of(record)) : moved(change, Parts.of(record));
    } catch (JacksonException | IllegalArgumentException e) {
      LoggerHolder.LOG.error("Change {} of the log cannot be read; left out", change.seq(), e);
      return null;
    }
  }

  private static Said said(Change change, Parts parts) {
    String topic = parts.topic;
    if (parts.binary != null) {
      byte[] bytes = Base64.getDecoder().decode(parts.binary);
      Buffer frame = Payloads.userBroadcast(TopicName.PREFIX + topic, parts.event, bytes);
      return new Said(change, topic, parts.origin, null, frame);
    }
    String json =
        "{\"type\":\"broadcast\",\"event\":"
            + Json.quote(parts.event)
            + ",\"payload\":"
            + parts.payload
            + "}";
    return new Said(change, topic, parts.origin, json, null);
  }

  private static Moved moved(Change change, Parts parts) {
    return new Moved(change, parts.topic, Long.parseLong(parts.xid), parts.payload);
  }

  /** The members of a record; what is absent is empty or null. */
  final class Parts {
    private String topic = "";
    private String event = "";
    private String xid = "";
    private String payload = "{}";
    private @Nullable String origin;
    private @Nullable String binary;

    private Parts() {}

    /** The payload is the last member and is cut out as it stands. */
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
