package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The broadcasts of one socket: it sends the client's broadcasts to the database and delivers those
 * of others. What comes while the database takes earlier ones waits, and goes in one commit. A
 * refusal is answered with an error, even where the protocol allows silence. Owned by the socket's
 * context.
 */
public final class BroadcastHandler {
  static final String BROADCAST = "broadcast";
  private static final int LONGEST_EVENT = 255;
  private static final int MOST_TOGETHER = 100;

  /** What the client said, and what of it goes to the database by whose right. */
  private record Said(
      ClientMessage.Broadcast message, Channel channel, Broadcast broadcast, UUID sender) {}

  private final Outbound outbound;
  private final Inbound inbound;
  private final TopicServices services;
  private final TopicLimits limits;
  private final EventRate rate;
  private final ArrayDeque<Said> waiting = new ArrayDeque<>(0);
  private int waitingBytes;
  private boolean sending;

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

  /** Whether broadcasts are on their way to the database; another message has to wait for them. */
  public boolean isSending() {
    return sending;
  }

  /** Whether one more broadcast may wait. */
  public boolean hasRoom() {
    return waiting.size() < MOST_TOGETHER && waitingBytes < limits.maxPayloadBytes();
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
    waiting.add(new Said(message, channel, broadcast, channel.member()));
    waitingBytes += size(message, payload);
    if (!sending) {
      sendNext();
    }
  }

  private void sendNext() {
    UUID sender = waiting.element().sender();
    List<Said> together = new ArrayList<>();
    while (!waiting.isEmpty() && waiting.element().sender().equals(sender)) {
      Said next = waiting.remove();
      waitingBytes -= size(next.message(), next.broadcast().payload());
      together.add(next);
    }
    sending = true;
    outbound.offEventLoop(
        () -> failures(together.stream().map(Said::broadcast).toList(), sender),
        failures -> {
          for (int i = 0; i < failures.size(); i++) {
            answer(together.get(i), failures.get(i));
          }
          goOn();
        },
        e -> {
          together.forEach(said -> answer(said, e));
          goOn();
        });
  }

  private void goOn() {
    sending = false;
    if (!waiting.isEmpty()) {
      sendNext();
    }
    inbound.resume();
  }

  private void answer(Said said, @Nullable RuntimeException failure) {
    if (failure != null) {
      refuse(
          said.message(),
          said.channel(),
          Json.object().put("reason", FailureReason.ofTopic(failure)));
    } else if (said.channel().membership().config().ack()) {
      outbound.write(ServerMessage.Reply.to(said.message(), true, Json.object()));
    }
  }

  /**
   * Why each was not sent; null for one that was. A refusal undoes all that go together, so then
   * each goes alone. After a lost connection nobody knows what was sent, so nothing is sent again.
   */
  private List<@Nullable RuntimeException> failures(List<Broadcast> together, UUID sender) {
    try {
      services.topics().send(together, sender);
      return Collections.nCopies(together.size(), null);
    } catch (Refusal e) {
      if (together.size() == 1 || e.reason() == Refusal.Reason.TOO_SLOW) {
        return Collections.nCopies(together.size(), e);
      }
    } catch (RuntimeException e) {
      return Collections.nCopies(together.size(), e);
    }
    List<@Nullable RuntimeException> failures = new ArrayList<>();
    for (Broadcast one : together) {
      failures.addAll(failures(List.of(one), sender));
    }
    return failures;
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
    return size(message, payload) > limits.maxPayloadBytes() ? limits.tooLarge() : null;
  }

  private static int size(ClientMessage.Broadcast message, @Nullable String payload) {
    return message.raw() != null
        ? message.raw().length()
        : payload == null ? 0 : Utf8.length(payload);
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
