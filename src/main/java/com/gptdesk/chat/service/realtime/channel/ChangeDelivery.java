package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import java.util.List;

/** Writes changes to the channels of one socket, and counts them. Owned by the socket's context. */
public final class ChangeDelivery {
  /** The protocol's extension for changes. */
  public static final String CHANGES = "postgres_changes";

  private final Outbound outbound;
  private final DeliveryCounts counts;

  /** Creates the delivery of one socket. */
  public ChangeDelivery(Outbound outbound, DeliveryCounts counts) {
    this.outbound = outbound;
    this.counts = counts;
  }

  /**
   * Delivers a live change.
   *
   * @param candidates the channel's subscriptions that may match it
   */
  void live(Channel channel, ChangePayload data, List<Subscription> candidates) {
    List<Channel.Delivery> deliveries = channel.messagesFor(data, candidates);
    counts.countDelivered(deliveries.size());
    write(channel, data, deliveries);
  }

  /** Delivers a change that the channel missed. */
  void replayed(Channel channel, ChangePayload data, Resumption since) {
    counts.countReplayed();
    write(channel, data, Channel.replayed(data, since));
  }

  /** Tells a channel that changes were missed; a channel without subscriptions has missed none. */
  void resync(Channel channel, String reason) {
    if (!channel.subscriptions().isEmpty()) {
      outbound.write(channel.notice(CHANGES, "resync", reason));
    }
  }

  private void write(Channel channel, ChangePayload data, List<Channel.Delivery> deliveries) {
    for (Channel.Delivery delivery : deliveries) {
      outbound.write(
          new ServerMessage.PostgresChanges(
              channel.topic(), delivery.ids(), data.json(delivery.projection())));
    }
  }
}
