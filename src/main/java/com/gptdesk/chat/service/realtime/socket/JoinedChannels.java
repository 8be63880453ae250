package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.channel.BroadcastHandler;
import com.gptdesk.chat.service.realtime.channel.ChangeDelivery;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.channel.Dismissal;
import com.gptdesk.chat.service.realtime.channel.EventRate;
import com.gptdesk.chat.service.realtime.channel.Inbound;
import com.gptdesk.chat.service.realtime.channel.PresenceHandler;
import com.gptdesk.chat.service.realtime.channel.Replays;
import com.gptdesk.chat.service.realtime.channel.TopicAccess;
import com.gptdesk.chat.service.realtime.channel.UserChannels;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The channels joined on one socket, by topic, and their deliveries. Owned by the socket's context.
 */
final class JoinedChannels implements UserChannels.Listener, Dismissal {
  private static final String SYSTEM = "system";

  private final SocketWriter writer;
  private final SocketMetrics metrics;
  private final Map<String, Channel> channels = new HashMap<>();
  private final UserFeeds feeds;
  private final Replays replays;
  private final BroadcastHandler broadcasts;
  private final PresenceHandler presence;
  private final TopicAccess access;

  JoinedChannels(SharedParts shared, SocketWriter writer, Inbound inbound) {
    this.writer = writer;
    this.metrics = shared.metrics();
    this.feeds = new UserFeeds(shared, writer, this, this);
    var delivery = new ChangeDelivery(writer, metrics);
    this.replays = new Replays(writer, delivery, shared.replay(), this);
    var rate = new EventRate(shared.topics());
    this.broadcasts = new BroadcastHandler(writer, inbound, shared.topics(), rate);
    this.presence =
        new PresenceHandler(
            writer, inbound, shared.topics(), rate, shared.settings().queues().maxChanges(), this);
    this.access = new TopicAccess(writer, presence);
  }

  UserFeeds feeds() {
    return feeds;
  }

  Replays replays() {
    return replays;
  }

  BroadcastHandler broadcasts() {
    return broadcasts;
  }

  PresenceHandler presence() {
    return presence;
  }

  TopicAccess access() {
    return access;
  }

  // --- Joining and leaving
  // --------------------------------------------------------------------------------------------

  /** The channel of a topic; null when none is joined. */
  @Nullable Channel on(String topic) {
    return channels.get(topic);
  }

  Collection<Channel> all() {
    return channels.values();
  }

  /** Whether this channel is joined, and not one that replaced it. */
  boolean holds(Channel channel) {
    return channels.get(channel.topic()) == channel;
  }

  void add(Channel channel) {
    if (channels.put(channel.topic(), channel) == null) {
      metrics.countChannels(1);
    }
  }

  /** The client has left the channel, or joins its topic again. */
  void close(Channel channel) {
    remove(channel);
    writer.write(channel.closing());
  }

  @Override
  public void dismiss(Channel channel, String reason, boolean comesBack) {
    if (!holds(channel)) {
      detach(channel);
      return;
    }
    remove(channel);
    writer.write(channel.notice(SYSTEM, "error", reason));
    writer.write(comesBack ? channel.failure() : channel.closing());
  }

  private void remove(Channel channel) {
    if (channels.remove(channel.topic(), channel)) {
      metrics.countChannels(-1);
    }
    presence.left(channel);
    detach(channel);
  }

  /** The channel receives no more changes. */
  void detach(Channel channel) {
    replays.end(channel);
    feeds.detach(channel);
  }

  /** The socket has ended. */
  void end() {
    presence.ended(channels.values());
    replays.endAll();
    feeds.end();
    metrics.countChannels(-channels.size());
    channels.clear();
  }

  // --- Deliveries to users
  // ---------------------------------------------------------------------------------------------

  @Override
  public void rightsMayHaveChanged(UserChannels user) {
    feeds.readRights(user);
  }

  @Override
  public void audiencesChanged(Channel channel, Set<Audience> audiences) {
    if (access.mayStay(channel, audiences)) {
      replays.missed(channel, "What you may see has changed.");
    } else {
      dismiss(channel, channel.membership().unauthorized(), false);
    }
  }

  @Override
  public void missed(Channel channel, String reason) {
    replays.missed(channel, reason);
  }

  @Override
  public void presenceMissed(Channel channel) {
    presence.refresh(channel);
  }

  @Override
  public void changed(Channel channel, ChangePayload data, List<Subscription> candidates) {
    replays.deliver(channel, data, candidates);
  }

  @Override
  public void onTopic(Channel channel, TopicEvent event) {
    switch (event) {
      case TopicEvent.BroadcastEvent broadcast -> broadcasts.deliver(channel, broadcast);
      case TopicEvent.PresenceEvent change -> presence.deliver(channel, change);
    }
  }

  @Override
  public void deleted(List<Channel> gone) {
    for (Channel channel : gone) {
      dismiss(channel, "The conversation was deleted: " + channel.name(), false);
    }
  }
}
