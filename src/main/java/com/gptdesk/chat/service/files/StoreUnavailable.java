package com.gptdesk.chat.service.files;

import java.io.IOException;

/** The store of files does not answer, or refuses what it is asked. */
public final class StoreUnavailable extends IOException {
  private static final long serialVersionUID = 1;

  StoreUnavailable(String message, Throwable cause) {
    super(message, cause);
  }
}
