package com.gptdesk.chat.service.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/**
 * The measures of a picture as it is shown, read from its header; nothing is decoded.
 *
 * @param width in pixels
 * @param height in pixels
 */
public record Picture(int width, int height) {

  public long pixels() {
    return (long) width * height;
  }

  /** Null for other types than JPEG, PNG, GIF, WebP and BMP, and where the header is broken. */
  static @Nullable Picture read(FileChannel file, String type) throws IOException {
    FileBytes bytes = new FileBytes(file);
    try {
      Picture found =
          switch (type) {
            case "image/jpeg" -> jpeg(bytes);
            case "image/png", "image/apng", "image/vnd.mozilla.apng" -> {
              ByteBuffer size = bytes.at(16, 8);
              yield new Picture(size.getInt(), size.getInt());
            }
            case "image/gif" -> {
              ByteBuffer size = bytes.littleEndianAt(6, 4);
              yield new Picture(size.getShort() & 0xFFFF, size.getShort() & 0xFFFF);
            }
            case "image/webp" -> webp(bytes);
            case "image/bmp" -> {
              ByteBuffer size = bytes.littleEndianAt(18, 8);
              yield new Picture(size.getInt(), Math.abs(size.getInt()));
            }
            default -> null;
          };
      return found == null || found.width <= 0 || found.height <= 0 ? null : found;
    } catch (EOFException e) {
      return null;
    }
  }

  private static @Nullable Picture jpeg(FileBytes file) throws IOException {
    int orientation = 1;
    for (JpegSegment segment : JpegSegment.before(file)) {
      if (segment.isExif(file)) {
        orientation = segment.orientation(file);
      } else if (segment.isFrame()) {
        ByteBuffer size = file.at(segment.start() + 1, 4);
        int height = size.getShort() & 0xFFFF;
        int width = size.getShort() & 0xFFFF;
        return orientation >= 5 ? new Picture(height, width) : new Picture(width, height);
      }
    }
    return null;
  }

  private static @Nullable Picture webp(FileBytes file) throws IOException {
    if (file.nameAt(12, 4).equals("VP8X")) {
      ByteBuffer size = file.littleEndianAt(24, 6);
      return new Picture(1 + threeBytes(size), 1 + threeBytes(size));
    }
    return frameOfWebp(file, 12);
  }

  /** The measures of a chunk of WebP that has pixels; null for others. */
  static @Nullable Picture frameOfWebp(FileBytes file, long chunk) throws IOException {
    return switch (file.nameAt(chunk, 4)) {
      case "VP8L" -> {
        int bits = file.littleEndianAt(chunk + 9, 4).getInt();
        yield new Picture(1 + (bits & 0x3FFF), 1 + ((bits >>> 14) & 0x3FFF));
      }
      case "VP8 " -> {
        ByteBuffer size = file.littleEndianAt(chunk + 14, 4);
        yield new Picture(size.getShort() & 0x3FFF, size.getShort() & 0x3FFF);
      }
      default -> null;
    };
  }

  private static int threeBytes(ByteBuffer bytes) {
    return (bytes.getShort() & 0xFFFF) | (bytes.get() & 0xFF) << 16;
  }
}
