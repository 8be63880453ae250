package com.gptdesk.chat.service.backup;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;

/**
 * A tar, compressed by gzip, whose last entry names the SHA-256 of every file before it. An archive
 * without that entry is not complete. Not thread-safe.
 */
final class ArchiveWriter implements Closeable {

  /** The last entry, in the form of {@code sha256sum}. */
  static final String SUMS = "SHA256SUMS";

  private static final int DIRECTORY_MODE = 0700;
  private static final int FILE_MODE = 0600;
  private static final int FASTEST = 1;

  private final FileChannel file;
  private final TarArchiveOutputStream tar;
  private final StringBuilder sums = new StringBuilder();
  private final byte[] buffer = new byte[1 << 16];
  private int files;
  private long bytes;

  /**
   * Starts the archive.
   *
   * @param target an empty file
   */
  ArchiveWriter(Path target) throws IOException {
    file = FileChannel.open(target, StandardOpenOption.WRITE);
    GzipParameters parameters = new GzipParameters();
    parameters.setCompressionLevel(FASTEST);
    OutputStream out = new BufferedOutputStream(Channels.newOutputStream(file), buffer.length);
    tar =
        new TarArchiveOutputStream(
            new GzipCompressorOutputStream(out, parameters), StandardCharsets.UTF_8.name());
    tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
    tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
  }

  void directory(String name) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name + "/", TarConstants.LF_DIR);
    entry.setMode(DIRECTORY_MODE);
    tar.putArchiveEntry(entry);
    tar.closeArchiveEntry();
  }

  void text(String name, String content) throws IOException {
    bytes(name, content.getBytes(StandardCharsets.UTF_8));
  }

  void bytes(String name, byte[] content) throws IOException {
    begin(name, content.length);
    MessageDigest digest = Sums.digest();
    digest.update(content);
    tar.write(content);
    end(name, digest);
  }

  /**
   * Adds a file that others may write, with the size that it has now. What is cut off meanwhile
   * becomes zeros: PostgreSQL's log has what belongs there.
   *
   * @return false when the file is not there any more
   */
  boolean file(String name, Path source) throws IOException {
    try (FileChannel channel = FileChannel.open(source, StandardOpenOption.READ);
        InputStream in = Channels.newInputStream(channel)) {
      long left = channel.size();
      begin(name, left);
      MessageDigest digest = Sums.digest();
      while (left > 0) {
        int wanted = (int) Math.min(left, buffer.length);
        int read = in.readNBytes(buffer, 0, wanted);
        if (read < wanted) {
          java.util.Arrays.fill(buffer, read, wanted, (byte) 0);
        }
        tar.write(buffer, 0, wanted);
        digest.update(buffer, 0, wanted);
        left -= wanted;
      }
      end(name, digest);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void begin(String name, long size) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name, TarConstants.LF_NORMAL);
    entry.setMode(FILE_MODE);
    entry.setSize(size);
    tar.putArchiveEntry(entry);
    files++;
    bytes += size;
  }

  private void end(String name, MessageDigest digest) throws IOException {
    tar.closeArchiveEntry();
    sums.append(HexFormat.of().formatHex(digest.digest())).append("  ").append(name).append('\n');
  }

  /** {@return how many files are in it} */
  int files() {
    return files;
  }

  /** {@return how many bytes they have} */
  long bytes() {
    return bytes;
  }

  /** Completes the archive and forces it to the disk. */
  void finish() throws IOException {
    text(SUMS, sums.toString());
    tar.finish();
    tar.flush();
    // The channel is closed with the stream, so it is forced by its name.
    tar.close();
  }

  @Override
  public void close() throws IOException {
    file.close(); // what was not finished is of no use
  }

  /** Forces a file or a directory to the disk. */
  static void force(Path path) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path, Files.isDirectory(path) ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }
}
