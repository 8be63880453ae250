package com.gptdesk.chat.service;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes Java's ahead-of-time cache (JEP 514 and 515): loaded classes, and profiles of what runs
 * often. The cache comes from a second JVM, which serves a demo on a temporary embedded PostgreSQL
 * and uses it for some seconds. A start with {@code -XX:AOTCache=<file>} is warm sooner.
 */
final class TrainingRun {
  /** The first version of Java that keeps profiles. */
  private static final int OLDEST_JAVA = 25;

  private final Path cache;

  TrainingRun(Path cache) {
    this.cache = cache.toAbsolutePath();
  }

  /**
   * Writes the cache unless it is newer than the program.
   *
   * @return what was done, in one sentence
   * @throws IOException when the cache cannot be written
   */
  String run() throws IOException, InterruptedException {
    if (Runtime.version().feature() < OLDEST_JAVA) {
      return "Java %d has no such cache, Java %d has: nothing was written."
          .formatted(Runtime.version().feature(), OLDEST_JAVA);
    }
    if (isNewerThanTheProgram()) {
      return cache + " is up to date.";
    }
    Path folder = cache.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException("There is no folder " + folder + ": create it.");
    }
    Path directory = Files.createTempDirectory("gptdesk-chat-training-");
    // In the cache's own folder, so that it can be moved into place at once.
    Path unfinished =
        cache.resolveSibling(cache.getFileName() + "." + ProcessHandle.current().pid());
    try {
      int exit = train(directory, unfinished);
      if (exit != 0 || !Files.exists(unfinished)) {
        throw new IOException(
            "The training run ended with %d and wrote no cache: %s"
                .formatted(exit, lastLineOf(directory.resolve("log"))));
      }
      Files.move(unfinished, cache, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(unfinished);
      deleteTree(directory);
    }
    return "Wrote " + cache + ".";
  }

  private boolean isNewerThanTheProgram() throws IOException {
    if (!Files.exists(cache)) {
      return false;
    }
    FileTime written = Files.getLastModifiedTime(cache);
    for (String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (Files.getLastModifiedTime(Path.of(part)).compareTo(written) > 0) {
        return false;
      }
    }
    return true;
  }

  private static int train(Path directory, Path unfinished)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> !option.startsWith("-XX:AOT") && !option.contains("SharedArchive"))
        .forEach(command::add);
    command.add("-XX:AOTCacheOutput=" + unfinished);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Launcher.class.getName(), "training-load"));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile());
    // Its own settings: nothing of the operator's database or secrets is used.
    builder.environment().keySet().removeIf(variable -> variable.startsWith("CHAT_"));
    builder.environment().put("CHAT_DATA_DIR", directory.resolve("data").toString());
    builder.environment().put("CHAT_HOST", "127.0.0.1");
    builder.environment().put("CHAT_PORT", "0");
    builder.environment().put("CHAT_MAX_REQUESTS_PER_SECOND", "1000000");
    builder.environment().put("CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS", "1000000");
    Process process = builder.start();
    Thread stop = new Thread(() -> end(process), "end-training");
    Runtime.getRuntime().addShutdownHook(stop);
    int exit = process.waitFor();
    if (!Runtime.getRuntime().removeShutdownHook(stop)) {
      throw new IllegalStateException("The training run was stopped.");
    }
    return exit;
  }

  private static void end(Process process) {
    process.destroy();
    process.onExit().join();
  }

  private static @Nullable String lastLineOf(Path log) throws IOException {
    try (Stream<String> lines = Files.lines(log)) {
      return lines.reduce((before, line) -> line).orElse("it printed nothing");
    }
  }

  private static void deleteTree(Path directory) throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
