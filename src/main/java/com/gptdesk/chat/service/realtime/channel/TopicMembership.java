package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.realtime.changes.PgSnapshot;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.JoinConfig;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A channel's part in its topic: whether it may hear and say anything there, and how far it knows
 * who is present. Owned by its socket's context.
 *
 * <p>Who is present is read from the database after the channel hears; what it hears before it has
 * read waits, and what the state already holds is left out. So a client gets each coming and going
 * once, after the state.
 */
public final class TopicMembership {

  /** Whether the channel is told who is present. */
  private enum Knowing {
    NOT,
    READING,
    KNOWN
  }

  private final String topic;
  private final String origin;
  private final JoinConfig config;
  private @Nullable String key;
  private Set<Scope> scopes = Set.of();
  private boolean ended;
  private final ArrayDeque<TopicEvent.Moved> held = new ArrayDeque<>(0);
  private boolean admitted;
  private boolean tracking;
  private boolean wantsPresence;
  private Knowing knowing = Knowing.NOT;
  private int reading;
  private PgSnapshot known = PgSnapshot.NONE;

  /**
   * Makes one that takes no part yet.
   *
   * @param origin this channel among all of all nodes
   */
  public TopicMembership(String topic, String origin, JoinConfig config) {
    this.topic = topic;
    this.origin = origin;
    this.config = config;
    this.key = config.key().isEmpty() ? null : config.key();
    this.wantsPresence = !Boolean.FALSE.equals(config.presence());
  }

  String topic() {
    return topic;
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

  /** Who may use the topic, as the database says; nobody until it has. */
  public void isUsableBy(Collection<Scope> found) {
    scopes = Set.copyOf(found);
  }

  /** The topic is no more, whatever was or will be read of it. */
  void end() {
    ended = true;
  }

  /** Whether whoever hears by these scopes may use the topic. */
  boolean isFor(Collection<Scope> usersScopes) {
    return !ended && !Collections.disjoint(scopes, usersScopes);
  }

  /** What a client is told that may not use the topic. */
  public String unauthorized() {
    return TopicName.isKnown(topic)
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

  /** The channel takes part no longer; true when it was told who is present. */
  boolean expel() {
    boolean told = knowing == Knowing.KNOWN;
    admitted = false;
    tracking = false;
    knowing = Knowing.NOT;
    held.clear();
    return told;
  }

  /** Whether something is, or is about to be, shown by this channel. */
  boolean isTracking() {
    return tracking;
  }

  void tracking(boolean now) {
    tracking = now;
  }

  /** Whether the client is to be told who is present. */
  boolean wantsPresence() {
    return wantsPresence;
  }

  /** Whether the state was read or is being read. */
  boolean followsPresence() {
    return knowing != Knowing.NOT;
  }

  /** The state is being read, once more or for the first time; what comes meanwhile waits. */
  int beginReading() {
    wantsPresence = true;
    knowing = Knowing.READING;
    return ++reading;
  }

  /** Whether the reading begun as this one is still the one that is waited for. */
  boolean isReading(int number) {
    return knowing == Knowing.READING && reading == number;
  }

  /** The state was read by this snapshot; what waited follows it. */
  ArrayDeque<TopicEvent.Moved> read(PgSnapshot snapshot) {
    knowing = Knowing.KNOWN;
    known = snapshot;
    var waited = new ArrayDeque<>(held);
    held.clear();
    return waited;
  }

  /** Whether the client is told of this now; else it waits, or is nothing to it. */
  boolean tells(TopicEvent.Moved moved) {
    return switch (knowing) {
      case NOT -> false;
      case READING -> {
        held.add(moved);
        yield false;
      }
      case KNOWN -> !known.sees(moved.xid());
    };
  }

  /** How many comings and goings wait. */
  int waiting() {
    return held.size();
  }

  /** Whether the client is told what was said. */
  boolean tells(TopicEvent.Said said) {
    return config.self() || !origin.equals(said.origin());
  }
}
