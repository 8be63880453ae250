package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.Binding;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is being replayed to the channels of one socket; a live change waits while its channel's
 * replay runs. Owned by the socket's context.
 */
public final class Replays {
  private final Outbound outbound;
  private final ChangeDelivery delivery;
  private final ReplaySource source;
  private final Dismissal dismissal;
  private final Map<Channel, Replay> running = new LinkedHashMap<>();

  /**
   * Makes one without any replay yet.
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

  /** Tells a channel that was away what it missed, or that it missed something. */
  public void resume(Channel channel) {
    if (channel.bindings().stream().anyMatch(Binding::cannotResume)) {
      delivery.resync(
          channel,
          "Only messages of one conversation can be replayed (filter conversation_id=eq.<id>); read what else you show again.");
    }
    start(channel);
  }

  /** Changes went by unheard: replays what can be, and tells of the rest. */
  public void missed(Channel channel, String reason) {
    if (channel.hasBindingsThatCannotResume()) {
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

  /** The replay has told all, and what came meanwhile, too. */
  private void caughtUp(Channel channel) {
    Replay replay = running.get(channel);
    if (replay != null) {
      end(channel);
      outbound.write(channel.notice(ChangeDelivery.CHANGES, "ok", replay.summary()));
    }
  }

  /** Tells a live change, or holds it while what was before it is being replayed. */
  public void tell(Channel channel, ChangePayload data, List<Binding> candidates) {
    Replay replay = running.get(channel);
    if (replay == null) {
      delivery.live(channel, data, candidates);
    } else if (!replay.hold(data)) {
      outbound.closeTooSlow("too many changes wait for what it missed to be told");
    }
  }

  /** The client has read something. */
  public void goOn() {
    if (!running.isEmpty() && outbound.hasRoom()) {
      List.copyOf(running.values()).forEach(Replay::run);
    }
  }

  /** Replays nothing more to this channel. */
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
