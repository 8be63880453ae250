package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.LeadingListener;
import com.gptdesk.chat.relay.Scope;
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
 * The leader's voice: tells each change to the scopes that some node has asked for, and answers
 * what was told there last. A term lasts no longer than the connection it began with.
 *
 * <p>The relay's thread tells, the connection's asks; what one call publishes is not mixed with
 * what another does.
 */
final class ChangePublisher implements LeadingListener {
  private static final Logger LOG = LoggerFactory.getLogger(ChangePublisher.class);
  private static final Duration BEAT = Duration.ofSeconds(1);

  /** Several times as long as a gateway goes without asking again. */
  private static final Duration REMEMBERED = Duration.ofMinutes(2);

  /** Of a scope that some node has asked for. */
  private static final class Asked {
    long last;
    long at;

    Asked(long last, long at) {
      this.last = last;
      this.at = at;
    }
  }

  private final Map<Scope, Asked> scopes = new HashMap<>();
  private @Nullable NatsConnection up;

  /** The line of this term; null while there is none. */
  private @Nullable NatsConnection line;

  private long term;
  private long number;
  private long lastBeat;
  private long lastForgetting;

  /** The connection stands, or is gone. */
  synchronized void connected(@Nullable NatsConnection now) {
    up = now;
  }

  @Override
  public synchronized boolean canLead() {
    return up != null && up.isUp();
  }

  @Override
  public synchronized void begins(long newTerm) {
    end();
    line = up;
    term = newTerm;
    number = 0;
    lastForgetting = System.nanoTime();
    publish(
        to -> {
          to.hearQuestions();
          beat(to);
        });
  }

  /** Whoever hears of the new term catches up by itself. */
  @Override
  public void resync(String reason) {}

  @Override
  public synchronized void changed(Change change) {
    number++;
    publish(to -> tell(to, change));
    beatWhenDue();
  }

  private void tell(NatsConnection to, Change change) {
    Asked everybody = scopes.get(ClusterFeed.EVERYBODY);
    if (everybody != null) {
      var noted = new ClusterMessage.Noted(term, number, everybody.last, change.scopes());
      everybody.last = number;
      to.tell(ClusterFeed.EVERYBODY, noted.encode());
    }
    var previous = new LinkedHashMap<Scope, Long>();
    boolean isHeard = false;
    for (Scope scope : change.scopes()) {
      Asked asked = scopes.get(scope);
      previous.put(scope, asked == null ? ClusterMessage.UNASKED : asked.last);
      isHeard |= asked != null;
    }
    if (!isHeard) {
      return;
    }
    byte[] frame = new ClusterMessage.Told(term, number, previous, change).encode();
    if (frame.length > to.longest()) {
      LOG.warn(
          "A change of {} with {} bytes is longer than the {} that NATS takes; it is caught up with",
          change.table(),
          frame.length,
          to.longest());
      frame = new ClusterMessage.TooLong(term, number, previous).encode();
    }
    for (Scope scope : previous.keySet()) {
      Asked asked = scopes.get(scope);
      if (asked != null) {
        asked.last = number;
        to.tell(scope, frame);
      }
    }
  }

  /** A gateway asks. */
  synchronized void asked(NatsConnection by, Message message) {
    String who = message.getReplyTo();
    if (by != line || who == null) {
      return;
    }
    ClusterMessage.Question question = ClusterMessage.Question.decode(message.getData());
    long now = System.nanoTime();
    List<Long> numbers = new ArrayList<>(question.scopes().size());
    for (Scope scope : question.scopes()) {
      Asked asked = scopes.computeIfAbsent(scope, unknown -> new Asked(number, now));
      asked.at = now;
      numbers.add(asked.last);
    }
    publish(to -> to.answer(who, new ClusterMessage.Answer(term, question.number(), numbers)));
  }

  @Override
  public synchronized boolean goesOn() {
    beatWhenDue();
    return line != null && line == up && line.isUp();
  }

  @Override
  public synchronized void ends() {
    end();
  }

  private void end() {
    NatsConnection last = line;
    line = null;
    scopes.clear();
    if (last != null) {
      last.ignoreQuestions();
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
    to.tellAll(new ClusterMessage.Beat(term, number));
  }

  /** Scopes that no node asks for any more are told to nobody. */
  private void forget(long now) {
    if (now - lastForgetting >= REMEMBERED.toNanos()) {
      lastForgetting = now;
      scopes.values().removeIf(asked -> now - asked.at > REMEMBERED.toNanos());
    }
  }

  /** What cannot be published ends the term: nobody would know what is missing. */
  private void publish(Consumer<NatsConnection> what) {
    NatsConnection to = line;
    if (to == null) {
      return;
    }
    try {
      what.accept(to);
    } catch (IllegalStateException | IllegalArgumentException e) {
      LOG.warn("NATS takes nothing more ({}); this node's turn to lead ends", e.getMessage());
      line = null;
    }
  }
}
