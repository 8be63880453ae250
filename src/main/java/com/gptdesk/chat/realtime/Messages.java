package com.gptdesk.chat.realtime;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What the events mean, whichever way they were framed. */
final class Messages {
  private static final byte USER_BROADCAST_PUSH = 3;
  private static final byte USER_BROADCAST = 4;
  private static final int HEADER = 7;

  private Messages() {}

  static ClientFrame read(
      @Nullable String joinRef,
      @Nullable String ref,
      String topic,
      String event,
      ObjectNode payload) {
    return switch (event) {
      case "heartbeat" -> new ClientFrame.Heartbeat(topic, ref, joinRef);
      case "phx_join" -> join(topic, ref, joinRef, payload);
      case "phx_leave" -> new ClientFrame.Leave(topic, ref, joinRef);
      case "access_token" ->
          new ClientFrame.AccessToken(topic, ref, joinRef, Json.text(payload, "access_token"));
      case "broadcast" -> broadcast(topic, ref, joinRef, payload);
      case "presence" -> presence(topic, ref, joinRef, payload);
      default -> new ClientFrame.Unknown(topic, ref, joinRef, event);
    };
  }

  private static ClientFrame join(
      String topic, @Nullable String ref, @Nullable String joinRef, ObjectNode payload) {
    JsonNode config = payload.get("config");
    ObjectNode settings = config instanceof ObjectNode object ? object : Json.object();
    String token = Json.text(payload, "access_token");
    return new ClientFrame.Join(
        topic,
        ref,
        joinRef,
        bindings(settings.get("postgres_changes")),
        isTrue(settings.get("private")),
        token != null ? token : Json.text(payload, "user_token"),
        wishes(settings.get("broadcast"), settings.get("presence")));
  }

  private static Attendance.Wishes wishes(
      @Nullable JsonNode broadcast, @Nullable JsonNode presence) {
    JsonNode enabled = presence == null ? null : presence.get("enabled");
    String key = presence == null ? null : Json.text(presence, "key");
    return new Attendance.Wishes(
        broadcast != null && isTrue(broadcast.get("ack")),
        broadcast != null && isTrue(broadcast.get("self")),
        (enabled == null || enabled.isNull()) ? null : isTrue(enabled),
        key == null ? "" : key);
  }

  private static List<ObjectNode> bindings(@Nullable JsonNode list) {
    var bindings = new ArrayList<ObjectNode>();
    if (list != null && list.isArray()) {
      for (JsonNode entry : list) {
        if (entry instanceof ObjectNode binding) {
          bindings.add(binding);
        }
      }
    }
    return List.copyOf(bindings);
  }

  /** Some clients send booleans as texts. */
  private static boolean isTrue(@Nullable JsonNode node) {
    return node != null
        && (node.isBoolean()
            ? node.booleanValue()
            : node.isString() && node.stringValue().toLowerCase(Locale.ROOT).equals("true"));
  }

  private static ClientFrame broadcast(
      String topic, @Nullable String ref, @Nullable String joinRef, ObjectNode payload) {
    String event = Json.text(payload, "event");
    return new ClientFrame.Broadcast(
        topic, ref, joinRef, event == null ? "" : event, payload.get("payload"), null);
  }

  private static ClientFrame presence(
      String topic, @Nullable String ref, @Nullable String joinRef, ObjectNode payload) {
    String action = Json.text(payload, "event");
    return new ClientFrame.Presence(
        topic,
        ref,
        joinRef,
        action == null ? "" : action.toLowerCase(Locale.ROOT),
        payload.get("payload"));
  }

  /**
   * Kind 3: {@code 03 | joinRefLen | refLen | topicLen | eventLen | metaLen | enc}, each one byte,
   * then the texts in that order, and the rest is the payload; enc 1 says that it is JSON.
   */
  static ClientFrame readBinary(Buffer frame) {
    if (frame.length() < HEADER || frame.getByte(0) != USER_BROADCAST_PUSH) {
      return new ClientFrame.Malformed("a binary frame of an unknown kind");
    }
    int[] lengths = new int[5];
    int total = HEADER;
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = frame.getUnsignedByte(i + 1);
      total += lengths[i];
    }
    if (total > frame.length()) {
      return new ClientFrame.Malformed("a binary frame shorter than its header says");
    }
    String[] texts = new String[lengths.length];
    int at = HEADER;
    for (int i = 0; i < lengths.length; i++) {
      texts[i] = frame.getString(at, at + lengths[i], StandardCharsets.UTF_8.name());
      at += lengths[i];
    }
    Buffer rest = frame.getBuffer(at, frame.length());
    String joinRef = texts[0].isEmpty() ? null : texts[0];
    String ref = texts[1].isEmpty() ? null : texts[1];
    if (frame.getByte(6) != 1) {
      return new ClientFrame.Broadcast(texts[2], ref, joinRef, texts[3], null, rest);
    }
    JsonNode payload = Json.read(rest.toString(StandardCharsets.UTF_8));
    if (payload == null) {
      return new ClientFrame.Malformed("a broadcast whose payload is no JSON");
    }
    return new ClientFrame.Broadcast(texts[2], ref, joinRef, texts[3], payload, null);
  }

  /**
   * Kind 4: {@code 04 | topicLen | eventLen | metaLen | enc}, each one byte, then the texts and the
   * payload, here raw bytes. Topic and event must have at most 255 bytes.
   */
  static Buffer userBroadcast(String topic, String event, byte[] payload) {
    byte[] topicBytes = topic.getBytes(StandardCharsets.UTF_8);
    byte[] eventBytes = event.getBytes(StandardCharsets.UTF_8);
    if (topicBytes.length > 255 || eventBytes.length > 255) {
      throw new IllegalArgumentException("a topic or an event of more than 255 bytes");
    }
    return Buffer.buffer(5 + topicBytes.length + eventBytes.length + payload.length)
        .appendByte(USER_BROADCAST)
        .appendUnsignedByte((short) topicBytes.length)
        .appendUnsignedByte((short) eventBytes.length)
        .appendUnsignedByte((short) 0)
        .appendUnsignedByte((short) 0)
        .appendBytes(topicBytes)
        .appendBytes(eventBytes)
        .appendBytes(payload);
  }

  /** The payload of a message, as JSON object text. */
  static String payload(ServerFrame frame) {
    return switch (frame) {
      case ServerFrame.Reply reply ->
          "{\"status\":\""
              + (reply.ok() ? "ok" : "error")
              + "\",\"response\":"
              + Json.write(reply.response())
              + "}";
      case ServerFrame.Close close -> "{}";
      case ServerFrame.Failure failure -> "{}";
      case ServerFrame.Notice notice ->
          "{\"extension\":"
              + Json.quote(notice.extension())
              + ",\"status\":"
              + Json.quote(notice.status())
              + ",\"message\":"
              + Json.quote(notice.message())
              + ",\"channel\":"
              + Json.quote(notice.channel())
              + "}";
      case ServerFrame.PostgresChanges changes ->
          "{\"ids\":" + changes.ids() + ",\"data\":" + changes.data() + "}";
      case ServerFrame.Broadcast broadcast -> broadcast.payload();
      case ServerFrame.PresenceState presence -> presence.state();
      case ServerFrame.PresenceDiff presence -> presence.diff();
    };
  }

  static String event(ServerFrame frame) {
    return switch (frame) {
      case ServerFrame.Reply reply -> "phx_reply";
      case ServerFrame.Close close -> "phx_close";
      case ServerFrame.Failure failure -> "phx_error";
      case ServerFrame.Notice notice -> "system";
      case ServerFrame.PostgresChanges changes -> "postgres_changes";
      case ServerFrame.Broadcast broadcast -> "broadcast";
      case ServerFrame.PresenceState presence -> "presence_state";
      case ServerFrame.PresenceDiff presence -> "presence_diff";
    };
  }

  /**
   * A close or an error of a channel carries its join ref here; what answers nothing carries null.
   */
  static @Nullable String ref(ServerFrame frame) {
    return switch (frame) {
      case ServerFrame.Reply reply -> reply.ref();
      case ServerFrame.Close close -> close.joinRef();
      case ServerFrame.Failure failure -> failure.joinRef();
      case ServerFrame.Notice notice -> null;
      case ServerFrame.PostgresChanges changes -> null;
      case ServerFrame.Broadcast broadcast -> null;
      case ServerFrame.PresenceState presence -> null;
      case ServerFrame.PresenceDiff presence -> null;
    };
  }

  /** Clients drop what carries a join ref of before; null is always heard. */
  static @Nullable String joinRef(ServerFrame frame) {
    return switch (frame) {
      case ServerFrame.Reply reply -> reply.joinRef();
      case ServerFrame.Close close -> close.joinRef();
      case ServerFrame.Failure failure -> failure.joinRef();
      case ServerFrame.Notice notice -> notice.joinRef();
      case ServerFrame.PostgresChanges changes -> null;
      case ServerFrame.Broadcast broadcast -> null;
      case ServerFrame.PresenceState presence -> presence.joinRef();
      case ServerFrame.PresenceDiff presence -> null;
    };
  }
}
