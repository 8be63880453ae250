package com.gptdesk.chat.service.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A segment of a JPEG file, before its pixels.
 *
 * @param marker the second byte of its marker
 * @param start where its content starts
 * @param length of its content, as far as it is there
 */
record JpegSegment(int marker, long start, int length) {
  /** Segments, and fill bytes between them; no camera writes so many. */
  private static final int MOST = 10_000;

  private static final int APP1 = 0xE1;
  private static final int APP13 = 0xED;
  private static final int START_OF_SCAN = 0xDA;
  private static final int END_OF_IMAGE = 0xD9;
  private static final int ORIENTATION = 0x0112;
  private static final String EXIF = "Exif\0\0";

  /** The segments before the pixels, in order; those before the fault of a broken file. */
  static List<JpegSegment> before(FileBytes file) throws IOException {
    List<JpegSegment> segments = new ArrayList<>();
    long place = 2;
    int fill = 0;
    try {
      while (segments.size() < MOST) {
        if ((file.at(place, 1).get() & 0xFF) != 0xFF) {
          break;
        }
        int marker = file.at(place + 1, 1).get() & 0xFF;
        if (marker == 0xFF) { // a fill byte
          if (++fill > MOST) {
            break;
          }
          place++;
          continue;
        }
        if (marker == START_OF_SCAN || marker == END_OF_IMAGE) {
          break;
        }
        int length = (file.at(place + 2, 2).getShort() & 0xFFFF) - 2;
        if (length < 0) {
          break;
        }
        int there = (int) Math.min(length, file.size() - place - 4);
        segments.add(new JpegSegment(marker, place + 4, there));
        place += 4 + length;
      }
    } catch (EOFException e) {
      return segments;
    }
    return segments;
  }

  /** Whether it has the picture's measures. */
  boolean isFrame() {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  boolean isExif(FileBytes file) throws IOException {
    return marker == APP1
        && length >= EXIF.length()
        && file.nameAt(start, EXIF.length()).equals(EXIF);
  }

  /** Whether it may say where and by whom the picture was taken: EXIF, XMP, IPTC. */
  boolean isMetadata() {
    return marker == APP1 || marker == APP13;
  }

  /** How to turn the picture, 1 to 8; 1 as it is. */
  int orientation(FileBytes file) throws IOException {
    ByteBuffer tiff = file.at(start + EXIF.length(), length - EXIF.length());
    if (tiff.remaining() < 8) {
      return 1;
    }
    tiff.order(tiff.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int directory = tiff.getInt(4);
    if (directory < 8 || directory > tiff.limit() - 2) {
      return 1;
    }
    int entries = tiff.getShort(directory) & 0xFFFF;
    for (int i = 0; i < entries; i++) {
      int entry = directory + 2 + 12 * i;
      if (entry > tiff.limit() - 12) {
        break;
      }
      if ((tiff.getShort(entry) & 0xFFFF) == ORIENTATION) {
        int value = tiff.getShort(entry + 8) & 0xFFFF;
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
    return 1;
  }

  /** EXIF that says how to turn the picture and nothing else. */
  static byte[] exifOf(int orientation) {
    return ByteBuffer.allocate(32)
        .put(EXIF.getBytes(StandardCharsets.ISO_8859_1))
        .put(new byte[] {'M', 'M', 0, 42})
        .putInt(8)
        .putShort((short) 1)
        .putShort((short) ORIENTATION)
        .putShort((short) 3)
        .putInt(1)
        .putShort((short) orientation)
        .putShort((short) 0)
        .putInt(0)
        .array();
  }
}
