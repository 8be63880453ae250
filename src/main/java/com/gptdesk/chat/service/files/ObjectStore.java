package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Where the bytes of files are, each under an id that the database has made. A file is written
 * aside, checked, and then kept: what is there is whole. Blocks, so call it on a virtual thread.
 * Thread-safe.
 */
public interface ObjectStore {

  /** Some bytes of a whole file. */
  sealed interface Content {
    /** In a file of this machine. */
    record OnDisk(Path file, long first, long length) implements Content {}

    /**
     * From elsewhere, as they come.
     *
     * @param bytes the reader closes it; one that is closed before its end is given up
     */
    record Streamed(InputStream bytes, long length) implements Content {}
  }

  /**
   * Goes on with a file, from where the last writer ended.
   *
   * @throws FileBusy another writer has it open, or has made it whole
   * @throws StoreUnavailable nobody can say whether it is whole
   */
  IncomingFile write(UUID id) throws IOException;

  /**
   * Opens a whole file to look at it again, when the database was not told of it.
   *
   * @throws FileBusy a writer of this node has it open
   */
  IncomingFile whole(UUID id) throws IOException;

  /** How many bytes of a file have come. */
  long arrived(UUID id) throws IOException;

  /** Whether all of it is there; nobody writes it any more. */
  boolean isWhole(UUID id) throws IOException;

  /**
   * Reads a whole file or a part of it.
   *
   * @return null when it is not there
   */
  @Nullable Content read(UUID id, long first, long length) throws IOException;

  /**
   * As what a file is shown.
   *
   * @param type its media type, with parameters
   * @param disposition whether it is shown or saved, and under which name
   * @param cacheControl what caches may do with it
   */
  record Shown(String type, String disposition, String cacheControl) {}

  /**
   * Where people read a file themselves.
   *
   * @param life so long the address holds
   */
  record Direct(URI address, Duration life) {}

  /** An address of a whole file, for whoever has it; null when bytes pass this service. */
  default @Nullable Direct direct(UUID id, Shown as) {
    return null;
  }

  /** Removes all of a file, whole or not; that it is not there is success. */
  void remove(UUID id) throws IOException;

  /**
   * Removes what is left of uploads that nobody goes on with.
   *
   * @param before what was last written earlier
   */
  void tidy(Instant before) throws IOException;

  /**
   * Refuses what would take what is reserved.
   *
   * @param bytes how many are about to be written
   * @throws DiskFull there is no room for them
   */
  void requireRoom(long bytes) throws IOException;
}
