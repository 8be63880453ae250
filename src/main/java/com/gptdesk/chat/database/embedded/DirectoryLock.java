package com.gptdesk.chat.database.embedded;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A lock on a directory: one holder at a time, in this process or another. It ends with the
 * process, however that ends.
 */
final class DirectoryLock implements Closeable {

  /**
   * The directories that this process has locked. Their lock files are never opened again: closing
   * any channel to a file releases all locks of the process on it.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path directory;
  private final FileChannel channel;

  private DirectoryLock(Path directory, FileChannel channel) {
    this.directory = directory;
    this.channel = channel;
  }

  /**
   * Locks the directory, which must exist.
   *
   * @throws Taken another holder has it
   */
  static DirectoryLock take(Path wanted) throws IOException {
    Path directory = wanted.toRealPath();
    if (!HELD.add(directory)) {
      throw taken(directory);
    }
    boolean held = false;
    try {
      FileChannel channel =
          FileChannel.open(
              directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      held = channel.tryLock() != null;
      if (!held) {
        channel.close();
        throw taken(directory);
      }
      return new DirectoryLock(directory, channel);
    } finally {
      if (!held) {
        HELD.remove(directory);
      }
    }
  }

  /** Another holder has the directory. */
  static final class Taken extends IllegalStateException {
    private static final long serialVersionUID = 1;

    Taken(String message) {
      super(message);
    }
  }

  private static Taken taken(Path directory) {
    return new Taken(
        "The data directory %s is in use by another process: stop that one, or set CHAT_DATA_DIR to another directory."
            .formatted(directory));
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      HELD.remove(directory);
    }
  }
}
