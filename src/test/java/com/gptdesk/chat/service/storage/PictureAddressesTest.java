package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.Pictures;
import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Small pictures by the addresses of Supabase's transformations, and what messages tell of them.
 */
class PictureAddressesTest {
  @TempDir private static Path folder;
  private static FilesService service;
  private static StorageClient alice;
  private static StorageClient bob;
  private static StorageClient mallory;
  private static UUID conversation;

  @BeforeAll
  static void start() throws IOException {
    service =
        new FilesService(
            folder,
            true,
            new ThumbnailSettings(List.of(40, 100), 1, 128 << 20, Duration.ofMinutes(1)),
            null);
    alice = service.client(service.database.alice());
    bob = service.client(service.database.bob());
    mallory = service.client(service.database.mallory());
    conversation = service.database.alice().talksTo(service.database.bob());
  }

  @AfterAll
  static void stop() throws Exception {
    service.close();
  }

  /** A picture of 400 × 200 pixels, and its path. */
  private static String uploaded(byte[] picture) {
    String path = conversation + "/" + UUID.randomUUID() + "/a.png";
    Answer stored = alice.upload(path, picture);
    assertEquals(200, stored.status(), stored.text());
    return path;
  }

  private static String size(Answer answer) {
    assertEquals(200, answer.status(), answer.text());
    try {
      BufferedImage read = ImageIO.read(new ByteArrayInputStream(answer.response().body()));
      return read.getWidth() + "x" + read.getHeight();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Answer rendered(StorageClient who, String path, String query) {
    return who.get("/render/image/authenticated/attachments/" + path + "?" + query);
  }

  @Test
  void aSizeIsAnsweredWithTheNextLargerOneThatWasMade() throws IOException {
    byte[] picture = Pictures.png(400, 200);
    String path = uploaded(picture);
    assertEquals("40x20", size(rendered(bob, path, "width=30")));
    assertEquals("40x20", size(rendered(bob, path, "width=40&quality=50")));
    assertEquals("100x50", size(rendered(bob, path, "width=41")));
    assertEquals("100x50", size(rendered(bob, path, "width=30&height=40")), "to be covered");
    assertEquals(
        "40x20", size(rendered(bob, path, "width=30&height=40&resize=contain")), "to be inside");
    assertEquals("100x50", size(rendered(bob, path, "width=1&height=50&resize=fill")));
    for (String query : List.of("width=101", "height=51", "", "quality=80", "format=origin")) {
      assertArrayEquals(picture, rendered(bob, path, query).response().body(), query);
    }
    for (String query : List.of("width=0", "width=2501", "height=x", "resize=huge", "quality=9")) {
      assertEquals("400", rendered(bob, path, query).refusal(), query);
    }
  }

  @Test
  void aSmallPictureIsGuardedLikeTheFile() throws IOException {
    String path = uploaded(Pictures.png(400, 200));
    Answer small = rendered(bob, path, "width=40");
    Answer full = bob.download(path);
    assertEquals("image/jpeg", small.header("Content-Type"));
    for (String header :
        List.of(
            "Cache-Control",
            "Vary",
            "X-Content-Type-Options",
            "Content-Security-Policy",
            "Content-Disposition")) {
      assertEquals(full.header(header), small.header(header), header);
    }
    assertNotEquals(full.header("ETag"), small.header("ETag"));
    assertEquals(
        304,
        bob.get(
                "/render/image/authenticated/attachments/" + path + "?width=40",
                "If-None-Match",
                String.valueOf(small.header("ETag")))
            .status());
    for (StorageClient stranger : List.of(mallory, service.client(null))) {
      Answer no = rendered(stranger, path, "width=40");
      assertTrue(List.of("403", "404").contains(no.refusal()), no.text());
    }
    assertEquals(
        "40x20", size(mallory.get("/render/image/public/attachments/" + path + "?width=40")));
  }

  @Test
  void aSignedAddressHoldsForItsSizeAlone() throws IOException {
    byte[] picture = Pictures.png(400, 200);
    String path = uploaded(picture);
    StorageClient nobody = service.client(null);
    String small =
        signed(path, "{\"expiresIn\":60,\"transform\":{\"width\":40,\"resize\":\"contain\"}}");
    assertTrue(small.startsWith("/render/image/sign/attachments/" + path + "?token="), small);
    assertEquals("40x20", size(nobody.get(small)));
    assertEquals("40x20", size(nobody.get(small + "&width=400")), "the token says how large");
    assertEquals(
        "400", nobody.get(small.replace("/render/image/", "/object/")).refusal(), "not the file");
    String full = signed(path, "{\"expiresIn\":60}");
    assertArrayEquals(picture, nobody.get(full).response().body(), "the control");
    assertEquals("400", nobody.get(full.replace("/object/", "/render/image/")).refusal());
    assertEquals(
        "400",
        bob.post(
                "/object/sign/attachments/" + path,
                "{\"expiresIn\":60,\"transform\":{\"width\":0}}")
            .refusal());
    service.database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'"
            .formatted(service.database.bob().id()));
    try {
      assertEquals("404", nobody.get(small).refusal(), "the right of who signed has ended");
    } finally {
      service.database.asOwner(
          "update public.users set status = 'active' where id = '%s'"
              .formatted(service.database.bob().id()));
    }
  }

  private static String signed(String path, String body) {
    return bob.post("/object/sign/attachments/" + path, body).json().get("signedURL").asString();
  }

  @Test
  void aMessageTellsMeasuresAndPlaceholderAndNoMore() throws IOException {
    String path = uploaded(Pictures.png(400, 200));
    JsonNode info = bob.get("/object/info/attachments/" + path).json().get("metadata");
    assertEquals(400, info.get("width").asInt());
    assertEquals("L00000fQfQfQfQfQfQfQfQfQfQfQ", info.get("blurhash").asString());
    assertTrue(info.path("thumbnails").isMissingNode(), info.toString());
    String metadata =
        service
            .database
            .alice()
            .does(
                tx ->
                    tx.fetchSingle(
                            "select (public.send_message('%s', '', 'image', file_url => '%s')).metadata"
                                .formatted(conversation, path))
                        .get(0, String.class));
    JsonNode file = JsonMapper.shared().readTree(metadata).get("file");
    assertEquals(
        "[400, 200, \"%s\"]".formatted(info.get("blurhash").asString()),
        List.of(file.get("width"), file.get("height"), file.get("blurhash")).toString());
    assertEquals(5, file.size(), "and the type and the id of the file: " + file);
  }

  @Test
  void theQueueRemovesSmallPicturesWithTheirFile() throws IOException {
    service.database.asOwner("delete from public.chat_files");
    service.sweep();
    assertEquals(List.of(), service.onDisk());
    String path = uploaded(Pictures.png(400, 200));
    assertEquals(3, service.onDisk().size(), "the picture and two small ones");
    alice.send(
        "DELETE",
        "/object/attachments",
        BodyPublishers.ofString("{\"prefixes\":[\"" + path + "\"]}"));
    service.sweep();
    assertEquals(List.of(), service.onDisk());
  }

  @Test
  void aPictureWhoseSmallOnesAreLostIsAnsweredWithItself() throws IOException {
    service.database.asOwner("delete from public.chat_files");
    service.sweep();
    byte[] picture = Pictures.png(400, 200);
    String path = uploaded(picture);
    for (Path file : service.onDisk()) {
      if (Files.size(file) != picture.length) {
        Files.delete(file);
      }
    }
    assertArrayEquals(picture, rendered(bob, path, "width=40").response().body());
  }
}
