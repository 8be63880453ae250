package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The broadcasts of one socket: it sends the client's broadcasts to the database and delivers those
 * of others. A refusal is answered with an error, even where the protocol allows silence. Owned by
 * the socket's context.
 */
public final class BroadcastHandler {
  static final String BROADCAST = "broadcast";
  private static final int LONGEST_EVENT = 255;

  private final Outbound outbound;
  private final Inbound inbound;
  private final TopicServices services;
  private final TopicLimits limits;
  private final EventRate rate;

  /**
   * Creates the handler of one socket.
   *
   * @param rate the client's rate limit, shared with its presence
   */
  public BroadcastHandler(
      Outbound outbound, Inbound inbound, TopicServices services, EventRate rate) {
    this.outbound = outbound;
    this.inbound = inbound;
    this.services = services;
    this.limits = services.limits();
    this.rate = rate;
  }

  /** Sends a broadcast, and acknowledges it when the channel asks for that. */
  public void take(ClientMessage.Broadcast message, Channel channel) {
    TopicMembership membership = channel.membership();
    JsonNode json = message.payload();
    String payload = message.raw() != null ? null : json == null ? "{}" : Json.write(json);
    ObjectNode refusal = refusal(message, membership, payload);
    if (refusal != null) {
      refuse(message, channel, refusal);
      return;
    }
    var broadcast =
        new Broadcast(
            membership.topic(), message.event(), payload, message.raw(), membership.origin());
    UUID sender = channel.member();
    inbound.pause();
    outbound.offEventLoop(
        () -> {
          services.topics().send(List.of(broadcast), sender);
          return sender;
        },
        sent -> {
          if (membership.config().ack()) {
            outbound.write(ServerMessage.Reply.to(message, true, Json.object()));
          }
          inbound.resume();
        },
        e -> {
          refuse(message, channel, Json.object().put("reason", FailureReason.ofTopic(e)));
          inbound.resume();
        });
  }

  private @Nullable ObjectNode refusal(
      ClientMessage.Broadcast message, TopicMembership membership, @Nullable String payload) {
    String tooMany = rate.refusal();
    if (tooMany != null) {
      return Json.object().put("reason", tooMany);
    }
    if (!membership.isAdmitted()) {
      return Json.object().put("reason", membership.unauthorized());
    }
    if (message.event().isEmpty() || Utf8.length(message.event()) > LONGEST_EVENT) {
      return Json.object()
          .put("reason", "InvalidBroadcast: event must have 1 to " + LONGEST_EVENT + " bytes");
    }
    int size =
        message.raw() != null ? message.raw().length() : payload == null ? 0 : Utf8.length(payload);
    if (size > limits.maxPayloadBytes()) {
      return limits.tooLarge();
    }
    return null;
  }

  /**
   * Sends the error as a reply and as a notice. A client without acknowledgements ignores the
   * reply, and old clients do not show that it is an error.
   */
  private void refuse(ClientMessage.Broadcast message, Channel channel, ObjectNode response) {
    outbound.write(ServerMessage.Reply.to(message, false, response));
    String why = Json.text(response, "reason");
    outbound.write(channel.notice(BROADCAST, "error", why == null ? "refused" : why));
  }

  /** Delivers a broadcast on this channel's topic. */
  public void deliver(Channel channel, TopicEvent.BroadcastEvent event) {
    TopicMembership membership = channel.membership();
    if (!membership.isAdmitted() || !membership.delivers(event)) {
      return;
    }
    if (event.json() != null) {
      outbound.write(new ServerMessage.Broadcast(channel.topic(), event.json()));
    } else if (event.frame() != null) {
      outbound.write(event.frame()); // Protocol 1.0.0 has no binary messages.
    }
  }
}
