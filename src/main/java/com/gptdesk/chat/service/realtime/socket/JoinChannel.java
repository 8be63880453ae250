package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.http.TokenBucket;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.channel.ChangeDelivery;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.channel.FailureReason;
import com.gptdesk.chat.service.realtime.channel.Inbound;
import com.gptdesk.chat.service.realtime.channel.Rights;
import com.gptdesk.chat.service.realtime.channel.TopicAccess;
import com.gptdesk.chat.service.realtime.channel.TopicMembership;
import com.gptdesk.chat.service.realtime.channel.UserChannels;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Lets one socket's client join channels: checks the limits, verifies the token, waits for the
 * user's rights, and answers. Owned by the socket's context.
 */
final class JoinChannel {
  private final SharedParts shared;
  private final RealtimeSettings settings;
  private final SocketWriter writer;
  private final Inbound inbound;
  private final JoinedChannels channels;
  private final ChannelAuth auth;
  private final SocketTimer timer;
  private final TokenBucket joins;

  JoinChannel(
      SharedParts shared,
      SocketWriter writer,
      Inbound inbound,
      JoinedChannels channels,
      ChannelAuth auth,
      SocketTimer timer) {
    this.shared = shared;
    this.settings = shared.settings();
    this.writer = writer;
    this.inbound = inbound;
    this.channels = channels;
    this.auth = auth;
    this.timer = timer;
    this.joins = new TokenBucket(settings.sockets().maxJoinsPerSecond(), shared.nanos());
  }

  /** Handles a join: an earlier channel on the same topic is closed first. */
  void take(ClientMessage.Join join) {
    Channel before = channels.on(join.topic());
    if (before != null) {
      channels.close(before);
    }
    String refusal = refusal(join);
    if (refusal != null) {
      writer.refuse(join, refusal);
      return;
    }
    String token = auth.tokenOf(join);
    inbound.pause();
    auth.verify(token, identity -> admit(join, token, identity), e -> refuse(join, token, e));
  }

  /**
   * A client that woke up joins with a token that has ended. It asks for a new one when it connects
   * again, and otherwise only with its next heartbeat.
   */
  private void refuse(ClientMessage.Join join, String token, RuntimeException e) {
    refuse(join, FailureReason.of(e));
    if (e instanceof InvalidToken invalid && invalid.reason() == InvalidToken.Reason.EXPIRED) {
      auth.ended(token);
    }
  }

  private void refuse(ClientMessage.Join join, String reason) {
    writer.refuse(join, reason);
    inbound.resume();
  }

  private @Nullable String refusal(ClientMessage.Join join) {
    if (!join.topic().startsWith(TopicName.PREFIX)) {
      return "unmatched topic";
    }
    if (join.topic().length() == TopicName.PREFIX.length()) {
      return "TopicNameRequired: You must provide a topic name";
    }
    if (!settings.enabled()) {
      return "RealtimeDisabledForTenant: The chat is switched off";
    }
    if (!joins.take(shared.nanos())) {
      return "ClientJoinRateLimitReached: At most "
          + settings.sockets().maxJoinsPerSecond()
          + " joins a second";
    }
    if (channels.all().size() >= settings.sockets().maxChannelsPerConnection()) {
      return "ChannelRateLimitReached: At most "
          + settings.sockets().maxChannelsPerConnection()
          + " channels on one connection";
    }
    if (join.subscriptions().size() > settings.frames().maxSubscriptions()) {
      return "ChannelRateLimitReached: At most "
          + settings.frames().maxSubscriptions()
          + " subscriptions in one channel";
    }
    return null;
  }

  private void admit(ClientMessage.Join join, String token, Identity identity) {
    String name = join.topic().substring(TopicName.PREFIX.length());
    var channel =
        new Channel(
            join.topic(),
            join.joinRef(),
            shared.subscriptions().of(Subscription.all(join.subscriptions(), shared.tables())),
            new TopicMembership(
                name,
                shared.topics().tracker().newOrigin(),
                join.config(),
                shared.topics().topics().isKnown(name)),
            token,
            identity);
    String noTopic = TopicAccess.privateRefusal(join, channel.membership());
    if (noTopic != null) {
      refuse(join, noTopic);
      return;
    }
    if (!channel.needsUser()) {
      joined(join, channel);
      inbound.resume();
      return;
    }
    channels
        .feeds()
        .admit(
            channel,
            new UserChannels.Admission() {
              @Override
              public void admitted() {
                Rights rights = channel.rights();
                String refusal =
                    rights == null ? null : TopicAccess.refusal(join, channel.membership(), rights);
                if (refusal == null) {
                  joined(join, channel);
                } else {
                  channels.detach(channel);
                  writer.refuse(join, refusal);
                }
                inbound.resume();
              }

              @Override
              public void refused(String reason) {
                refuse(join, reason);
              }
            });
  }

  /** The channel is already subscribed when this is sent, and its events are written after it. */
  private void joined(ClientMessage.Join join, Channel channel) {
    channels.add(channel);
    shared.metrics().countJoin();
    ArrayNode echo = Json.object().putArray(ChangeDelivery.CHANGES);
    channel.subscriptions().forEach(subscription -> echo.add(subscription.echo()));
    ObjectNode response = Json.object();
    response.set(ChangeDelivery.CHANGES, echo);
    writer.answer(join, true, response);
    sendSubscribed(channel);
    channels.access().joined(channel);
    sendOfBroadcasts(join, channel);
    channels.replays().resume(channel);
    timer.arm();
  }

  /** What the client asked for beside being heard, and gets or does not get. */
  private void sendOfBroadcasts(ClientMessage.Join join, Channel channel) {
    if (join.config().replay()) {
      writer.write(
          channel.notice(
              "broadcast",
              "error",
              "UnableToReplayMessages: Broadcasts are not stored, so earlier ones cannot be replayed"));
    }
    if (join.config().replicationReady()) {
      writer.write(
          channel.membership().isKnown()
              ? channel.notice("system", "ok", "Replication connection established")
              : channel.notice("system", "error", "A channel of this name receives no broadcasts"));
    }
  }

  private void sendSubscribed(Channel channel) {
    if (channel.subscriptions().isEmpty()) {
      return;
    }
    boolean allWell = true;
    for (Subscription subscription : channel.subscriptions()) {
      String problem = subscription.problem();
      if (problem != null) {
        allWell = false;
        writer.write(
            channel.notice(
                ChangeDelivery.CHANGES,
                "error",
                "Unable to subscribe to " + subscription.asSent() + ": " + problem));
      }
    }
    if (allWell) {
      writer.write(channel.notice(ChangeDelivery.CHANGES, "ok", "Subscribed to PostgreSQL"));
    }
  }
}
