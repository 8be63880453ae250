package com.gptdesk.chat.service.realtime.protocol;

import com.gptdesk.chat.database.StorableText;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads and writes the payloads of events, independent of the framing. */
public final class Payloads {
  private static final byte USER_BROADCAST_PUSH = 3;
  private static final byte USER_BROADCAST = 4;
  private static final int HEADER = 7;

  private Payloads() {}

  /** The message from the parts that both serializers share. */
  static ClientMessage read(
      @Nullable JsonNode joinRef,
      @Nullable JsonNode ref,
      @Nullable JsonNode topic,
      @Nullable JsonNode event,
      @Nullable JsonNode payload) {
    if (topic == null || !topic.isString() || event == null || !event.isString()) {
      return new ClientMessage.Malformed("topic and event must be texts");
    }
    return read(
        reference(joinRef),
        reference(ref),
        topic.stringValue(),
        event.stringValue(),
        payload instanceof ObjectNode object ? object : Json.object());
  }

  /** A counter of the client as text; a number is accepted, too. */
  private static @Nullable String reference(@Nullable JsonNode node) {
    return node == null || node.isNull() || node.isContainer() ? null : node.asString();
  }

  private static ClientMessage read(
      @Nullable String joinRef,
      @Nullable String ref,
      String topic,
      String event,
      ObjectNode payload) {
    return switch (event) {
      case "heartbeat" -> new ClientMessage.Heartbeat(topic, ref, joinRef);
      case "phx_join" -> join(topic, ref, joinRef, payload);
      case "phx_leave" -> new ClientMessage.Leave(topic, ref, joinRef);
      case "access_token" ->
          new ClientMessage.AccessToken(topic, ref, joinRef, Json.text(payload, "access_token"));
      case "broadcast" -> broadcast(topic, ref, joinRef, payload);
      case "presence" -> presence(topic, ref, joinRef, payload);
      default -> new ClientMessage.Unknown(topic, ref, joinRef, event);
    };
  }

  private static ClientMessage join(
      String topic, @Nullable String ref, @Nullable String joinRef, ObjectNode payload) {
    JsonNode config = payload.get("config");
    ObjectNode settings = config instanceof ObjectNode object ? object : Json.object();
    String token = Json.text(payload, "access_token");
    return new ClientMessage.Join(
        topic,
        ref,
        joinRef,
        subscriptions(settings.get("postgres_changes")),
        isTrue(settings.get("private")),
        token != null ? token : Json.text(payload, "user_token"),
        config(settings.get("broadcast"), settings.get("presence")));
  }

  private static JoinConfig config(@Nullable JsonNode broadcast, @Nullable JsonNode presence) {
    JsonNode enabled = presence == null ? null : presence.get("enabled");
    String key = presence == null ? null : Json.text(presence, "key");
    return new JoinConfig(
        broadcast != null && isTrue(broadcast.get("ack")),
        broadcast != null && isTrue(broadcast.get("self")),
        (enabled == null || enabled.isNull()) ? null : isTrue(enabled),
        key == null ? "" : key,
        broadcast != null && broadcast.hasNonNull("replay"),
        broadcast != null && isTrue(broadcast.get("replication_ready")));
  }

  private static List<ObjectNode> subscriptions(@Nullable JsonNode list) {
    var subscriptions = new ArrayList<ObjectNode>();
    if (list != null && list.isArray()) {
      for (JsonNode entry : list) {
        if (entry instanceof ObjectNode subscription) {
          subscriptions.add(subscription);
        }
      }
    }
    return List.copyOf(subscriptions);
  }

  /** Some clients send booleans as texts. */
  private static boolean isTrue(@Nullable JsonNode node) {
    return node != null
        && (node.isBoolean()
            ? node.booleanValue()
            : node.isString() && node.stringValue().toLowerCase(Locale.ROOT).equals("true"));
  }

  private static ClientMessage broadcast(
      String topic, @Nullable String ref, @Nullable String joinRef, ObjectNode payload) {
    String event = Json.text(payload, "event");
    return new ClientMessage.Broadcast(
        topic, ref, joinRef, event == null ? "" : event, payload.get("payload"), null);
  }

  private static ClientMessage presence(
      String topic, @Nullable String ref, @Nullable String joinRef, ObjectNode payload) {
    String action = Json.text(payload, "event");
    return new ClientMessage.Presence(
        topic,
        ref,
        joinRef,
        action == null ? "" : action.toLowerCase(Locale.ROOT),
        payload.get("payload"));
  }

  /**
   * Kind 3: {@code 03 | joinRefLen | refLen | topicLen | eventLen | metaLen | enc}, each one byte,
   * then the texts in that order, then the payload. An enc of 1 means JSON.
   */
  static ClientMessage readBinary(Buffer frame) {
    if (frame.length() < HEADER || frame.getByte(0) != USER_BROADCAST_PUSH) {
      return new ClientMessage.Malformed("a binary frame of an unknown kind");
    }
    int[] lengths = new int[5];
    int total = HEADER;
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = frame.getUnsignedByte(i + 1);
      total += lengths[i];
    }
    if (total > frame.length()) {
      return new ClientMessage.Malformed("a binary frame shorter than its header says");
    }
    String[] texts = new String[lengths.length];
    int at = HEADER;
    for (int i = 0; i < lengths.length; i++) {
      texts[i] =
          StorableText.of(frame.getString(at, at + lengths[i], StandardCharsets.UTF_8.name()));
      at += lengths[i];
    }
    Buffer rest = frame.getBuffer(at, frame.length());
    String joinRef = texts[0].isEmpty() ? null : texts[0];
    String ref = texts[1].isEmpty() ? null : texts[1];
    if (frame.getByte(6) != 1) {
      return new ClientMessage.Broadcast(texts[2], ref, joinRef, texts[3], null, rest);
    }
    JsonNode payload = Json.read(StorableText.ofJson(rest.toString(StandardCharsets.UTF_8)));
    if (payload == null) {
      return new ClientMessage.Malformed("a broadcast whose payload is not JSON");
    }
    return new ClientMessage.Broadcast(texts[2], ref, joinRef, texts[3], payload, null);
  }

  /**
   * Kind 4: {@code 04 | topicLen | eventLen | metaLen | enc}, each one byte, then the texts and the
   * payload, here raw bytes. Topic and event must have at most 255 bytes.
   */
  public static Buffer userBroadcast(String topic, String event, byte[] payload) {
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
  static String payload(ServerMessage frame) {
    return switch (frame) {
      case ServerMessage.Reply reply ->
          "{\"status\":\""
              + (reply.ok() ? "ok" : "error")
              + "\",\"response\":"
              + Json.write(reply.response())
              + "}";
      case ServerMessage.Close close -> "{}";
      case ServerMessage.Failure failure -> "{}";
      case ServerMessage.Notice notice ->
          "{\"extension\":"
              + Json.quote(notice.extension())
              + ",\"status\":"
              + Json.quote(notice.status())
              + ",\"message\":"
              + Json.quote(notice.message())
              + ",\"channel\":"
              + Json.quote(notice.channel())
              + "}";
      case ServerMessage.PostgresChanges changes ->
          "{\"ids\":" + changes.ids() + ",\"data\":" + changes.data() + "}";
      case ServerMessage.Broadcast broadcast -> broadcast.payload();
      case ServerMessage.PresenceState presence -> presence.state();
      case ServerMessage.PresenceDiff presence -> presence.diff();
    };
  }

  static String event(ServerMessage frame) {
    return switch (frame) {
      case ServerMessage.Reply reply -> "phx_reply";
      case ServerMessage.Close close -> "phx_close";
      case ServerMessage.Failure failure -> "phx_error";
      case ServerMessage.Notice notice -> "system";
      case ServerMessage.PostgresChanges changes -> "postgres_changes";
      case ServerMessage.Broadcast broadcast -> "broadcast";
      case ServerMessage.PresenceState presence -> "presence_state";
      case ServerMessage.PresenceDiff presence -> "presence_diff";
    };
  }

  /**
   * The join ref for the close or error of a channel; null for other messages without a request.
   */
  static @Nullable String ref(ServerMessage frame) {
    return switch (frame) {
      case ServerMessage.Reply reply -> reply.ref();
      case ServerMessage.Close close -> close.joinRef();
      case ServerMessage.Failure failure -> failure.joinRef();
      case ServerMessage.Notice notice -> null;
      case ServerMessage.PostgresChanges changes -> null;
      case ServerMessage.Broadcast broadcast -> null;
      case ServerMessage.PresenceState presence -> null;
      case ServerMessage.PresenceDiff presence -> null;
    };
  }

  /** Clients drop messages with an old join ref; null is always accepted. */
  static @Nullable String joinRef(ServerMessage frame) {
    return switch (frame) {
      case ServerMessage.Reply reply -> reply.joinRef();
      case ServerMessage.Close close -> close.joinRef();
      case ServerMessage.Failure failure -> failure.joinRef();
      case ServerMessage.Notice notice -> notice.joinRef();
      case ServerMessage.PostgresChanges changes -> null;
      case ServerMessage.Broadcast broadcast -> null;
      case ServerMessage.PresenceState presence -> presence.joinRef();
      case ServerMessage.PresenceDiff presence -> null;
    };
  }
}
