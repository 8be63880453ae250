package com.gptdesk.chat.soak;

import java.net.http.HttpClient;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import tools.jackson.databind.JsonNode;

/**
 * Subscribes to everything and hears what is for this person alone, or it is a leak. One thread.
 */
final class Eavesdropper {
  private final String name;
  private final UUID id;
  private final Set<String> team;
  private final String token;
  private final HttpClient http;
  private final IntSupplier ports;
  private final Random random;
  private final Tally tally;

  Eavesdropper(
      String name,
      UUID id,
      Set<String> team,
      String token,
      HttpClient http,
      IntSupplier ports,
      Random random,
      Tally tally) {
    this.name = name;
    this.id = id;
    this.team = team;
    this.token = token;
    this.http = http;
    this.ports = ports;
    this.random = random;
    this.tally = tally;
  }

  void listen(BooleanSupplier on) throws InterruptedException {
    while (on.getAsBoolean()) {
      long leaves = System.nanoTime() + random.nextLong(1_000_000_000L, 15_000_000_000L);
      try (SocketProbe probe = SocketProbe.open(http, ports.getAsInt(), token)) {
        probe.join("everything", "[{\"event\":\"*\",\"schema\":\"*\"}]");
        while (on.getAsBoolean() && System.nanoTime() < leaves) {
          SocketProbe.Message message = probe.next(200);
          if (message != null && message.event().equals("postgres_changes")) {
            hear(message.payload().path("data"));
          } else if (message != null
              && (message.event().equals("phx_error") || message.status().equals("error"))) {
            break;
          }
        }
      } catch (SocketProbe.Broken e) {
        Thread.sleep(random.nextLong(50, 300)); // as clients do before they come back
      }
    }
  }

  private void hear(JsonNode data) {
    JsonNode row = data.has("record") ? data.path("record") : data.path("old_record");
    boolean mine =
        switch (data.path("table").asString()) {
          case "user_messages", "message_reactions" ->
              is(row, "sender_id") || is(row, "recipient_id");
          case "user_conversations" -> is(row, "participant_1_id") || is(row, "participant_2_id");
          case "user_presence" -> team.contains(row.path("user_id").asString());
          case "conversation_preferences" -> is(row, "user_id");
          case "user_blocks" -> is(row, "blocker_id");
          default -> false;
        };
    if (mine) {
      tally.overheard.increment();
    } else {
      tally.complain(tally.leaked, name + " hears " + data);
    }
  }

  private boolean is(JsonNode row, String column) {
    return row.path(column).asString("").equals(id.toString());
  }
}
