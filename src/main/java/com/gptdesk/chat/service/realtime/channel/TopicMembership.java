package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.changes.PgSnapshot;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.JoinConfig;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A channel's membership in its topic: whether it may send and receive there, and how far it has
 * received who is present. Owned by its socket's context.
 *
 * <p>Who is present is read after the channel is subscribed. Changes that come before the state
 * wait, and those that the state contains are skipped. So a client gets each change once, after the
 * state.
 */
public final class TopicMembership {

  /** Whether the channel receives who is present. */
  private enum Knowing {
    NOT,
    READING,
    KNOWN
  }

  private final String topic;
  private final String origin;
  private final JoinConfig config;
  private final boolean isKnown;
  private @Nullable String key;
  private Set<Audience> audiences = Set.of();
  private boolean ended;
  private final ArrayDeque<TopicEvent.PresenceEvent> held = new ArrayDeque<>(0);
  private boolean admitted;
  private boolean tracking;
  private boolean wantsPresence;
  private Knowing knowing = Knowing.NOT;
  private int reading;
  private PgSnapshot known = PgSnapshot.NONE;

  /**
   * Creates one that does not take part.
   *
   * @param origin the channel's name, unique among all nodes
   * @param isKnown whether the topic's name is one that carries broadcasts and presence
   */
  public TopicMembership(String topic, String origin, JoinConfig config, boolean isKnown) {
    this.topic = topic;
    this.origin = origin;
    this.config = config;
    this.isKnown = isKnown;
    this.key = config.key().isEmpty() ? null : config.key();
    this.wantsPresence = !Boolean.FALSE.equals(config.presence());
  }

  String topic() {
    return topic;
  }

  /** Whether the topic's name is one that carries broadcasts and presence. */
  public boolean isKnown() {
    return isKnown;
  }

  String origin() {
    return origin;
  }

  String key() {
    String made = key;
    if (made == null) {
      made = UUID.randomUUID().toString();
      key = made;
    }
    return made;
  }

  /** What the client asked for when it joined. */
  JoinConfig config() {
    return config;
  }

  /** The audiences that may use the topic, as read from the database; none before that. */
  public void isUsableBy(Collection<Audience> found) {
    audiences = Set.copyOf(found);
  }

  /** The topic no longer exists, whatever was read of it. */
  void end() {
    ended = true;
  }

  /** Whether a user with these audiences may use the topic. */
  boolean isFor(Collection<Audience> theirs) {
    return !ended && !Collections.disjoint(audiences, theirs);
  }

  /** The reason for a client that may not use the topic. */
  public String unauthorized() {
    return isKnown
        ? "Unauthorized: You may not use the topic " + topic
        : "Unauthorized: Only conversation-<id>, team-<id> and user-<id> carry broadcast and"
            + " presence, not "
            + topic;
  }

  /** Whether the channel takes part now. */
  boolean isAdmitted() {
    return admitted;
  }

  void admit() {
    admitted = true;
  }

  /** The channel no longer takes part; true when it had received who is present. */
  boolean expel() {
    boolean receivedState = knowing == Knowing.KNOWN;
    admitted = false;
    tracking = false;
    knowing = Knowing.NOT;
    held.clear();
    return receivedState;
  }

  /** Whether this channel tracks something, or is about to. */
  boolean isTracking() {
    return tracking;
  }

  void tracking(boolean now) {
    tracking = now;
  }

  /** Whether the client asked for who is present. */
  boolean wantsPresence() {
    return wantsPresence;
  }

  /** Whether the state was read or is being read. */
  boolean followsPresence() {
    return knowing != Knowing.NOT;
  }

  /** The state is being read; changes wait meanwhile. */
  int beginReading() {
    wantsPresence = true;
    knowing = Knowing.READING;
    return ++reading;
  }

  /** Whether the read with this number is still the current one. */
  boolean isReading(int number) {
    return knowing == Knowing.READING && reading == number;
  }

  /** The state was read with this snapshot; the waiting changes follow it. */
  ArrayDeque<TopicEvent.PresenceEvent> read(PgSnapshot snapshot) {
    knowing = Knowing.KNOWN;
    known = snapshot;
    var waited = new ArrayDeque<>(held);
    held.clear();
    return waited;
  }

  /** Whether the client receives this now; otherwise it waits or is skipped. */
  boolean delivers(TopicEvent.PresenceEvent event) {
    return switch (knowing) {
      case NOT -> false;
      case READING -> {
        held.add(event);
        yield false;
      }
      case KNOWN -> !known.sees(event.xid());
    };
  }

  /** How many presence changes wait. */
  int waiting() {
    return held.size();
  }

  /** Whether the client receives this broadcast. */
  boolean delivers(TopicEvent.BroadcastEvent event) {
    return config.self() || !origin.equals(event.origin());
  }
}
