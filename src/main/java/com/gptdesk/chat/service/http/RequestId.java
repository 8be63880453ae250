package com.gptdesk.chat.service.http;

import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/** The id of a request, in its answer and in each log line about it. */
public final class RequestId {
  public static final String HEADER = "X-Request-Id";

  /** Its key in the log's context. */
  public static final String FIELD = "request";

  private RequestId() {}

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
