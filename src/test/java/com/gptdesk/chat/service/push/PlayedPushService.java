package com.gptdesk.chat.service.push;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A push service on this machine, which keeps what it is sent and answers as it is told to. */
final class PlayedPushService implements AutoCloseable {

  /** What one device was sent. */
  record Request(String path, Headers headers, byte[] body) {
    String header(String name) {
      return String.valueOf(headers.getFirst(name));
    }
  }

  /**
   * One answer.
   *
   * @param status 0: none at all, until the service closes
   */
  record Answer(int status, @Nullable String retryAfter) {}

  final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();

  private final Map<String, Queue<Answer>> answers = new ConcurrentHashMap<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;

  PlayedPushService() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::take);
    server.start();
  }

  String origin() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** To the next request of this device, after those that were said before; then 201. */
  void answers(String path, int status, @Nullable String retryAfter) {
    answers
        .computeIfAbsent(path, name -> new ConcurrentLinkedQueue<>())
        .add(new Answer(status, retryAfter));
  }

  private void take(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      byte[] body = exchange.getRequestBody().readAllBytes();
      Queue<Answer> told = answers.get(path);
      Answer next = told == null ? null : told.poll();
      Answer answer = next == null ? new Answer(201, null) : next;
      requests.add(new Request(path, exchange.getRequestHeaders(), body));
      if (answer.status() == 0) {
        closing.await();
        return;
      }
      if (answer.retryAfter() != null) {
        exchange.getResponseHeaders().add("Retry-After", answer.retryAfter());
      }
      if (answer.status() == 302) {
        exchange.getResponseHeaders().add("Location", origin() + "/elsewhere");
      }
      exchange.sendResponseHeaders(answer.status(), -1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    threads.close();
  }
}
