package com.gptdesk.chat.soak;

import java.net.http.HttpClient;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One device of a person: keeps what it was told, comes and goes, and each time goes on from where
 * it was. One thread.
 */
final class Reader {
  /** One conversation as this reader knows it. */
  private static final class Known {
    long reached;
    final Map<String, Long> messages = new HashMap<>();
    final Set<String> seen = new HashSet<>();
    boolean catchingUp;
    boolean caughtUp;
  }

  private final String name;
  private final String token;
  private final HttpClient http;
  private final IntSupplier ports;
  private final Random random;
  private final Tally tally;
  private final Map<UUID, Known> conversations = new LinkedHashMap<>();

  Reader(
      String name,
      String token,
      List<UUID> conversations,
      HttpClient http,
      IntSupplier ports,
      Random random,
      Tally tally) {
    this.name = name;
    this.token = token;
    this.http = http;
    this.ports = ports;
    this.random = random;
    this.tally = tally;
    conversations.forEach(id -> this.conversations.put(id, new Known()));
  }

  /** Comes and goes for as long as that holds. */
  void comeAndGo(BooleanSupplier on) throws InterruptedException {
    while (on.getAsBoolean()) {
      long leaves = System.nanoTime() + random.nextLong(300_000_000L, 6_000_000_000L);
      boolean slow = random.nextInt(12) == 0;
      session(() -> on.getAsBoolean() && System.nanoTime() < leaves, slow);
    }
  }

  /** Comes once more, and as often as it takes, until it knows all of it. */
  void catchUp(Map<UUID, Long> heads, long deadline) throws InterruptedException {
    while (!knows(heads) && System.nanoTime() < deadline) {
      session(() -> !knows(heads) && System.nanoTime() < deadline, false);
    }
    // And a last time, which must bring nothing.
    conversations.values().forEach(known -> known.caughtUp = false);
    session(
        () ->
            conversations.values().stream().anyMatch(known -> !known.caughtUp)
                && System.nanoTime() < deadline,
        false);
  }

  private boolean knows(Map<UUID, Long> heads) {
    return conversations.entrySet().stream()
        .allMatch(entry -> entry.getValue().reached >= heads.getOrDefault(entry.getKey(), 0L));
  }

  private void session(BooleanSupplier stays, boolean slow) throws InterruptedException {
    tally.sessions.increment();
    try (SocketProbe probe = SocketProbe.open(http, ports.getAsInt(), token)) {
      for (Map.Entry<UUID, Known> entry : conversations.entrySet()) {
        Known known = entry.getValue();
        known.catchingUp = true;
        probe.join(
            "soak-" + entry.getKey(),
            "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\",\"filter\":\"conversation_id=eq.%s\",\"since\":%d}]"
                .formatted(entry.getKey(), known.reached));
      }
      if (slow) {
        tally.count(tally.faults, "a reader stops reading");
        probe.stopReading();
      }
      while (stays.getAsBoolean()) {
        SocketProbe.Message message = probe.next(100);
        if (message != null && !take(message)) {
          tally.count(tally.ends, "asked to join again");
          return;
        }
      }
      tally.count(tally.ends, "left");
    } catch (SocketProbe.Broken e) {
      tally.count(tally.ends, reason(String.valueOf(e.getMessage())));
      Thread.sleep(random.nextLong(50, 300)); // as clients do before they come back
    }
  }

  private static String reason(String message) {
    return message.startsWith("closed with")
        ? message
        : message.equals("silent") ? message : "connection lost or refused";
  }

  /** False when the channel has to be joined again. */
  private boolean take(SocketProbe.Message message) {
    return switch (message.event()) {
      case "postgres_changes" -> {
        change(message.payload().path("data"));
        yield true;
      }
      case "phx_reply" -> !message.status().equals("error");
      case "phx_error", "phx_close" -> false;
      case "system" -> {
        Known known = knownOf(message.topic());
        if (known != null && message.status().equals("resync")) {
          tally.resyncs.increment();
          tally.complaints.add(name + " was told to read again: " + message.payload());
        } else if (known != null
            && message.payload().path("message").asString("").startsWith("Caught up")) {
          known.catchingUp = false;
          known.caughtUp = true;
        }
        yield true;
      }
      default -> true;
    };
  }

  private @Nullable Known knownOf(String topic) {
    return topic.startsWith("realtime:soak-")
        ? conversations.get(UUID.fromString(topic.substring("realtime:soak-".length())))
        : null;
  }

  private void change(JsonNode data) {
    JsonNode row = data.path("record");
    UUID conversation = UUID.fromString(row.path("conversation_id").asString());
    Known known = conversations.get(conversation);
    if (known == null) {
      tally.complain(tally.leaked, name + " hears " + data);
      return;
    }
    tally.delivered.increment();
    if (known.catchingUp) {
      tally.replayed.increment();
    }
    String id = row.path("id").asString();
    long revision = row.path("revision").longValue();
    if (!known.seen.add(id + " " + revision)) {
      tally.complain(tally.repeated, name + " hears " + id + " " + revision + " again");
    } else if (revision <= known.reached) {
      tally.complain(tally.reordered, name + " hears " + revision + " after " + known.reached);
    }
    known.reached = Math.max(known.reached, revision);
    known.messages.put(id, revision);
  }

  /** Compares with what the database has. */
  void compare(UUID conversation, Map<String, Long> stored) {
    Known known = conversations.get(conversation);
    if (known == null) {
      return;
    }
    stored.forEach(
        (id, revision) -> {
          if (!revision.equals(known.messages.get(id))) {
            tally.complain(
                tally.lost,
                name + " has " + id + " at " + known.messages.get(id) + ", not " + revision);
          }
        });
  }
}
