package com.gptdesk.chat.service.files;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadProgressListener;
import javax.imageio.stream.ImageInputStream;

/**
 * Reads a picture smaller than it is, in memory that is known before: formats that a reader holds
 * whole are refused where that would be too much.
 */
final class PictureDecoder {
  /** Bytes for each pixel that is kept: what the reader makes, up to 16 bits a colour, and ours. */
  private static final int KEPT = 12;

  /** For each pixel of what a reader holds whole: WebP with its transparency, BMP. */
  private static final int WHOLE = 10;

  /** So much larger than asked it is read at least, so that making it smaller smooths it. */
  private static final double FINER = 1.25;

  /** For each pixel of a line of PNG: of up to 16 bits a colour, and three lines at once. */
  private static final int LINES = 24;

  /** Copies of a piece of a file that a reader takes into memory as it is. */
  private static final int COPIES = 3;

  private static final int BMP_HEADER = 14;
  private static final int OS2_HEADER = 12;
  private static final int RLE8 = 1;
  private static final int RLE4 = 2;
  private static final int BIT_FIELDS = 3;
  private static final int PALETTE = 3;

  private static final int MOST_CHUNKS = 10_000;
  private static final int MOST_CHUNKS_OF_PNG = 100_000;

  private final FileChannel file;
  private final FileBytes bytes;
  private final String type;
  private final Picture picture;
  private final long memory;
  private final long deadline;

  /**
   * @param picture as its header says; a reader that finds another is not believed
   * @param memory bytes that it may need
   * @param deadline of {@link System#nanoTime}
   */
  PictureDecoder(FileChannel file, String type, Picture picture, long memory, long deadline) {
    this.file = file;
    this.bytes = new FileBytes(file);
    this.type = type;
    this.picture = picture;
    this.memory = memory;
    this.deadline = deadline;
  }

  /**
   * The picture with a longer side of at least so many pixels, unless it has fewer, in sRGB and as
   * it is stored: {@link #orientation} says how to turn it.
   *
   * @throws IOException it is broken, or takes too much memory or time
   */
  BufferedImage read(int longerSide) throws IOException {
    ImageReader reader = reader();
    try (ImageInputStream input = new PictureInput(file, deadline)) {
      reader.setInput(input, true, true);
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      if ((long) width * height > picture.pixels()) {
        throw new IOException("The picture is larger than its header says");
      }
      int step = Math.max(1, (int) (Math.max(width, height) / (FINER * longerSide)));
      long kept = (long) Math.ceilDiv(width, step) * Math.ceilDiv(height, step);
      if (kept * KEPT + held(width) > memory) {
        throw new IOException("Decoding the picture needs too much memory");
      }
      ImageReadParam wanted = reader.getDefaultReadParam();
      wanted.setSourceSubsampling(step, step, 0, 0);
      reader.addIIOReadProgressListener(new Deadline());
      BufferedImage read = reader.read(0, wanted);
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("Decoding took too long");
      }
      return plain(read);
    } catch (IllegalArgumentException | IndexOutOfBoundsException | IllegalStateException e) {
      throw new IOException("The picture is broken", e);
    } finally {
      reader.dispose();
    }
  }

  private ImageReader reader() throws IOException {
    if (type.equals("image/webp")) {
      return new WebPImageReaderSpi().createReaderInstance(null);
    }
    String format =
        switch (type) {
          case "image/jpeg" -> "jpeg";
          case "image/png", "image/apng", "image/vnd.mozilla.apng" -> "png";
          case "image/gif" -> "gif";
          case "image/bmp" -> "bmp";
          default -> throw new IOException("Pictures of this type are not decoded");
        };
    return ImageIO.getImageReadersByFormatName(format).next();
  }

  /** Bytes that the reader holds beside the pixels that it keeps. */
  private long held(int width) throws IOException {
    return switch (type) {
      case "image/jpeg" -> heldOfJpeg();
      case "image/webp" -> {
        requireFrames();
        yield picture.pixels() * WHOLE;
      }
      case "image/bmp" -> heldOfBmp();
      case "image/gif" -> 0; // line by line
      default -> heldOfPng(width);
    };
  }

  /** It is read by lines; where it has a palette, all chunks but the pixels are kept. */
  private long heldOfPng(int width) throws IOException {
    long held = (long) width * LINES;
    if (bytes.at(25, 1).get() != PALETTE) {
      return held;
    }
    long place = 8;
    try {
      for (int i = 0; i < MOST_CHUNKS_OF_PNG; i++) {
        long length = bytes.at(place, 4).getInt() & 0xFFFFFFFFL;
        if (!bytes.nameAt(place + 4, 4).equals("IDAT")) {
          held += COPIES * Math.min(length, bytes.size());
        }
        place += 12 + length;
      }
    } catch (EOFException e) {
      return held;
    }
    throw new IOException("The picture has too many chunks");
  }

  /**
   * All pixels, what comes before them, and the whole file where it is compressed. A JPEG or PNG
   * within it is not decoded: its reader would believe what that says of itself.
   */
  private long heldOfBmp() throws IOException {
    long before = bytes.littleEndianAt(10, 4).getInt() & 0xFFFFFFFFL;
    long held = picture.pixels() * WHOLE + COPIES * Math.min(before, bytes.size());
    int header = bytes.littleEndianAt(BMP_HEADER, 4).getInt();
    if (header == OS2_HEADER) {
      return held;
    }
    int compression = bytes.littleEndianAt(30, 4).getInt();
    if (compression < 0 || compression > BIT_FIELDS) {
      throw new IOException("Pictures within a BMP are not decoded");
    }
    return compression == RLE8 || compression == RLE4 || header > 108
        ? held + COPIES * bytes.size() // with its colour profile
        : held;
  }

  /** In one scan it is read by lines; in several, all coefficients of all colours are held. */
  private long heldOfJpeg() throws IOException {
    List<JpegSegment> segments = JpegSegment.before(bytes);
    for (JpegSegment segment : segments) {
      if (segment.isFrame()) {
        int colours = bytes.at(segment.start() + 5, 1).get() & 0xFF;
        JpegSegment last = segments.getLast();
        ByteBuffer scan = bytes.at(last.start() + last.length(), 5);
        boolean inOneScan =
            (segment.marker() == 0xC0 || segment.marker() == 0xC1)
                && (scan.getShort() & 0xFFFF) == 0xFFDA
                && (scan.get(4) & 0xFF) == colours;
        return inOneScan ? 0 : picture.pixels() * 2 * colours;
      }
    }
    throw new IOException("The picture has no frame");
  }

  /** A frame larger than the canvas would be decoded whole. */
  private void requireFrames() throws IOException {
    long place = 12;
    try {
      for (int i = 0; i < MOST_CHUNKS; i++) {
        String name = bytes.nameAt(place, 4);
        long length = bytes.littleEndianAt(place + 4, 4).getInt() & 0xFFFFFFFFL;
        if (name.equals("ANMF")) {
          place += 8 + 16; // its own chunks follow
          continue;
        }
        Picture frame = Picture.frameOfWebp(bytes, place);
        if (frame != null && frame.pixels() > picture.pixels()) {
          throw new IOException("The picture is larger than its header says");
        }
        place += 8 + length + (length & 1);
      }
    } catch (EOFException e) {
      return;
    }
    throw new IOException("The picture has too many chunks");
  }

  /** How to turn it, 1 to 8; 1 as it is. */
  int orientation() throws IOException {
    if (type.equals("image/jpeg")) {
      for (JpegSegment segment : JpegSegment.before(bytes)) {
        if (segment.isExif(bytes)) {
          return segment.orientation(bytes);
        }
      }
    }
    return 1;
  }

  private static BufferedImage plain(BufferedImage read) {
    BufferedImage plain =
        new BufferedImage(
            read.getWidth(),
            read.getHeight(),
            read.getColorModel().hasAlpha()
                ? BufferedImage.TYPE_INT_ARGB
                : BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = plain.createGraphics();
    pen.drawImage(read, 0, 0, null);
    pen.dispose();
    return plain;
  }

  /** Ends a decoder that reads on and on. */
  private final class Deadline implements IIOReadProgressListener {
    @Override
    public void imageProgress(ImageReader source, float percentageDone) {
      if (System.nanoTime() - deadline > 0) {
        source.abort();
      }
    }

    @Override
    public void imageStarted(ImageReader source, int imageIndex) {
      imageProgress(source, 0);
    }

    @Override
    public void imageComplete(ImageReader source) {}

    @Override
    public void sequenceStarted(ImageReader source, int minIndex) {}

    @Override
    public void sequenceComplete(ImageReader source) {}

    @Override
    public void thumbnailStarted(ImageReader source, int imageIndex, int thumbnailIndex) {}

    @Override
    public void thumbnailProgress(ImageReader source, float percentageDone) {}

    @Override
    public void thumbnailComplete(ImageReader source) {}

    @Override
    public void readAborted(ImageReader source) {}
  }
}
