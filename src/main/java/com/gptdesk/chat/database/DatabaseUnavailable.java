package com.gptdesk.chat.database;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The database cannot be reached or has no room just now: a connection was refused or lost, the
 * pool is exhausted, the server is shutting down. Trying again later may help.
 */
public final class DatabaseUnavailable extends RuntimeException {

  private static final String DISK_FULL = "53100";

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
    return getCause() instanceof SQLException sql && DISK_FULL.equals(sql.getSQLState());
  }
}
