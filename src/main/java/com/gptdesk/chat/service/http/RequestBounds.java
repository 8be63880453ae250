package com.gptdesk.chat.service.http;

import java.time.Duration;

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
  /**
   * A body of 1 MiB: some 250 times the longest message with its defaults. The line is long enough
   * for a token in it, which sockets of browsers need.
   */
  public static RequestBounds defaults() {
    return new RequestBounds(1L << 20, 16_384, 8192, Duration.ofSeconds(10));
  }

  public RequestBounds withBody(long bytes) {
    return new RequestBounds(bytes, maxHeaderBytes, maxLineBytes, arrival);
  }
}
