package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.SQLException;

/**
 * The time that a process and its children have had on the processors, as Linux counts it in {@code
 * /proc}: other than a rate, it tells the same while others use the machine, too.
 */
final class Processors {
  /** Of {@code /proc}'s times, whatever the kernel's own clock. */
  private static final double TICKS_A_SECOND = 100;

  private final ProcessHandle process;
  private final boolean withChildren;

  private Processors(ProcessHandle process, boolean withChildren) {
    this.process = process;
    this.withChildren = withChildren;
  }

  static Processors of(long process) {
    return new Processors(ProcessHandle.of(process).orElseThrow(), true);
  }

  /** This process, without what it has started. */
  static Processors ofThis() {
    return new Processors(ProcessHandle.current(), false);
  }

  /** Those of a PostgreSQL: the server, its backends and what else it starts. */
  static Processors ofServer(Login login) throws SQLException {
    long postmaster =
        Long.parseLong(
            Ground.ask(
                login, "select (regexp_match(pg_read_file('postmaster.pid'), '^[0-9]+'))[1]"));
    return of(postmaster);
  }

  /**
   * Seconds so far, of those that have ended, too; not a number where there is no {@code /proc}.
   */
  double seconds() {
    try {
      double ticks = ticks(process.pid(), withChildren);
      if (withChildren) {
        for (ProcessHandle child : process.children().toList()) {
          ticks += ticks(child.pid(), false);
        }
      }
      return ticks / TICKS_A_SECOND;
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  /** The fields 14 to 17: its own in user and system mode, and those of its ended children. */
  private static double ticks(long process, boolean children) throws IOException {
    String line;
    try {
      line = Files.readString(Path.of("/proc/" + process + "/stat"));
    } catch (NoSuchFileException e) {
      if (children) {
        throw e;
      }
      return 0; // It has just ended, and its parent counts it.
    }
    String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" "); // from the third on
    double ticks = 0;
    for (int field = 14; field <= (children ? 17 : 15); field++) {
      ticks += Long.parseLong(fields[field - 3]);
    }
    return ticks;
  }
}
