package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A folder of files on a disk that is full when told so: the system itself refuses each byte. */
public final class FullDisk extends DiskStore {
  private static final Path FULL = Path.of("/dev/full");

  private volatile boolean isFull;

  public FullDisk(Path directory) throws IOException {
    super(directory, 0);
  }

  public void fill(boolean full) {
    isFull = full;
  }

  @Override
  FileChannel open(Path file) throws IOException {
    return isFull
        ? FileChannel.open(FULL, StandardOpenOption.READ, StandardOpenOption.WRITE)
        : super.open(file);
  }
}
