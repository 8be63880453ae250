package com.gptdesk.chat.service.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever part of an archive is damaged, it is said in words, and never read as if it were whole.
 */
class ArchiveReaderTest {

  /** So long that it needs an extended header. */
  private static final String LONG = "postgresql/" + "long/".repeat(30) + "name";

  @TempDir Path own;

  private Path file;
  private byte[] whole;
  private int unpacked;

  @BeforeEach
  void write() throws IOException {
    file = Files.createFile(own.resolve("archive"));
    byte[] noise = new byte[700];
    new Random(1).nextBytes(noise);
    try (ArchiveWriter archive = new ArchiveWriter(file)) {
      archive.text(Description.NAME, "first");
      archive.directory("postgresql");
      archive.bytes("postgresql/noise", noise);
      archive.text(LONG, "far");
      archive.finish();
    }
    whole = Files.readAllBytes(file);
  }

  @Test
  void aCutIsSaid() throws IOException {
    var expected = unpack(whole);
    assertEquals(4, expected.size());
    for (int length = 0; length < whole.length; length++) {
      sameOrSaid(expected, Arrays.copyOf(whole, length));
    }
  }

  @Test
  void aTurnedBitIsSaid() throws IOException {
    var expected = unpack(whole);
    for (int at = 0; at < whole.length; at++) {
      byte[] wrong = whole.clone();
      wrong[at] ^= (byte) (1 << at % Byte.SIZE);
      sameOrSaid(expected, wrong);
    }
  }

  @Test
  void aFailureOfTheDiskIsNotCalledDamage() throws IOException {
    Files.write(file, whole);
    try (ArchiveReader archive = new ArchiveReader(file)) {
      archive.first(Description.NAME);
      assertThrows(
          IOException.class, () -> archive.unpack(name -> Path.of("/proc/nowhere").resolve(name)));
    }
  }

  /** What is not said may only be what no reader looks at, such as the archive's own time. */
  private void sameOrSaid(TreeMap<String, String> expected, byte[] archive) throws IOException {
    TreeMap<String, String> found;
    try {
      found = unpack(archive);
    } catch (IllegalStateException said) {
      return;
    }
    assertEquals(expected, found);
  }

  private TreeMap<String, String> unpack(byte[] archive) throws IOException {
    Files.write(file, archive);
    Path into = Files.createDirectory(own.resolve("into" + unpacked++));
    var found = new TreeMap<String, String>();
    try (ArchiveReader reader = new ArchiveReader(file)) {
      found.put("", reader.first(Description.NAME));
      reader.unpack(
          name -> {
            Path place = into.resolve(name).normalize();
            return place.startsWith(into) ? place : null;
          });
    }
    try (Stream<Path> all = Files.walk(into)) {
      for (Path path : all.skip(1).toList()) {
        String name = into.relativize(path).toString();
        if (Files.isRegularFile(path)) {
          found.put(name, Arrays.toString(Files.readAllBytes(path)));
        } else if (name.equals("postgresql")) {
          found.put(name, "");
        }
      }
    }
    return found;
  }
}
