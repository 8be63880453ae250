package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.Projection;
import com.gptdesk.chat.service.realtime.changes.ResumePoint;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One topic joined on one socket, with one identity: its subscriptions and its messages. Owned by
 * its socket's context.
 */
public final class Channel {
  private final String topic;
  private final @Nullable String joinRef;
  private final List<Subscription> subscriptions;
  private final TopicMembership membership;
  private String token;
  private Identity identity;
  private Map<Integer, Resumption> resumes = Map.of();
  private final List<Resumption> conversations = new ArrayList<>(0);
  private @Nullable Rights rights;

  public Channel(
      String topic,
      @Nullable String joinRef,
      List<Subscription> subscriptions,
      TopicMembership membership,
      String token,
      Identity identity) {
    this.topic = topic;
    this.joinRef = joinRef;
    this.subscriptions = subscriptions;
    this.membership = membership;
    this.token = token;
    this.identity = identity;
    for (Subscription subscription : subscriptions) {
      ResumePoint point = subscription.resumes();
      if (point != null && !resumes.containsKey(subscription.id())) {
        Resumption since = resumptionAt(point);
        since.subscriptions().add(subscription);
        if (resumes.isEmpty()) {
          resumes = new HashMap<>();
        }
        resumes.put(subscription.id(), since);
      }
    }
  }

  /**
   * Subscriptions that resume from the same point share one resumption, so that they keep one
   * order.
   */
  private Resumption resumptionAt(ResumePoint point) {
    for (Resumption since : conversations) {
      if (since.point().equals(point)) {
        return since;
      }
    }
    var since = new Resumption(point);
    conversations.add(since);
    return since;
  }

  public String topic() {
    return topic;
  }

  /** The topic without its prefix. */
  public String name() {
    return membership.topic();
  }

  /** Its membership in the topic. */
  public TopicMembership membership() {
    return membership;
  }

  public @Nullable String joinRef() {
    return joinRef;
  }

  public List<Subscription> subscriptions() {
    return subscriptions;
  }

  public String token() {
    return token;
  }

  public Identity identity() {
    return identity;
  }

  /** From now on the channel has the identity of this token. */
  public void identify(String newToken, Identity newIdentity) {
    token = newToken;
    identity = newIdentity;
  }

  /** The rights that decide which changes it receives; null when it receives none. */
  public @Nullable Rights rights() {
    return rights;
  }

  void rights(@Nullable Rights newRights) {
    rights = newRights;
  }

  /** The user by whose right it takes part in its topic. */
  UUID member() {
    Rights known = rights;
    if (known == null) {
      throw new IllegalStateException("a channel without a user takes part in a topic");
    }
    return known.userId();
  }

  /** Whether it is useless without a user's rights. */
  public boolean needsUser() {
    return !subscriptions.isEmpty() || membership.isKnown();
  }

  /** When its token expires; null for never. */
  public @Nullable Instant expiresAt() {
    return identity.expiresAt();
  }

  /** The conversations whose missed changes are replayed to it. */
  public List<Resumption> conversations() {
    return conversations;
  }

  /**
   * Whether some subscription has no {@code since}, so that its missed changes cannot be replayed.
   */
  boolean hasSubscriptionsThatCannotResume() {
    return subscriptions.stream().anyMatch(it -> it.problem() == null && it.resumes() == null);
  }

  /** A notice for {@code .on('system')}. */
  public ServerMessage notice(String extension, String status, String message) {
    return new ServerMessage.Notice(topic, joinRef, extension, status, message, name());
  }

  /** The channel failed: the client joins again. */
  public ServerMessage failure() {
    return new ServerMessage.Failure(topic, joinRef);
  }

  /** The channel is closed, and the client does not rejoin. */
  public ServerMessage closing() {
    return new ServerMessage.Close(topic, joinRef);
  }

  /**
   * One message for a change.
   *
   * @param ids the ids of the matching subscriptions, as JSON array text
   */
  public record Delivery(@Nullable Projection projection, String ids) {}

  /**
   * The messages for a live change, one for each choice of columns. Empty when it matches no
   * subscription, or only subscriptions that already received it. To be called once for each
   * change, in order.
   *
   * @param candidates the channel's subscriptions that may match it, in order
   */
  public List<Delivery> messagesFor(ChangePayload data, List<Subscription> candidates) {
    var ids = new LinkedHashMap<Optional<Projection>, StringBuilder>();
    var seen = new HashSet<Integer>();
    for (Subscription subscription : candidates) {
      Resumption since = resumes.get(subscription.id());
      if (seen.add(subscription.id())
          && subscription.meets(data)
          && (since == null || !since.covers(data))) {
        ids.computeIfAbsent(
                Optional.ofNullable(subscription.projection()), same -> new StringBuilder("["))
            .append(subscription.id())
            .append(',');
      }
    }
    conversations.forEach(since -> since.passed(data));
    return deliveries(ids);
  }

  /** The messages for a replayed change, only for the subscriptions that resume from there. */
  static List<Delivery> replayed(ChangePayload data, Resumption since) {
    var ids = new LinkedHashMap<Optional<Projection>, StringBuilder>();
    for (Subscription subscription : since.subscriptions()) {
      if (subscription.meets(data)) {
        ids.computeIfAbsent(
                Optional.ofNullable(subscription.projection()), same -> new StringBuilder("["))
            .append(subscription.id())
            .append(',');
      }
    }
    return deliveries(ids);
  }

  private static List<Delivery> deliveries(Map<Optional<Projection>, StringBuilder> ids) {
    var deliveries = new ArrayList<Delivery>(ids.size());
    ids.forEach(
        (projection, list) -> {
          list.setCharAt(list.length() - 1, ']');
          deliveries.add(new Delivery(projection.orElse(null), list.toString()));
        });
    return deliveries;
  }
}
