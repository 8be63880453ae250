package com.gptdesk.chat.service.files;

import io.trbl.blurhash.BlurHash;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import net.coobird.thumbnailator.resizers.Resizers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes the small pictures and the blurred placeholder of a picture, once, while it is uploaded.
 * Few pictures are decoded at once, on threads of their own, each in memory and time that are
 * limited. What fails is left out: the file itself is stored as well without. Thread-safe.
 */
public final class Thumbnails {
  private static final Logger LOG = LoggerFactory.getLogger(Thumbnails.class);
  private static final float QUALITY = 0.8f;
  private static final int PLACEHOLDER = 32;
  private static final long IDLE_SECONDS = 10;

  static {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true");
    }
  }

  private final ObjectStore store;
  private final ThumbnailSettings settings;
  private final FileCounts counts;
  private final ThreadPoolExecutor threads;

  public Thumbnails(ObjectStore store, ThumbnailSettings settings, FileCounts counts) {
    this.store = store;
    this.settings = settings;
    this.counts = counts;
    // Not on a virtual thread: a decoder would keep what carries it from all others.
    this.threads =
        new ThreadPoolExecutor(
            settings.threads(),
            settings.threads(),
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().name("thumbnails-", 0).daemon().factory());
    threads.allowCoreThreadTimeOut(true);
  }

  /** A small picture in memory. */
  private record Small(Thumbnail thumbnail, ByteArrayOutputStream bytes) {}

  /** What was made of one picture. */
  private record Made(String blurhash, List<Small> smalls) {}

  /**
   * Stores the small pictures of a file that is being stored, and tells of them in its details,
   * with a placeholder in {@code blurhash}. Never throws.
   *
   * @param id of the file
   */
  public void add(UUID id, IncomingFile file, FileContent content, ObjectNode details) {
    Picture picture = content.picture();
    if (picture == null || settings.sizes().isEmpty()) {
      return;
    }
    long deadline = System.nanoTime() + settings.limit().toNanos();
    PictureDecoder decoder =
        new PictureDecoder(file.channel(), content.type(), picture, settings.memory(), deadline);
    Future<Made> making = threads.submit(() -> make(decoder, picture));
    try {
      Made made = making.get(settings.limit().toNanos(), TimeUnit.NANOSECONDS);
      details.put("blurhash", made.blurhash());
      for (Small small : made.smalls()) {
        keep(id, small);
        small.thumbnail().describe(details);
      }
      counts.thumbnailsMade();
    } catch (ExecutionException e) {
      left(id, e.getCause() == null ? e : e.getCause());
    } catch (TimeoutException | IOException e) {
      left(id, e);
    } catch (InterruptedException e) {
      left(id, e);
      Thread.currentThread().interrupt();
    } finally {
      making.cancel(false); // an interrupt would close the file; the deadline ends what has begun
    }
  }

  private void left(UUID id, Throwable why) {
    counts.thumbnailsFailed();
    LOG.info("The picture {} is stored without small ones: {}", id, why.toString());
  }

  private void keep(UUID file, Small small) throws IOException {
    UUID object = Thumbnail.object(file, small.thumbnail().slot());
    byte[] bytes = small.bytes().toByteArray();
    store.remove(object); // when the same upload was almost stored before
    try (IncomingFile kept = store.write(object)) {
      try {
        kept.append(new ByteArrayInputStream(bytes), bytes.length);
        kept.keep();
      } finally {
        kept.discard(); // unless it is whole: nobody goes on with it
      }
    }
  }

  private Made make(PictureDecoder decoder, Picture picture) throws IOException {
    int longer = Math.max(picture.width(), picture.height());
    List<Integer> sizes = settings.sizes().stream().filter(size -> size < longer).toList();
    BufferedImage read = decoder.read(sizes.isEmpty() ? PLACEHOLDER : sizes.getLast());
    int orientation = decoder.orientation();
    List<Small> smalls = new ArrayList<>();
    for (int slot = 0; slot < sizes.size(); slot++) {
      BufferedImage small = turned(scaled(read, sizes.get(slot)), orientation);
      boolean opaque = isOpaque(small);
      ByteArrayOutputStream bytes =
          opaque ? written("jpeg", onWhite(small)) : written("png", small);
      smalls.add(
          new Small(
              new Thumbnail(
                  slot,
                  small.getWidth(),
                  small.getHeight(),
                  bytes.size(),
                  opaque ? "image/jpeg" : "image/png"),
              bytes));
    }
    BufferedImage tiny = turned(scaled(read, PLACEHOLDER), orientation);
    return new Made(blurhash(onWhite(tiny)), smalls);
  }

  private static BufferedImage scaled(BufferedImage full, int longerSide) {
    double scale = (double) longerSide / Math.max(full.getWidth(), full.getHeight());
    if (scale >= 1) {
      return full;
    }
    BufferedImage small =
        new BufferedImage(
            Math.max(1, (int) Math.round(scale * full.getWidth())),
            Math.max(1, (int) Math.round(scale * full.getHeight())),
            full.getType());
    Resizers.PROGRESSIVE.resize(full, small);
    return small;
  }

  /** As EXIF numbers the ways to turn and mirror a picture. */
  private static BufferedImage turned(BufferedImage picture, int orientation) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    AffineTransform turn =
        switch (orientation) {
          case 2 -> new AffineTransform(-1, 0, 0, 1, width, 0);
          case 3 -> new AffineTransform(-1, 0, 0, -1, width, height);
          case 4 -> new AffineTransform(1, 0, 0, -1, 0, height);
          case 5 -> new AffineTransform(0, 1, 1, 0, 0, 0);
          case 6 -> new AffineTransform(0, 1, -1, 0, height, 0);
          case 7 -> new AffineTransform(0, -1, -1, 0, height, width);
          case 8 -> new AffineTransform(0, -1, 1, 0, 0, width);
          default -> null;
        };
    if (turn == null) {
      return picture;
    }
    boolean lies = orientation >= 5;
    BufferedImage turned =
        new BufferedImage(lies ? height : width, lies ? width : height, picture.getType());
    Graphics2D pen = turned.createGraphics();
    pen.drawImage(picture, turn, null);
    pen.dispose();
    return turned;
  }

  private static boolean isOpaque(BufferedImage picture) {
    if (!picture.getColorModel().hasAlpha()) {
      return true;
    }
    int[] line = new int[picture.getWidth()];
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int pixel : picture.getRGB(0, y, line.length, 1, line, 0, line.length)) {
        if (pixel >>> 24 != 0xFF) {
          return false;
        }
      }
    }
    return true;
  }

  private static BufferedImage onWhite(BufferedImage picture) {
    if (!picture.getColorModel().hasAlpha()) {
      return picture;
    }
    BufferedImage flat =
        new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = flat.createGraphics();
    pen.drawImage(picture, 0, 0, Color.WHITE, null);
    pen.dispose();
    return flat;
  }

  /** More of it along the longer side. */
  private static String blurhash(BufferedImage tiny) {
    int width = tiny.getWidth();
    int height = tiny.getHeight();
    return BlurHash.encode(
        tiny.getRGB(0, 0, width, height, null, 0, width),
        width,
        height,
        width >= height ? 4 : 3,
        width > height ? 3 : 4);
  }

  private static ByteArrayOutputStream written(String format, BufferedImage picture)
      throws IOException {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    try (MemoryCacheImageOutputStream output = new MemoryCacheImageOutputStream(written)) {
      writer.setOutput(output);
      ImageWriteParam how = writer.getDefaultWriteParam();
      if (format.equals("jpeg")) {
        how.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        how.setCompressionQuality(QUALITY);
      }
      writer.write(null, new IIOImage(picture, null, null), how);
    } finally {
      writer.dispose();
    }
    return written;
  }
}
