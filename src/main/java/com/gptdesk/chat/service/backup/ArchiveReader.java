package com.gptdesk.chat.service.backup;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
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
  private static final int BUFFER = 1 << 16;

  private final Path file;
  private final InputStream in;
  private final GZIPInputStream unzipped;
  private final TarArchiveInputStream tar;
  private final StringBuilder sums = new StringBuilder();

  /**
   * Opens the archive.
   *
   * @throws IllegalStateException it is none of ours
   */
  ArchiveReader(Path file) throws IOException {
    this.file = file;
    this.in = new BufferedInputStream(Files.newInputStream(file), BUFFER);
    try {
      unzipped = new GZIPInputStream(in);
    } catch (EOFException | ZipException e) {
      in.close();
      throw foreign();
    }
    tar = new TarArchiveInputStream(unzipped, StandardCharsets.UTF_8.name());
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
    for (TarArchiveEntry entry = next(); entry != null; entry = next()) {
      String name = entry.getName();
      if (name.equals(ArchiveWriter.SUMS)) {
        demandSums();
        return;
      }
      Path place = place(places, name);
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
    throw damaged(null);
  }

  private static @Nullable Path place(Function<String, @Nullable Path> places, String name) {
    try {
      return places.apply(name);
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** What the library says of a damaged archive has many classes, and is not what a disk says. */
  private @Nullable TarArchiveEntry next() {
    TarArchiveEntry entry;
    try {
      entry = tar.getNextEntry();
    } catch (IOException | IllegalArgumentException e) {
      throw damaged(e);
    }
    if (entry != null && !entry.isCheckSumOK()) {
      throw damaged(null);
    }
    return entry;
  }

  private void demandSums() {
    String expected;
    try {
      expected = new String(tar.readAllBytes(), StandardCharsets.UTF_8);
      // Only its end has the sum of the whole: a name may be wrong alike where it stands twice.
      unzipped.transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw damaged(e);
    }
    if (!expected.contentEquals(sums)) {
      throw new IllegalStateException(
          "%s is damaged: a file in it has another checksum than %s says."
              .formatted(file, ArchiveWriter.SUMS));
    }
  }

  /** As {@link InputStream#read(byte[])}; what cannot be read is damaged. */
  private int read(byte[] buffer) {
    try {
      return tar.read(buffer);
    } catch (IOException e) {
      throw damaged(e);
    }
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
    try {
      Files.createFile(place, PRIVATE_FILE);
    } catch (FileAlreadyExistsException e) {
      throw new IllegalStateException(
          "%s is damaged: it has %s twice.".formatted(file, entry.getName()));
    }
    MessageDigest digest = Sums.digest();
    long written = 0;
    byte[] buffer = new byte[BUFFER];
    try (var out = Files.newOutputStream(place, StandardOpenOption.WRITE)) {
      for (int read = read(buffer); read >= 0; read = read(buffer)) {
        out.write(buffer, 0, read);
        digest.update(buffer, 0, read);
        written += read;
      }
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

  private IllegalStateException damaged(@Nullable Exception cause) {
    return new IllegalStateException(
        "%s is damaged or not complete%s: nothing of it was restored."
            .formatted(file, cause == null ? "" : " (" + cause.getMessage() + ")"));
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
