package com.gptdesk.chat.api;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The name by which a request is found again: in its answer, and in each log line about it. */
final class RequestId {
  static final String HEADER = "X-Request-Id";

  /** Its name in the log's context. */
  static final String FIELD = "request";

  private RequestId() {}

  /** The caller's, when it is short and plain; else a new one. */
  static String of(@Nullable String header) {
    return header != null && header.matches("[A-Za-z0-9_.-]{8,64}")
        ? header
        : UUID.randomUUID().toString();
  }
}
