package com.gptdesk.chat.service.backup;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/** Reads what {@link ArchiveWriter} has written, once. Not thread-safe. */
final class ArchiveReader implements Closeable {

  private static final int LONGEST_TEXT = 1 << 16;

  private final Path file;
  private final InputStream in;
  private final TarArchiveInputStream tar;
  private final StringBuilder sums = new StringBuilder();

  /**
   * Opens the archive.
   *
   * @throws IllegalStateException it is none of ours
   */
  ArchiveReader(Path file) throws IOException {
    this.file = file;
    this.in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
    try {
      tar = new TarArchiveInputStream(new GZIPInputStream(in), StandardCharsets.UTF_8.name());
    } catch (EOFException | ZipException e) {
      in.close();
      throw foreign();
    }
  }

  /** {@return the text of the first entry} */
  String first(String name) throws IOException {
    try {
      TarArchiveEntry entry = tar.getNextEntry();
      if (entry == null || !entry.getName().equals(name) || entry.getSize() > LONGEST_TEXT) {
        throw foreign();
      }
      return text(entry);
    } catch (EOFException | ZipException e) {
      throw damaged(e);
    } catch (IOException e) {
      throw foreign(); // no tar
    }
  }

  /**
   * Unpacks all others and compares them with their sums.
   *
   * @param places where an entry belongs, whose name has no leading slash; null for nowhere
   * @throws IllegalStateException the archive is damaged or not complete
   */
  void unpack(Function<String, @Nullable Path> places) throws IOException {
    try {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        String name = entry.getName();
        if (name.equals(ArchiveWriter.SUMS)) {
          if (!new String(tar.readAllBytes(), StandardCharsets.UTF_8).contentEquals(sums)) {
            throw new IllegalStateException(
                "%s is damaged: a file in it has another checksum than %s says."
                    .formatted(file, ArchiveWriter.SUMS));
          }
          return;
        }
        Path place = places.apply(name);
        if (place == null || !(entry.isDirectory() || entry.isFile())) {
          throw new IllegalStateException(
              "%s has an entry that no backup has: %s".formatted(file, name));
        }
        if (entry.isDirectory()) {
          Files.createDirectories(place, PRIVATE_DIRECTORY);
        } else {
          write(entry, place);
        }
      }
    } catch (EOFException | ZipException e) {
      throw damaged(e);
    }
    throw damaged(null);
  }

  private static final java.nio.file.attribute.FileAttribute<?> PRIVATE_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private static final java.nio.file.attribute.FileAttribute<?> PRIVATE_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private void write(TarArchiveEntry entry, Path place) throws IOException {
    Path parent = place.getParent();
    if (parent != null) {
      Files.createDirectories(parent, PRIVATE_DIRECTORY);
    }
    Files.createFile(place, PRIVATE_FILE);
    MessageDigest digest = Sums.digest();
    long written;
    try (var out = Files.newOutputStream(place, StandardOpenOption.WRITE)) {
      written = new DigestInputStream(tar, digest).transferTo(out);
    }
    if (written != entry.getSize()) {
      throw damaged(null);
    }
    if (!entry.getName().startsWith("postgresql/")) { // PostgreSQL forces its own at its start
      ArchiveWriter.force(place);
    }
    note(entry, digest);
  }

  private String text(TarArchiveEntry entry) throws IOException {
    byte[] content = tar.readAllBytes();
    MessageDigest digest = Sums.digest();
    digest.update(content);
    note(entry, digest);
    return new String(content, StandardCharsets.UTF_8);
  }

  private void note(TarArchiveEntry entry, MessageDigest digest) {
    sums.append(HexFormat.of().formatHex(digest.digest()))
        .append("  ")
        .append(entry.getName())
        .append('\n');
  }

  private IllegalStateException foreign() {
    return new IllegalStateException(file + " is no backup that the command backup has written.");
  }

  private IllegalStateException damaged(@Nullable IOException cause) {
    return new IllegalStateException(
        "%s is damaged or not complete%s: nothing of it was restored."
            .formatted(file, cause == null ? "" : " (" + cause.getMessage() + ")"));
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
