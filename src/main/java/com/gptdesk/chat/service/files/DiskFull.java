package com.gptdesk.chat.service.files;

import java.io.IOException;

/** The disk of the files has no room left, or none beyond what is reserved for others. */
public final class DiskFull extends IOException {
  private static final long serialVersionUID = 1;

  DiskFull(IOException cause) {
    super("The disk of the files is full", cause);
  }

  DiskFull(String message) {
    super(message);
  }
}
