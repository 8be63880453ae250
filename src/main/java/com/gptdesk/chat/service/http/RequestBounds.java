package com.gptdesk.chat.service.http;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The limits of a request's size and of its arrival time.
 *
 * @param maxBodyBytes longer bodies are answered with 413
 * @param maxHeaderBytes longer headers, all of them together, are answered with 431
 * @param maxLineBytes a longer first line, with method and address, is answered with 414
 * @param arrival slower requests are closed, with 408 when the headers have arrived
 */
public record RequestBounds(
    long maxBodyBytes, int maxHeaderBytes, int maxLineBytes, Duration arrival) {
  private static final Setting<Integer> BODY =
      Setting.number(
          "CHAT_MAX_BODY_BYTES",
          1 << 20,
          1024,
          64 * 1024 * 1024,
          "the longest request body; more is answered with 413");
  private static final Setting<Integer> HEADERS =
      Setting.number(
          "CHAT_MAX_HEADER_BYTES",
          16_384,
          1024,
          1024 * 1024,
          "all headers of a request together; more is answered with 431");
  private static final Setting<Integer> LINE =
      Setting.number(
          "CHAT_MAX_REQUEST_LINE_BYTES",
          8192,
          1024,
          1024 * 1024,
          "method and address of a request; more is answered with 414");
  private static final Setting<Duration> ARRIVAL =
      Setting.millis(
          "CHAT_MAX_REQUEST_ARRIVAL_MS",
          10_000,
          100,
          3_600_000,
          "how long a request may take to arrive: its headers after the connection opened, its body after the headers; then 408 and the connection closes");

  /** The settings of requests. */
  public static final List<Setting<?>> SETTINGS = List.of(BODY, HEADERS, LINE, ARRIVAL);

  /** Read from the environment. */
  public static RequestBounds from(Settings settings) {
    return new RequestBounds(
        settings.get(BODY), settings.get(HEADERS), settings.get(LINE), settings.get(ARRIVAL));
  }

  /**
   * The defaults. A body of 1 MiB is about 250 times the longest message. The first line has room
   * for a token, which browsers' sockets need.
   */
  public static RequestBounds defaults() {
    return from(new Settings(Map.of()));
  }

  public RequestBounds withBody(long bytes) {
    return new RequestBounds(bytes, maxHeaderBytes, maxLineBytes, arrival);
  }

  /** The answer to a body that is too long. */
  public Problem bodyTooLong() {
    return Problem.of(413, "PT413", "The request body is too long")
        .withHint("At most " + maxBodyBytes + " bytes are allowed");
  }

  /** The answer to headers that are too long. */
  public Problem headersTooLong() {
    return Problem.of(431, "PT431", "The headers are too long")
        .withHint("At most " + maxHeaderBytes + " bytes are allowed, for all headers together");
  }

  /** The answer to a first line that is too long. */
  public Problem lineTooLong() {
    return Problem.of(414, "PT414", "The address is too long")
        .withHint("At most " + maxLineBytes + " bytes are allowed");
  }

  /** The answer to a request that does not arrive within that time. */
  public static Problem tooSlow(Duration allowed) {
    return Problem.of(408, "PT408", "The request took too long to arrive")
        .withHint("At most " + allowed.toMillis() + " ms are allowed");
  }
}
