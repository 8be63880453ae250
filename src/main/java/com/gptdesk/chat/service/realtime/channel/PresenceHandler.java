package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.PgSnapshot;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The presence of one socket's channels: it tracks the client on its topics and delivers who else
 * is present. A refusal is answered with an error, even where the protocol allows silence. Owned by
 * the socket's context.
 */
public final class PresenceHandler {
  private static final Logger LOG = LoggerFactory.getLogger(PresenceHandler.class);
  static final String PRESENCE = "presence";

  private final Outbound outbound;
  private final Inbound inbound;
  private final TopicServices services;
  private final TopicLimits limits;
  private final EventRate rate;
  private final int maxWaiting;
  private final Dismissal dismissal;
  private long windowBegan;
  private int inWindow;

  /**
   * Creates the handler of one socket.
   *
   * @param rate the client's rate limit, shared with its broadcasts
   * @param maxWaiting presence changes that may wait for the state before them
   * @param dismissal ends the channels whose state cannot be read
   */
  public PresenceHandler(
      Outbound outbound,
      Inbound inbound,
      TopicServices services,
      EventRate rate,
      int maxWaiting,
      Dismissal dismissal) {
    this.outbound = outbound;
    this.inbound = inbound;
    this.services = services;
    this.limits = services.limits();
    this.rate = rate;
    this.maxWaiting = maxWaiting;
    this.dismissal = dismissal;
    this.windowBegan = services.nanoClock().getAsLong();
  }

  /** {@code track} or {@code untrack}. */
  public void take(ClientMessage.Presence message, Channel channel) {
    TopicMembership membership = channel.membership();
    String refusal = refusal(membership);
    if (refusal != null) {
      refuse(message, refusal);
      return;
    }
    switch (message.action()) {
      case "track" -> track(message, channel);
      case "untrack" -> untrack(message, channel);
      default -> refuse(message, "UnknownPresenceEvent: presence is track or untrack");
    }
  }

  private @Nullable String refusal(TopicMembership membership) {
    long now = services.nanoClock().getAsLong();
    String tooMany = rate.refusal();
    if (tooMany != null) {
      return tooMany;
    }
    if (now - windowBegan >= limits.presenceWindow().toNanos()) {
      windowBegan = now;
      inWindow = 0;
    }
    if (++inWindow > limits.maxPresenceEventsPerWindow()) {
      return "ClientPresenceRateLimitReached: At most "
          + limits.maxPresenceEventsPerWindow()
          + " presence calls in "
          + limits.presenceWindow().toSeconds()
          + " seconds";
    }
    return membership.isAdmitted() ? null : membership.unauthorized();
  }

  private void track(ClientMessage.Presence message, Channel channel) {
    TopicMembership membership = channel.membership();
    if (!(message.payload() instanceof ObjectNode sent)) {
      refuse(message, "Presence track payload must be a map");
      return;
    }
    // The server sets it; a client's value would appear beside it.
    ObjectNode meta = sent.deepCopy().without(List.of("phx_ref", "phx_ref_prev"));
    String json = Json.write(meta);
    // Both are sent to everybody on the topic.
    if (Utf8.length(membership.key()) + Utf8.length(json) > limits.maxPayloadBytes()) {
      outbound.write(ServerMessage.Reply.to(message, false, limits.tooLarge()));
      return;
    }
    UUID user = channel.member();
    boolean before = membership.isTracking();
    membership.tracking(true);
    inbound.pause();
    outbound.offEventLoop(
        () -> {
          services
              .tracker()
              .track(membership.origin(), membership.topic(), membership.key(), user, json);
          return user;
        },
        done -> {
          outbound.write(ServerMessage.Reply.to(message, true, Json.object()));
          if (membership.isAdmitted() && !membership.followsPresence()) {
            readState(channel); // A client that tracks itself also receives the others.
          }
          inbound.resume();
        },
        e -> {
          membership.tracking(before && membership.isAdmitted());
          refuse(message, FailureReason.ofTopic(e));
          inbound.resume();
        });
  }

  private void untrack(ClientMessage.Presence message, Channel channel) {
    TopicMembership membership = channel.membership();
    if (!membership.isTracking()) {
      outbound.write(ServerMessage.Reply.to(message, true, Json.object()));
      return;
    }
    inbound.pause();
    outbound.offEventLoop(
        () -> {
          services.tracker().untrack(membership.origin());
          return membership;
        },
        done -> {
          membership.tracking(false);
          outbound.write(ServerMessage.Reply.to(message, true, Json.object()));
          inbound.resume();
        },
        e -> {
          refuse(message, FailureReason.ofTopic(e));
          inbound.resume();
        });
  }

  private void refuse(ClientMessage.Presence message, String reason) {
    outbound.write(ServerMessage.Reply.to(message, false, Json.object().put("reason", reason)));
  }

  /** Delivers a presence change on this channel's topic. */
  public void deliver(Channel channel, TopicEvent.PresenceEvent event) {
    TopicMembership membership = channel.membership();
    if (!membership.isAdmitted()) {
      return;
    }
    if (membership.delivers(event)) {
      outbound.write(new ServerMessage.PresenceDiff(channel.topic(), event.json()));
    } else if (membership.waiting() > maxWaiting) {
      outbound.closeTooSlow("too many presence changes wait for the state before them");
    }
  }

  /** Changes were missed: restores this node's own part, and then reads again who is present. */
  public void refresh(Channel channel) {
    if (channel.membership().followsPresence()) {
      readState(channel);
    }
  }

  /**
   * The channel now takes part in its topic: its client receives who is present, if it asked for
   * that.
   */
  void admitted(Channel channel) {
    if (channel.membership().wantsPresence()) {
      readState(channel);
    }
  }

  /**
   * The channel no longer takes part; a client that received who is present is told that all have
   * left.
   */
  void expelled(Channel channel) {
    TopicMembership membership = channel.membership();
    untrackSoon(channel);
    if (membership.expel()) {
      outbound.write(new ServerMessage.PresenceState(channel.topic(), channel.joinRef(), "{}"));
    }
  }

  /** The channel is closed. */
  public void left(Channel channel) {
    untrackSoon(channel);
    channel.membership().expel();
  }

  private void untrackSoon(Channel channel) {
    if (channel.membership().isTracking()) {
      services.tracker().untrackSoon(List.of(channel.membership().origin()));
    }
  }

  /** The socket is closed. */
  public void ended(Collection<Channel> channels) {
    var origins = new ArrayList<String>();
    for (Channel channel : channels) {
      if (channel.membership().isTracking()) {
        origins.add(channel.membership().origin());
      }
    }
    if (!origins.isEmpty()) {
      services.tracker().untrackSoon(origins);
    }
  }

  private void readState(Channel channel) {
    TopicMembership membership = channel.membership();
    UUID viewer = channel.member();
    int number = membership.beginReading();
    outbound.offEventLoop(
        () -> {
          services.tracker().recover();
          return services.topics().presence(membership.topic(), viewer);
        },
        found -> {
          if (membership.isReading(number)) {
            deliverState(channel, found);
          }
        },
        e -> {
          if (membership.isReading(number)) {
            outbound.named(
                () ->
                    LOG.warn(
                        "The presence of {} could not be read; the client joins again",
                        membership.topic(),
                        e));
            dismissal.dismiss(channel, FailureReason.of(e), true);
          }
        });
  }

  private void deliverState(Channel channel, Topics.PresenceState found) {
    var waited = channel.membership().read(PgSnapshot.of(found.snapshot()));
    outbound.write(
        new ServerMessage.PresenceState(channel.topic(), channel.joinRef(), found.state()));
    for (TopicEvent.PresenceEvent event : waited) {
      deliver(channel, event);
    }
  }
}
