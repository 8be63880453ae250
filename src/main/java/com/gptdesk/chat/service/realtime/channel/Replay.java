package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.ResumePoint;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers to one channel the changes that it missed and then those that came meanwhile, without a
 * gap and without duplicates.
 *
 * <p>The channel is subscribed before the first page is read, and live changes are held meanwhile,
 * so a change that no page contains comes live. A live change that a page contained is recognised
 * by its revision, even when the relay lags.
 *
 * <p>Pages are read and written only as fast as the client reads. It retries while the database is
 * not available. Owned by its socket's context.
 */
final class Replay {
  private static final Logger LOG = LoggerFactory.getLogger(Replay.class);

  private static final Duration FIRST_RETRY = Duration.ofMillis(100);
  private static final Duration LONGEST_RETRY = Duration.ofSeconds(10);

  private final Outbound outbound;
  private final ChangeDelivery delivery;
  private final ReplaySource source;
  private final Channel channel;
  private final Rights rights;
  private final Runnable whenCaughtUp;
  private final Consumer<RuntimeException> whenFailed;
  private final ArrayDeque<Resumption> todo = new ArrayDeque<>();
  private final ArrayDeque<MissedMessages.Message> page = new ArrayDeque<>();
  private final ArrayDeque<ChangePayload> held = new ArrayDeque<>();
  private final Set<UUID> replayed = new HashSet<>();
  private @Nullable Resumption current;
  private boolean first;
  private boolean last;
  private boolean asking;
  private boolean running;
  private boolean again;
  private boolean over;
  private long from;
  private int heldSize;
  private Duration retry = FIRST_RETRY;

  /**
   * @param rights decide which held changes may be delivered
   * @param whenCaughtUp called when all changes were delivered, held ones included
   * @param whenFailed called when it cannot continue
   */
  Replay(
      Outbound outbound,
      ChangeDelivery delivery,
      ReplaySource source,
      Channel channel,
      Rights rights,
      Runnable whenCaughtUp,
      Consumer<RuntimeException> whenFailed) {
    this.outbound = outbound;
    this.delivery = delivery;
    this.source = source;
    this.channel = channel;
    this.rights = rights;
    this.whenCaughtUp = whenCaughtUp;
    this.whenFailed = whenFailed;
    this.todo.addAll(channel.conversations());
  }

  /** Holds a live change until those before it are delivered; false when too many wait. */
  boolean hold(ChangePayload data) {
    held.add(data);
    heldSize += data.size();
    return held.size() <= source.maxHeldChanges() && heldSize <= source.maxHeldBytes();
  }

  /** Changes were missed again: starts again from its current revision. */
  void again() {
    again = true;
  }

  /** Stops the replay. */
  void end() {
    over = true;
    page.clear();
    held.clear();
  }

  /** Continues as far as the client reads; called again whenever it has read something. */
  void run() {
    if (running) {
      return; // Each write completes before the next one.
    }
    running = true;
    try {
      goOn();
    } finally {
      running = false;
    }
  }

  private void goOn() {
    while (!over && !asking && outbound.hasRoom()) {
      if (!page.isEmpty()) {
        deliver(page.remove());
      } else if (current != null && !last) {
        ask(current);
      } else if (!todo.isEmpty()) {
        begin(todo.remove());
      } else if (again) {
        again = false;
        current = null;
        todo.addAll(channel.conversations());
      } else if (!held.isEmpty()) {
        ChangePayload data = held.remove();
        heldSize -= data.size();
        if (rights.maySee(data)) {
          delivery.live(channel, data, channel.subscriptions());
        }
      } else {
        end();
        whenCaughtUp.run();
      }
    }
  }

  private void begin(Resumption since) {
    current = since;
    from = since.reached();
    first = true;
    last = false;
    replayed.clear();
  }

  private void ask(Resumption since) {
    asking = true;
    var caller = channel.identity().caller();
    long reached = since.reached();
    outbound.offEventLoop(
        () -> source.missed().after(caller, since.conversation(), reached, ReplaySource.PAGE),
        found -> {
          asking = false;
          retry = FIRST_RETRY;
          if (!over) {
            take(since, found);
            run();
          }
        },
        this::failed);
  }

  private void failed(RuntimeException e) {
    if (over) {
      return;
    }
    if (!(e instanceof DatabaseUnavailable)) {
      outbound.named(
          () ->
              LOG.warn(
                  "The missed changes of channel {} could not be replayed; the client joins again",
                  channel.topic(),
                  e));
      whenFailed.accept(e);
      return;
    }
    long half = retry.toMillis() / 2;
    long wait = half + ThreadLocalRandom.current().nextLong(half + 1);
    retry =
        retry.multipliedBy(2).compareTo(LONGEST_RETRY) > 0 ? LONGEST_RETRY : retry.multipliedBy(2);
    outbound.named(
        () ->
            LOG.debug(
                "The database is not available; the replay of {} tries again in {} ms",
                channel.topic(),
                wait));
    outbound.later(
        wait,
        () -> {
          asking = false;
          run();
        });
  }

  private void take(Resumption since, MissedMessages.@Nullable Page found) {
    if (found == null) {
      last = true;
      // It may be deleted, or the revision is from a database that was replaced.
      delivery.resync(
          channel,
          "You see no conversation " + since.conversation() + "; read what you show again.");
      return;
    }
    long head = found.head();
    if (first && from > head) {
      catchUp(since, head, "Revision " + from + " is not reached yet");
    } else if (first && head - from > source.maxReplayed()) {
      catchUp(since, head, "More than " + source.maxReplayed() + " changes were missed");
    } else if (replayed.size() > source.maxReplayed()) {
      catchUp(since, Math.max(head, since.reached()), "More changes come than can be replayed");
    } else {
      page.addAll(found.messages());
      last = found.messages().size() < ReplaySource.PAGE;
    }
    first = false;
  }

  /** Not replayed: the client reads the conversation again and then receives live changes. */
  private void catchUp(Resumption since, long head, String why) {
    last = true;
    since.reach(head);
    delivery.resync(channel, why + "; read conversation " + since.conversation() + " again.");
  }

  private void deliver(MissedMessages.Message message) {
    Resumption since = current;
    if (since == null) {
      return;
    }
    boolean isNew = message.sentRevision() > from && replayed.add(message.id());
    var data =
        new ChangePayload(
            new Change(
                0,
                ResumePoint.TABLE,
                isNew ? Change.Operation.INSERT : Change.Operation.UPDATE,
                message.at(),
                List.of(Audience.user(rights.userId())),
                message.record(),
                isNew ? null : "{\"id\":\"" + message.id() + "\"}"),
            source.tables());
    since.reach(message.revision());
    delivery.replayed(channel, data, since);
  }

  /** The result in words. */
  String summary() {
    var words = new StringBuilder("Caught up");
    for (Resumption since : channel.conversations()) {
      words
          .append(words.length() == 9 ? "" : ",")
          .append(" with conversation ")
          .append(since.conversation())
          .append(" at revision ")
          .append(since.reached());
    }
    return words.toString();
  }
}
