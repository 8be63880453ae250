package com.gptdesk.chat.service.files;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;

/** Pictures that say where they were taken. */
public final class Pictures {
  /** What must not stay in them. */
  public static final String PLACE = "52.5200N 13.4050E";

  private Pictures() {}

  public static byte[] png(int width, int height) throws IOException {
    return of("png", width, height);
  }

  /** With the place in EXIF, which also says that it is turned, and in XMP. */
  static byte[] jpegWithPlace(int width, int height, int orientation) throws IOException {
    byte[] plain = of("jpg", width, height);
    byte[] place = PLACE.getBytes(StandardCharsets.ISO_8859_1);
    byte[] exif = JpegSegment.exifOf(orientation);
    byte[] xmp = "http://ns.adobe.com/xap/1.0/\0".getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    made.write(plain, 0, 2);
    segment(made, 0xE1, exif, place);
    segment(made, 0xE1, xmp, place);
    made.write(plain, 2, plain.length - 2);
    return made.toByteArray();
  }

  private static void segment(ByteArrayOutputStream to, int marker, byte[] head, byte[] rest)
      throws IOException {
    to.write(0xFF);
    to.write(marker);
    to.write(ByteBuffer.allocate(2).putShort((short) (2 + head.length + rest.length)).array());
    to.write(head);
    to.write(rest);
  }

  /** With the place in a text. */
  static byte[] pngWithPlace(int width, int height) throws IOException {
    byte[] plain = png(width, height);
    byte[] text = ("Comment\0" + PLACE).getBytes(StandardCharsets.ISO_8859_1);
    byte[] name = "tEXt".getBytes(StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(text);
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    made.write(plain, 0, 33); // the signature and the header
    made.write(ByteBuffer.allocate(4).putInt(text.length).array());
    made.write(name);
    made.write(text);
    made.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    made.write(plain, 33, plain.length - 33);
    return made.toByteArray();
  }

  private static byte[] of(String format, int width, int height) throws IOException {
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(image, format, made);
    return made.toByteArray();
  }
}
