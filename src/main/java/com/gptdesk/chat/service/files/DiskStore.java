package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Files in a folder, each under an id that the database has made. A file is written in {@code
 * incoming}, forced to the disk, and then moved to {@code objects}: what is there is whole. Several
 * nodes may share the folder. Blocks, so call it on a virtual thread. Thread-safe.
 */
public class DiskStore implements ObjectStore {
  private static final long MIB = 1 << 20;

  /**
   * What this process has open, by its place. The system takes a process's lock on a file away when
   * any channel to it is closed, so a second one must not even be opened.
   */
  private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

  private final Path incoming;
  private final Path objects;
  private final long reservedBytes;

  /**
   * Creates the folder when it is not there.
   *
   * @param reservedBytes what stays free on the disk, for the database that shares it
   * @throws IOException the folder cannot be created or written
   */
  public DiskStore(Path directory, long reservedBytes) throws IOException {
    this.incoming = Files.createDirectories(directory.resolve("incoming")).toRealPath();
    this.objects = Files.createDirectories(directory.resolve("objects"));
    this.reservedBytes = reservedBytes;
    Files.delete(Files.createTempFile(incoming, "can-be-written-", ""));
  }

  @Override
  public IncomingFile write(UUID id) throws IOException {
    return write(id, (file, bytes) -> keep(file));
  }

  /**
   * The same for another store, whose files are written here first.
   *
   * @param keeper makes it whole
   */
  IncomingFile write(UUID id, IncomingFile.Keeper keeper) throws IOException {
    return openAlone(
        id,
        () -> {
          FileChannel channel = open(incoming(id));
          try {
            if (channel.tryLock() == null) {
              throw new FileBusy();
            }
            // The last writer may have moved away what this one locks.
            if (isWhole(id)) {
              drop(id);
              throw new FileBusy();
            }
            return new IncomingFile(this, keeper, id, channel, false);
          } catch (OverlappingFileLockException e) {
            channel.close();
            throw new FileBusy();
          } catch (IOException e) {
            channel.close();
            throw e;
          }
        });
  }

  @Override
  public IncomingFile whole(UUID id) throws IOException {
    return openAlone(
        id,
        () ->
            new IncomingFile(
                this,
                (file, bytes) -> keep(file),
                id,
                FileChannel.open(path(id), StandardOpenOption.READ),
                true));
  }

  private interface Opening {
    IncomingFile open() throws IOException;
  }

  private IncomingFile openAlone(UUID id, Opening opening) throws IOException {
    if (!OPEN.add(incoming(id))) {
      throw new FileBusy();
    }
    boolean done = false;
    try {
      IncomingFile file = opening.open();
      done = true;
      return file;
    } finally {
      if (!done) {
        closed(id);
      }
    }
  }

  /** Says that this process has it open no more. */
  void closed(UUID id) {
    OPEN.remove(incoming(id));
  }

  private Path incoming(UUID id) {
    return incoming.resolve(id.toString());
  }

  /** Opens a file to append to; a test opens another one. */
  FileChannel open(Path file) throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  @Override
  public long arrived(UUID id) throws IOException {
    for (Path file : List.of(incoming(id), path(id))) {
      try {
        return Files.size(file);
      } catch (NoSuchFileException e) {
        // Perhaps it is the other.
      }
    }
    return 0;
  }

  @Override
  public boolean isWhole(UUID id) {
    return Files.exists(path(id));
  }

  /** Where a whole file is, if it is there. */
  public Path path(UUID id) {
    String name = id.toString(); // begins with its time, so its end spreads
    return objects.resolve(name.substring(name.length() - 2)).resolve(name);
  }

  @Override
  public @Nullable Content read(UUID id, long first, long length) {
    Path file = path(id);
    return Files.isRegularFile(file) ? new Content.OnDisk(file, first, length) : null;
  }

  @Override
  public void remove(UUID id) throws IOException {
    drop(id);
    Files.deleteIfExists(path(id));
  }

  /** Removes what has come of a file that is not whole. */
  void drop(UUID id) throws IOException {
    Files.deleteIfExists(incoming(id));
  }

  @Override
  public void tidy(Instant before) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(incoming)) {
      for (Path file : files) {
        try {
          if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
            Files.deleteIfExists(file);
          }
        } catch (NoSuchFileException e) {
          // It became whole, or another node was faster.
        }
      }
    }
  }

  /** Moves a file that was forced to the disk to the whole ones. */
  void keep(UUID id) throws IOException {
    Path whole = path(id);
    Path folder = whole.getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      Files.createDirectories(folder);
      force(objects);
    }
    Files.move(incoming(id), whole, StandardCopyOption.ATOMIC_MOVE);
    force(folder == null ? objects : folder);
    force(incoming);
  }

  /** Makes its entries survive a crash. */
  private static void force(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  @Override
  public void requireRoom(long bytes) throws IOException {
    if (Files.getFileStore(incoming).getUsableSpace() - bytes < reservedBytes) {
      throw new DiskFull(
          "The disk of the files has no room for %d bytes beside the reserved %d MiB"
              .formatted(bytes, reservedBytes / MIB));
    }
  }

  /** The same failure, or that the disk is full. */
  static IOException meaningOf(IOException failure) {
    String message = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
    return message.contains("no space left") || message.contains("quota exceeded")
        ? new DiskFull(failure)
        : failure;
  }
}
