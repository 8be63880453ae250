package com.gptdesk.chat.soak;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A disk of its own, in memory, that can be filled to the last byte. */
final class SmallDisk implements AutoCloseable {
  private static final int LARGE = 1 << 20;
  private static final int SMALL = 1 << 12; // a page: less takes no room of its own

  /** No disk can be had on this machine. */
  static final class NotHere extends IOException {
    NotHere(String why) {
      super(why);
    }
  }

  private final Path directory;
  private final Path filler;

  private SmallDisk(Path directory) {
    this.directory = directory;
    this.filler = directory.resolve("filler");
  }

  /**
   * @param size as mount wants it, for instance 256m
   * @throws NotHere nothing may be mounted
   */
  static SmallDisk mounted(Path directory, String size) throws IOException, InterruptedException {
    String said = run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", directory.toString());
    if (!said.isEmpty()) {
      throw new NotHere(
          "no tmpfs may be mounted here, which takes root ("
              + said.lines().findFirst().orElse(said)
              + ").");
    }
    return new SmallDisk(directory);
  }

  Path directory() {
    return directory;
  }

  /** Takes all that is left. */
  void fill() throws IOException {
    try (FileChannel file =
        FileChannel.open(filler, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (int size : new int[] {LARGE, SMALL}) {
        while (left() > 0) {
          try {
            file.write(ByteBuffer.allocate(size));
          } catch (IOException e) {
            break; // no room for that much
          }
        }
      }
    }
  }

  long left() throws IOException {
    return Files.getFileStore(directory).getUsableSpace();
  }

  /** There is room again. */
  void free() throws IOException {
    Files.deleteIfExists(filler);
  }

  /** Its files are gone. */
  @Override
  public void close() throws IOException {
    try {
      run("umount", "--lazy", directory.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What it complains of; nothing when all is well. */
  private static String run(String... command) throws IOException, InterruptedException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes());
      int code = process.waitFor();
      return code == 0 ? "" : said + " (ended with " + code + ")";
    } catch (IOException e) {
      return String.valueOf(e.getMessage()); // no such program
    }
  }
}
