package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import com.gptdesk.chat.testing.Person;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a hostile uploader tries: each is refused in words, none is a fault of the server, and
 * nothing of it stays.
 */
class HostileUploadsTest {
  private static final byte[] TEXT = "0123456789".getBytes(StandardCharsets.UTF_8);

  @TempDir private static Path folder;
  private static FilesService service;
  private static StorageClient alice;
  private static StorageClient bob;
  private static StorageClient mallory;
  private static StorageClient anon;
  private static UUID conversation;
  private static String chat;

  @BeforeAll
  static void start() throws IOException {
    service =
        new FilesService(
            folder,
            false,
            new ThumbnailSettings(List.of(40), 1, 1 << 24, Duration.ofMinutes(1)),
            null);
    Person first = service.database.alice();
    alice = service.client(first);
    bob = service.client(service.database.bob());
    mallory = service.client(service.database.mallory());
    anon = service.client(null);
    conversation = first.talksTo(service.database.bob());
    chat = conversation + "/";
  }

  @AfterAll
  static void stop() throws Exception {
    service.close();
  }

  @AfterEach
  void clear() {
    service.database.asOwner("delete from public.chat_files");
    service.sweep();
  }

  private static void refused(Answer answer, String what) throws IOException {
    assertTrue(
        List.of(400, 403, 404, 409, 413, 415).contains(answer.status()),
        what + " " + answer.status() + " " + answer.text());
    assertEquals(List.of(), service.onDisk(), what);
  }

  // Names

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a%00b",
        "%00",
        "..",
        "%2e%2e%2fa",
        "a/..%2f..%2f..%2fetc%2fpasswd",
        "a%5c..%5cb",
        "%E2%80%AEgpj.exe", // right to left, so that it reads exe.jpg
        "a%E2%80%8B/b%20",
        "%E2%80%8B",
        "%0A",
        "a%0D%0ASet-Cookie:%20x=1",
        "a%1B%5B31m",
        "a//b",
        "/a",
        "a/"
      })
  void aNameThatDeceivesIsRefused(String name) throws IOException {
    refused(alice.upload(chat + name, TEXT), name);
    refused(alice.upload(chat + name, TEXT, "x-upsert", "true"), name);
    refused(alice.post("/object/upload/sign/attachments/" + chat + name, "{}"), name);
    String plain = URLDecoder.decode(name, StandardCharsets.UTF_8);
    refused(begin(plain, "10", Map.of()), name);
    alice.upload(chat + "a.txt", TEXT);
    Answer moved =
        alice.post(
            "/object/move",
            "{\"bucketId\":\"attachments\",\"sourceKey\":\"%sa.txt\",\"destinationKey\":%s}"
                .formatted(chat, quoted(chat + plain)));
    assertEquals(400, moved.status(), moved.text());
    assertEquals(200, bob.download(chat + "a.txt").status(), "it is where it was");
  }

  @Test
  void aNameIsNotTooLong() throws IOException {
    refused(alice.upload(chat + "x".repeat(256), TEXT), "a long part");
    refused(alice.upload(chat + "x/".repeat(512) + "x", TEXT), "a long path");
    refused(begin("x".repeat(2000), "10", Map.of()), "a longer one");
    String longest = "%F0%9F%91%8D".repeat(200);
    assertEquals(200, alice.upload(chat + longest, TEXT).status(), "the control");
    assertEquals(200, bob.download(chat + longest).status());
  }

  @Test
  void bytesThatAreNoTextLeadNowhere() throws IOException {
    for (String name : List.of("%FF%FE", "%ED%A0%80", "%C0%AE%C0%AE/a")) {
      assertTrue(alice.upload(chat + name, TEXT).status() < 500, name);
    }
    for (Path file : service.onDisk()) {
      assertTrue(file.toRealPath().startsWith(folder.toRealPath()), file.toString());
      assertTrue(ResumableUploads.isId(String.valueOf(file.getFileName())), file.toString());
    }
  }

  // Types and what is kept with a file

  @Test
  void aTypeIsNoWayIn() throws IOException {
    for (String type :
        List.of(
            "text/html\u0000",
            "a/b\r\nX-Evil: 1",
            "x".repeat(2000),
            "\u202Etext/plain",
            "*/*",
            ";;;")) {
      Answer begun = begin("a.txt", "10", Map.of("contentType", type));
      assertTrue(begun.status() == 201 || begun.status() == 400, begun.text());
      if (begun.status() == 201) {
        assertEquals(204, patch(address(begun), "0", TEXT).status(), type);
        Answer read = bob.download(chat + "a.txt");
        String told = String.valueOf(read.header("Content-Type"));
        assertTrue(told.matches("text/(plain|html); charset=utf-8"), type + ": " + told);
        assertTrue(
            told.startsWith("text/plain")
                || String.valueOf(read.header("Content-Disposition")).startsWith("attachment;"),
            type);
        assertNull(read.header("X-Evil"));
        clear();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "{",
        "{\"a\":\"\\u0000\"}",
        "{\"cacheControl\":-5}",
        "{\"cacheControl\":\"60\\r\\nX-Evil: 1\"}",
        "{\"cacheControl\":{\"a\":1}}",
        "{\"cacheControl\":1e400}",
        "{\"thumbnails\":[{\"width\":1}]}"
      })
  void whatIsKeptWithAFileChangesNoAnswer(String metadata) {
    Answer stored =
        alice.upload(
            chat + "a.txt",
            TEXT,
            "x-metadata",
            Base64.getEncoder().encodeToString(metadata.getBytes(StandardCharsets.UTF_8)));
    assertTrue(List.of(200, 400).contains(stored.status()), stored.text());
    if (stored.status() == 200) {
      Answer read = bob.download(chat + "a.txt");
      assertArrayEquals(TEXT, read.response().body());
      assertNull(read.header("X-Evil"));
      assertTrue(
          String.valueOf(read.header("Cache-Control")).matches("private, max-age=\\d+"),
          read.header("Cache-Control"));
      assertEquals(200, bob.get("/object/info/attachments/" + chat + "a.txt").status());
      assertEquals(
          200,
          bob.post("/object/list/attachments", "{\"prefix\":\"" + conversation + "\"}").status());
    }
  }

  @Test
  void deepMetadataIsRefused() throws IOException {
    String deep = "{\"a\":" + "[".repeat(1500) + "]".repeat(1500) + "}";
    String header = Base64.getEncoder().encodeToString(deep.getBytes(StandardCharsets.UTF_8));
    refused(alice.upload(chat + "a.txt", TEXT, "x-metadata", header), "deep");
    refused(
        alice.post("/object/list/attachments", "[".repeat(100_000)), "a deep list in its place");
  }

  // Ranges

  @Test
  void noRangeIsMoreThanTheFile() {
    alice.upload(chat + "a.txt", TEXT);
    String many =
        "bytes=" + IntStream.range(0, 700).mapToObj(i -> "0-9").collect(Collectors.joining(","));
    for (String range :
        List.of(
            many,
            "bytes=9-0",
            "bytes=--1",
            "bytes=-",
            "bytes=0-99999999999999999999",
            "bytes=99999999999999999999-",
            "bytes=-99999999999999999999",
            "bytes=0x0-0x1",
            "bytes= 0 - 1",
            "BYTES=0-1",
            "")) {
      Answer whole = bob.download(chat + "a.txt", "Range", range);
      assertEquals(200, whole.status(), range);
      assertArrayEquals(TEXT, whole.response().body(), range);
    }
    assertEquals("0123456789", bob.download(chat + "a.txt", "Range", "bytes=-999999").text());
    for (String range : List.of("bytes=10-11", "bytes=-0", "bytes=999999999999999999-")) {
      assertEquals(416, bob.download(chat + "a.txt", "Range", range).status(), range);
    }
  }

  // Resumable uploads

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-1",
        "+10",
        "1e3",
        "0x10",
        "10 10",
        "10,10",
        "9999999999999999999999",
        "NaN",
        "999999999999999999",
        "104857601"
      })
  void aLengthThatCannotBeIsRefused(String length) throws IOException {
    Answer begun = begin("a.txt", length, Map.of());
    refused(begun, length);
    assertEquals(
        length.matches("\\d{1,18}") ? 413 : 400, begun.status(), length + " " + begun.text());
    assertEquals("0", service.database.ownerReads("select count(*) from public.chat_files"));
  }

  @Test
  void anOffsetThatCannotBeIsRefused() throws IOException {
    String address = address(begin("a.txt", "10", Map.of()));
    for (String offset : List.of("-1", "9223372036854775808", "1e0", "0;0")) {
      assertEquals(400, patch(address, offset, TEXT).status(), offset);
    }
    for (String offset : List.of("1", "10", "999999999999999999")) {
      assertEquals(409, patch(address, offset, TEXT).status(), offset);
    }
    assertEquals(413, patch(address, "0", new byte[11]).status());
    Answer rest = patch(address, "10", TEXT);
    assertTrue(List.of(404, 409, 413).contains(rest.status()), rest.text());
    assertEquals("404", bob.download(chat + "a.txt").refusal());
  }

  @Test
  void creationsThatNameNothingAreRefused() throws IOException {
    for (String metadata :
        List.of(
            "",
            "bucketName",
            "bucketName " + base64("attachments"),
            "bucketName !!!,objectName " + base64(chat + "a.txt"),
            "bucketName %s,objectName %s".formatted(base64("other"), base64(chat + "a.txt")),
            "bucketName %s,objectName %s".formatted(base64("attachments"), base64("../../a.txt")),
            "bucketName %s,objectName %s"
                .formatted(base64("attachments"), base64(UUID.randomUUID() + "/a.txt")),
            ",".repeat(3000))) {
      Answer answer =
          alice.tus(
              "POST",
              "/upload/resumable",
              new byte[0],
              Map.of("Upload-Length", "10", "Upload-Metadata", metadata));
      refused(answer, metadata.substring(0, Math.min(60, metadata.length())));
    }
    for (String id : List.of("..", "%2e%2e", "a%00", conversation.toString(), "a/b")) {
      Answer answer = alice.tus("HEAD", "/upload/resumable/" + id, new byte[0], Map.of());
      assertTrue(List.of(400, 404).contains(answer.status()), id + " " + answer.status());
    }
  }

  // Signed addresses

  @Test
  void aTokenThatWasChangedOpensNothing() {
    alice.upload(chat + "a.txt", TEXT);
    String address = StorageScene.signed(alice, chat + "a.txt");
    String token = address.replaceFirst(".*token=", "");
    String[] parts = token.split("\\.", -1);
    String claims = new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8);
    String none = encoded("{\"alg\":\"none\"}") + "." + parts[1] + ".";
    for (String forged :
        List.of(
            none,
            encoded("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}") + "." + parts[1] + "." + parts[2],
            encoded("{\"alg\":\"HS512\"}") + "." + parts[1] + "." + parts[2],
            parts[0] + "." + encoded(claims.replace("READ", "REPLACE")) + "." + parts[2],
            parts[0]
                + "."
                + encoded(claims.replaceAll("\"exp\":\\d+", "\"exp\":99999999999"))
                + "."
                + parts[2],
            parts[0] + "." + encoded("{}") + "." + parts[2],
            parts[0] + "..",
            "..",
            "a.b.c",
            "x".repeat(1500),
            token + "." + parts[2],
            token.substring(0, token.length() - 4))) {
      Answer answer = anon.get("/object/sign/attachments/" + chat + "a.txt?token=" + forged);
      assertEquals(400, answer.status(), forged + " " + answer.text());
      assertEquals("400", answer.refusal(), forged);
    }
    assertEquals("400", anon.get("/object/sign/attachments/" + chat + "a.txt").refusal());
    assertEquals(
        "400",
        anon.get("/render/image/sign/attachments/" + chat + "a.txt?token=" + token).refusal(),
        "for another use");
    Answer upload =
        anon.send(
            "PUT",
            "/object/upload/sign/attachments/" + chat + "a.txt?token=" + token,
            BodyPublishers.ofByteArray(TEXT));
    assertEquals("400", upload.refusal(), "to write");
    assertArrayEquals(TEXT, anon.get(address).response().body(), "the control");
  }

  @Test
  void aRightThatEndsEndsWhatWasSigned() {
    String path = "/object/upload/sign/attachments/" + chat + "a.txt";
    String address = alice.post(path, "{}").json().get("url").asString();
    String token = address.replaceFirst(".*token=", "");
    Map<String, String> creation = new HashMap<>(creation("a.txt", "10", Map.of()));
    creation.put("x-signature", token);
    Answer begun = anon.tus("POST", "/upload/resumable/sign", new byte[0], creation);
    assertEquals(201, begun.status(), begun.text());
    service.database.bob().blocks(service.database.alice().id());
    try {
      assertEquals("403", anon.send("PUT", address, BodyPublishers.ofByteArray(TEXT)).refusal());
      assertEquals(403, anon.tus("POST", "/upload/resumable/sign", new byte[0], creation).status());
      Answer last =
          anon.tus(
              "PATCH",
              address(begun),
              TEXT,
              Map.of(
                  "Upload-Offset",
                  "0",
                  "Content-Type",
                  "application/offset+octet-stream",
                  "x-signature",
                  token));
      assertEquals(403, last.status(), last.text());
    } finally {
      service.database.bob().unblocks(service.database.alice().id());
    }
    assertEquals(200, anon.send("PUT", address, BodyPublishers.ofByteArray(TEXT)).status());
    assertEquals(
        "409", anon.send("PUT", address, BodyPublishers.ofByteArray(TEXT)).refusal(), "twice");
  }

  // Others' files

  @Test
  void othersFilesAreOutOfReach() {
    alice.upload(chat + "a.txt", TEXT);
    for (StorageClient other : List.of(bob, mallory, anon)) {
      Answer moved =
          other.post(
              "/object/move",
              "{\"bucketId\":\"attachments\",\"sourceKey\":\"%1$sa.txt\",\"destinationKey\":\"%1$sb.txt\"}"
                  .formatted(chat));
      assertEquals(400, moved.status());
      Answer removed =
          other.send(
              "DELETE",
              "/object/attachments",
              BodyPublishers.ofString("{\"prefixes\":[\"" + chat + "a.txt\"]}"));
      assertTrue(removed.text().equals("[]") || removed.status() == 400, removed.text());
      assertEquals(
          400,
          other
              .send("DELETE", "/object/attachments/" + chat + "a.txt", BodyPublishers.noBody())
              .status());
      for (String method : List.of("POST", "PUT")) {
        Answer replaced =
            other.send(
                method,
                "/object/attachments/" + chat + "a.txt",
                BodyPublishers.ofByteArray(new byte[] {1}),
                "x-upsert",
                "true");
        assertEquals(400, replaced.status(), replaced.text());
      }
    }
    assertEquals("409", alice.post("/object/copy", "{}").refusal());
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
  }

  @Test
  void aListIsNoQuery() {
    alice.upload(chat + "a.txt", TEXT);
    for (String body :
        List.of(
            "{\"prefix\":\"%\"}",
            "{\"prefix\":\"\\u0000\"}",
            "{\"prefix\":\"" + chat + "\",\"search\":\"\\u0000\"}",
            "{\"prefix\":\"" + chat + "\",\"sortBy\":{\"column\":\"name; drop table users\"}}",
            "{\"prefix\":\"" + chat + "\",\"limit\":1000000}",
            "{\"prefix\":\"" + chat + "\",\"offset\":-1}",
            "{\"prefix\":\"../\"}",
            "{\"prefix\":\"" + chat.toUpperCase(Locale.ROOT) + "\"}",
            "{\"prefix\":{\"a\":1},\"limit\":1}")) {
      Answer listed = mallory.post("/object/list/attachments", body);
      assertTrue(listed.status() == 400 || listed.text().equals("[]"), body + listed.text());
      assertFalse(listed.status() >= 500, body);
    }
    String all =
        IntStream.range(0, 1001).mapToObj(i -> "\"a\"").collect(Collectors.joining(",", "[", "]"));
    assertEquals(
        400,
        alice
            .send(
                "DELETE",
                "/object/attachments",
                BodyPublishers.ofString("{\"prefixes\":" + all + "}"))
            .status());
    assertEquals(
        1, bob.post("/object/list/attachments", "{\"prefix\":\"" + chat + "\"}").json().size());
  }

  // What is served

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<!doctype html><script>alert(1)</script>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        "<?xml version=\"1.0\"?><html"
            + " xmlns=\"http://www.w3.org/1999/xhtml\"><script>1</script></html>",
        "<?xml version=\"1.0\"?><?xml-stylesheet href=\"a.xsl\"?><a/>",
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n"
      })
  void whatABrowserWouldRunIsADownloadInASandbox(String content) {
    for (String name : List.of("a.png", "a.pdf", "a.txt", "a.svg", "a.html")) {
      for (String type : List.of("image/png", "application/pdf", "image/svg+xml", "text/html")) {
        alice.upload(
            chat + name,
            content.getBytes(StandardCharsets.UTF_8),
            "Content-Type",
            type,
            "x-upsert",
            "true");
        Answer read = bob.download(chat + name);
        String told = String.valueOf(read.header("Content-Type"));
        assertTrue(
            String.valueOf(read.header("Content-Disposition")).startsWith("attachment;")
                || told.startsWith("text/plain"),
            name + " " + type + ": " + told + " " + read.header("Content-Disposition"));
        assertEquals("nosniff", read.header("X-Content-Type-Options"));
        assertEquals("default-src 'none'; sandbox", read.header("Content-Security-Policy"));
      }
    }
  }

  @Test
  void theNameToSaveIsOneName() {
    alice.upload(chat + "a.txt", TEXT);
    String address = StorageScene.signed(bob, chat + "a.txt");
    Answer read =
        anon.get(address + "&download=a%22%3B%0D%0ASet-Cookie%3A%20x%3D1%2F..%2F%E2%80%AE.exe");
    assertEquals(200, read.status());
    assertNull(read.header("Set-Cookie"));
    assertTrue(
        String.valueOf(read.header("Content-Disposition"))
            .matches("attachment; filename\\*=UTF-8''[\\w.%~-]+"),
        read.header("Content-Disposition"));
  }

  // Pictures

  @Test
  void aPictureOfTooManyPixelsIsRefusedUnread() throws IOException {
    Map<String, byte[]> bombs =
        Map.of(
            "a.png", png(60_000, 60_000),
            "a.gif", gif(60_000, 60_000, 60_000, 60_000),
            "a.bmp", bmp(60_000, -60_000),
            "a.jpg", jpeg(60_000, 60_000),
            "a.webp", webp(16_000, 16_000));
    for (Map.Entry<String, byte[]> bomb : bombs.entrySet()) {
      Answer answer = alice.upload(chat + bomb.getKey(), bomb.getValue());
      assertEquals("413", answer.refusal(), bomb.getKey() + " " + answer.text());
      assertEquals(List.of(), service.onDisk(), bomb.getKey());
    }
  }

  @Test
  void aPictureThatLiesIsStoredWithoutSmallOnes() throws IOException {
    Map<String, byte[]> bombs =
        Map.of(
            "a.png", png(100, 100),
            "a.gif", gif(1, 1, 60_000, 60_000),
            "a.bmp", bmp(9_000, 9_000),
            "b.bmp", bmp(1, Integer.MIN_VALUE),
            "a.jpg", jpeg(9_000, 9_000),
            "a.webp", webp(9_000, 9_000));
    for (Map.Entry<String, byte[]> bomb : bombs.entrySet()) {
      Answer answer = alice.upload(chat + bomb.getKey(), bomb.getValue());
      assertEquals(200, answer.status(), bomb.getKey() + " " + answer.text());
    }
    assertEquals(0, service.counts.picturesWithThumbnails());
    assertEquals(bombs.size(), service.onDisk().size(), "the files, and nothing beside them");
  }

  private static byte[] png(int width, int height) {
    return ByteBuffer.allocate(33)
        .put(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'})
        .putInt(13)
        .put("IHDR".getBytes(StandardCharsets.US_ASCII))
        .putInt(width)
        .putInt(height)
        .put(new byte[] {8, 6, 0, 0, 0})
        .array();
  }

  private static byte[] gif(int width, int height, int frameWidth, int frameHeight) {
    return ByteBuffer.allocate(40)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put("GIF89a".getBytes(StandardCharsets.US_ASCII))
        .putShort((short) width)
        .putShort((short) height)
        .put(new byte[] {(byte) 0x80, 0, 0, 0, 0, 0, 1, 1, 1, 0x2C, 0, 0, 0, 0})
        .putShort((short) frameWidth)
        .putShort((short) frameHeight)
        .put(new byte[] {0, 2, 2, 0x44, 1, 0, 0x3B})
        .array();
  }

  private static byte[] bmp(int width, int height) {
    return ByteBuffer.allocate(58)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 'B')
        .put((byte) 'M')
        .putInt(58)
        .putInt(0)
        .putInt(54)
        .putInt(40)
        .putInt(width)
        .putInt(height)
        .putShort((short) 1)
        .putShort((short) 24)
        .array();
  }

  private static byte[] jpeg(int width, int height) {
    return ByteBuffer.allocate(40)
        .putShort((short) 0xFFD8)
        .putShort((short) 0xFFE0)
        .putShort((short) 16)
        .put("JFIF\0".getBytes(StandardCharsets.US_ASCII))
        .put(new byte[] {1, 1, 0, 0, 1, 0, 1, 0, 0})
        .putShort((short) 0xFFC0)
        .putShort((short) 11)
        .put((byte) 8)
        .putShort((short) height)
        .putShort((short) width)
        .put(new byte[] {1, 1, 0x11, 0})
        .array();
  }

  private static byte[] webp(int width, int height) {
    return ByteBuffer.allocate(40)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put("RIFF".getBytes(StandardCharsets.US_ASCII))
        .putInt(32)
        .put("WEBPVP8L".getBytes(StandardCharsets.US_ASCII))
        .putInt(20)
        .put((byte) 0x2F)
        .putInt((width - 1) | (height - 1) << 14)
        .array();
  }

  // Requests

  private static Answer begin(String name, String length, Map<String, String> more) {
    return alice.tus("POST", "/upload/resumable", new byte[0], creation(name, length, more));
  }

  private static Map<String, String> creation(
      String name, String length, Map<String, String> more) {
    StringBuilder metadata =
        new StringBuilder(
            "bucketName %s,objectName %s".formatted(base64("attachments"), base64(chat + name)));
    more.forEach((key, value) -> metadata.append(",%s %s".formatted(key, base64(value))));
    return Map.of("Upload-Length", length, "Upload-Metadata", metadata.toString());
  }

  private static Answer patch(String address, String offset, byte[] bytes) {
    return alice.tus(
        "PATCH",
        address,
        bytes,
        Map.of("Upload-Offset", offset, "Content-Type", "application/offset+octet-stream"));
  }

  private static String address(Answer created) {
    return String.valueOf(created.header("Location")).replaceFirst("^/storage/v1", "");
  }

  private static String quoted(String text) {
    return JsonMapper.shared().writeValueAsString(text);
  }

  private static String encoded(String json) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(json.getBytes(StandardCharsets.UTF_8));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
