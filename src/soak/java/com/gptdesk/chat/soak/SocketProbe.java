package com.gptdesk.chat.soak;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One WebSocket of a client, as it is until it breaks. */
final class SocketProbe implements WebSocket.Listener, AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final long HEARTBEAT = TimeUnit.SECONDS.toNanos(2);
  private static final long DEAD = TimeUnit.SECONDS.toNanos(8);

  /** The socket is closed or broken. */
  static final class Broken extends Exception {
    Broken(String message) {
      super(message);
    }
  }

  /** A message of the server. */
  record Message(String topic, String event, JsonNode payload) {
    String status() {
      return payload.path("status").asString("");
    }
  }

  private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
  private final StringBuilder partial = new StringBuilder();
  private final WebSocket socket;
  private volatile @Nullable String ended;
  private volatile boolean readingStopped;
  private long lastHeard = System.nanoTime();
  private long lastBeat = System.nanoTime();
  private int counter;

  private SocketProbe(HttpClient http, URI address)
      throws ExecutionException, TimeoutException, InterruptedException {
    socket =
        http.newWebSocketBuilder()
            .connectTimeout(Duration.ofSeconds(5))
            .buildAsync(address, this)
            .get(6, TimeUnit.SECONDS);
  }

  static SocketProbe open(HttpClient http, int port, String token)
      throws Broken, InterruptedException {
    try {
      return new SocketProbe(
          http,
          URI.create(
              "ws://127.0.0.1:" + port + "/realtime/v1/websocket?vsn=2.0.0&apikey=" + token));
    } catch (ExecutionException | TimeoutException e) {
      throw new Broken(String.valueOf(e.getMessage()));
    }
  }

  void join(String topic, String bindings) throws Broken {
    say(
        String.valueOf(++counter),
        "realtime:" + topic,
        "phx_join",
        "{\"config\":{\"postgres_changes\":" + bindings + "}}");
  }

  void say(String ref, String topic, String event, String payload) throws Broken {
    sayText("[\"%s\",\"%s\",\"%s\",\"%s\",%s]".formatted(ref, ref, topic, event, payload));
  }

  void sayText(String text) throws Broken {
    try {
      socket.sendText(text, true).get(5, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      String end = ended; // The server's word for it, if it came in between.
      throw new Broken(end != null ? end : String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Broken("interrupted");
    }
  }

  /** The next message; null when none came within the time. Keeps the probe alive meanwhile. */
  @Nullable Message next(long millis) throws Broken, InterruptedException {
    String frame = frames.poll(Math.min(millis, 500), TimeUnit.MILLISECONDS);
    long now = System.nanoTime();
    if (frame != null) {
      lastHeard = now;
      JsonNode parts = JSON.readTree(frame);
      return new Message(parts.get(2).asString(), parts.get(3).asString(), parts.get(4));
    }
    String end = ended;
    if (end != null) {
      throw new Broken(end);
    }
    if (now - lastHeard > DEAD) {
      throw new Broken("silent");
    }
    if (now - lastBeat > HEARTBEAT) {
      lastBeat = now;
      say("h" + counter, "phoenix", "heartbeat", "{}");
    }
    return null;
  }

  void stopReading() {
    readingStopped = true;
  }

  boolean hasEnded() {
    return ended != null;
  }

  @Override
  public void onOpen(WebSocket webSocket) {
    webSocket.request(1);
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
    partial.append(data);
    if (last) {
      frames.add(partial.toString());
      partial.setLength(0);
    }
    if (!readingStopped) {
      webSocket.request(1);
    }
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket webSocket, int code, String reason) {
    ended = "closed with " + code + " " + reason;
    return null;
  }

  @Override
  public void onError(WebSocket webSocket, Throwable error) {
    ended = String.valueOf(new IOException(error).getMessage());
  }

  @Override
  public void close() {
    socket.abort();
  }
}
