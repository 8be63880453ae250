package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.RequestId;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs one line for each request: method, path, status and duration. Queries and headers are never
 * logged, as they contain tokens. Health and metrics are left out.
 */
final class RequestLog {
  private static final Logger ACCESS = LoggerFactory.getLogger("com.gptdesk.chat.access");

  private RequestLog() {}

  /** The path without its query; "" for a request without one, as {@code OPTIONS *}. */
  static String path(HttpServerRequest request) {
    String path = request.path();
    return path == null ? "" : path;
  }

  /** Writes the line when the answer has been sent. */
  static void follow(RoutingContext context, String id) {
    String path = path(context.request());
    if (!ACCESS.isInfoEnabled() || path.startsWith("/health/") || path.equals("/metrics")) {
      return;
    }
    long start = System.nanoTime();
    String line = context.request().method() + " " + path;
    context.addEndHandler(
        ended ->
            RequestId.named(
                id,
                () ->
                    ACCESS.info(
                        "{} {} {} ms",
                        line,
                        context.response().getStatusCode(),
                        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))));
  }

  /** Logs an upgrade to a WebSocket, which the router never sees. */
  static void upgraded(HttpServerRequest request, String id) {
    RequestId.named(
        id,
        () ->
            ACCESS.info(
                "{} {} {}", request.method(), path(request), request.response().getStatusCode()));
  }
}
