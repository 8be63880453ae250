package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.testing.Await;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A client that speaks version 2.0.0 frame by frame, for what the official ones never say. */
final class SocketClient implements WebSocket.Listener, AutoCloseable {
  /** A message of the server. */
  record Message(
      @Nullable String joinRef,
      @Nullable String ref,
      String topic,
      String event,
      JsonNode payload) {
    String status() {
      return payload.path("status").asString("");
    }

    String reason() {
      return payload.path("response").path("reason").asString("");
    }
  }

  private final BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
  private final BlockingQueue<byte[]> binaries = new LinkedBlockingQueue<>();
  private final CompletableFuture<Integer> closed = new CompletableFuture<>();
  private final ArrayDeque<Message> heldBack = new ArrayDeque<>();
  private final StringBuilder partial = new StringBuilder();
  private final ByteArrayOutputStream partialBinary = new ByteArrayOutputStream();
  private final WebSocket socket;
  private volatile boolean slow;
  private volatile boolean deaf;
  private int counter;

  private SocketClient(HttpClient http, URI address) {
    this.socket = http.newWebSocketBuilder().buildAsync(address, this).join();
  }

  static SocketClient connect(HttpClient http, int port, String apikey) {
    return new SocketClient(
        http,
        URI.create("ws://127.0.0.1:" + port + "/realtime/v1/websocket?vsn=2.0.0&apikey=" + apikey));
  }

  /** From now on takes its time with each message. */
  void readsSlowly() {
    slow = true;
  }

  /** From now on takes nothing from the network. */
  void stopsReading() {
    deaf = true;
  }

  /** Takes from the network again. */
  void readsAgain() {
    deaf = false;
    socket.request(1);
  }

  /** Throws away what was heard. */
  void forgets() {
    messages.clear();
  }

  /** A heartbeat's answer comes, whatever comes before it. */
  void isAnswered() {
    String ref = says(null, "phoenix", "heartbeat", "{}");
    while (!ref.equals(next().ref())) {
      Thread.onSpinWait();
    }
  }

  /**
   * Sends a text as it is. One sends after the other: the socket takes nothing before it is done.
   */
  synchronized void says(String text) {
    socket.sendText(text, true).join();
  }

  synchronized void saysBytes(byte[] bytes) {
    socket.sendBinary(ByteBuffer.wrap(bytes), true).join();
  }

  /** Sends a message and returns its ref. */
  synchronized String says(@Nullable String joinRef, String topic, String event, String payload) {
    String ref = String.valueOf(++counter);
    says(
        "[%s,\"%s\",\"%s\",\"%s\",%s]"
            .formatted(
                joinRef == null ? "null" : "\"" + joinRef + "\"", ref, topic, event, payload));
    return ref;
  }

  /**
   * Joins with bindings, a JSON list, and a token or null; returns the join ref, before any answer.
   */
  String asksToJoin(String topic, String bindings, @Nullable String token) {
    String joinRef = String.valueOf(counter + 1);
    String access = token == null ? "" : ",\"access_token\":\"" + token + "\"";
    return says(
        joinRef,
        "realtime:" + topic,
        "phx_join",
        "{\"config\":{\"broadcast\":{\"ack\":false,\"self\":false},\"presence\":{\"key\":\"\",\"enabled\":false},"
            + "\"postgres_changes\":"
            + bindings
            + ",\"private\":false}"
            + access
            + "}");
  }

  /** Joins, and expects to be let in and told so; returns the answer. */
  Message joins(String topic, String bindings, @Nullable String token) {
    asksToJoin(topic, bindings, token);
    Message reply = next("phx_reply");
    assertEquals("ok", reply.status(), reply::toString);
    if (!bindings.equals("[]")) {
      assertEquals("Subscribed to PostgreSQL", next("system").payload().path("message").asString());
    }
    return reply;
  }

  /**
   * Joins with a config of one's own, a JSON object, and expects to be let in; returns the answer.
   */
  Message joinsWith(String topic, String config, @Nullable String token) {
    asksToJoinWith(topic, config, token);
    Message reply = next("phx_reply");
    assertEquals("ok", reply.status(), reply::toString);
    return reply;
  }

  /** Asks to join with a config of one's own; returns the join ref, before any answer. */
  String asksToJoinWith(String topic, String config, @Nullable String token) {
    String joinRef = String.valueOf(counter + 1);
    String access = token == null ? "" : ",\"access_token\":\"" + token + "\"";
    return says(joinRef, "realtime:" + topic, "phx_join", "{\"config\":" + config + access + "}");
  }

  /** The next binary frame. */
  byte[] nextBinary() {
    return Await.next("a binary frame", binaries);
  }

  /**
   * The answer to the message with this ref. What comes by another way may come before it; it stays
   * to be heard.
   */
  Message answerTo(String ref) {
    var before = new ArrayList<Message>();
    try {
      while (true) {
        Message message = next();
        if (message.event().equals("phx_reply") && ref.equals(message.ref())) {
          return message;
        }
        before.add(message);
      }
    } finally {
      heldBack.addAll(before);
    }
  }

  /** The next message on this topic with this event; others are skipped. */
  Message nextOn(String topic, String event) {
    while (true) {
      Message message = next();
      if (message.topic().equals(topic) && message.event().equals(event)) {
        return message;
      }
    }
  }

  /** The next message, whatever it is. */
  Message next() {
    Message held = heldBack.poll();
    return held != null ? held : Await.next("a message", messages);
  }

  /** The next message, which must be of this event. */
  Message next(String event) {
    Message message = next();
    assertEquals(event, message.event(), message::toString);
    return message;
  }

  /**
   * Nothing but the heartbeat's answer comes: whatever was written before would have come first.
   */
  void hasHeardNothing() {
    String ref = says(null, "phoenix", "heartbeat", "{}");
    Message message = next("phx_reply");
    assertEquals(ref, message.ref(), message::toString);
  }

  /** What came before the server closed has been read whole. */
  void hasHeardNoMore() {
    assertEquals(List.of(), List.copyOf(messages));
  }

  /** The code the server closes with. */
  int closeCode() throws Exception {
    return Await.result(closed);
  }

  @Override
  public void onOpen(WebSocket webSocket) {
    webSocket.request(1);
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
    partial.append(data);
    if (last) {
      if (slow) {
        // The thing simulated is a reader that takes its time, not a wait for anything.
        LockSupport.parkNanos(2_000_000);
      }
      JsonNode frame = Objects.requireNonNull(Json.read(partial.toString()));
      partial.setLength(0);
      messages.add(
          new Message(
              frame.get(0).isNull() ? null : frame.get(0).asString(),
              frame.get(1).isNull() ? null : frame.get(1).asString(),
              frame.get(2).asString(),
              frame.get(3).asString(),
              frame.get(4)));
    }
    if (!deaf) {
      webSocket.request(1);
    }
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    partialBinary.writeBytes(bytes);
    if (last) {
      binaries.add(partialBinary.toByteArray());
      partialBinary.reset();
    }
    if (!deaf) {
      webSocket.request(1);
    }
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
    closed.complete(statusCode);
    return null;
  }

  @Override
  public void onError(WebSocket webSocket, Throwable error) {
    closed.completeExceptionally(error);
  }

  @Override
  public void close() {
    socket.abort();
  }
}
