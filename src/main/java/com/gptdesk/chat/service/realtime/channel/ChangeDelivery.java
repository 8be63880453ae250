package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.Binding;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import java.util.List;

/** Writes changes to the channels of one socket, and counts them. Owned by the socket's context. */
public final class ChangeDelivery {
  /** The extension by which the protocol names changes. */
  public static final String CHANGES = "postgres_changes";

  private final Outbound outbound;
  private final DeliveryCounts counts;

  /** Makes the delivery of one socket. */
  public ChangeDelivery(Outbound outbound, DeliveryCounts counts) {
    this.outbound = outbound;
    this.counts = counts;
  }

  /**
   * A live change.
   *
   * @param candidates the channel's bindings that may hear of it
   */
  void live(Channel channel, ChangePayload data, List<Binding> candidates) {
    List<Channel.Delivery> deliveries = channel.tell(data, candidates);
    counts.countDelivered(deliveries.size());
    write(channel, data, deliveries);
  }

  /** A change that the channel missed. */
  void replayed(Channel channel, ChangePayload data, Resumption since) {
    counts.countReplayed();
    write(channel, data, Channel.replayed(data, since));
  }

  /** Tells a channel that changes were missed; one without bindings has missed no rows. */
  void resync(Channel channel, String reason) {
    if (!channel.bindings().isEmpty()) {
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
