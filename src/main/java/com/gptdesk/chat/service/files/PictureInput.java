package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * A file for a decoder, which it can read until a moment. It leaves the place of the channel as it
 * is. Not thread-safe.
 */
final class PictureInput extends ImageInputStreamImpl {
  private static final int BUFFER = 16 * 1024;

  private final FileChannel file;
  private final long deadline;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).limit(0);
  private long bufferStart;

  /**
   * @param deadline of {@link System#nanoTime}
   */
  PictureInput(FileChannel file, long deadline) {
    this.file = file;
    this.deadline = deadline;
  }

  /** Whether there is bytes where it stands. */
  private boolean isFilled() throws IOException {
    long inBuffer = streamPos - bufferStart;
    if (inBuffer < 0 || inBuffer >= buffer.limit()) {
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("Decoding took too long");
      }
      buffer.clear();
      int read = file.read(buffer, streamPos);
      buffer.position(0).limit(Math.max(0, read));
      bufferStart = streamPos;
      return read > 0;
    }
    return true;
  }

  @Override
  public int read() throws IOException {
    checkClosed();
    bitOffset = 0;
    if (!isFilled()) {
      return -1;
    }
    return buffer.get((int) (streamPos++ - bufferStart)) & 0xFF;
  }

  @Override
  public int read(byte[] bytes, int start, int length) throws IOException {
    checkClosed();
    bitOffset = 0;
    if (length == 0) {
      return 0;
    }
    if (!isFilled()) {
      return -1;
    }
    int from = (int) (streamPos - bufferStart);
    int read = Math.min(length, buffer.limit() - from);
    buffer.get(from, bytes, start, read);
    streamPos += read;
    return read;
  }

  @Override
  public long length() {
    try {
      return file.size();
    } catch (IOException e) {
      return -1;
    }
  }
}
