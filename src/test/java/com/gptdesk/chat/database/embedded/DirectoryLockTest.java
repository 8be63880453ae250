package com.gptdesk.chat.database.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One holder at a time, and whoever asks in vain takes nothing away. */
class DirectoryLockTest {

  @TempDir private Path directory;

  @Test
  void oneAtATime() throws Exception {
    try (DirectoryLock first = DirectoryLock.take(directory)) {
      assertThrows(
          IllegalStateException.class, () -> DirectoryLock.take(directory), first::toString);
    }
    DirectoryLock.take(directory).close();
  }

  @Test
  void askingInVainDoesNotOpenTheDoorToOtherProcesses() throws Exception {
    Path kernelsList = Path.of("/proc/locks");
    assumeTrue(Files.exists(kernelsList), "only Linux shows its locks");
    try (DirectoryLock held = DirectoryLock.take(directory)) {
      assertEquals(1, locksOn(directory.resolve("lock"), kernelsList), held::toString);
      assertThrows(IllegalStateException.class, () -> DirectoryLock.take(directory));
      assertEquals(1, locksOn(directory.resolve("lock"), kernelsList));
    }
    assertEquals(0, locksOn(directory.resolve("lock"), kernelsList));
  }

  private static long locksOn(Path file, Path kernelsList) throws Exception {
    String inode = ":" + Files.getAttribute(file, "unix:ino") + " ";
    try (Stream<String> locks = Files.lines(kernelsList)) {
      return locks.filter(lock -> lock.contains(inode)).count();
    }
  }
}
