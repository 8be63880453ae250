package com.gptdesk.chat.service.http;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How much a request may bring, and how long that may take.
 *
 * @param maxBodyBytes longer bodies are answered with 413
 * @param maxHeaderBytes longer headers, all of them together, are answered with 431
 * @param maxLineBytes a longer first line, with method and address, is answered with 414
 * @param arrival who needs longer is cut off, with 408 when at least the headers are there
 */
public record RequestBounds(
    long maxBodyBytes, int maxHeaderBytes, int maxLineBytes, Duration arrival) {
  private static final Setting<Integer> BODY =
      Setting.number(
          "CHAT_MAX_BODY_BYTES", 1 << 20, 1024, 64 * 1024 * 1024, "the longest request body");
  private static final Setting<Integer> HEADERS =
      Setting.number(
          "CHAT_MAX_HEADER_BYTES", 16_384, 1024, 1024 * 1024, "all headers of a request together");
  private static final Setting<Integer> LINE =
      Setting.number(
          "CHAT_MAX_REQUEST_LINE_BYTES",
          8192,
          1024,
          1024 * 1024,
          "method and address of a request");
  private static final Setting<Duration> ARRIVAL =
      Setting.millis(
          "CHAT_MAX_REQUEST_ARRIVAL_MS",
          10_000,
          100,
          3_600_000,
          "how long a request may take to arrive");

  /** Those of a request. */
  public static final List<Setting<?>> SETTINGS = List.of(BODY, HEADERS, LINE, ARRIVAL);

  /** As the environment says. */
  public static RequestBounds from(Settings settings) {
    return new RequestBounds(
        settings.get(BODY), settings.get(HEADERS), settings.get(LINE), settings.get(ARRIVAL));
  }

  /**
   * A body of 1 MiB: some 250 times the longest message with its defaults. The line is long enough
   * for a token in it, which sockets of browsers need.
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
        .withHint("At most " + maxBodyBytes + " bytes are taken");
  }

  /** The answer to headers that are too long. */
  public Problem headersTooLong() {
    return Problem.of(431, "PT431", "The headers are too long")
        .withHint("At most " + maxHeaderBytes + " bytes are taken, all headers together");
  }

  /** The answer to a first line that is too long. */
  public Problem lineTooLong() {
    return Problem.of(414, "PT414", "The address is too long")
        .withHint("At most " + maxLineBytes + " bytes are taken");
  }

  /** The answer to a request that does not arrive. */
  public Problem tooSlow() {
    return Problem.of(408, "PT408", "The request took too long to arrive")
        .withHint("At most " + arrival.toMillis() + " ms are given");
  }
}
