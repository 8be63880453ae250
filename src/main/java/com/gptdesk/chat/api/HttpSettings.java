package com.gptdesk.chat.api;

/**
 * Where the service listens and what it accepts.
 *
 * @param host address to listen on
 * @param port 0 for any free one
 * @param maxBodyBytes longer request bodies are answered with 413
 */
public record HttpSettings(String host, int port, long maxBodyBytes) {
  /** 1 MiB: some 250 times the longest message with its defaults. */
  public static final long DEFAULT_MAX_BODY_BYTES = 1L << 20;

  /** That port on all addresses. */
  public static HttpSettings ofPort(int port) {
    return new HttpSettings("0.0.0.0", port, DEFAULT_MAX_BODY_BYTES);
  }
}
