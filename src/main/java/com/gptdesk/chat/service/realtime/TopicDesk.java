package com.gptdesk.chat.service.realtime;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.http.TokenBucket;
import com.gptdesk.chat.service.realtime.changes.PgSnapshot;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What one socket says and hears on topics. Whatever is refused is answered with an error, even
 * where the protocol would be silent. Owned by the connection's context.
 */
final class TopicDesk {
  private static final Logger LOG = LoggerFactory.getLogger(TopicDesk.class);
  private static final String BROADCAST = "broadcast";
  private static final String PRESENCE = "presence";
  private static final String TOO_LARGE = "payload_size_exceeded";
  private static final int LONGEST_EVENT = 255;

  private final Socket connection;
  private final RealtimeServer server;
  private final TopicLimits limits;
  private final TokenBucket events;
  private long windowBegan;
  private int inWindow;

  TopicDesk(Socket connection, RealtimeServer server) {
    this.connection = connection;
    this.server = server;
    this.limits = server.topicLimits();
    this.windowBegan = server.nanos();
    this.events = new TokenBucket(limits.maxEventsPerSecond(), windowBegan);
  }

  // --- Joining and leaving
  // -----------------------------------------------------------------------------------------

  /** Why a channel of this person cannot be joined; null when it can. */
  static @Nullable String troubleWith(
      ClientMessage.Join join, TopicMembership seat, Person person) {
    if (!TopicName.isKnown(seat.topic()) || seat.isFor(person.scopes())) {
      return null;
    }
    // One with bindings still hears what its person may see; but one that is there for the topic
    // alone, or asks for its presence or its privacy, would hear nothing.
    boolean needsTopic =
        join.bindings().isEmpty()
            || join.isPrivate()
            || Boolean.TRUE.equals(seat.config().presence());
    return needsTopic
        ? "Unauthorized: You do not have permissions to read from this Channel topic: "
            + seat.topic()
        : null;
  }

  /** The join was answered: now the channel takes part in its topic if it may. */
  void joined(Channel channel) {
    TopicMembership seat = channel.attendance();
    Person person = channel.person();
    if (person != null && seat.isFor(person.scopes())) {
      seat.admit();
      if (seat.wantsPresence()) {
        readState(channel);
      }
      return;
    }
    if (TopicName.isKnown(seat.topic())) {
      connection.tellSystem(channel, BROADCAST, "error", unauthorized(seat));
    } else if (Boolean.TRUE.equals(seat.config().presence())) {
      connection.tellSystem(channel, PRESENCE, "error", unauthorized(seat));
    }
  }

  /** The channel is closed. */
  void left(Channel channel) {
    if (channel.attendance().isTracking()) {
      server.tracker().untrackSoon(List.of(channel.attendance().origin()));
    }
    channel.attendance().expel();
  }

  /** The socket is closed. */
  void ended(Collection<Channel> channels) {
    var origins = new ArrayList<String>();
    for (Channel channel : channels) {
      if (channel.attendance().isTracking()) {
        origins.add(channel.attendance().origin());
      }
    }
    if (!origins.isEmpty()) {
      server.tracker().untrackSoon(origins);
    }
  }

  /** What this channel's person may see is known anew. False when the channel has to end. */
  boolean mayStay(Channel channel, Collection<Scope> scopes) {
    TopicMembership seat = channel.attendance();
    boolean may = seat.isFor(scopes);
    if (may == seat.isAdmitted()) {
      return may || !channel.bindings().isEmpty();
    }
    if (may) {
      seat.admit();
      if (seat.wantsPresence()) {
        readState(channel);
      }
      return true;
    }
    if (seat.isTracking()) {
      server.tracker().untrackSoon(List.of(seat.origin()));
    }
    if (seat.expel()) {
      connection.write(new ServerMessage.PresenceState(channel.topic(), channel.joinRef(), "{}"));
    }
    if (channel.bindings().isEmpty()) {
      return false;
    }
    connection.tellSystem(channel, BROADCAST, "error", unauthorized(seat));
    return true;
  }

  static String unauthorized(TopicMembership seat) {
    return TopicName.isKnown(seat.topic())
        ? "Unauthorized: You may not use the topic " + seat.topic()
        : "Unauthorized: Only conversation-<id>, team-<id> and user-<id> carry broadcast and"
            + " presence, not "
            + seat.topic();
  }

  // --- What the client says
  // ----------------------------------------------------------------------------------------

  /** A broadcast: sent on, and acknowledged when the channel wants that. */
  void take(ClientMessage.Broadcast frame, Channel channel) {
    TopicMembership seat = channel.attendance();
    JsonNode json = frame.payload();
    String payload = frame.raw() != null ? null : json == null ? "{}" : Json.write(json);
    ObjectNode trouble = troubleWith(frame, seat, payload);
    if (trouble != null) {
      refuse(frame, channel, trouble);
      return;
    }
    var broadcast = new Broadcast(seat.topic(), frame.event(), payload, frame.raw(), seat.origin());
    UUID sender = senderOf(channel);
    connection.beginWaiting();
    connection.away(
        () -> {
          server.topics().send(List.of(broadcast), sender);
          return sender;
        },
        sent -> {
          if (seat.config().ack()) {
            connection.answer(frame, true, Json.object());
          }
          connection.endWaiting();
        },
        e -> {
          refuse(frame, channel, Json.object().put("reason", reason(e)));
          connection.endWaiting();
        });
  }

  /** Admitted channels have a person. */
  private static UUID senderOf(Channel channel) {
    Person person = channel.person();
    if (person == null) {
      throw new IllegalStateException("a channel of nobody takes part in a topic");
    }
    return person.id();
  }

  private @Nullable ObjectNode troubleWith(
      ClientMessage.Broadcast frame, TopicMembership seat, @Nullable String payload) {
    if (!events.take(server.nanos())) {
      return Json.object().put("reason", tooMany());
    }
    if (!seat.isAdmitted()) {
      return Json.object().put("reason", unauthorized(seat));
    }
    if (frame.event().isEmpty() || length(frame.event()) > LONGEST_EVENT) {
      return Json.object()
          .put("reason", "InvalidBroadcast: event must have 1 to " + LONGEST_EVENT + " bytes");
    }
    int size = frame.raw() != null ? frame.raw().length() : payload == null ? 0 : length(payload);
    if (size > limits.maxPayloadBytes()) {
      // By the name Supabase gives it, and then what it means.
      return Json.object().put("error", TOO_LARGE).put("reason", tooLarge());
    }
    return null;
  }

  /**
   * The error, and once more where everybody hears it: who asked for no acknowledgement does not
   * wait for the answer, and old clients let nobody see that it is an error.
   */
  private void refuse(ClientMessage.Broadcast frame, Channel channel, ObjectNode response) {
    connection.answer(frame, false, response);
    String why = Json.text(response, "reason");
    connection.tellSystem(channel, BROADCAST, "error", why == null ? "refused" : why);
  }

  /** {@code track} or {@code untrack}. */
  void take(ClientMessage.Presence frame, Channel channel) {
    TopicMembership seat = channel.attendance();
    String trouble = troubleWithPresence(seat);
    if (trouble != null) {
      refuse(frame, trouble);
      return;
    }
    switch (frame.action()) {
      case "track" -> track(frame, channel);
      case "untrack" -> untrack(frame, channel);
      default -> refuse(frame, "UnknownPresenceEvent: presence is track or untrack");
    }
  }

  private @Nullable String troubleWithPresence(TopicMembership seat) {
    long now = server.nanos();
    if (!events.take(now)) {
      return tooMany();
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
    return seat.isAdmitted() ? null : unauthorized(seat);
  }

  private void track(ClientMessage.Presence frame, Channel channel) {
    TopicMembership seat = channel.attendance();
    if (!(frame.payload() instanceof ObjectNode sent)) {
      refuse(frame, "Presence track payload must be a map");
      return;
    }
    // The server's to give: one of the client's would stand beside it.
    ObjectNode meta = sent.deepCopy().without(List.of("phx_ref", "phx_ref_prev"));
    String json = Json.write(meta);
    // Both go to everybody on the topic.
    if (length(seat.key()) + length(json) > limits.maxPayloadBytes()) {
      connection.answer(
          frame, false, Json.object().put("error", TOO_LARGE).put("reason", tooLarge()));
      return;
    }
    UUID user = senderOf(channel);
    boolean before = seat.isTracking();
    seat.tracking(true);
    connection.beginWaiting();
    connection.away(
        () -> {
          server.tracker().track(seat.origin(), seat.topic(), seat.key(), user, json);
          return user;
        },
        done -> {
          connection.answer(frame, true, Json.object());
          if (seat.isAdmitted() && !seat.followsPresence()) {
            readState(channel); // Who shows himself sees the others.
          }
          connection.endWaiting();
        },
        e -> {
          seat.tracking(before && seat.isAdmitted());
          refuse(frame, reason(e));
          connection.endWaiting();
        });
  }

  private void untrack(ClientMessage.Presence frame, Channel channel) {
    TopicMembership seat = channel.attendance();
    if (!seat.isTracking()) {
      connection.answer(frame, true, Json.object());
      return;
    }
    connection.beginWaiting();
    connection.away(
        () -> {
          server.tracker().untrack(seat.origin());
          return seat;
        },
        done -> {
          seat.tracking(false);
          connection.answer(frame, true, Json.object());
          connection.endWaiting();
        },
        e -> {
          refuse(frame, reason(e));
          connection.endWaiting();
        });
  }

  private void refuse(ClientMessage.Presence frame, String reason) {
    connection.answer(frame, false, Json.object().put("reason", reason));
  }

  private String tooMany() {
    return "ClientEventRateLimitReached: Too many messages per second, at most "
        + limits.maxEventsPerSecond();
  }

  private String tooLarge() {
    return "PayloadTooLarge: At most " + limits.maxPayloadBytes() / 1024 + " KB";
  }

  private static int length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private static String reason(RuntimeException e) {
    if (e instanceof Refusal refusal) {
      boolean isRight = refusal.code().equals("PT403") || refusal.code().equals("42501");
      return (isRight ? "Unauthorized: " : "InvalidBroadcast: ") + refusal.getMessage();
    }
    return Socket.reason(e);
  }

  // --- What the topic says
  // -----------------------------------------------------------------------------------------

  /** Something was said or shown where this channel takes part. */
  void hear(Channel channel, TopicEvent event) {
    TopicMembership seat = channel.attendance();
    if (!seat.isAdmitted()) {
      return;
    }
    switch (event) {
      case TopicEvent.Said said -> {
        if (seat.tells(said)) {
          tell(channel, said);
        }
      }
      case TopicEvent.Moved moved -> {
        if (seat.tells(moved)) {
          connection.write(new ServerMessage.PresenceDiff(channel.topic(), moved.json()));
        } else if (seat.waiting() > connection.server().settings().maxQueuedChanges()) {
          connection.tooSlow("too many comings and goings wait for the state they follow");
        }
      }
    }
  }

  private void tell(Channel channel, TopicEvent.Said said) {
    if (said.json() != null) {
      connection.write(new ServerMessage.Broadcast(channel.topic(), said.json()));
    } else if (said.frame() != null) {
      connection.write(said.frame()); // Nothing to who speaks 1.0.0, which has no words for it.
    }
  }

  /** Changes were missed: who is there is read again, after this node has put right its part. */
  void refresh(Channel channel) {
    if (channel.attendance().followsPresence()) {
      readState(channel);
    }
  }

  private void readState(Channel channel) {
    TopicMembership seat = channel.attendance();
    int number = seat.beginReading();
    connection.away(
        () -> {
          server.tracker().recover();
          return server.topics().presence(seat.topic());
        },
        found -> {
          if (seat.isReading(number)) {
            tellState(channel, found);
          }
        },
        e -> {
          if (seat.isReading(number)) {
            connection.named(
                () ->
                    LOG.warn(
                        "The presence of {} could not be read; the client joins again",
                        seat.topic(),
                        e));
            connection.dismiss(channel, Socket.reason(e), true);
          }
        });
  }

  private void tellState(Channel channel, Topics.Gathering found) {
    var waited = channel.attendance().read(PgSnapshot.of(found.snapshot()));
    connection.write(
        new ServerMessage.PresenceState(channel.topic(), channel.joinRef(), found.state()));
    for (TopicEvent.Moved moved : waited) {
      hear(channel, moved);
    }
  }
}
