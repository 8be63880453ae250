package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.service.storage.StorageEndpoint;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Logs requests, one line each: method, path, status and duration. Queries and headers are never
 * logged, as they contain tokens. Health and metrics are left out.
 *
 * @param wanted which requests
 * @param slow how long an answer takes at least to be logged as slow
 */
record RequestLog(Wanted wanted, Duration slow) {
  /** Which requests are logged. */
  enum Wanted {
    /** Answers that are slow, and those that report a failure of the server. */
    PROBLEMS,
    /** Each request; ordinary answers as information. */
    ALL,
    /** No request. */
    NONE
  }

  private static final Setting<Wanted> WANTED =
      Setting.of(
          "CHAT_REQUEST_LOG",
          "problems, all or none",
          Map.of("problems", Wanted.PROBLEMS, "all", Wanted.ALL, "none", Wanted.NONE)::get,
          Wanted.PROBLEMS,
          "problems",
          "`problems`: answers from 500 on and slow ones; `all`: each request, which costs time under load");
  private static final Setting<Duration> SLOW =
      Setting.millis(
          "CHAT_SLOW_REQUEST_MS",
          1000,
          1,
          3_600_000,
          "an answer that takes at least this long is logged as slow");

  /** Which requests are logged, and what is slow. */
  static final List<Setting<?>> SETTINGS = List.of(WANTED, SLOW);

  private static final Logger LOG = LoggerFactory.getLogger("com.gptdesk.chat.access");

  /** Read from the environment. */
  static RequestLog from(Settings settings) {
    return new RequestLog(settings.get(WANTED), settings.get(SLOW));
  }

  /** What holds without settings. */
  static RequestLog defaults() {
    return new RequestLog(Wanted.PROBLEMS, Duration.ofSeconds(1));
  }

  /** The path without its query; "" for a request without one, as {@code OPTIONS *}. */
  static String path(HttpServerRequest request) {
    String path = request.path();
    return path == null ? "" : path;
  }

  /** Writes the line, if there is one, when the answer has been sent. */
  void follow(RoutingContext context, String id) {
    String path = path(context.request());
    if (wanted == Wanted.NONE || path.startsWith("/health/") || path.equals("/metrics")) {
      return;
    }
    long start = System.nanoTime();
    context.addEndHandler(
        ended -> {
          // A large file takes as long as its client's line needs.
          Duration took =
              path.startsWith(StorageEndpoint.PREFIX)
                  ? Duration.ZERO
                  : Duration.ofNanos(System.nanoTime() - start);
          int status = context.response().getStatusCode();
          Level level = level(status, took);
          if (level != null) {
            write(level, id, context.request(), status, took);
          }
        });
  }

  /** Logs a refused upgrade to a WebSocket, which the router never sees. */
  void refused(HttpServerRequest request, String id) {
    int status = request.response().getStatusCode();
    Level level = level(status, Duration.ZERO);
    if (level != null) {
      write(level, id, request, status, Duration.ZERO);
    }
  }

  /** Null for none. A socket and a client's own error are nothing that the server has to mend. */
  @Nullable Level level(int status, Duration took) {
    return switch (wanted) {
      case NONE -> null;
      case PROBLEMS -> isProblem(status, took) ? Level.WARN : null;
      case ALL -> isProblem(status, took) ? Level.WARN : Level.INFO;
    };
  }

  private boolean isProblem(int status, Duration took) {
    return status >= 500 || took.compareTo(slow) >= 0;
  }

  private static void write(
      Level level, String id, HttpServerRequest request, int status, Duration took) {
    RequestId.named(
        id,
        () ->
            LOG.atLevel(level)
                .log(
                    "{} {} {} {} ms",
                    request.method(),
                    path(request),
                    status,
                    TimeUnit.NANOSECONDS.toMillis(took.toNanos())));
  }
}
