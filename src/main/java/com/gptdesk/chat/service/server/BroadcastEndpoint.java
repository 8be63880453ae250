package com.gptdesk.chat.service.server;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Errors;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RateLimiter;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.realtime.channel.Broadcast;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.channel.Topics;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Broadcasts over HTTP, in both forms of the realtime protocol: many messages in one body, or one
 * with its topic and event in the path. A request sends all of them or none. The answer is 202
 * without a body.
 *
 * <p>Blocks while the database works, so call it on a virtual thread. Thread-safe.
 */
public final class BroadcastEndpoint {
  private static final Logger LOG = LoggerFactory.getLogger(BroadcastEndpoint.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int MOST_MESSAGES = 1000;
  private static final int LONGEST_EVENT = 255;

  private final Topics topics;
  private final TokenVerifier tokens;
  private final TopicLimits limits;
  private final RateLimiter<UUID> allowances;
  private final boolean enabled;

  /**
   * @param enabled false answers every request with 503 and says why
   */
  public BroadcastEndpoint(
      Topics topics, TokenVerifier tokens, TopicLimits limits, boolean enabled) {
    this.topics = topics;
    this.tokens = tokens;
    this.limits = limits;
    this.allowances = new RateLimiter<>(limits.maxEventsPerSecond());
    this.enabled = enabled;
  }

  /** The credentials: headers, and the key that newer clients send in the query. */
  record Credentials(
      @Nullable String authorization, @Nullable String apikey, @Nullable String queryKey) {
    /** The person's token takes precedence over the key of every browser. */
    @Nullable String token() {
      if (authorization != null && authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
        return authorization.substring(7).strip();
      }
      return apikey != null && !apikey.isEmpty() ? apikey : queryKey;
    }
  }

  /** Why a request is refused; becomes its answer. */
  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient Reply reply;

    Refused(Reply reply) {
      super(null, null, false, false);
      this.reply = reply;
    }
  }

  /** {@code {"messages": [{topic, event, payload, private}]}}. */
  Reply batch(Credentials credentials, byte[] body) {
    return answer(credentials, () -> messages(body));
  }

  /** One message whose payload is the body: raw bytes, or JSON. */
  Reply single(
      Credentials credentials,
      String topic,
      String event,
      @Nullable String contentType,
      byte[] body) {
    return answer(
        credentials,
        () -> List.of(message(StorableText.of(topic), StorableText.of(event), contentType, body)));
  }

  @FunctionalInterface
  private interface Reading {
    List<Broadcast> messages();
  }

  private Reply answer(Credentials credentials, Reading reading) {
    try {
      if (!enabled) {
        return error(503, "The chat is switched off");
      }
      Identity identity = identify(credentials);
      List<Broadcast> messages = reading.messages();
      UUID sender = identity.role() == Caller.Role.SERVICE_ROLE ? null : identity.userId();
      if (sender != null && !allowances.take(sender, messages.size())) {
        return error(
            429,
            "ClientEventRateLimitReached: Too many messages per second, at most "
                + limits.maxEventsPerSecond());
      }
      topics.send(messages, sender);
      return new Reply(202, null, Map.of(), null);
    } catch (Refused e) {
      return e.reply;
    } catch (Refusal e) {
      return refused(e);
    } catch (DatabaseUnavailable e) {
      LOG.warn("A broadcast was not sent: {}", String.valueOf(e.getMessage()));
      return error(Errors.of(e));
    } catch (RuntimeException e) {
      LOG.error("A broadcast was not sent", e);
      return error(500, "internal");
    }
  }

  /** Topics need a user, so an anonymous key is refused. */
  private Identity identify(Credentials credentials) {
    String token = credentials.token();
    if (token == null || token.isEmpty()) {
      throw new Refused(error(401, "Unauthorized"));
    }
    try {
      Identity identity = tokens.verify(token);
      if (identity.isAnonymous()) {
        throw new Refused(error(401, "Unauthorized: a broadcast needs the token of a user"));
      }
      return identity;
    } catch (InvalidToken e) {
      throw new Refused(error(Errors.of(e).status(), "Unauthorized: " + e.getMessage()));
    }
  }

  private static Reply refused(Refusal refusal) {
    Problem problem = Errors.of(refusal, false);
    return switch (problem.status()) {
      case 403 -> error(403, problem.realtimeCode() + ": " + problem.message());
      case 500, 503 -> error(problem);
      default -> invalid("messages", problem.message());
    };
  }

  private List<Broadcast> messages(byte[] body) {
    JsonNode root = json(body);
    JsonNode list = root == null ? null : root.get("messages");
    if (list == null || !list.isArray() || list.isEmpty()) {
      throw new Refused(invalid("messages", "can't be blank"));
    }
    if (list.size() > MOST_MESSAGES) {
      throw new Refused(invalid("messages", "should have at most " + MOST_MESSAGES + " item(s)"));
    }
    var messages = new ArrayList<Broadcast>();
    for (JsonNode each : list) {
      String topic = text(each, "topic");
      String event = text(each, "event");
      JsonNode payload = each.get("payload");
      if (payload == null || payload.isNull()) {
        throw new Refused(invalid("payload", "can't be blank"));
      }
      messages.add(valid(topic, event, JSON.writeValueAsString(payload), null));
    }
    return messages;
  }

  private Broadcast message(String topic, String event, @Nullable String contentType, byte[] body) {
    String type = contentType == null ? "" : contentType.split(";", 2)[0].strip();
    if (type.equalsIgnoreCase("application/octet-stream")) {
      return valid(topic, event, null, Buffer.buffer(body));
    }
    JsonNode payload = json(body);
    if (payload == null) {
      throw new Refused(invalid("payload", "is invalid"));
    }
    return valid(topic, event, JSON.writeValueAsString(payload), null);
  }

  private Broadcast valid(
      @Nullable String topic,
      @Nullable String event,
      @Nullable String payload,
      @Nullable Buffer raw) {
    if (topic == null || topic.isBlank()) {
      throw new Refused(invalid("topic", "can't be blank"));
    }
    if (event == null || event.isBlank()) {
      throw new Refused(invalid("event", "can't be blank"));
    }
    if (event.getBytes(StandardCharsets.UTF_8).length > LONGEST_EVENT) {
      throw new Refused(invalid("event", "should be at most " + LONGEST_EVENT + " byte(s)"));
    }
    int size =
        payload != null
            ? payload.getBytes(StandardCharsets.UTF_8).length
            : raw == null ? 0 : raw.length();
    if (size > limits.maxPayloadBytes()) {
      throw new Refused(
          invalid("payload", "Payload size exceeds " + limits.maxPayloadBytes() / 1024 + " KB"));
    }
    return new Broadcast(topic, event, payload, raw, null);
  }

  private static @Nullable String text(JsonNode object, String name) {
    JsonNode member = object.get(name);
    return member != null && member.isString() ? member.stringValue() : null;
  }

  /** Null for a body that is not JSON. */
  private static @Nullable JsonNode json(byte[] body) {
    try {
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
      JsonNode node = JSON.readTree(StorableText.ofJson(text.toString()));
      return node == null || node.isMissingNode() ? null : node;
    } catch (CharacterCodingException | JacksonException | StackOverflowError e) {
      return null;
    }
  }

  private static Reply error(int status, String message) {
    return Reply.json(
        status, JSON.writeValueAsString(JSON.createObjectNode().put("message", message)));
  }

  /** A problem in the form of the realtime protocol. */
  private static Reply error(Problem problem) {
    return error(problem.status(), problem.sentence());
  }

  /** The message in Supabase's form, and again where its client reads it. */
  private static Reply invalid(String field, String problem) {
    ObjectNode body = JSON.createObjectNode();
    body.putObject("errors").putArray(field).add(problem);
    body.put("message", field + " " + problem);
    return Reply.json(422, JSON.writeValueAsString(body));
  }
}
