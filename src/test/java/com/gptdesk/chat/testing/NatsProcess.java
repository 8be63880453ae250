package com.gptdesk.chat.testing;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A NATS server in a process of its own, always at the same port, which may be killed. */
public final class NatsProcess implements AutoCloseable {
  private final int port;
  private final List<String> command;
  private @Nullable Process process;

  /**
   * One that does not run yet.
   *
   * @param program {@code nats-server}
   * @param options of it, beside address and port
   */
  public NatsProcess(String program, String... options) throws IOException {
    this.port = FreePort.any();
    this.command = new ArrayList<>(List.of(program, "-a", "127.0.0.1", "-p", port + ""));
    command.addAll(List.of(options));
  }

  /** Where one is installed, or null. */
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

  /** Starts it, again if need be; see {@link #listens}. */
  public void start() throws IOException {
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
  }

  public boolean listens() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** As a power cut does. */
  public void kill() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  @Override
  public void close() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly();
    }
  }
}
