package com.gptdesk.chat.realtime;

import com.gptdesk.chat.auth.Identity;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One topic joined on one socket, for one identity. Owned by its connection's context. */
final class Channel {
  static final String PREFIX = "realtime:";

  private final String topic;
  private final @Nullable String joinRef;
  private final List<Binding> bindings;
  private final Attendance attendance;
  private String token;
  private Identity identity;
  private @Nullable Person person;

  Channel(
      String topic,
      @Nullable String joinRef,
      List<Binding> bindings,
      Attendance attendance,
      String token,
      Identity identity) {
    this.topic = topic;
    this.joinRef = joinRef;
    this.bindings = bindings;
    this.attendance = attendance;
    this.token = token;
    this.identity = identity;
  }

  /** The client's wishes as bindings: equal ones share an id, others never do. */
  static List<Binding> bindings(List<ObjectNode> wishes, PublishedTables tables) {
    var bindings = new ArrayList<Binding>();
    for (ObjectNode wish : wishes) {
      bindings.add(Binding.of(idAmong(bindings, wish), wish, tables));
    }
    return List.copyOf(bindings);
  }

  private static int idAmong(List<Binding> bindings, ObjectNode wish) {
    int id = Binding.proposedId(wish);
    for (Binding binding : bindings) {
      if (binding.asSent().equals(wish)) {
        return binding.id();
      }
    }
    while (isTaken(bindings, id)) {
      id++;
    }
    return id;
  }

  private static boolean isTaken(List<Binding> bindings, int id) {
    return bindings.stream().anyMatch(binding -> binding.id() == id);
  }

  String topic() {
    return topic;
  }

  /** The topic as applications know it. */
  String name() {
    return attendance.topic();
  }

  /** Its part in its topic. */
  Attendance attendance() {
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

  /** The ids of the bindings that a change meets, as JSON array text; null when it meets none. */
  @Nullable String meets(ChangeData data) {
    StringBuilder ids = null;
    for (int i = 0; i < bindings.size(); i++) {
      Binding binding = bindings.get(i);
      if (!isRepeat(i) && binding.meets(data)) {
        ids = ids == null ? new StringBuilder("[") : ids.append(',');
        ids.append(binding.id());
      }
    }
    return ids == null ? null : ids.append(']').toString();
  }

  private boolean isRepeat(int index) {
    int id = bindings.get(index).id();
    for (int i = 0; i < index; i++) {
      if (bindings.get(i).id() == id) {
        return true;
      }
    }
    return false;
  }
}
