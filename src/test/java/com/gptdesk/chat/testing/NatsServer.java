package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.abort;

import com.gptdesk.chat.service.cluster.NatsSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.UUID;

/**
 * A NATS server of a test's own. Where none is installed its test is skipped, loudly; {@code
 * CHAT_REQUIRE=nats} makes that a failure.
 */
public final class NatsServer implements AutoCloseable {
  private static boolean hasSaidSo;

  private final NatsProcess process;

  /**
   * Starts one.
   *
   * @param options of {@code nats-server}, beside address and port
   */
  public NatsServer(String... options) throws IOException {
    process = new NatsProcess(program(), options);
    start();
  }

  private static synchronized String program() {
    String program = NatsProcess.installed();
    if (program == null) {
      String missing =
          "nats-server is not installed (Debian: nats-server), so CHAT_NATS_URL was not tried.";
      assertFalse(
          Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(",")).contains("nats"),
          missing);
      if (!hasSaidSo) {
        hasSaidSo = true;
        System.err.println("*** SKIPPED nats: " + missing);
      }
      abort(missing);
      throw new IllegalStateException(missing);
    }
    return program;
  }

  /** One for all tests that do not break it. */
  public static NatsServer shared() {
    program(); // else the class below could not be used, and nobody would be told why
    return Shared.RUNNING;
  }

  /** Started by the first test that asks, and ended with the JVM. */
  private static final class Shared {
    static final NatsServer RUNNING = begun();

    private static NatsServer begun() {
      try {
        NatsServer server = new NatsServer();
        Runtime.getRuntime().addShutdownHook(new Thread(server::close));
        return server;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
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
