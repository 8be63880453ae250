package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A file that is being written, by one writer at a time. What has come stays when the writer goes,
 * so that another may go on. Not thread-safe.
 */
public final class IncomingFile implements AutoCloseable {
  private static final int BUFFER = 64 * 1024;

  /** So often the disk is asked whether there is room. */
  private static final long BETWEEN_CHECKS = 1 << 20;

  /** Makes files whole. */
  interface Keeper {
    /**
     * Puts it where whole files are, and takes it away from here.
     *
     * @param bytes all of it, forced to the disk
     */
    void keep(UUID id, FileChannel bytes) throws IOException;
  }

  private final DiskStore store;
  private final Keeper keeper;
  private final UUID id;
  private final FileChannel channel;
  private boolean whole;
  private long size;
  private long nextCheck;

  /** Null when not all bytes have passed through it. */
  private @Nullable MessageDigest digest;

  /**
   * @param whole it is only looked at
   */
  IncomingFile(DiskStore store, Keeper keeper, UUID id, FileChannel channel, boolean whole)
      throws IOException {
    this.whole = whole;
    this.store = store;
    this.keeper = keeper;
    this.id = id;
    this.channel = channel;
    this.size = channel.size();
    this.nextCheck = size;
    this.digest = size == 0 ? sha256() : null;
    channel.position(size);
  }

  /** Whether it is kept, as it is. */
  public boolean isWhole() {
    return whole;
  }

  /** How many bytes it has. */
  public long size() {
    return size;
  }

  /**
   * Appends what the source has, and forces it to the disk. What came before a failure stays.
   *
   * @param most bytes that the file may have in all
   * @return false when the source has more than that; the file then has {@code most} bytes
   * @throws DiskFull there is no room for it
   * @throws IOException the source or the disk failed
   */
  public boolean append(InputStream source, long most) throws IOException {
    byte[] buffer = new byte[BUFFER];
    int read = source.read(buffer);
    while (read >= 0 && size + read <= most) {
      write(buffer, read);
      read = source.read(buffer);
    }
    if (read >= 0) {
      write(buffer, Math.toIntExact(most - size));
    }
    channel.force(true);
    return read < 0;
  }

  private void write(byte[] bytes, int length) throws IOException {
    if (size >= nextCheck) {
      store.requireRoom(BETWEEN_CHECKS);
      nextCheck = size + BETWEEN_CHECKS;
    }
    ByteBuffer left = ByteBuffer.wrap(bytes, 0, length);
    try {
      while (left.hasRemaining()) {
        size += channel.write(left);
      }
    } catch (IOException e) {
      throw DiskStore.meaningOf(e);
    } finally {
      if (digest != null) {
        digest.update(bytes, 0, left.position());
      }
    }
  }

  /** To look at it, and to change it in place ({@link #changed}). */
  FileChannel channel() {
    return channel;
  }

  /** Says that bytes were changed in place, so that the hash is taken of what is on the disk. */
  void changed() {
    digest = null;
  }

  /** The SHA-256 of all its bytes. */
  public byte[] hash() throws IOException {
    if (digest != null) {
      return digest.digest();
    }
    MessageDigest all = sha256();
    channel.position(0);
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    while (channel.read(buffer) >= 0) {
      all.update(buffer.flip());
      buffer.clear();
    }
    return all.digest();
  }

  /** From its first byte; valid while this is open. */
  InputStream content() throws IOException {
    channel.position(0);
    return Channels.newInputStream(channel);
  }

  /** Makes it a whole file, which a crash does not lose. Nothing can be written any more. */
  public void keep() throws IOException {
    if (!whole) {
      channel.force(true);
      keeper.keep(id, channel);
      whole = true;
    }
  }

  /** Says that it is a copy of what is whole elsewhere. */
  void isCopy() throws IOException {
    store.drop(id); // it stays readable until it is closed
    whole = true;
  }

  /** Removes what has come, unless it is whole: that is the database's to say. */
  public void discard() throws IOException {
    if (!whole) {
      store.drop(id);
    }
  }

  /** Lets another writer go on. */
  @Override
  public void close() throws IOException {
    if (channel.isOpen()) {
      try {
        channel.close();
      } finally {
        store.closed(id);
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }
}
