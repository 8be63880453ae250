package com.gptdesk.chat.service.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;

/** Numbers and names at places of a file. Not thread-safe. */
final class FileBytes {
  private final FileChannel file;

  FileBytes(FileChannel file) {
    this.file = file;
  }

  long size() throws IOException {
    return file.size();
  }

  /**
   * So many bytes from there, in the network's order.
   *
   * @throws EOFException the file has fewer
   */
  ByteBuffer at(long place, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (place < 0 || file.read(bytes, place + bytes.position()) < 0) {
        throw new EOFException();
      }
    }
    return bytes.flip();
  }

  ByteBuffer littleEndianAt(long place, int length) throws IOException {
    return at(place, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  String nameAt(long place, int length) throws IOException {
    return StandardCharsets.ISO_8859_1.decode(at(place, length)).toString();
  }

  void write(long place, byte[] bytes) throws IOException {
    ByteBuffer left = ByteBuffer.wrap(bytes);
    while (left.hasRemaining()) {
      file.write(left, place + left.position());
    }
  }

  void write(long place, String name) throws IOException {
    write(place, name.getBytes(StandardCharsets.ISO_8859_1));
  }

  void zero(long place, long length) throws IOException {
    byte[] zeros = new byte[(int) Math.min(length, 8192)];
    for (long done = 0; done < length; done += zeros.length) {
      write(place + done, length - done < zeros.length ? new byte[(int) (length - done)] : zeros);
    }
  }
}
