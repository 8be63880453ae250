package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One node of the service in a process of its own, always at the same port. */
public final class NodeProcess implements AutoCloseable {
  private final String name;
  private final Path log;
  private final List<String> program;
  private final Map<String, String> settings;
  private final int port;
  private @Nullable Process process;

  /**
   * On a database that is there already.
   *
   * @param more settings beside the login and the secret
   */
  public NodeProcess(
      String name,
      Login login,
      String secret,
      Path directory,
      List<String> jvmOptions,
      Map<String, String> more)
      throws IOException {
    this(name, directory, jvmOptions, onDatabase(login, secret, more));
  }

  /**
   * Of the last build, as {@code scripts/run} starts it, on a database that is there already.
   *
   * @param more settings beside the login and the secret
   */
  public static NodeProcess installed(
      String name,
      Login login,
      String secret,
      Path directory,
      List<String> jvmOptions,
      Map<String, String> more)
      throws IOException {
    Map<String, String> settings = onDatabase(login, secret, more);
    settings.put("JAVA_OPTS", String.join(" ", jvmOptions));
    return new NodeProcess(List.of("scripts/java"), name, directory, settings);
  }

  /**
   * @param directory where its log goes
   * @param jvmOptions of its JVM; none are the JVM's own choice
   * @param settings {@code CHAT_…} variables, and no others
   */
  public NodeProcess(
      String name, Path directory, List<String> jvmOptions, Map<String, String> settings)
      throws IOException {
    this(java(jvmOptions), name, directory, settings);
  }

  private NodeProcess(
      List<String> program, String name, Path directory, Map<String, String> settings)
      throws IOException {
    this.program = program;
    this.name = name;
    this.log = directory.resolve(name + ".log");
    this.settings = settings;
    this.port = FreePort.any();
  }

  private static List<String> java(List<String> options) {
    List<String> program = new ArrayList<>();
    program.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    program.addAll(options);
    program.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-classpath",
            System.getProperty("java.class.path"),
            "com.gptdesk.chat.service.Main"));
    return program;
  }

  private static Map<String, String> onDatabase(
      Login login, String secret, Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("CHAT_DATABASE_URL", login.url());
    settings.put("CHAT_DATABASE_USER", login.user());
    settings.put("CHAT_DATABASE_PASSWORD", login.password());
    settings.put("CHAT_JWT_SECRET", secret);
    return settings;
  }

  String name() {
    return name;
  }

  public int port() {
    return port;
  }

  /** Of the process that runs now. */
  public long pid() {
    Process running = process;
    if (running == null) {
      throw new IllegalStateException(name + " was not started");
    }
    return running.pid();
  }

  Path log() {
    return log;
  }

  /** Begins to start; see {@link #awaitReady}. */
  public void start() throws IOException {
    List<String> command = new ArrayList<>(program);
    command.addAll(List.of("serve", "--port", String.valueOf(port)));
    var builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(variable -> variable.startsWith("CHAT_"));
    builder.environment().putAll(settings);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    process = builder.start();
  }

  /** Waits until it says that it is ready; fails when it ends instead, or takes too long. */
  public void awaitReady(HttpClient http) throws IOException, InterruptedException {
    await(http, 200);
  }

  /** Waits until it says that nothing should be sent to it; fails as the other does. */
  void awaitNotReady(HttpClient http) throws IOException, InterruptedException {
    await(http, 503);
  }

  private void await(HttpClient http, int status) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + Await.PATIENCE.toNanos();
    HttpRequest question =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health/ready"))
            .timeout(Await.PATIENCE)
            .build();
    while (System.nanoTime() < deadline) {
      Process running = process;
      if (running == null || !running.isAlive()) {
        throw new IOException(
            name + " ended before its health was " + status + ":\n" + lastWords());
      }
      try {
        if (http.send(question, BodyHandlers.discarding()).statusCode() == status) {
          return;
        }
      } catch (IOException e) {
        // not yet
      }
      Thread.sleep(100); // asked again ten times a second
    }
    throw new IOException(name + "'s health did not become " + status + ":\n" + lastWords());
  }

  String lastWords() {
    try {
      List<String> lines = Files.readAllLines(log);
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
    } catch (IOException e) {
      return "nothing";
    }
  }

  boolean isAlive() {
    Process running = process;
    return running != null && running.isAlive();
  }

  /** As an operator does: sockets are closed with 1012. */
  void terminate() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroy();
      if (!running.waitFor(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        running.destroyForcibly().waitFor();
      }
    }
  }

  /** As a power cut does. */
  void kill() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  void signal(String signal) throws IOException, InterruptedException {
    Process running = process;
    if (running != null) {
      new ProcessBuilder("kill", "-" + signal, String.valueOf(running.pid())).start().waitFor();
    }
  }

  /** What it holds of the machine's memory, in MiB. */
  long residentMib() {
    Process running = process;
    if (running == null) {
      return 0;
    }
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + running.pid() + "/status"))) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
        }
      }
    } catch (IOException e) {
      return 0; // not on this system
    }
    return 0;
  }

  @Override
  public void close() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly();
    }
  }
}
