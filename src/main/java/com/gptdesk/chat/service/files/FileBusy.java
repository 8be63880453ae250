package com.gptdesk.chat.service.files;

import java.io.IOException;

/** Somebody else writes the same file now. */
public final class FileBusy extends IOException {
  private static final long serialVersionUID = 1;

  FileBusy() {
    super("Somebody else writes this file now");
  }
}
