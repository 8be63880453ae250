package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.LeadingListener;
import io.nats.client.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's publisher. It publishes each change on the audiences that some node has asked for,
 * and answers which change was the last there. A term ends with the connection it started with.
 *
 * <p>Called by the relay's thread for changes and by the connection's thread for questions; the
 * calls are synchronized.
 */
final class ChangePublisher implements LeadingListener {
  private static final Logger LOG = LoggerFactory.getLogger(ChangePublisher.class);
  private static final Duration BEAT = Duration.ofSeconds(1);

  /** Several times as long as the pause after which a feed asks again. */
  private static final Duration KEPT_FOR = Duration.ofMinutes(2);

  /** State of an audience that some node has asked for. */
  private static final class Asked {
    long last;
    long at;

    Asked(long last, long at) {
      this.last = last;
      this.at = at;
    }
  }

  private final Map<Audience, Asked> audiences = new HashMap<>();
  private @Nullable NatsConnection available;

  /** The connection of this term; null outside a term. */
  private @Nullable NatsConnection connection;

  private long term;
  private long number;
  private long lastBeat;
  private long lastForgetting;

  /** The connection was opened; null when it is lost. */
  synchronized void connected(@Nullable NatsConnection now) {
    available = now;
  }

  @Override
  public synchronized boolean canLead() {
    return available != null && available.isUp();
  }

  @Override
  public synchronized void begins(long newTerm) {
    end();
    connection = available;
    term = newTerm;
    number = 0;
    lastForgetting = System.nanoTime();
    publish(
        to -> {
          to.subscribeToQuestions();
          beat(to);
        });
  }

  /** Does nothing: a node that sees the new term catches up by itself. */
  @Override
  public void resync(String reason) {}

  @Override
  public synchronized void changed(Change change) {
    number++;
    publish(to -> deliver(to, change));
    beatWhenDue();
  }

  private void deliver(NatsConnection to, Change change) {
    Asked everybody = audiences.get(ClusterFeed.EVERYBODY);
    if (everybody != null) {
      var event =
          new ClusterMessage.ChangeAudiences(term, number, everybody.last, change.audiences());
      everybody.last = number;
      to.publish(ClusterFeed.EVERYBODY, event.encode());
    }
    var previous = new LinkedHashMap<Audience, Long>();
    boolean isWanted = false;
    for (Audience audience : change.audiences()) {
      Asked asked = audiences.get(audience);
      previous.put(audience, asked == null ? ClusterMessage.UNASKED : asked.last);
      isWanted |= asked != null;
    }
    if (!isWanted) {
      return;
    }
    byte[] bytes = new ClusterMessage.ChangeEvent(term, number, previous, change).encode();
    if (bytes.length > to.longest()) {
      LOG.warn(
          "A change of {} has {} bytes, more than the {} that NATS allows; its readers catch up instead",
          change.table(),
          bytes.length,
          to.longest());
      bytes = new ClusterMessage.TooLong(term, number, previous).encode();
    }
    for (Audience audience : previous.keySet()) {
      Asked asked = audiences.get(audience);
      if (asked != null) {
        asked.last = number;
        to.publish(audience, bytes);
      }
    }
  }

  /** Answers a question of a feed. */
  synchronized void answer(NatsConnection by, Message message) {
    String who = message.getReplyTo();
    if (by != connection || who == null) {
      return;
    }
    ClusterMessage.Question question = ClusterMessage.Question.decode(message.getData());
    long now = System.nanoTime();
    List<Long> numbers = new ArrayList<>(question.audiences().size());
    for (Audience audience : question.audiences()) {
      Asked asked = audiences.computeIfAbsent(audience, unknown -> new Asked(number, now));
      asked.at = now;
      numbers.add(asked.last);
    }
    publish(to -> to.answer(who, new ClusterMessage.Answer(term, question.number(), numbers)));
  }

  @Override
  public synchronized boolean goesOn() {
    beatWhenDue();
    return connection != null && connection == available && connection.isUp();
  }

  @Override
  public synchronized void ends() {
    end();
  }

  private void end() {
    NatsConnection last = connection;
    connection = null;
    audiences.clear();
    if (last != null) {
      last.unsubscribeFromQuestions();
    }
  }

  private void beatWhenDue() {
    long now = System.nanoTime();
    if (now - lastBeat >= BEAT.toNanos()) {
      publish(this::beat);
      forget(now);
    }
  }

  private void beat(NatsConnection to) {
    lastBeat = System.nanoTime();
    to.publishToAll(new ClusterMessage.Beat(term, number));
  }

  /** Stops publishing audiences that no node asks for any more. */
  private void forget(long now) {
    if (now - lastForgetting >= KEPT_FOR.toNanos()) {
      lastForgetting = now;
      audiences.values().removeIf(asked -> now - asked.at > KEPT_FOR.toNanos());
    }
  }

  /** A failure to publish ends the term, since nobody would know which change is missing. */
  private void publish(Consumer<NatsConnection> what) {
    NatsConnection to = connection;
    if (to == null) {
      return;
    }
    try {
      what.accept(to);
    } catch (IllegalStateException | IllegalArgumentException e) {
      LOG.warn("Publishing to NATS failed ({}); this node stops leading", e.getMessage());
      connection = null;
    }
  }
}
