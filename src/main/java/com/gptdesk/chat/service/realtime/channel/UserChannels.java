package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.relay.UserFeed;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.SharedPayloads;
import com.gptdesk.chat.service.realtime.changes.Subscription;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One user on one socket: the channels with this user's rights. A socket may have channels of
 * several users; each receives what its own user may see.
 *
 * <p>The rights are read first, and again whenever the log says that they changed. Until they are
 * known, changes are held, so that none is delivered without the right to it, and none is lost.
 *
 * <p>{@link #changed} and {@link #resync} are called by the relay's thread; everything else belongs
 * to the socket's context.
 */
public final class UserChannels implements Subscriber, Rights {
  /** The end of a conversation is the end of its topic. */
  private static final String CONVERSATIONS = "user_conversations";

  /** An event from the relay, in the order of the log. */
  public sealed interface Event {
    /** The user it is for. */
    UserChannels user();
  }

  private record ChangeEvent(UserChannels user, ChangePayload data) implements Event {}

  private record TopicMessage(UserChannels user, TopicEvent event) implements Event {}

  private record ResyncEvent(UserChannels user, String reason) implements Event {}

  /** Waits until this user's rights are known. */
  public interface Admission {
    /** The user may use the chat. */
    void admitted();

    /** The user may not, or the rights cannot be read. */
    void refused(String reason);
  }

  /** Handles the events of each channel. Called on the socket's context. */
  public interface Listener {
    /** The rights have to be read; until {@link UserChannels#known} everything is held. */
    void rightsMayHaveChanged(UserChannels user);

    /** The user's rights have changed. */
    void audiencesChanged(Channel channel, Set<Audience> audiences);

    /** Changes were missed. */
    void missed(Channel channel, String reason);

    /** Changes of presence were missed. */
    void presenceMissed(Channel channel);

    /**
     * A change that the user may see.
     *
     * @param candidates the channel's subscriptions that may match it
     */
    void changed(Channel channel, ChangePayload data, List<Subscription> candidates);

    /** An event on the channel's topic. */
    void onTopic(Channel channel, TopicEvent event);

    /** The conversation of these channels was deleted. */
    void deleted(List<Channel> channels);
  }

  private final UUID id;
  private final SharedPayloads payloads;
  private final Consumer<Event> inbox;
  private final Listener listener;
  private final Set<Channel> channels = new LinkedHashSet<>();
  private final List<Admission> waiting = new ArrayList<>(1);
  private final ArrayDeque<Event> held = new ArrayDeque<>(0);

  private final UserFeed feed = new UserFeed();

  /**
   * A channel whose topic is being read; it must not miss the topic's end. There is at most one, as
   * a socket is not read while it waits for an answer.
   */
  private @Nullable Channel expected;

  /** The topics of its channels; events of other topics are not handed over. */
  private volatile Set<String> topics = Set.of();

  private boolean gone;
  private String whyGone = "";

  /**
   * The index of its channels' subscriptions; null while a joining channel waits, whose
   * subscriptions are not known yet. Written on the context, read by the relay's thread.
   */
  private volatile @Nullable SubscriptionIndex<Channel> interests;

  /**
   * Creates one without channels, whose rights are not known yet.
   *
   * @param inbox receives events on the relay's thread and brings them to {@link #take}
   */
  public UserChannels(UUID id, SharedPayloads payloads, Consumer<Event> inbox, Listener listener) {
    this.id = id;
    this.payloads = payloads;
    this.inbox = inbox;
    this.listener = listener;
  }

  @Override
  public UUID userId() {
    return id;
  }

  /** The channels with this user's rights. */
  public Set<Channel> channels() {
    return Collections.unmodifiableSet(channels);
  }

  private void noteInterests() {
    interests =
        feed.isKnown() && waiting.isEmpty()
            ? SubscriptionIndex.of(channels, Channel::subscriptions)
            : null;
  }

  /** The channel is about to join with this user's rights, and already receives its topic's end. */
  public void expect(Channel channel) {
    expected = channel;
    noteTopics();
  }

  /** The channel does not join after all. */
  public void expectNoMore() {
    expected = null;
    noteTopics();
  }

  /** From now on the channel receives changes by this user's rights. */
  public void add(Channel channel) {
    expected = null;
    channels.add(channel);
    channel.rights(this);
    noteTopics();
    noteInterests();
  }

  /** From now on it does not. */
  public void remove(Channel channel) {
    channels.remove(channel);
    channel.rights(null);
    noteTopics();
    noteInterests();
  }

  private void noteTopics() {
    var known = new HashSet<String>();
    if (expected != null) {
      known.add(expected.name());
    }
    for (Channel channel : channels) {
      if (channel.membership().isKnown()) {
        known.add(channel.name());
      }
    }
    topics = Set.copyOf(known);
  }

  @Override
  public Set<Audience> audiences() {
    return feed.audiences();
  }

  /** Whether no channel needs this user any more. */
  public boolean isIdle() {
    return channels.isEmpty() && waiting.isEmpty() && expected == null;
  }

  @Override
  public void changed(Change change) {
    if (!TopicEvent.isOnTopic(change)) {
      ChangePayload data = payloads.change(change);
      SubscriptionIndex<Channel> known = interests;
      if (known == null || known.mayConcern(data) || isOfItsOwnInterest(data)) {
        inbox.accept(new ChangeEvent(this, data));
      }
      return;
    }
    TopicEvent event = payloads.event(change);
    if (event != null && topics.contains(event.topic())) {
      inbox.accept(new TopicMessage(this, event));
    }
  }

  @Override
  public void resync(String reason) {
    inbox.accept(new ResyncEvent(this, reason));
  }

  /** Calls the waiting channel, now or when the rights are known. */
  public void whenKnown(Admission who) {
    if (gone) {
      who.refused(whyGone);
    } else if (feed.isKnown()) {
      who.admitted();
    } else {
      waiting.add(who);
    }
  }

  /** The audiences are being read: holds all events. */
  public void unknown() {
    feed.unknown();
    noteInterests();
  }

  /** The audiences are known: admits the waiting channels, then delivers what was held. */
  public void known(Collection<Audience> found) {
    UserFeed.Renewal renewal = feed.known(found);
    if (renewal.hasOtherAudiences()) {
      // Changes of the new audiences were missed meanwhile.
      for (Channel channel : Set.copyOf(channels)) {
        listener.audiencesChanged(channel, feed.audiences());
      }
    }
    String reason = renewal.missed();
    if (reason != null) {
      for (Channel channel : Set.copyOf(channels)) {
        if (!renewal.hasOtherAudiences()) {
          listener.missed(channel, reason);
        }
        listener.presenceMissed(channel);
      }
    }
    List<Admission> admitted = List.copyOf(waiting);
    waiting.clear();
    admitted.forEach(Admission::admitted);
    noteInterests();
    while (feed.isKnown() && !gone && !held.isEmpty()) {
      deliver(held.remove());
    }
  }

  /** Ends the deliveries to this user on this socket. */
  public void leave(String reason) {
    gone = true;
    whyGone = reason;
    held.clear();
    List<Admission> refused = List.copyOf(waiting);
    waiting.clear();
    refused.forEach(who -> who.refused(reason));
  }

  /** Handles events in order; returns how many of them are held. */
  public int take(Event event) {
    if (!gone) {
      if (!feed.isKnown()) {
        held.add(event);
      } else {
        deliver(event);
      }
    }
    return held.size();
  }

  private void deliver(Event event) {
    switch (event) {
      case ChangeEvent change -> deliver(change.data());
      case TopicMessage message -> deliver(message.event());
      case ResyncEvent resync -> {
        feed.missed(resync.reason());
        listener.rightsMayHaveChanged(this);
      }
    }
  }

  private void deliver(ChangePayload data) {
    Change change = data.change();
    if (UserFeed.mayChangeRights(change)) {
      listener.rightsMayHaveChanged(this);
      return;
    }
    SubscriptionIndex<Channel> known = interests;
    // It may have been handed over with earlier audiences.
    if (!feed.maySee(change) || !data.isPublished()) {
      return;
    }
    (known == null ? SubscriptionIndex.of(channels, Channel::subscriptions) : known)
        .mayHear(data)
        .forEach((channel, candidates) -> listener.changed(channel, data, candidates));
    if (change.table().equals(CONVERSATIONS) && change.operation() == Change.Operation.DELETE) {
      String topic = TopicName.ofConversation(data.row().path("id").asString(""));
      if (expected != null && expected.name().equals(topic)) {
        expected.membership().end();
      }
      if (topics.contains(topic)) {
        listener.deleted(channelsOn(topic));
      }
    }
  }

  /**
   * Needed whatever its channels subscribed to: changes of the user, and deletions of a topic's
   * conversation.
   */
  private boolean isOfItsOwnInterest(ChangePayload data) {
    Change change = data.change();
    return !data.isPublished()
        || (change.table().equals(CONVERSATIONS)
            && change.operation() == Change.Operation.DELETE
            && !topics.isEmpty());
  }

  private void deliver(TopicEvent event) {
    if (feed.maySee(event.change())) {
      channelsOn(event.topic()).forEach(channel -> listener.onTopic(channel, event));
    }
  }

  private List<Channel> channelsOn(String topic) {
    return channels.stream().filter(channel -> channel.name().equals(topic)).toList();
  }

  @Override
  public boolean maySee(ChangePayload data) {
    return !gone && feed.maySee(data.change());
  }
}
