package com.gptdesk.chat.database.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One PostgreSQL server and its directory: creates, starts and stops it. It listens only on
 * 127.0.0.1 and always requires a password (SCRAM). Not thread-safe, except for {@link #giveUp}.
 */
final class PostgresServer {

  private static final Logger LOG = LoggerFactory.getLogger(PostgresServer.class);
  private static final Duration ORPHANS_PATIENCE = Duration.ofSeconds(30);

  private final PostgresBinaries binaries;
  private final Path directory;
  private final Path log;
  private final List<String> asOtherUser;
  private @Nullable PostgresKeeper keeper;

  /** The running program, so that another thread can stop it. */
  private @Nullable PostgresKeeper running;

  private boolean givenUp;

  /**
   * @param directory the directory of the server's files (PGDATA), created by {@link #initialise}
   * @param log the server's log
   */
  PostgresServer(PostgresBinaries binaries, Path directory, Path log) {
    this.binaries = binaries;
    this.directory = directory.toAbsolutePath();
    this.log = log.toAbsolutePath();
    this.asOtherUser = prefixWhenRoot();
  }

  /**
   * Creates the files of a new server, completely or not at all, even if this process is killed.
   */
  void initialise(String superuserPassword, boolean durable) throws IOException {
    Path unfinished = directory.resolveSibling(directory.getFileName() + ".unfinished");
    Path passwordFile = directory.resolveSibling(directory.getFileName() + ".password");
    PostgresBinaries.deleteTree(unfinished);
    try {
      Files.deleteIfExists(passwordFile);
      Secrets.createPrivate(passwordFile);
      Files.writeString(passwordFile, superuserPassword);
      List<String> options =
          new ArrayList<>(
              List.of(
                  "--pgdata=" + unfinished,
                  "--username=postgres",
                  "--pwfile=" + passwordFile,
                  "--auth=scram-sha-256",
                  "--encoding=UTF8",
                  "--no-instructions"));
      options.addAll(locale());
      if (!durable) {
        options.add("--no-sync");
      }
      runKept("initdb", PostgresKeeper.Ends.BY_SIGNAL, unfinished, options).close();
      Files.move(unfinished, directory, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(passwordFile);
    }
  }

  /** Sorts by code point, the same on every machine, with case rules for all of Unicode. */
  private List<String> locale() throws IOException {
    return binaries.major() >= 17
        ? List.of("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        : List.of("--locale=C.UTF-8");
  }

  /**
   * Refuses files of another major version, which PostgreSQL cannot read, and leaves them
   * unchanged.
   *
   * @throws IllegalStateException they are of another version; the message says what to do
   */
  void refuseOtherMajor() throws IOException {
    Path version = directory.resolve("PG_VERSION");
    if (!Files.isRegularFile(version)) {
      throw new IllegalStateException(
          "The data directory %s is damaged or not a PostgreSQL data directory: it has no file PG_VERSION; nothing was changed. Restore it from a backup. If you need nothing in it, move it away and start again."
              .formatted(directory));
    }
    String files = Files.readString(version).strip();
    int ours = binaries.major();
    if (!files.equals(Integer.toString(ours))) {
      throw new IllegalStateException(
          "The data directory %1$s was created by PostgreSQL %2$s, and this version includes %3$d; nothing was changed. %4$s"
              .formatted(
                  directory,
                  files,
                  ours,
                  files.matches("\\d{1,4}") && Integer.parseInt(files) < ours
                      ? "Run the command upgrade, which copies the data to PostgreSQL %d and keeps the old files (docs/backup.md). Make a backup with the earlier version of the service first."
                          .formatted(ours)
                      : "Start the version of the service that includes PostgreSQL %s, or restore a backup into an empty directory."
                          .formatted(files)));
    }
  }

  /**
   * Starts the server and returns when it accepts connections, however long its recovery takes.
   *
   * @param preferredPort the port to use when it is free, 0 for any
   * @return the port it listens on
   */
  int start(int preferredPort, Map<String, String> settings) throws IOException {
    Instant giveUp = Instant.now().plus(ORPHANS_PATIENCE);
    int port = freePort(preferredPort);
    while (true) {
      long before = Files.exists(log) ? Files.size(log) : 0;
      StringBuilder options = new StringBuilder("-p " + port);
      settings.forEach((name, value) -> options.append(" -c %s='%s'".formatted(name, value)));
      try {
        letGo();
        keeper =
            runKept(
                "pg_ctl",
                PostgresKeeper.Ends.WITH_THE_SERVER,
                directory,
                List.of(
                    "start",
                    "--wait",
                    "--timeout=3600",
                    "--silent",
                    "--pgdata=" + directory,
                    "--log=" + log,
                    "--options=" + options));
        return port;
      } catch (IOException e) {
        String said = since(before);
        boolean portTaken = said.contains("could not bind");
        boolean orphans = said.contains("pre-existing shared memory block");
        if (isGivenUp() || Instant.now().isAfter(giveUp) || !(portTaken || orphans)) {
          throw new IOException("PostgreSQL did not start. Its log says:\n" + said.strip(), e);
        }
        if (portTaken) {
          port = freePort(0);
        } else {
          pause(Duration.ofMillis(200)); // the children of a killed server end a moment later
        }
      }
    }
  }

  /** Stops the server within a minute and closes its connections; does nothing when none runs. */
  void stop() throws IOException {
    if (serving().isPresent()) {
      run(
          "pg_ctl",
          List.of("stop", "--mode=fast", "--wait", "--timeout=60", "--pgdata=" + directory));
    }
    letGo();
  }

  /**
   * Aborts a start in another thread and prevents further ones, since a recovery may take hours.
   * {@link #stop} still works.
   */
  void giveUp() {
    PostgresKeeper going;
    synchronized (this) {
      givenUp = true;
      going = running;
    }
    if (going != null) {
      going.close();
    }
  }

  private synchronized boolean isGivenUp() {
    return givenUp;
  }

  private synchronized void runs(@Nullable PostgresKeeper started) throws IOException {
    running = started;
    if (givenUp && started != null) {
      throw new IOException("PostgreSQL must not be started any more");
    }
  }

  /** Ends the keeper, which is no longer needed. */
  private void letGo() {
    if (keeper != null) {
      keeper.close();
      keeper = null;
    }
  }

  /** Waits until programs that an earlier process left running on this directory have ended. */
  void awaitLeftover() throws IOException {
    PostgresKeeper.awaitLeftover(note(), directory);
  }

  private Path note() {
    return directory.resolveSibling(directory.getFileName() + ".keeper");
  }

  /**
   * Stops a server that an earlier process left running on this directory. It also deletes a stale
   * {@code postmaster.pid} whose process id now belongs to another process or a zombie, for which
   * PostgreSQL would refuse to start. (PostgreSQL recognises its own children by their shared
   * memory.)
   */
  void stopLeftover() throws IOException {
    Path note = directory.resolve("postmaster.pid");
    if (!Files.exists(note)) {
      return;
    }
    if (serving().isPresent()) {
      LOG.info("A PostgreSQL from an earlier run still serves {}; stopping it first", directory);
      stop();
    } else if (noted().flatMap(ProcessHandle::of).isPresent()) {
      LOG.info("Deleting a stale {}: no server has its process id", note);
      Files.deleteIfExists(note);
    }
  }

  /** Whether it died: a server that is stopped deletes its {@code postmaster.pid}. */
  boolean hasDied() throws IOException {
    // In this order: a server that stops in between deletes its file before it ends.
    return serving().isEmpty() && Files.exists(directory.resolve("postmaster.pid"));
  }

  /** The server that runs on this directory, not a process that reused its id. */
  private Optional<ProcessHandle> serving() throws IOException {
    return noted()
        .flatMap(ProcessHandle::of)
        .filter(ProcessHandle::isAlive)
        .filter(
            process ->
                process
                    .info()
                    .commandLine()
                    .filter(
                        line -> line.contains("postgres") && line.contains(directory.toString()))
                    .isPresent());
  }

  private Optional<Long> noted() throws IOException {
    Path note = directory.resolve("postmaster.pid");
    if (!Files.exists(note)) {
      return Optional.empty();
    }
    try {
      return Files.readAllLines(note).stream()
          .findFirst()
          .map(line -> Long.parseLong(line.strip()));
    } catch (NumberFormatException e) {
      return Optional.empty(); // killed while writing it; PostgreSQL itself deletes that file
    }
  }

  private String since(long position) throws IOException {
    if (!Files.exists(log)) {
      return "";
    }
    byte[] all = Files.readAllBytes(log);
    int from = (int) Math.min(position, all.length);
    return new String(all, from, all.length - from, StandardCharsets.UTF_8);
  }

  /** Runs a program that ends by itself and starts no other. */
  private String run(String program, List<String> arguments) throws IOException {
    try {
      Process process =
          new ProcessBuilder(command(program, arguments)).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return checked(program, process.waitFor(), said);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while " + program + " ran", e);
    }
  }

  /** Runs a program that must not outlive this process. */
  private PostgresKeeper runKept(
      String program, PostgresKeeper.Ends ends, Path files, List<String> arguments)
      throws IOException {
    Path output = directory.resolveSibling(directory.getFileName() + "." + program);
    PostgresKeeper started =
        PostgresKeeper.start(files, note(), output, ends, command(program, arguments));
    boolean well = false;
    try {
      runs(started);
      int code = started.exitCode();
      checked(program, code, Files.exists(output) ? Files.readString(output) : "");
      well = true;
      return started;
    } finally {
      runs(null);
      if (!well) {
        started.close();
      }
      Files.deleteIfExists(output);
    }
  }

  private List<String> command(String program, List<String> arguments) {
    List<String> command = new ArrayList<>(asOtherUser);
    command.add(binaries.program(program).toString());
    command.addAll(arguments);
    return command;
  }

  private static String checked(String program, int code, String said) throws IOException {
    if (code != 0) {
      throw new IOException("%s ended with %d: %s".formatted(program, code, said.strip()));
    }
    return said;
  }

  /**
   * PostgreSQL refuses to run as root. In a user namespace without a mapping, root is an
   * unprivileged user that still owns root's files. This works in containers and on build machines.
   */
  private static List<String> prefixWhenRoot() {
    if (!"root".equals(System.getProperty("user.name"))) {
      return List.of();
    }
    List<String> unshare = List.of("unshare", "--user");
    try {
      List<String> command = new ArrayList<>(unshare);
      command.add("true");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0) {
        return unshare;
      }
    } catch (IOException e) {
      LOG.debug("No unshare here", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new IllegalStateException(
        "The embedded PostgreSQL cannot run as root here (no user namespaces): start the service as"
            + " an ordinary user, or set CHAT_DATABASE_URL to a PostgreSQL of your own.");
  }

  private static int freePort(int preferred) throws IOException {
    if (preferred != 0) {
      try (ServerSocket socket = new ServerSocket(preferred, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        LOG.debug("Port {} is in use", preferred, e);
      }
    }
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void pause(Duration time) throws IOException {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while PostgreSQL started", e);
    }
  }
}
