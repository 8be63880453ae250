package com.gptdesk.chat.database.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;

/** Random secrets, created once and kept in files that only their owner can read. */
public final class Secrets {

  private static final SecureRandom RANDOM = new SecureRandom();

  private Secrets() {}

  /**
   * The secret of this name in this directory; a new one of 256 bits when there is none.
   *
   * @param directory readable only for its owner
   * @param name the file's name
   * @return the secret as text
   * @throws IOException it could not be read or written
   */
  public static String keptIn(Path directory, String name) throws IOException {
    Path file = directory.resolve(name);
    if (!Files.exists(file)) {
      byte[] bytes = new byte[32];
      RANDOM.nextBytes(bytes);
      createPrivateDirectories(directory);
      Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
      Files.deleteIfExists(unfinished);
      createPrivate(unfinished);
      Files.writeString(unfinished, Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    }
    return Files.readString(file).strip();
  }

  static void createPrivate(Path file) throws IOException {
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  static void createPrivateDirectories(Path directory) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }
}
