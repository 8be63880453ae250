package com.gptdesk.chat.bench;

import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The service of {@code scripts/run --demo} as it was last built: how long until it is ready, on an
 * empty data directory or on one that is there, with the memory that it then holds at rest.
 */
final class Startup implements Scenario {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final Duration POLL = Duration.ofMillis(10);

  /** From ready until the memory is read: what starting took is given back or not by then. */
  private static final Duration REST = Duration.ofSeconds(15);

  private final List<Double> empty = new ArrayList<>();
  private final List<Double> existing = new ArrayList<>();
  private final List<Double> java = new ArrayList<>();
  private final List<Double> postgres = new ArrayList<>();

  @Override
  public String name() {
    return "startup";
  }

  @Override
  public void measure(Run run) throws Exception {
    for (int round = 0; round <= run.rounds(); round++) {
      Path directory = Files.createTempDirectory("gptdesk-chat-startup-");
      try {
        measureOnce(directory, round > 0);
      } finally {
        deleteTree(directory);
      }
      run.progress(round == 0 ? "warm-up" : round + " of " + run.rounds());
    }
    run.add(
        List.of(
            Result.of("to ready", "existing data directory", "s", existing, existing),
            Result.of("to ready", "empty data directory", "s", empty, existing),
            Result.of("memory at rest", "JVM, resident", "MiB", java, java),
            Result.of(
                "memory at rest", "PostgreSQL's processes, proportional", "MiB", postgres, java)));
    run.note(
        "From the start of the process to the first 200 of /health/ready; memory "
            + REST.toSeconds()
            + " s later, nobody there, of Linux's /proc. Always of the embedded PostgreSQL.");
  }

  private void measureOnce(Path directory, boolean counts) throws Exception {
    int port = FreePort.any();
    long begun = System.nanoTime();
    Process first = start(directory, port);
    double firstTook = secondsToReady(first, port, begun);
    stop(first);
    begun = System.nanoTime();
    Process again = start(directory, port);
    try {
      double againTook = secondsToReady(again, port, begun);
      Thread.sleep(REST);
      if (counts) {
        empty.add(firstTook);
        existing.add(againTook);
        java.add(mebibytes(again.pid(), "status", "VmRSS:"));
        postgres.add(mebibytesOfPostgres(directory));
      }
    } finally {
      stop(again);
    }
  }

  private static Process start(Path directory, int port) throws IOException {
    var builder =
        new ProcessBuilder("scripts/java", "serve", "--demo", "--port", String.valueOf(port));
    builder.environment().keySet().removeIf(variable -> variable.startsWith("CHAT_"));
    builder.environment().put("CHAT_DATA_DIR", directory.resolve("data").toString());
    return builder
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("log").toFile()))
        .start();
  }

  private static double secondsToReady(Process service, int port, long begun) throws Exception {
    HttpRequest question =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health/ready"))
            .timeout(Duration.ofSeconds(5))
            .build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      while (service.isAlive() && System.nanoTime() - begun < PATIENCE.toNanos()) {
        try {
          if (http.send(question, BodyHandlers.discarding()).statusCode() == 200) {
            return (System.nanoTime() - begun) / 1e9;
          }
        } catch (IOException e) {
          // not yet
        }
        Thread.sleep(POLL);
      }
    }
    stop(service);
    throw new IllegalStateException("The service did not become ready");
  }

  private static void stop(Process service) throws InterruptedException {
    service.destroy();
    if (!service.waitFor(60, TimeUnit.SECONDS)) {
      service.destroyForcibly().waitFor();
    }
  }

  /** What they share (its buffers, above all) counts once, not once a process. */
  private static double mebibytesOfPostgres(Path directory) throws IOException {
    Path note;
    try (Stream<Path> files =
        Files.find(directory, 5, (path, a) -> path.endsWith("postmaster.pid"))) {
      note = files.findFirst().orElseThrow();
    }
    long postmaster = Long.parseLong(Files.readAllLines(note).getFirst().strip());
    ProcessHandle parent = ProcessHandle.of(postmaster).orElseThrow();
    double sum = 0;
    for (ProcessHandle each : Stream.concat(Stream.of(parent), parent.descendants()).toList()) {
      sum += proportional(each.pid());
    }
    return sum;
  }

  /** The proportional set size of a process in MiB. */
  static double proportional(long pid) throws IOException {
    return mebibytes(pid, "smaps_rollup", "Pss:");
  }

  private static double mebibytes(long pid, String file, String field) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc", String.valueOf(pid), file))) {
      return lines
          .filter(line -> line.startsWith(field))
          .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
          .findFirst()
          .orElseThrow();
    }
  }

  static void deleteTree(Path directory) throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
