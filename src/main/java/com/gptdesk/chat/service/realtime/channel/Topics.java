package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.relay.Scope;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Asks the database about topics: it decides who may use one, and what is said and shown there goes
 * out by its change log. Every method blocks; called on virtual threads.
 */
public interface Topics {

  /**
   * Who is on a topic.
   *
   * @param snapshot what the state was read by, a {@code pg_snapshot} as text
   * @param state the protocol's {@code presence_state}, as JSON object text
   */
  record Gathering(String snapshot, String state) {}

  /** Who may use a topic; empty when nobody may, whatever it is called. */
  Collection<Scope> scopes(String topic);

  /** Who is there. */
  Gathering presence(String topic);

  /**
   * Sends all of these, or none.
   *
   * @param sender by whose right; null for a back end, which may send anywhere
   * @throws Refusal PT403 when the sender may not
   */
  void send(List<Broadcast> broadcasts, @Nullable UUID sender);

  /**
   * Shows something on a topic; the same again is nothing new.
   *
   * @return the ref it is known by: the given one, or that of before when nothing changed
   * @throws Refusal PT403 when the person may not, PT410 when the node has to introduce itself
   */
  String track(UUID node, Tracked tracked);

  /** These channels show nothing any more. */
  void untrack(Collection<String> origins);

  /** All that a node holds, as far as it is missing. */
  void trackAgain(UUID node, Collection<Tracked> tracked);

  /** The node is there; false when it was not known and has to {@link #trackAgain}. */
  boolean touch(UUID node);

  /** The node stops. */
  void forget(UUID node);

  /** Nodes that were not seen for long have died, and who was there by them has left. */
  void expireNodes();
}
