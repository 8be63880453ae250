package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.realtime.changes.Binding;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.Projection;
import com.gptdesk.chat.service.realtime.changes.ResumePoint;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
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
 * One topic joined on one socket, for one identity: what it asked for, and the messages in its
 * name. Owned by its socket's context.
 */
public final class Channel {
  private final String topic;
  private final @Nullable String joinRef;
  private final List<Binding> bindings;
  private final TopicMembership membership;
  private String token;
  private Identity identity;
  private Map<Integer, Resumption> resumes = Map.of();
  private final List<Resumption> conversations = new ArrayList<>(0);
  private @Nullable Rights rights;

  public Channel(
      String topic,
      @Nullable String joinRef,
      List<Binding> bindings,
      TopicMembership membership,
      String token,
      Identity identity) {
    this.topic = topic;
    this.joinRef = joinRef;
    this.bindings = bindings;
    this.membership = membership;
    this.token = token;
    this.identity = identity;
    for (Binding binding : bindings) {
      ResumePoint point = binding.resumes();
      if (point != null && !resumes.containsKey(binding.id())) {
        Resumption since = resumptionAt(point);
        since.bindings().add(binding);
        if (resumes.isEmpty()) {
          resumes = new HashMap<>();
        }
        resumes.put(binding.id(), since);
      }
    }
  }

  /** Bindings that go on from the same place go on together, so that they keep one order. */
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

  /** The topic as applications know it. */
  public String name() {
    return membership.topic();
  }

  /** Its part in its topic. */
  public TopicMembership membership() {
    return membership;
  }

  public @Nullable String joinRef() {
    return joinRef;
  }

  public List<Binding> bindings() {
    return bindings;
  }

  public String token() {
    return token;
  }

  public Identity identity() {
    return identity;
  }

  /** From now on the channel speaks for whom this token names. */
  public void identify(String newToken, Identity newIdentity) {
    token = newToken;
    identity = newIdentity;
  }

  /** By which rights changes are heard; null when none are. */
  public @Nullable Rights rights() {
    return rights;
  }

  void rights(@Nullable Rights newRights) {
    rights = newRights;
  }

  /** By whose right it takes part in its topic; channels that do have a user. */
  UUID member() {
    Rights known = rights;
    if (known == null) {
      throw new IllegalStateException("a channel of nobody takes part in a topic");
    }
    return known.userId();
  }

  /** Whether it is of no use without the rights of somebody. */
  public boolean needsUser() {
    return !bindings.isEmpty() || TopicName.isKnown(name());
  }

  /** When its token ends; null for one that does not. */
  public @Nullable Instant expiresAt() {
    return identity.expiresAt();
  }

  /** The conversations whose missed changes are replayed to it. */
  public List<Resumption> conversations() {
    return conversations;
  }

  /** Whether some binding hears by no {@code since}, so that what it misses cannot be replayed. */
  boolean hasBindingsThatCannotResume() {
    return bindings.stream().anyMatch(it -> it.trouble() == null && it.resumes() == null);
  }

  /** A word to people and to {@code .on('system')}. */
  public ServerMessage notice(String extension, String status, String message) {
    return new ServerMessage.Notice(topic, joinRef, extension, status, message, name());
  }

  /** The channel broke: the client joins again. */
  public ServerMessage failure() {
    return new ServerMessage.Failure(topic, joinRef);
  }

  /** The channel is closed for good. */
  public ServerMessage closing() {
    return new ServerMessage.Close(topic, joinRef);
  }

  /**
   * One message for a change.
   *
   * @param ids of the bindings it meets, as JSON array text
   */
  public record Delivery(@Nullable Projection projection, String ids) {}

  /**
   * The messages for a change, one for each choice of columns; empty when it meets no binding, or
   * only those that were told before. Asked once, in order: what was told is not told again.
   *
   * @param candidates of the channel's bindings those that may hear of it, in order
   */
  public List<Delivery> tell(ChangePayload data, List<Binding> candidates) {
    var ids = new LinkedHashMap<Optional<Projection>, StringBuilder>();
    var seen = new HashSet<Integer>();
    for (Binding binding : candidates) {
      Resumption since = resumes.get(binding.id());
      if (seen.add(binding.id()) && binding.meets(data) && (since == null || !since.covers(data))) {
        ids.computeIfAbsent(
                Optional.ofNullable(binding.projection()), same -> new StringBuilder("["))
            .append(binding.id())
            .append(',');
      }
    }
    conversations.forEach(since -> since.passed(data));
    return deliveries(ids);
  }

  /** The messages for a replayed change: to the bindings that go on from there alone. */
  static List<Delivery> replayed(ChangePayload data, Resumption since) {
    var ids = new LinkedHashMap<Optional<Projection>, StringBuilder>();
    for (Binding binding : since.bindings()) {
      if (binding.meets(data)) {
        ids.computeIfAbsent(
                Optional.ofNullable(binding.projection()), same -> new StringBuilder("["))
            .append(binding.id())
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
