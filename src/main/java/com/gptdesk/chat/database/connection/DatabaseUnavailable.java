package com.gptdesk.chat.database.connection;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The database cannot be reached or has no room now: a connection was refused or lost, the pool is
 * exhausted, the server is shutting down, or the month has no partition for messages. Trying again
 * later may help.
 */
public final class DatabaseUnavailable extends RuntimeException {

  private static final String DISK_FULL = "53100";
  private static final String CHECK_VIOLATION = "23514";

  /**
   * Creates one for a database that cannot be reached.
   *
   * @param message a sentence for people
   * @param cause what the driver or the pool threw
   */
  public DatabaseUnavailable(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Whether it only lacks space for new data: reads still work, and a retry helps once there is
   * space.
   *
   * @return true when its disk is full
   */
  public boolean isDiskFull() {
    return hasState(DISK_FULL);
  }

  /**
   * Whether it only lacks the partition for the month's messages: reads still work, and a retry
   * helps once {@code chat.ensure_message_partitions()} has run. {@code ChatDatabase} has already
   * tried that.
   *
   * @return true when a message was refused for that
   */
  public boolean isPartitionMissing() {
    return hasState(CHECK_VIOLATION);
  }

  private boolean hasState(String state) {
    return getCause() instanceof SQLException sql && state.equals(sql.getSQLState());
  }
}
