package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.abort;

import com.gptdesk.chat.nats.NatsSettings;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A NATS server of a test's own, always at the same port. Where none is installed its test is
 * skipped, loudly; {@code CHAT_REQUIRE=nats} makes that a failure.
 */
public final class NatsServer implements AutoCloseable {
  private final String program;
  private final int port;
  private final List<String> options;
  private @Nullable Process process;

  /**
   * Starts one.
   *
   * @param options of {@code nats-server}, beside address and port
   */
  public NatsServer(String... options) {
    String found = installed();
    if (found == null) {
      String missing =
          "nats-server is not installed (Debian: nats-server), so CHAT_NATS_URL was not tried.";
      assertFalse(
          Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(",")).contains("nats"),
          missing);
      System.err.println("*** SKIPPED nats: " + missing);
      abort(missing);
      throw new IllegalStateException(missing);
    }
    this.program = found;
    this.options = List.of(options);
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      this.port = free.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start();
  }

  /** Where one is, or null. */
  public static @Nullable String installed() {
    return Stream.concat(
            Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)),
            Stream.of("/usr/sbin", "/usr/local/sbin"))
        .map(directory -> new File(directory, "nats-server"))
        .filter(File::canExecute)
        .map(File::getPath)
        .findFirst()
        .orElse(null);
  }

  public String url() {
    return "nats://127.0.0.1:" + port;
  }

  /** To enter it by, with subjects that nobody else has. */
  public NatsSettings settings() {
    return NatsSettings.of(url(), null, "test-" + UUID.randomUUID());
  }

  /** Starts it, again if need be; returns when it listens. */
  public void start() {
    var command = new ArrayList<>(List.of(program, "-a", "127.0.0.1", "-p", String.valueOf(port)));
    command.addAll(options);
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Await.until("nats-server", this::listens);
  }

  private boolean listens() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** As a power cut does. */
  public void kill() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly();
      try {
        running.waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    kill();
  }
}
