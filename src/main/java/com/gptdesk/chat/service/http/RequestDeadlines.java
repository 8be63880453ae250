package com.gptdesk.chat.service.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Cuts off who takes longer to send a request than it may; a byte now and then keeps an idle
 * time-out from ever ending. The first request must arrive in time from the opening of its
 * connection on, each body from its headers on. A later request may begin when it likes, as a
 * connection may be idle: its headers count as a part of that.
 *
 * <p>Looks at all connections of one event loop now and then, since timers for each request would
 * cost more. For that event loop alone.
 */
public final class RequestDeadlines {
  /** How often it looks in the time that is allowed. */
  private static final int LOOKS = 4;

  private final long arrivalNanos;
  private final long idleNanos;
  private final Consumer<HttpServerRequest> late;
  private final Map<HttpConnection, Awaited> connections = new HashMap<>();

  /** What must have come until then; of that request, or of a next one. */
  private record Awaited(@Nullable HttpServerRequest last, boolean body, long until) {}

  /**
   * @param arrival how long a request may take
   * @param idle how long a connection may be without one
   * @param late answers a request whose body does not come
   */
  public RequestDeadlines(
      Vertx vertx, Duration arrival, Duration idle, Consumer<HttpServerRequest> late) {
    this.arrivalNanos = arrival.toNanos();
    this.idleNanos = idle.toNanos();
    this.late = late;
    vertx.setPeriodic(Math.max(1, arrival.toMillis() / LOOKS), timer -> look());
  }

  /** A connection was made. */
  public void opened(HttpConnection connection) {
    connections.put(connection, new Awaited(null, false, System.nanoTime() + arrivalNanos));
    connection.closeHandler(nothing -> connections.remove(connection));
  }

  /** The headers of a request are there. */
  public void begun(HttpServerRequest request) {
    HttpConnection connection = request.connection();
    connections.put(connection, new Awaited(request, true, System.nanoTime() + arrivalNanos));
    request
        .end()
        .onSuccess(
            nothing ->
                connections.put(
                    connection, new Awaited(request, false, System.nanoTime() + idleNanos)));
  }

  /** No more requests will come on this connection: it becomes a socket, or is closed. */
  public void forget(HttpConnection connection) {
    connections.remove(connection);
  }

  private void look() {
    long now = System.nanoTime();
    for (Map.Entry<HttpConnection, Awaited> each : List.copyOf(connections.entrySet())) {
      Awaited awaited = each.getValue();
      HttpServerRequest last = awaited.last();
      if (now < awaited.until()) {
        continue;
      }
      if (last != null && !awaited.body() && !last.response().ended()) {
        // The answer takes its time, which is not the client's fault.
        connections.put(each.getKey(), new Awaited(last, false, now + idleNanos));
        continue;
      }
      connections.remove(each.getKey());
      if (last != null && awaited.body() && !last.response().headWritten()) {
        late.accept(last);
      }
      each.getKey().close();
    }
  }
}
