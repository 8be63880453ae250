package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Topics in the database, which decides who may use one. Broadcasts and presence are delivered by
 * its change log. Every method blocks; called on virtual threads.
 */
public interface Topics {

  /**
   * Who is present on a topic.
   *
   * @param snapshot the {@code pg_snapshot} with which the state was read, as text
   * @param state the protocol's {@code presence_state}, as JSON object text
   */
  record PresenceState(String snapshot, String state) {}

  /** False for a name that channels may have, but that carries no broadcasts or presence. */
  default boolean isKnown(String topic) {
    return TopicName.isKnown(topic);
  }

  /** The audiences that may use a topic; empty when nobody may. */
  Collection<Audience> audiences(String topic);

  /** Who is present, as far as this person sees it. */
  PresenceState presence(String topic, UUID viewer);

  /**
   * Sends all of these broadcasts, or none.
   *
   * @param sender the user who sends; null for a back end, which may send anywhere
   * @throws Refusal PT403 when the sender may not
   */
  void send(List<Broadcast> broadcasts, @Nullable UUID sender);

  /**
   * Tracks something on a topic; a repetition changes nothing.
   *
   * @return its ref: the given one, or the earlier one when nothing changed
   * @throws Refusal PT403 when the person may not, PT410 when the node has to register first
   */
  String track(UUID node, Tracked tracked);

  /** Untracks these channels. */
  void untrack(Collection<String> origins);

  /** Writes what a node tracks, as far as it is missing. */
  void trackAgain(UUID node, Collection<Tracked> tracked);

  /** Renews the node; false when it was unknown and has to {@link #trackAgain}. */
  boolean touch(UUID node);

  /** Removes a node that stops. */
  void forget(UUID node);

  /** Removes nodes that were not renewed for long, with all that they tracked. */
  void expireNodes();
}
