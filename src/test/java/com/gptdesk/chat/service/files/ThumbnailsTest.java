package com.gptdesk.chat.service.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Small pictures, and what harm making them cannot do. */
class ThumbnailsTest {
  private static final long MIB = 1 << 20;
  private static final byte[] WEBP =
      Base64.getDecoder().decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==");

  @TempDir private Path folder;
  private final FileCounts counts = new FileCounts();
  private DiskStore store;
  private final UUID id = UUID.randomUUID();

  @BeforeEach
  void open() throws IOException {
    store = new DiskStore(folder, 0);
  }

  /** What is told of a file when its small pictures are made. */
  private ObjectNode told(byte[] bytes, String type, Picture picture) throws IOException {
    ObjectNode details = JsonMapper.shared().createObjectNode();
    try (IncomingFile file = store.write(UUID.randomUUID())) {
      file.append(new ByteArrayInputStream(bytes), bytes.length);
      new Thumbnails(
              store,
              new ThumbnailSettings(List.of(40, 100), 1, 128 * MIB, Duration.ofMinutes(1)),
              counts)
          .add(id, file, new FileContent(type, picture), details);
      assertEquals(bytes.length, file.size());
      file.discard();
    }
    return details;
  }

  private BufferedImage small(int slot) throws IOException {
    return ImageIO.read(store.path(Thumbnail.object(id, slot)).toFile());
  }

  /** Red above, blue below; the left half may be seen through. */
  private static BufferedImage picture(int width, int height, int kind, int alpha) {
    BufferedImage picture = new BufferedImage(width, height, kind);
    Graphics2D pen = picture.createGraphics();
    pen.setColor(Color.RED);
    pen.fillRect(0, 0, width, height / 2);
    pen.setColor(Color.BLUE);
    pen.fillRect(0, height / 2, width, height - height / 2);
    pen.dispose();
    if (alpha != 0xFF) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width / 2; x++) {
          picture.setRGB(x, y, alpha << 24 | picture.getRGB(x, y) & 0xFFFFFF);
        }
      }
    }
    return picture;
  }

  private static byte[] written(BufferedImage picture, String format, boolean progressive)
      throws IOException {
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ImageWriteParam how = writer.getDefaultWriteParam();
    if (progressive) {
      how.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
    }
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(made)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(picture, null, null), how);
    } finally {
      writer.dispose();
    }
    return made.toByteArray();
  }

  private static boolean isNear(int rgb, Color colour) {
    Color there = new Color(rgb);
    return Math.abs(there.getRed() - colour.getRed()) < 30
        && Math.abs(there.getGreen() - colour.getGreen()) < 30
        && Math.abs(there.getBlue() - colour.getBlue()) < 30;
  }

  @Test
  void eachSizeIsMadeOnceInTheProportionsOfThePicture() throws IOException {
    BufferedImage picture = picture(300, 600, BufferedImage.TYPE_INT_RGB, 0xFF);
    for (String format : List.of("png", "jpeg", "gif", "bmp")) {
      ObjectNode told =
          told(written(picture, format, false), "image/" + format, new Picture(300, 600));
      assertEquals(2, told.path("thumbnails").size(), format + told);
      assertEquals("[20,40]", sides(told));
      assertEquals("image/jpeg", told.path("thumbnails").get(0).path("type").asString());
      assertTrue(told.path("blurhash").asString().startsWith("T"), told.toString());
      assertEquals(20, small(0).getWidth());
      assertEquals(40, small(0).getHeight());
      assertEquals(100, small(1).getHeight());
      assertTrue(isNear(small(1).getRGB(25, 20), Color.RED), format);
      assertTrue(isNear(small(1).getRGB(25, 80), Color.BLUE), format);
    }
    assertEquals(4, counts.picturesWithThumbnails());
    ObjectNode tiny =
        told(
            written(picture(30, 20, BufferedImage.TYPE_INT_RGB, 0xFF), "png", false),
            "image/png",
            new Picture(30, 20));
    assertTrue(tiny.path("thumbnails").isMissingNode(), "none is larger than its picture");
    assertTrue(tiny.has("blurhash"));
    assertTrue(told(WEBP, "image/webp", new Picture(1, 1)).has("blurhash"));
  }

  @Test
  void aPictureThatIsStoredTurnedIsShownUpright() throws IOException {
    // 6: what is above in the file is at the right
    ObjectNode told =
        told(
            turned(6, picture(600, 300, BufferedImage.TYPE_INT_RGB, 0xFF)),
            "image/jpeg",
            new Picture(300, 600));
    assertEquals("[20,40]", sides(told));
    assertTrue(isNear(small(1).getRGB(40, 50), Color.RED));
    assertTrue(isNear(small(1).getRGB(10, 50), Color.BLUE));
    told(
        turned(8, picture(600, 300, BufferedImage.TYPE_INT_RGB, 0xFF)),
        "image/jpeg",
        new Picture(300, 600));
    assertTrue(isNear(small(1).getRGB(10, 50), Color.RED));
    told(
        turned(3, picture(600, 300, BufferedImage.TYPE_INT_RGB, 0xFF)),
        "image/jpeg",
        new Picture(600, 300));
    assertTrue(isNear(small(1).getRGB(50, 10), Color.BLUE));
  }

  private static String sides(ObjectNode told) {
    return "[%s,%s]"
        .formatted(
            told.path("thumbnails").get(0).path("width"),
            told.path("thumbnails").get(0).path("height"));
  }

  private static byte[] turned(int orientation, BufferedImage picture) throws IOException {
    byte[] plain = written(picture, "jpeg", false);
    byte[] exif = JpegSegment.exifOf(orientation);
    return ByteBuffer.allocate(plain.length + 4 + exif.length)
        .put(plain, 0, 2)
        .putShort((short) 0xFFE1)
        .putShort((short) (2 + exif.length))
        .put(exif)
        .put(plain, 2, plain.length - 2)
        .array();
  }

  @Test
  void whatCanBeSeenThroughStaysSo() throws IOException {
    ObjectNode told =
        told(
            written(picture(300, 600, BufferedImage.TYPE_INT_ARGB, 0x40), "png", false),
            "image/png",
            new Picture(300, 600));
    assertEquals("image/png", told.path("thumbnails").get(1).path("type").asString());
    assertEquals(0x40, small(1).getRGB(10, 20) >>> 24);
    ObjectNode opaque =
        told(
            written(picture(300, 600, BufferedImage.TYPE_INT_ARGB, 0xFF), "png", false),
            "image/png",
            new Picture(300, 600));
    assertEquals("image/jpeg", opaque.path("thumbnails").get(1).path("type").asString());
  }

  @Test
  void aBrokenPictureIsStoredWithout() throws IOException {
    byte[] png = written(picture(300, 600, BufferedImage.TYPE_INT_RGB, 0xFF), "png", false);
    byte[] text = "no picture".getBytes(StandardCharsets.UTF_8);
    for (byte[] broken : List.of(Arrays.copyOf(png, 200), text, new byte[0])) {
      for (String type :
          List.of("image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp", "image/x")) {
        assertEquals("{}", told(broken, type, new Picture(300, 600)).toString(), type);
      }
    }
    assertEquals(18, counts.picturesWithoutThumbnails());
    assertFalse(Files.exists(store.path(Thumbnail.object(id, 0))));
  }

  @Test
  void aHundredMillionPixelsAreReadInLittleMemory() throws IOException {
    Path file = folder.resolve("large.png");
    ImageIO.write(
        new BufferedImage(10_000, 10_000, BufferedImage.TYPE_BYTE_BINARY), "png", file.toFile());
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (FileChannel channel = FileChannel.open(file)) {
      PictureDecoder decoder = decoder(channel, "image/png", 10_000, 128 * MIB);
      long before = threads.getCurrentThreadAllocatedBytes();
      BufferedImage read = decoder.read(960);
      long taken = threads.getCurrentThreadAllocatedBytes() - before;
      assertEquals(1250, read.getWidth());
      assertTrue(taken < 64 * MIB, taken + " bytes");
    }
  }

  private static PictureDecoder decoder(FileChannel file, String type, int side, long memory) {
    return new PictureDecoder(
        file,
        type,
        new Picture(side, side),
        memory,
        System.nanoTime() + Duration.ofHours(1).toNanos());
  }

  @Test
  void whatAReaderHoldsWholeIsRefusedWhereItIsTooMuch() throws IOException {
    BufferedImage picture = picture(1000, 1000, BufferedImage.TYPE_INT_RGB, 0xFF);
    Path plain = Files.write(folder.resolve("plain"), written(picture, "jpeg", false));
    Path progressive = Files.write(folder.resolve("progressive"), written(picture, "jpeg", true));
    Path bmp = Files.write(folder.resolve("bmp"), written(picture, "bmp", false));
    try (FileChannel one = FileChannel.open(plain);
        FileChannel two = FileChannel.open(progressive);
        FileChannel three = FileChannel.open(bmp)) {
      assertEquals(125, decoder(one, "image/jpeg", 1000, MIB).read(100).getWidth());
      assertThrows(IOException.class, () -> decoder(two, "image/jpeg", 1000, MIB).read(100));
      assertThrows(IOException.class, () -> decoder(three, "image/bmp", 1000, MIB).read(100));
      assertEquals(125, decoder(two, "image/jpeg", 1000, 7 * MIB).read(100).getWidth());
      assertEquals(125, decoder(three, "image/bmp", 1000, 11 * MIB).read(100).getWidth());
      assertThrows(IOException.class, () -> decoder(one, "image/jpeg", 1000, MIB).read(1000));
    }
  }

  @Test
  void aPictureThatIsLargerThanItsHeaderIsNotDecoded() throws IOException {
    byte[] frame = WEBP.clone(); // of 4000 × 4000 pixels, on a canvas of one
    ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).putInt(21, 3999 | 3999 << 14);
    ByteBuffer webp = ByteBuffer.allocate(18 + frame.length).order(ByteOrder.LITTLE_ENDIAN);
    webp.put(frame, 0, 12)
        .put("VP8X".getBytes(StandardCharsets.US_ASCII))
        .putInt(10)
        .put(new byte[10]);
    webp.put(frame, 12, frame.length - 12).putInt(4, webp.capacity() - 8);
    Path file = Files.write(folder.resolve("bomb"), webp.array());
    try (FileChannel channel = FileChannel.open(file)) {
      IOException no =
          assertThrows(
              IOException.class, () -> decoder(channel, "image/webp", 1, 128 * MIB).read(100));
      assertEquals("The picture is larger than its header says", no.getMessage());
    }
    byte[] png = written(picture(50, 50, BufferedImage.TYPE_INT_RGB, 0xFF), "png", false);
    assertEquals("{}", told(png, "image/png", new Picture(10, 10)).toString());
  }

  @Test
  void aDiskThatIsFullKeepsNothingOfASmallPicture() throws IOException {
    AtomicBoolean isFull = new AtomicBoolean();
    store =
        new DiskStore(folder, 0) {
          @Override
          public void requireRoom(long bytes) throws IOException {
            if (isFull.get()) {
              throw new DiskFull("full");
            }
          }
        };
    byte[] png = written(picture(300, 600, BufferedImage.TYPE_INT_RGB, 0xFF), "png", false);
    ObjectNode details = JsonMapper.shared().createObjectNode();
    try (IncomingFile file = store.write(UUID.randomUUID())) {
      file.append(new ByteArrayInputStream(png), png.length);
      isFull.set(true);
      new Thumbnails(
              store,
              new ThumbnailSettings(List.of(40), 1, 128 * MIB, Duration.ofMinutes(1)),
              counts)
          .add(id, file, new FileContent("image/png", new Picture(300, 600)), details);
      file.discard();
    }
    assertEquals(1, counts.picturesWithoutThumbnails());
    try (Stream<Path> left = Files.walk(folder)) {
      assertEquals(List.of(), left.filter(Files::isRegularFile).toList());
    }
  }

  @Test
  void aFewBytesDoNotTakeAllMemory() throws IOException {
    ByteBuffer bmp = ByteBuffer.allocate(60).order(ByteOrder.LITTLE_ENDIAN);
    bmp.put((byte) 'B').put((byte) 'M').putInt(60).putInt(0).putInt(54);
    bmp.putInt(40).putInt(10).putInt(10).putShort((short) 1).putShort((short) 0);
    bmp.putInt(4).putInt(Integer.MAX_VALUE - 9); // a JPEG, of so many bytes
    refused(bmp.array(), "image/bmp", new Picture(10, 10), "Pictures within a BMP are not decoded");
    byte[] wide = png(60_000_000, 1, 6, new byte[0]);
    refused(
        wide,
        "image/png",
        new Picture(60_000_000, 1),
        "Decoding the picture needs too much memory");
  }

  @Test
  void whatAReaderKeepsBesideThePixelsCountsAsMemory() throws IOException {
    byte[] palette = png(20, 1, 3, new byte[60 * (int) MIB]);
    refused(palette, "image/png", new Picture(20, 1), "Decoding the picture needs too much memory");
    byte[] little = png(20, 1, 3, new byte[1000]);
    try (FileChannel file = FileChannel.open(Files.write(folder.resolve("little"), little))) {
      assertEquals(20, decoder(file, "image/png", 20, MIB).read(20).getWidth());
    }
  }

  private void refused(byte[] picture, String type, Picture measures, String why)
      throws IOException {
    Path file = Files.write(folder.resolve("bomb"), picture);
    try (FileChannel channel = FileChannel.open(file)) {
      IOException no =
          assertThrows(
              IOException.class,
              () ->
                  new PictureDecoder(
                          channel,
                          type,
                          measures,
                          128 * MIB,
                          System.nanoTime() + Duration.ofHours(1).toNanos())
                      .read(960));
      assertEquals(why, no.getMessage());
    }
  }

  /** With a chunk that no reader knows, and no pixels but the first ones. */
  private static byte[] png(int width, int height, int colours, byte[] unknown) throws IOException {
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    made.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
    chunk(made, "IHDR", header.put((byte) 8).put((byte) colours).array());
    chunk(made, "PLTE", new byte[3]);
    chunk(made, "unKn", unknown);
    ByteArrayOutputStream pixels = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflated = new DeflaterOutputStream(pixels)) {
      deflated.write(new byte[100]);
    }
    chunk(made, "IDAT", pixels.toByteArray());
    chunk(made, "IEND", new byte[0]);
    return made.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream to, String name, byte[] content)
      throws IOException {
    byte[] named = name.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(named);
    crc.update(content);
    to.write(ByteBuffer.allocate(4).putInt(content.length).array());
    to.write(named);
    to.write(content);
    to.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  @Test
  void decodingEndsWithItsTime() throws IOException {
    Path file =
        Files.write(
            folder.resolve("late"),
            written(picture(50, 50, BufferedImage.TYPE_INT_RGB, 0xFF), "png", false));
    try (FileChannel channel = FileChannel.open(file)) {
      IOException no =
          assertThrows(
              IOException.class,
              () ->
                  new PictureDecoder(
                          channel, "image/png", new Picture(50, 50), MIB, System.nanoTime() - 1)
                      .read(10));
      assertTrue(
          List.of(String.valueOf(no.getMessage()), String.valueOf(no.getCause()))
              .toString()
              .contains("Decoding took too long"),
          no.toString());
    }
  }
}
