package com.gptdesk.chat.database;

import org.jspecify.annotations.Nullable;

/**
 * The database cannot be reached or has no room just now: a connection was refused or lost, the
 * pool is exhausted, the server is shutting down. Trying again later may help.
 */
public final class DatabaseUnavailable extends RuntimeException {

  /**
   * Says that it cannot be reached.
   *
   * @param message a sentence for people
   * @param cause what the driver or the pool threw
   */
  public DatabaseUnavailable(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
