package com.gptdesk.chat.soak;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sends one message after the other as a client over HTTP does: with an id of its own choice, which
 * it sends again until the service has acknowledged it. One thread.
 */
final class Persistent {
  private static final JsonMapper JSON = new JsonMapper();

  /** What all of them saw. */
  static final class Seen {
    /** The number that each acknowledged message was said to have, by its id. */
    final Map<UUID, Long> acknowledged = new ConcurrentHashMap<>();

    /** Requests that no answer came to: the message may be there or not. */
    final LongAdder unanswered = new LongAdder();

    /** Refused connections, and answers that ask to try again. */
    final LongAdder postponed = new LongAdder();

    /** Answers that name a full disk. */
    final LongAdder full = new LongAdder();

    /** Answers that say nothing: 500, "internal". */
    final LongAdder faults = new LongAdder();

    /** Answers that should not have been. */
    final Queue<String> complaints = new ConcurrentLinkedQueue<>();
  }

  private final HttpClient http;
  private final URI address;
  private final String token;
  private final UUID conversation;
  private final Random random;
  private final Seen seen;

  Persistent(HttpClient http, int port, String token, UUID conversation, Random random, Seen seen) {
    this.http = http;
    this.address = URI.create("http://127.0.0.1:" + port + "/rest/v1/rpc/send_message");
    this.token = token;
    this.conversation = conversation;
    this.random = random;
    this.seen = seen;
  }

  /**
   * Begins new messages for as long as that holds, and ends when the last one is acknowledged.
   *
   * @param patience as long as this holds, it tries again
   */
  void send(BooleanSupplier on, BooleanSupplier patience) throws InterruptedException {
    while (on.getAsBoolean()) {
      UUID id = newId();
      @Nullable Long seq = null;
      while (seq == null) {
        if (!patience.getAsBoolean()) {
          seen.complaints.add(id + " was never acknowledged");
          return;
        }
        seq = tried(id);
        if (seq == null) {
          Thread.sleep(random.nextLong(20, 150)); // whoever writes tries again later
        }
      }
      seen.acknowledged.put(id, seq);
    }
  }

  /** The message's number once it is acknowledged; null when it is to be sent again. */
  private @Nullable Long tried(UUID id) throws InterruptedException {
    String body =
        JSON.writeValueAsString(
            Map.of("conversation_id", conversation, "content", "message " + id, "id", id));
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(Duration.ofSeconds(10))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> response;
    try {
      response = http.send(request, BodyHandlers.ofString());
    } catch (ConnectException e) {
      seen.postponed.increment(); // nobody was there to take it
      return null;
    } catch (IOException e) {
      seen.unanswered.increment();
      return null;
    }
    if (response.statusCode() == 200) {
      JsonNode message = JSON.readTree(response.body());
      if (!message.path("id").asString("").equals(id.toString())) {
        seen.complaints.add("For " + id + " came " + response.body());
      }
      return message.path("seq").asLong();
    }
    if (response.statusCode() < 500) {
      seen.complaints.add(id + " was answered " + response.statusCode() + " " + response.body());
    }
    if (response.statusCode() == 500) {
      seen.faults.increment();
    }
    if (response.body().contains("\"code\":\"53100\"")) {
      seen.full.increment();
    }
    seen.postponed.increment();
    return null;
  }

  /** A UUIDv7 of this moment. */
  private UUID newId() {
    long time = System.currentTimeMillis() << 16;
    return new UUID(time | 0x7000 | random.nextInt(0x1000), random.nextLong() >>> 2 | 1L << 63);
  }
}
