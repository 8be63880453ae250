package com.gptdesk.chat.database.embedded;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A shell between this process and a program of PostgreSQL. It reads a pipe that only this process
 * keeps open. When this process ends, even by {@code kill -9}, the pipe closes. The shell then
 * stops the program and the server that it started.
 *
 * <p>The server is stopped by a fast shutdown, and after a minute by an immediate one.
 */
final class PostgresKeeper implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PostgresKeeper.class);
  private static final String NAME = "gptdesk-chat-keeper";

  /** A minute for a fast shutdown, and some time for an immediate one. */
  private static final long LEFTOVERS_SECONDS = 90;

  /**
   * For the shell of any Linux or macOS, with only {@code sleep}, {@code rm} and {@code tr}. It
   * ignores a terminal's signals: Java handles them and closes the pipe. Descriptor 3 is the pipe;
   * 4 reports the program's exit code. Java answers with a line, so that the process id of an ended
   * program is not used again.
   */
  private static final String SCRIPT =
      """
      trap '' HUP INT TERM PIPE
      files=$1 note=$2 output=$3 ends=$4
      shift 4
      echo $$ >"$note" || exit 1
      exec 3<&0 4>&1 </dev/null >"$output" 2>&1
      is_server() {
        if [ -d /proc/self ]; then
          line=$(tr '\\000' ' ' <"/proc/$1/cmdline")
        else
          line=$(ps -p "$1" -o command=)
        fi
        case $line in
          *postgres*"$files"*) return 0 ;;
        esac
        return 1
      }
      "$@" 3<&- 4>&- &
      program=$!
      (
        exec 4>&-
        starting=yes
        while read -r answer; do starting=; done <&3
        [ -z "$starting" ] || [ "$ends" != by-signal ] || kill -s TERM "$program"
        looks=0
        while :; do
          going=
          if [ -n "$starting" ] && kill -0 "$program"; then
            going=yes
            [ "$ends" != by-signal ] || [ "$looks" -ne 600 ] || kill -s KILL "$program"
          fi
          server=
          [ ! -f "$files/postmaster.pid" ] || read -r server <"$files/postmaster.pid"
          if [ -n "$server" ] && is_server "$server"; then
            going=yes
            if [ "$looks" -lt 600 ]; then kill -s INT "$server"; else kill -s QUIT "$server"; fi
          fi
          [ -n "$going" ] || break
          looks=$((looks + 1))
          sleep 0.1
        done 2>/dev/null
        rm -f "$note"
      ) &
      exec 3<&-
      wait "$program"
      echo $? >&4
      exec 4>&-
      wait
      """;

  /** The running keepers of this process, so that its end can wait for them. */
  private static final Set<PostgresKeeper> HELD = ConcurrentHashMap.newKeySet();

  private static volatile boolean ending;

  private final Process shell;

  private PostgresKeeper(Process shell) {
    this.shell = shell;
  }

  /** How a program ends when it is stopped early. */
  enum Ends {
    /** It is stopped by a signal. */
    BY_SIGNAL("by-signal"),
    /** It ends by itself when its server has ended. */
    WITH_THE_SERVER("with-the-server");

    private final String word;

    Ends(String word) {
      this.word = word;
    }
  }

  /**
   * Starts a program under its own shell.
   *
   * @param files the directory of the server (PGDATA) that ends with this process
   * @param note the file of the shell's process id while it runs
   * @param output the file for the program's output
   * @param ends how the program ends
   * @param command the program and its arguments
   */
  static PostgresKeeper start(Path files, Path note, Path output, Ends ends, List<String> command)
      throws IOException {
    List<String> line =
        new ArrayList<>(
            List.of(
                "/bin/sh",
                "-c",
                SCRIPT,
                NAME,
                files.toString(),
                note.toString(),
                output.toString(),
                ends.word));
    line.addAll(command);
    if (ending) {
      throw new IOException("This process is ending");
    }
    PostgresKeeper keeper =
        new PostgresKeeper(
            new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.DISCARD).start());
    HELD.add(keeper);
    if (ending) { // it may have been added too late to be found
      keeper.close();
    }
    return keeper;
  }

  /** {@return the program's exit code, once it has ended} */
  int exitCode() throws IOException {
    BufferedReader said =
        new BufferedReader(
            new InputStreamReader(shell.getInputStream(), StandardCharsets.US_ASCII));
    String code = said.readLine();
    if (code == null) {
      throw new IOException("The shell that runs PostgreSQL ended");
    }
    try {
      shell.getOutputStream().write('\n');
      shell.getOutputStream().flush();
    } catch (IOException e) {
      LOG.debug("The pipe is closed", e);
    }
    return Integer.parseInt(code.strip());
  }

  /** Stops the server, if it still runs, and returns when the shell has ended. */
  @Override
  public void close() {
    try {
      shell.getOutputStream().close();
    } catch (IOException e) {
      LOG.debug("The pipe was closed", e);
    }
    try {
      shell.waitFor();
      HELD.remove(this);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops all servers of this process, also those that are being created; no other may start. */
  static void endAll() {
    ending = true;
    HELD.forEach(PostgresKeeper::close);
  }

  /** Waits until the shell of an earlier process, which has ended, has stopped its server. */
  static void awaitLeftover(Path note, Path files) throws IOException {
    ProcessHandle leftover = noted(note, files);
    if (leftover == null) {
      return;
    }
    LOG.info("The PostgreSQL of an earlier run in {} is being stopped; waiting for it", files);
    try {
      leftover.onExit().get(LEFTOVERS_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while an earlier PostgreSQL stopped", e);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      LOG.warn("It still has not ended; continuing", e);
    }
  }

  private static @Nullable ProcessHandle noted(Path note, Path files) throws IOException {
    if (!Files.exists(note)) {
      return null;
    }
    String number = Files.readString(note).strip();
    if (!number.matches("\\d{1,18}")) {
      return null;
    }
    return ProcessHandle.of(Long.parseLong(number))
        .filter(
            process ->
                process
                    .info()
                    .commandLine()
                    .filter(line -> line.contains(NAME) && line.contains(files.toString()))
                    .isPresent())
        .orElse(null);
  }
}
