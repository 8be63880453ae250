package com.gptdesk.chat.service.realtime;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.SubscriptionIndex;
import com.gptdesk.chat.service.realtime.changes.TopicEvent;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One person on one socket: the channels that hear by this person's rights. A socket may carry
 * channels of several people; each hears what its own person may.
 *
 * <p>What the person may hear is read once and again whenever the log says that it changed. From
 * then on until it is known, changes are held, so that nothing is told that may no longer be seen,
 * or lost that may.
 *
 * <p>{@link #changed} and {@link #resync} are called by the relay's thread; everything else belongs
 * to the connection's context.
 */
final class Person implements Subscriber {
  /** Not a table of clients: a change of it says that this person's scopes may be others now. */
  private static final String CONTROL_TABLE = "users";

  /** The end of one is the end of its topic. */
  private static final String CONVERSATIONS = "user_conversations";

  /** Something heard, in the order of the log. */
  sealed interface Heard {
    Person person();
  }

  record Told(Person person, ChangePayload data) implements Heard {}

  record Spoken(Person person, TopicEvent event) implements Heard {}

  record Resync(Person person, String reason) implements Heard {}

  /** Who waits to know whether this person may hear anything. */
  interface Waiting {
    void admitted();

    void refused(String reason);
  }

  private final UUID id;
  private final Socket connection;
  private final Set<Channel> channels = new LinkedHashSet<>();
  private final List<Waiting> waiting = new ArrayList<>(1);
  private final ArrayDeque<Heard> held = new ArrayDeque<>(0);

  /** Null while they are being read. */
  private @Nullable Set<Scope> scopes;

  private Set<Scope> lastScopes = Set.of();

  /** Why the channels have to catch up once the scopes are known; null when they need not. */
  private @Nullable String missed;

  /**
   * A channel whose topic is being asked about; it must not miss that the topic ends. There is one
   * at most: a socket that waits for an answer is not read.
   */
  private @Nullable Channel expected;

  /** The topics of its channels: what is said elsewhere is not even handed over. */
  private volatile Set<String> topics = Set.of();

  private boolean gone;
  private String whyGone = "";

  /**
   * What its channels hear of; null while somebody waits to be let in, whose wishes are not known
   * yet. Written by the context, read by the relay's thread.
   */
  private volatile @Nullable SubscriptionIndex<Channel> interests;

  Person(UUID id, Socket connection) {
    this.id = id;
    this.connection = connection;
  }

  UUID id() {
    return id;
  }

  Set<Channel> channels() {
    return Collections.unmodifiableSet(channels);
  }

  private void noteInterests() {
    interests = scopes != null && waiting.isEmpty() ? SubscriptionIndex.of(channels, Channel::bindings) : null;
  }

  /** The channel is going to hear by this person's rights, and hears by now of its topic's end. */
  void expect(Channel channel) {
    expected = channel;
    noteTopics();
  }

  /** It is not, after all. */
  void expectNoMore() {
    expected = null;
    noteTopics();
  }

  /** From now on the channel hears by this person's rights. */
  void add(Channel channel) {
    expected = null;
    channels.add(channel);
    channel.person(this);
    noteTopics();
    noteInterests();
  }

  /** From now on it does not. */
  void remove(Channel channel) {
    channels.remove(channel);
    channel.person(null);
    noteTopics();
    noteInterests();
  }

  private void noteTopics() {
    var known = new HashSet<String>();
    if (expected != null) {
      known.add(expected.name());
    }
    for (Channel channel : channels) {
      if (TopicName.isKnown(channel.name())) {
        known.add(channel.name());
      }
    }
    topics = Set.copyOf(known);
  }

  /** What this person may hear, as it was known last. */
  Set<Scope> scopes() {
    return lastScopes;
  }

  /** Whether nobody needs this person on this socket any more. */
  boolean isIdle() {
    return channels.isEmpty() && waiting.isEmpty() && expected == null;
  }

  @Override
  public void changed(Change change) {
    RealtimeServer server = connection.server();
    if (!TopicEvent.isOne(change)) {
      ChangePayload data = server.payloads().change(change);
      SubscriptionIndex<Channel> known = interests;
      if (known == null || known.mayConcern(data) || isOfItsOwnInterest(data)) {
        connection.hear(new Told(this, data));
      }
      return;
    }
    TopicEvent event = server.payloads().event(change);
    if (event != null && topics.contains(event.topic())) {
      connection.hear(new Spoken(this, event));
    }
  }

  @Override
  public void resync(String reason) {
    connection.hear(new Resync(this, reason));
  }

  /** Tells whoever waits, now or when it is known. */
  void whenKnown(Waiting who) {
    if (gone) {
      who.refused(whyGone);
    } else if (scopes != null) {
      who.admitted();
    } else {
      waiting.add(who);
    }
  }

  /** The scopes are being read: hold what comes. */
  void unknown() {
    scopes = null;
    noteInterests();
  }

  /** They are known: let in who waited, then tell what was held. */
  void known(Collection<Scope> found) {
    boolean others = !lastScopes.isEmpty() && !lastScopes.equals(Set.copyOf(found));
    lastScopes = Set.copyOf(found);
    scopes = lastScopes;
    if (others) {
      // What the new scopes would have shown meanwhile went by unheard.
      for (Channel channel : Set.copyOf(channels)) {
        connection.rescoped(channel, lastScopes);
      }
    }
    String reason = missed;
    missed = null;
    if (reason != null) {
      for (Channel channel : Set.copyOf(channels)) {
        if (!others) {
          connection.missed(channel, reason);
        }
        connection.topics().refresh(channel);
      }
    }
    List<Waiting> admitted = List.copyOf(waiting);
    waiting.clear();
    admitted.forEach(Waiting::admitted);
    noteInterests();
    while (scopes != null && !gone && !held.isEmpty()) {
      tell(held.remove());
    }
  }

  /** This person hears nothing any more on this socket. */
  void leave(String reason) {
    gone = true;
    whyGone = reason;
    held.clear();
    List<Waiting> refused = List.copyOf(waiting);
    waiting.clear();
    refused.forEach(who -> who.refused(reason));
  }

  /** Takes what was heard, in order; returns how much of it is held. */
  int take(Heard heard) {
    if (!gone) {
      if (scopes == null) {
        held.add(heard);
      } else {
        tell(heard);
      }
    }
    return held.size();
  }

  private void tell(Heard heard) {
    switch (heard) {
      case Told told -> tell(told.data());
      case Spoken spoken -> tell(spoken.event());
      case Resync resync -> {
        // A change of rights may be among what was missed.
        missed = resync.reason();
        connection.readScopes(this);
      }
    }
  }

  private void tell(ChangePayload data) {
    Change change = data.change();
    if (change.table().equals(CONTROL_TABLE)) {
      connection.readScopes(this);
      return;
    }
    SubscriptionIndex<Channel> known = interests;
    // It may have been handed over by scopes of before.
    if (!maySee(change) || !data.isPublished()) {
      return;
    }
    (known == null ? SubscriptionIndex.of(channels, Channel::bindings) : known)
        .mayHear(data)
        .forEach((channel, candidates) -> connection.tell(channel, data, candidates));
    if (change.table().equals(CONVERSATIONS) && change.operation() == Change.Operation.DELETE) {
      String topic = TopicName.ofConversation(data.row().path("id").asString(""));
      if (expected != null && expected.name().equals(topic)) {
        expected.attendance().end();
      }
      if (topics.contains(topic)) {
        connection.deleted(channelsOn(topic));
      }
    }
  }

  /** Whatever its channels subscribed to: who it is, and that a topic's conversation is gone. */
  private boolean isOfItsOwnInterest(ChangePayload data) {
    Change change = data.change();
    return !data.isPublished()
        || (change.table().equals(CONVERSATIONS)
            && change.operation() == Change.Operation.DELETE
            && !topics.isEmpty());
  }

  private void tell(TopicEvent event) {
    if (maySee(event.change())) {
      channelsOn(event.topic()).forEach(channel -> connection.topics().hear(channel, event));
    }
  }

  private List<Channel> channelsOn(String topic) {
    return channels.stream().filter(channel -> channel.name().equals(topic)).toList();
  }

  /** Whether this may be told now; rights may have changed since it was heard. */
  boolean maySee(ChangePayload data) {
    return !gone && maySee(data.change());
  }

  private boolean maySee(Change change) {
    Set<Scope> known = scopes;
    if (known == null) {
      return false;
    }
    for (Scope scope : change.scopes()) {
      if (known.contains(scope)) {
        return true;
      }
    }
    return false;
  }
}
