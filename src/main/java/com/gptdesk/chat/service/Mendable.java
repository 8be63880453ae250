package com.gptdesk.chat.service;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the machine refuses and its operator can mend, as one sentence that says how. */
final class Mendable {

  private Mendable() {}

  /** {@return what to do; null when this failure is none of these} */
  static @Nullable String sentence(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage());
      if (message.toLowerCase(Locale.ROOT).contains("too many open files")
          || message.contains("insufficient file descriptors")) {
        return "Too few files may be open at once: raise the limit (ulimit -n 65536, LimitNOFILE= in"
            + " systemd, --ulimit nofile=65536 in a container).";
      }
      if (cause instanceof FileSystemException file) {
        return "Cannot write %s (%s): make it writable for the user %s, or name another directory (CHAT_DATA_DIR for the data, XDG_CACHE_HOME for the unpacked PostgreSQL, -Djava.io.tmpdir= in JAVA_TOOL_OPTIONS for temporary files)."
            .formatted(file.getFile(), reason(file), System.getProperty("user.name"));
      }
    }
    return null;
  }

  private static String reason(FileSystemException file) {
    if (file instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (file instanceof NoSuchFileException) {
      return "it is not there and cannot be made";
    }
    if (file instanceof FileAlreadyExistsException) {
      return "a file of that name is in the way";
    }
    return file.getReason() == null ? file.getClass().getSimpleName() : file.getReason();
  }
}
