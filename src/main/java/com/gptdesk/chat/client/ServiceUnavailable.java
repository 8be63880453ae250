package com.gptdesk.chat.client;

import org.jspecify.annotations.Nullable;

/**
 * The service could not be reached, or failed. Whether it has done what was asked is unknown, so
 * ask again with the same id.
 */
public final class ServiceUnavailable extends RuntimeException {

  /**
   * A failure of the service or of the way to it.
   *
   * @param message what failed
   * @param cause null where the service said so itself
   */
  public ServiceUnavailable(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
