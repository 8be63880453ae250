package com.gptdesk.chat.database.connection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A password in a file, which may be replaced at any time: it is read for each new connection.
 * While the file is empty or cannot be read, the last password is used. Thread-safe.
 */
public final class PasswordFile implements Supplier<String> {

  private static final Logger LOG = LoggerFactory.getLogger(PasswordFile.class);

  private final Path file;
  private volatile @Nullable String last;

  /**
   * Reads the file when it is asked.
   *
   * @param file whose text is the password, without white space at its ends
   */
  public PasswordFile(Path file) {
    this.file = file;
  }

  /**
   * The password of now.
   *
   * @throws UncheckedIOException the file was never readable
   */
  @Override
  public String get() {
    String before = last;
    try {
      String now = Files.readString(file).strip();
      if (now.isEmpty() && before != null) {
        LOG.warn("{} is empty; using the password that it had", file);
        return before;
      }
      if (before != null && !before.equals(now)) {
        LOG.info("{} has changed; new connections use the new password", file);
      }
      last = now;
      return now;
    } catch (IOException e) {
      if (before == null) {
        throw new UncheckedIOException("Cannot read the password in " + file, e);
      }
      LOG.warn("{} cannot be read; using the password that it had", file, e);
      return before;
    }
  }

  /** Never shows the password. */
  @Override
  public String toString() {
    return "PasswordFile[" + file + "]";
  }
}
