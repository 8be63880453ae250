package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The replays of one socket's channels. A live change waits while its channel's replay runs. Owned
 * by the socket's context.
 */
public final class Replays {
  private final Outbound outbound;
  private final ChangeDelivery delivery;
  private final ReplaySource source;
  private final Dismissal dismissal;
  private final Map<Channel, Replay> running = new LinkedHashMap<>();

  /**
   * Creates one without replays.
   *
   * @param dismissal ends the channels whose replay fails
   */
  public Replays(
      Outbound outbound, ChangeDelivery delivery, ReplaySource source, Dismissal dismissal) {
    this.outbound = outbound;
    this.delivery = delivery;
    this.source = source;
    this.dismissal = dismissal;
  }

  /** Replays what a channel missed while it was away, or delivers it that it missed changes. */
  public void resume(Channel channel) {
    if (channel.subscriptions().stream().anyMatch(Subscription::cannotResume)) {
      delivery.resync(
          channel,
          "Only messages of one conversation can be replayed (filter conversation_id=eq.<id>); read what else you show again.");
    }
    start(channel);
  }

  /** Changes were missed: replays those that can be, and delivers the channel about the others. */
  public void missed(Channel channel, String reason) {
    if (channel.hasSubscriptionsThatCannotResume()) {
      delivery.resync(channel, reason);
    }
    start(channel);
  }

  private void start(Channel channel) {
    Rights rights = channel.rights();
    if (rights == null || channel.conversations().isEmpty()) {
      return;
    }
    Replay before = running.get(channel);
    if (before != null) {
      before.again();
      return;
    }
    var replay =
        new Replay(
            outbound,
            delivery,
            source,
            channel,
            rights,
            () -> caughtUp(channel),
            e -> dismissal.dismiss(channel, FailureReason.of(e), true));
    running.put(channel, replay);
    replay.run();
  }

  /** The replay is complete, held changes included. */
  private void caughtUp(Channel channel) {
    Replay replay = running.get(channel);
    if (replay != null) {
      end(channel);
      outbound.write(channel.notice(ChangeDelivery.CHANGES, "ok", replay.summary()));
    }
  }

  /** Delivers a live change, or holds it while earlier ones are replayed. */
  public void deliver(Channel channel, ChangePayload data, List<Subscription> candidates) {
    Replay replay = running.get(channel);
    if (replay == null) {
      delivery.live(channel, data, candidates);
    } else if (!replay.hold(data)) {
      outbound.closeTooSlow("too many changes wait for its replay");
    }
  }

  /** To be called when the client has read something. */
  public void goOn() {
    if (!running.isEmpty() && outbound.hasRoom()) {
      List.copyOf(running.values()).forEach(Replay::run);
    }
  }

  /** Stops the replay of this channel. */
  public void end(Channel channel) {
    Replay replay = running.remove(channel);
    if (replay != null) {
      replay.end();
    }
  }

  /** The socket has ended. */
  public void endAll() {
    running.values().forEach(Replay::end);
    running.clear();
  }
}
