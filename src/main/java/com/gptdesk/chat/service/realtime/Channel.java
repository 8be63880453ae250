package com.gptdesk.chat.service.realtime;

import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.realtime.changes.Binding;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.Projection;
import com.gptdesk.chat.service.realtime.changes.ResumePoint;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One topic joined on one socket, for one identity. Owned by its connection's context. */
final class Channel {
  private final String topic;
  private final @Nullable String joinRef;
  private final List<Binding> bindings;
  private final TopicMembership attendance;
  private String token;
  private Identity identity;
  private Map<Integer, Resumption> resumes = Map.of();
  private final List<Resumption> conversations = new ArrayList<>(0);
  private @Nullable Person person;
  private @Nullable Replay replay;

  Channel(
      String topic,
      @Nullable String joinRef,
      List<Binding> bindings,
      TopicMembership attendance,
      String token,
      Identity identity) {
    this.topic = topic;
    this.joinRef = joinRef;
    this.bindings = bindings;
    this.attendance = attendance;
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

  String topic() {
    return topic;
  }

  /** The topic as applications know it. */
  String name() {
    return attendance.topic();
  }

  /** Its part in its topic. */
  TopicMembership attendance() {
    return attendance;
  }

  @Nullable String joinRef() {
    return joinRef;
  }

  List<Binding> bindings() {
    return bindings;
  }

  String token() {
    return token;
  }

  Identity identity() {
    return identity;
  }

  /** From now on the channel speaks for whom this token names. */
  void identify(String newToken, Identity newIdentity) {
    token = newToken;
    identity = newIdentity;
  }

  /** By whose rights changes are heard; null when none are. */
  @Nullable Person person() {
    return person;
  }

  void person(@Nullable Person newPerson) {
    person = newPerson;
  }

  /** Whether it is of no use without the rights of somebody. */
  boolean needsPerson() {
    return !bindings.isEmpty() || TopicName.isKnown(name());
  }

  /** When its token ends; null for one that does not. */
  @Nullable Instant expiresAt() {
    return identity.expiresAt();
  }

  /** The conversations whose missed changes are replayed to it. */
  List<Resumption> conversations() {
    return conversations;
  }

  /** What is being replayed to it; null when nothing is, and changes are told as they come. */
  @Nullable Replay replay() {
    return replay;
  }

  void replay(@Nullable Replay newReplay) {
    replay = newReplay;
  }

  /** Whether some binding hears by no {@code since}, so that what it misses cannot be replayed. */
  boolean hasBindingsThatCannotResume() {
    return bindings.stream().anyMatch(it -> it.trouble() == null && it.resumes() == null);
  }

  /**
   * One message for a change.
   *
   * @param ids of the bindings it meets, as JSON array text
   */
  record Told(@Nullable Projection projection, String ids) {}

  /**
   * The messages for a change, one for each choice of columns; empty when it meets no binding, or
   * only those that were told before. Asked once, in order: what was told is not told again.
   *
   * @param candidates of the channel's bindings those that may hear of it, in order
   */
  List<Told> tell(ChangePayload data, List<Binding> candidates) {
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
    return told(ids);
  }

  /** The messages for a replayed change: to the bindings that go on from there alone. */
  static List<Told> replayed(ChangePayload data, Resumption since) {
    var ids = new LinkedHashMap<Optional<Projection>, StringBuilder>();
    for (Binding binding : since.bindings()) {
      if (binding.meets(data)) {
        ids.computeIfAbsent(
                Optional.ofNullable(binding.projection()), same -> new StringBuilder("["))
            .append(binding.id())
            .append(',');
      }
    }
    return told(ids);
  }

  private static List<Told> told(Map<Optional<Projection>, StringBuilder> ids) {
    var told = new ArrayList<Told>(ids.size());
    ids.forEach(
        (projection, list) -> {
          list.setCharAt(list.length() - 1, ']');
          told.add(new Told(projection.orElse(null), list.toString()));
        });
    return told;
  }
}
