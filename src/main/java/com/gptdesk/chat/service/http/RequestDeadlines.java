package com.gptdesk.chat.service.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Closes connections that send a request too slowly, which an idle timeout does not catch. The
 * first request must arrive within the limit after its connection opens, each body after its
 * headers. A later request may start at any time, as connections may be idle; its headers count as
 * part of that idle time.
 *
 * <p>Checks all connections of one event loop at intervals, since a timer for each request would
 * cost more. Used only on that event loop.
 */
public final class RequestDeadlines {
  /** The number of checks within the limit. */
  private static final int LOOKS = 4;

  private final Duration arrival;
  private final Duration idle;
  private final BiConsumer<HttpServerRequest, Duration> late;
  private final Map<HttpConnection, Awaited> connections = new HashMap<>();

  /** The deadline of the current request, or of the next one. */
  private record Awaited(
      @Nullable HttpServerRequest last, boolean body, Duration arrival, long until) {}

  /**
   * @param arrival how long a request may take
   * @param idle how long a connection may be without one
   * @param late answers a request whose body does not arrive within that time
   */
  public RequestDeadlines(
      Vertx vertx, Duration arrival, Duration idle, BiConsumer<HttpServerRequest, Duration> late) {
    this.arrival = arrival;
    this.idle = idle;
    this.late = late;
    vertx.setPeriodic(Math.max(1, arrival.toMillis() / LOOKS), timer -> look());
  }

  /** A connection was opened. */
  public void opened(HttpConnection connection) {
    connections.put(connection, awaited(null, false, arrival));
    connection.closeHandler(nothing -> connections.remove(connection));
  }

  /** The headers of a request have arrived. */
  public void begun(HttpServerRequest request) {
    HttpConnection connection = request.connection();
    connections.put(connection, awaited(request, true, arrival));
    request.end().onSuccess(nothing -> connections.put(connection, awaited(request, false, idle)));
  }

  /** The body of the connection's current request may take longer. */
  public void extend(HttpConnection connection, Duration longer) {
    connections.computeIfPresent(
        connection,
        (same, awaited) -> awaited.body() ? awaited(awaited.last(), true, longer) : awaited);
  }

  /** Its body is not read for now, so that the time is not the client's. */
  public void held(HttpServerRequest request) {
    replace(request, false, idle);
  }

  /**
   * More of its body is wanted from now on: a long body has the time of a request for each part.
   */
  public void awaited(HttpServerRequest request) {
    replace(request, true, arrival);
  }

  /** Not when its body is whole: the next request may have begun. */
  private void replace(HttpServerRequest request, boolean body, Duration within) {
    if (!request.isEnded()) {
      connections.computeIfPresent(
          request.connection(), (connection, now) -> awaited(now.last(), body, within));
    }
  }

  /** No more requests come on this connection: it became a socket or was closed. */
  public void forget(HttpConnection connection) {
    connections.remove(connection);
  }

  private static Awaited awaited(@Nullable HttpServerRequest last, boolean body, Duration within) {
    return new Awaited(last, body, within, System.nanoTime() + within.toNanos());
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
        // The time of the answer is not the client's.
        connections.put(each.getKey(), awaited(last, false, idle));
        continue;
      }
      connections.remove(each.getKey());
      if (last != null && awaited.body() && !last.response().headWritten()) {
        late.accept(last, awaited.arrival());
      }
      each.getKey().close();
    }
  }
}
