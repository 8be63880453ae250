package com.gptdesk.chat.service.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.apache.tika.mime.MimeTypes;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What files are by their bytes, and what is taken out of them. */
class FileContentTest {
  @TempDir private Path folder;
  private DiskStore store;

  /** A file as it was stored. */
  private record Stored(FileContent content, byte[] bytes, byte[] hash) {
    boolean tellsPlace() {
      return new String(bytes, StandardCharsets.ISO_8859_1).contains(Pictures.PLACE);
    }
  }

  @BeforeEach
  void open() throws IOException {
    store = new DiskStore(folder, 0);
  }

  @Test
  void bytesDecideTheTypeAndNamesOnlyChooseAmongWhatTheyMayBe() throws IOException {
    byte[] png = Pictures.png(3, 2);
    assertEquals("image/png", type(png, "report.pdf", "application/pdf"));
    assertEquals("text/html", type(text("<!doctype html><html>"), "photo.png", "image/png"));
    assertEquals(
        "image/svg+xml", type(text("<svg xmlns='http://www.w3.org/2000/svg'/>"), "a", null));
    assertEquals("application/octet-stream", type(new byte[] {1, 2, 3, 0}, "a.png", "image/png"));
    assertEquals("application/pdf", type(text("%PDF-1.7\n"), "a.txt", null));
    assertEquals("text/plain", type(text("a,b\n1,2\n"), "notes", "text/plain;charset=UTF-8"));
    assertEquals("text/csv", type(text("a,b\n1,2\n"), "list.csv", null));
    assertEquals(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        type(zip(), "letter.docx", null));
    assertEquals("application/zip", type(zip(), "letter.png", "image/png"));
  }

  @Test
  void aDeclaredTypeIsOneThatIsKnownAndOfTheSameKind() throws Exception {
    byte[] xml = text("<?xml version='1.0'?><a/>");
    String letter = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    assertEquals(letter, type(zip(), "letter", letter), "the control");
    assertEquals("application/zip", type(zip(), "a", "image/x+zip"));
    assertEquals("application/xml", type(xml, "a", "image/x+xml"));
    assertEquals("application/xml", type(xml, "a", "image/svg+xml"));
    assertEquals("application/xml", type(xml, "a", "no type"));
    assertNull(MimeTypes.getDefaultMimeTypes().getRegisteredMimeType("image/x+zip"), "not kept");
  }

  @Test
  void fillBytesOfAJpegAreNotReadForEver() throws IOException {
    assertEquals(new Picture(7, 5), stored(filled(100), false).content().picture(), "the control");
    assertNull(stored(filled(20_000), false).content().picture(), "its frame is not reached");
  }

  /** A JPEG of 7 by 5 whose frame comes behind so many fill bytes. */
  private static byte[] filled(int fill) {
    byte[] jpeg = new byte[2 + fill + 20];
    Arrays.fill(jpeg, (byte) 0xFF);
    jpeg[1] = (byte) 0xD8;
    ByteBuffer frame = ByteBuffer.wrap(jpeg, 2 + fill, 20);
    frame.putShort((short) 0xFFC0).putShort((short) 11).put((byte) 8);
    frame.putShort((short) 5).putShort((short) 7);
    return jpeg;
  }

  @Test
  void picturesHaveMeasuresAsTheyAreShown() throws IOException {
    assertEquals(new Picture(30, 20), stored(Pictures.png(30, 20), false).content().picture());
    assertEquals(
        new Picture(30, 20), stored(Pictures.jpegWithPlace(30, 20, 1), false).content().picture());
    assertEquals(
        new Picture(20, 30),
        stored(Pictures.jpegWithPlace(30, 20, 6), false).content().picture(),
        "turned");
    assertEquals(new Picture(300, 200), stored(webp(), false).content().picture());
    ByteBuffer gif = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    gif.put(text("GIF89a")).putShort((short) 7).putShort((short) 5);
    assertEquals(new Picture(7, 5), stored(gif.array(), false).content().picture());
    assertNull(stored(text("no picture"), false).content().picture());
    byte[] cut = Arrays.copyOf(Pictures.png(3, 2), 18);
    assertNull(stored(cut, false).content().picture(), "a broken header");
  }

  @Test
  void whereAPictureWasTakenIsTakenOut() throws IOException {
    byte[] jpeg = Pictures.jpegWithPlace(30, 20, 6);
    assertTrue(stored(jpeg, true).tellsPlace(), "the control: it stays where it is wanted");
    Stored kept = stored(jpeg, false);
    assertFalse(kept.tellsPlace());
    assertEquals(jpeg.length, kept.bytes().length);
    assertEquals(new Picture(20, 30), reread(kept.bytes()), "it is still turned");
    assertSamePixels(jpeg, kept.bytes());
    byte[] png = Pictures.pngWithPlace(30, 20);
    assertTrue(stored(png, true).tellsPlace());
    Stored keptPng = stored(png, false);
    assertFalse(keptPng.tellsPlace());
    assertSamePixels(png, keptPng.bytes());
    Stored keptWebp = stored(webp(), false);
    assertTrue(stored(webp(), true).tellsPlace());
    assertFalse(keptWebp.tellsPlace());
    assertEquals(0, keptWebp.bytes()[20] & 0x0C, "it says that it has no EXIF");
  }

  @Test
  void theHashIsOfWhatIsStored() throws Exception {
    for (byte[] given : new byte[][] {text("plain"), Pictures.jpegWithPlace(30, 20, 6)}) {
      Stored kept = stored(given, false);
      assertArrayEquals(MessageDigest.getInstance("SHA-256").digest(kept.bytes()), kept.hash());
    }
  }

  @Test
  void brokenPicturesAreStoredAsTheyAre() throws IOException {
    byte[] jpeg = Pictures.jpegWithPlace(30, 20, 6);
    for (int length = 3; length < 200; length++) {
      byte[] cut = Arrays.copyOf(jpeg, length);
      assertEquals(length, stored(cut, false).bytes().length);
    }
  }

  @Test
  void whoGoesOnWithAFileFindsWhatHasCome() throws IOException {
    UUID id = UUID.randomUUID();
    try (IncomingFile first = store.write(id)) {
      assertTrue(first.append(new ByteArrayInputStream(text("begun ")), 100));
      assertThrows(FileBusy.class, () -> store.write(id), "one writer at a time");
    }
    assertEquals(6, store.arrived(id));
    try (IncomingFile second = store.write(id)) {
      assertFalse(second.append(new ByteArrayInputStream(text("and ended")), 9));
      assertEquals(9, second.size());
      second.keep();
      assertThrows(FileBusy.class, () -> store.whole(id));
    }
    assertEquals("begun and", Files.readString(store.path(id)));
    assertEquals(9, store.arrived(id));
    assertThrows(FileBusy.class, () -> store.write(id), "nobody writes it again");
    try (Stream<Path> incoming = Files.list(folder.resolve("incoming"))) {
      assertEquals(0, incoming.count());
    }
    try (IncomingFile whole = store.whole(id)) {
      assertEquals(9, whole.size());
      whole.keep();
      whole.discard();
    }
    assertEquals("begun and", Files.readString(store.path(id)));
    store.remove(id);
    assertEquals(0, store.arrived(id));
    store.remove(id);
    assertFalse(Files.exists(store.path(id)));
  }

  @Test
  void whatIsReservedStaysFree() throws IOException {
    DiskStore small = new DiskStore(folder, Long.MAX_VALUE / 2);
    try (IncomingFile file = small.write(UUID.randomUUID())) {
      assertThrows(DiskFull.class, () -> file.append(new ByteArrayInputStream(text("a")), 100));
    }
    assertThrows(DiskFull.class, () -> small.requireRoom(1));
  }

  private String type(byte[] bytes, String name, @Nullable String declared) throws IOException {
    return stored(bytes, name, declared, false).content().type();
  }

  private Stored stored(byte[] bytes, boolean keepsMetadata) throws IOException {
    return stored(bytes, "a", null, keepsMetadata);
  }

  private Stored stored(byte[] bytes, String name, @Nullable String declared, boolean keepsMetadata)
      throws IOException {
    UUID id = UUID.randomUUID();
    try (IncomingFile file = store.write(id)) {
      file.append(new ByteArrayInputStream(bytes), bytes.length);
      FileContent content = FileContent.of(file, name, declared, keepsMetadata);
      byte[] hash = file.hash();
      file.keep();
      return new Stored(content, Files.readAllBytes(store.path(id)), hash);
    }
  }

  private @Nullable Picture reread(byte[] bytes) throws IOException {
    return stored(bytes, true).content().picture();
  }

  private static void assertSamePixels(byte[] expected, byte[] actual) throws IOException {
    BufferedImage one = ImageIO.read(new ByteArrayInputStream(expected));
    BufferedImage other = ImageIO.read(new ByteArrayInputStream(actual));
    assertArrayEquals(
        one.getRGB(0, 0, one.getWidth(), one.getHeight(), null, 0, one.getWidth()),
        other.getRGB(0, 0, one.getWidth(), one.getHeight(), null, 0, one.getWidth()));
  }

  /** A file of 300 by 200 with EXIF; its pixels are missing. */
  private static byte[] webp() {
    byte[] place = text(Pictures.PLACE + " ");
    return ByteBuffer.allocate(30 + 8 + place.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(text("RIFF"))
        .putInt(22 + 8 + place.length)
        .put(text("WEBPVP8X"))
        .putInt(10)
        .putInt(0x08)
        .put(new byte[] {(byte) 299, 299 >> 8, 0, (byte) 199, 0, 0})
        .put(text("EXIF"))
        .putInt(place.length)
        .put(place)
        .array();
  }

  private static byte[] zip() throws IOException {
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(made)) {
      zip.putNextEntry(new ZipEntry("word/document.xml"));
      zip.write(text("<a/>"));
    }
    return made.toByteArray();
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
