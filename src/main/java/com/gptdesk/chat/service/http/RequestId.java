package com.gptdesk.chat.service.http;

import io.vertx.core.http.HttpServerRequest;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/** The id of a request, in its answer and in each log line about it. */
public final class RequestId {
  public static final String HEADER = "X-Request-Id";

  /** Its key in the log's context. */
  public static final String FIELD = "request";

  /** W3C Trace Context: version, trace, span, flags. Only a later version than 00 may have more. */
  private static final Pattern TRACE =
      Pattern.compile(
          "(?!ff)(?!00.{53}-)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?");

  private RequestId() {}

  /** The caller's id, else the id of the caller's trace, else a new one. */
  public static String in(HttpServerRequest request) {
    String own = request.getHeader(HEADER);
    String trace = own == null ? request.getHeader("traceparent") : null;
    Matcher matcher = trace == null ? null : TRACE.matcher(trace);
    return matcher != null && matcher.matches() ? matcher.group(1) : of(own);
  }

  /** The caller's id when it is short and plain, otherwise a new one. */
  public static String of(@Nullable String header) {
    return header != null && header.matches("[A-Za-z0-9_.-]{8,64}")
        ? header
        : UUID.randomUUID().toString();
  }

  /** Sets the id for log lines, since an event loop serves many requests. */
  public static void named(String id, Runnable log) {
    MDC.put(FIELD, id);
    try {
      log.run();
    } finally {
      MDC.remove(FIELD);
    }
  }
}
