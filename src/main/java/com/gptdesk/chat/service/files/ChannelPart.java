package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * A part of an open file, which may be read several times.
 *
 * @param first its place in the file
 * @param length in bytes
 */
record ChannelPart(FileChannel file, long first, long length) {
  private static final int BUFFER = 64 * 1024;

  /** From its first byte. */
  InputStream stream() {
    return new InputStream() {
      private long done;

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] into, int offset, int most) throws IOException {
        if (done >= length) {
          return -1;
        }
        int read =
            file.read(
                ByteBuffer.wrap(into, offset, (int) Math.min(most, length - done)), first + done);
        done += Math.max(0, read);
        return read;
      }

      @Override
      public int available() {
        return (int) Math.min(Integer.MAX_VALUE, length - done);
      }
    };
  }

  /** Its MD5 in base 64: every S3 compares that with what has come. */
  String md5() throws IOException {
    try (InputStream bytes = stream()) {
      MessageDigest digest = MessageDigest.getInstance("MD5");
      byte[] buffer = new byte[BUFFER];
      for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
        digest.update(buffer, 0, read);
      }
      return Base64.getEncoder().encodeToString(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has MD5", e);
    }
  }
}
