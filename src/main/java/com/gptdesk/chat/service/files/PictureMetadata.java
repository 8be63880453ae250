package com.gptdesk.chat.service.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * Takes out of a picture what tells where, when and by whom it was taken: EXIF, XMP, IPTC and texts
 * of JPEG, PNG and WebP. It writes zeros over it, so that the file keeps its length and its pixels.
 * The orientation of a JPEG stays.
 */
final class PictureMetadata {
  private static final Set<String> PNG_TEXTS = Set.of("eXIf", "tEXt", "zTXt", "iTXt");
  private static final Set<String> WEBP_TEXTS = Set.of("EXIF", "XMP ");

  /** An ancillary private chunk, which readers skip. */
  private static final String NOTHING_OF_PNG = "zeRo";

  private static final String NOTHING_OF_WEBP = "ZERO";
  private static final int MOST_CHUNKS = 100_000;

  private PictureMetadata() {}

  /** Whether something was taken out. */
  static boolean erase(FileChannel file, String type) throws IOException {
    FileBytes bytes = new FileBytes(file);
    return switch (type) {
      case "image/jpeg" -> ofJpeg(bytes);
      case "image/png", "image/apng", "image/vnd.mozilla.apng" -> ofPng(bytes);
      case "image/webp" -> ofWebp(bytes);
      default -> false;
    };
  }

  private static boolean ofJpeg(FileBytes file) throws IOException {
    boolean erased = false;
    for (JpegSegment segment : JpegSegment.before(file)) {
      if (!segment.isMetadata()) {
        continue;
      }
      int orientation = segment.isExif(file) ? segment.orientation(file) : 1;
      file.zero(segment.start(), segment.length());
      byte[] exif = JpegSegment.exifOf(orientation);
      if (orientation != 1 && exif.length <= segment.length()) {
        file.write(segment.start(), exif);
      }
      erased = true;
    }
    return erased;
  }

  private static boolean ofPng(FileBytes file) throws IOException {
    boolean erased = false;
    long place = 8;
    try {
      for (int i = 0; i < MOST_CHUNKS; i++) {
        ByteBuffer head = file.at(place, 8);
        long length = head.getInt() & 0xFFFFFFFFL;
        String name = StandardCharsets.ISO_8859_1.decode(head).toString();
        if (PNG_TEXTS.contains(name)) {
          long there = Math.min(length, file.size() - place - 8);
          file.write(place + 4, NOTHING_OF_PNG);
          file.zero(place + 8, there);
          if (there + 4 <= file.size() - place - 8) {
            file.write(place + 8 + length, crcOfZeros(length));
          }
          erased = true;
        }
        place += 12 + length;
      }
    } catch (EOFException e) {
      return erased;
    }
    return erased;
  }

  private static byte[] crcOfZeros(long length) {
    CRC32 crc = new CRC32();
    crc.update(NOTHING_OF_PNG.getBytes(StandardCharsets.ISO_8859_1));
    byte[] zeros = new byte[8192];
    for (long left = length; left > 0; left -= zeros.length) {
      crc.update(zeros, 0, (int) Math.min(left, zeros.length));
    }
    return ByteBuffer.allocate(4).putInt((int) crc.getValue()).array();
  }

  private static boolean ofWebp(FileBytes file) throws IOException {
    boolean erased = false;
    long place = 12;
    try {
      for (int i = 0; i < MOST_CHUNKS; i++) {
        String name = file.nameAt(place, 4);
        long length = file.littleEndianAt(place + 4, 4).getInt() & 0xFFFFFFFFL;
        if (name.equals("VP8X")) { // its bits 2 and 3 say that XMP and EXIF follow
          byte flags = file.at(place + 8, 1).get();
          file.write(place + 8, new byte[] {(byte) (flags & ~0x0C)});
          erased |= (flags & 0x0C) != 0;
        } else if (WEBP_TEXTS.contains(name)) {
          file.write(place, NOTHING_OF_WEBP);
          file.zero(place + 8, Math.min(length, file.size() - place - 8));
          erased = true;
        }
        place += 8 + length + (length & 1);
      }
    } catch (EOFException e) {
      return erased;
    }
    return erased;
  }
}
