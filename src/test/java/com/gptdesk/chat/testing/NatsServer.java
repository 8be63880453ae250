package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.abort;

import com.gptdesk.chat.nats.NatsSettings;
import java.io.IOException;
import java.util.Arrays;
import java.util.UUID;

/**
 * A NATS server of a test's own. Where none is installed its test is skipped, loudly; {@code
 * CHAT_REQUIRE=nats} makes that a failure.
 */
public final class NatsServer implements AutoCloseable {
  private final NatsProcess process;

  /**
   * Starts one.
   *
   * @param options of {@code nats-server}, beside address and port
   */
  public NatsServer(String... options) throws IOException {
    String program = NatsProcess.installed();
    if (program == null) {
      String missing =
          "nats-server is not installed (Debian: nats-server), so CHAT_NATS_URL was not tried.";
      assertFalse(
          Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(",")).contains("nats"),
          missing);
      System.err.println("*** SKIPPED nats: " + missing);
      abort(missing);
      throw new IllegalStateException(missing);
    }
    process = new NatsProcess(program, options);
    start();
  }

  public String url() {
    return process.url();
  }

  /** To enter it by, with subjects that nobody else has. */
  public NatsSettings settings() {
    return NatsSettings.of(url(), null, "test-" + UUID.randomUUID());
  }

  /** Starts it, again if need be; returns when it listens. */
  public void start() throws IOException {
    process.start();
    Await.until("nats-server", process::listens);
  }

  /** As a power cut does. */
  public void kill() throws InterruptedException {
    process.kill();
  }

  @Override
  public void close() {
    process.close();
  }
}
