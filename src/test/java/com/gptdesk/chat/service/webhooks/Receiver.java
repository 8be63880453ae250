package com.gptdesk.chat.service.webhooks;

import com.gptdesk.chat.testing.Await;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A system that is told of changes, and misbehaves as a test wants. */
final class Receiver implements AutoCloseable {

  /** What it does with a post. */
  sealed interface Reaction {
    record Answer(int status) implements Reaction {}

    /** Status and so many bytes. */
    record LongAnswer(int status, int bytes) implements Reaction {}

    /** No answer as long as the receiver lives. */
    record Hang() implements Reaction {}

    /** It ends the connection. */
    record HangUp() implements Reaction {}

    /** It leads elsewhere. */
    record Redirect(String location) implements Reaction {}
  }

  static final Reaction OK = new Reaction.Answer(204);

  @FunctionalInterface
  interface Behaviour {
    Reaction to(Post post);
  }

  /** What came. */
  record Post(String id, long timestamp, String signature, String body) {
    private static final JsonMapper JSON = JsonMapper.shared();

    JsonNode json() {
      return JSON.readTree(body);
    }

    String text() {
      return json().path("record").path("content").asString();
    }

    String conversation() {
      return json().path("record").path("conversation_id").asString();
    }
  }

  private final List<Post> posts = new CopyOnWriteArrayList<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;
  private volatile Behaviour behaviour;

  Receiver(Behaviour behaviour) throws IOException {
    this.behaviour = behaviour;
    this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::serve);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:%d/hook?key=1".formatted(server.getAddress().getPort());
  }

  void behaves(Behaviour other) {
    behaviour = other;
  }

  /** All posts so far, in the order in which they came. */
  List<Post> posts() {
    return List.copyOf(posts);
  }

  List<String> texts() {
    return posts.stream().map(Post::text).toList();
  }

  List<Post> awaits(int count) {
    return Await.value(count + " posts", this::posts, all -> all.size() >= count);
  }

  private void serve(HttpExchange exchange) {
    try (exchange) {
      Post post =
          new Post(
              exchange.getRequestHeaders().getFirst("webhook-id"),
              Long.parseLong(exchange.getRequestHeaders().getFirst("webhook-timestamp")),
              exchange.getRequestHeaders().getFirst("webhook-signature"),
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      Reaction reaction;
      synchronized (posts) { // kept in the order in which they were decided
        reaction = behaviour.to(post);
        posts.add(post);
      }
      switch (reaction) {
        case Reaction.Answer(int status) -> exchange.sendResponseHeaders(status, -1);
        case Reaction.LongAnswer(int status, int bytes) -> {
          exchange.sendResponseHeaders(status, bytes);
          exchange.getResponseBody().write(new byte[bytes]);
        }
        case Reaction.Hang() -> closing.await(Await.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        case Reaction.HangUp() -> exchange.close();
        case Reaction.Redirect(String location) -> {
          exchange.getResponseHeaders().set("Location", location);
          exchange.sendResponseHeaders(307, -1);
        }
      }
    } catch (IOException e) {
      return; // the sender has gone, as senders may
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    threads.shutdown();
  }
}
