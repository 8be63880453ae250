package com.gptdesk.chat.database.connection;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The database cannot be reached or has no room just now: a connection was refused or lost, the
 * pool is exhausted, the server is shutting down, the month has no partition for its messages.
 * Trying again later may help.
 */
public final class DatabaseUnavailable extends RuntimeException {

  private static final String DISK_FULL = "53100";
  private static final String CHECK_VIOLATION = "23514";

  /**
   * Says that it cannot be reached.
   *
   * @param message a sentence for people
   * @param cause what the driver or the pool threw
   */
  public DatabaseUnavailable(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Whether it is there and only has no room for what is new: reading goes on, and trying again
   * helps once somebody has made room.
   *
   * @return true when its disk is full
   */
  public boolean isDiskFull() {
    return hasState(DISK_FULL);
  }

  /**
   * Whether it is there and only lacks the partition for the messages of that month: reading goes
   * on, and trying again helps once {@code chat.ensure_message_partitions()} has run. The door has
   * tried that already.
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
