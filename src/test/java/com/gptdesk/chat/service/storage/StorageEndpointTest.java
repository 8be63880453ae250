package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.files.Pictures;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Files over a real socket: who may upload, read, list, move and remove what. */
class StorageEndpointTest extends StorageScene {
  @Test
  void whatOneUploadsTheOtherReadsAndAStrangerDoesNot() {
    Answer stored = alice.upload(chat + "a/notes.txt", TEXT, "Content-Type", "text/plain");
    assertEquals(200, stored.status(), stored.text());
    assertEquals("attachments/" + chat + "a/notes.txt", stored.json().get("Key").asString());
    Answer read = bob.download(chat + "a/notes.txt");
    assertArrayEquals(TEXT, read.response().body());
    assertEquals("text/plain; charset=utf-8", read.header("Content-Type"));
    assertEquals("nosniff", read.header("X-Content-Type-Options"));
    assertEquals("default-src 'none'; sandbox", read.header("Content-Security-Policy"));
    assertEquals("inline; filename*=UTF-8''notes.txt", read.header("Content-Disposition"));
    assertEquals("private, max-age=3600", read.header("Cache-Control"));
    assertEquals("Authorization, apikey", read.header("Vary"));
    for (String address :
        List.of(
            "/object/attachments/",
            "/object/authenticated/attachments/",
            "/object/info/attachments/",
            "/object/public/attachments/")) {
      for (StorageClient stranger : List.of(mallory, anon, client(database.carol()))) {
        Answer no = stranger.get(address + chat + "a/notes.txt");
        assertEquals(400, no.status());
        assertTrue(List.of("404", "403").contains(no.refusal()), no.text());
      }
    }
    Answer nothing = mallory.download(chat + "a/nothing.txt");
    assertEquals(
        nothing.text(), mallory.download(chat + "a/notes.txt").text(), "they cannot tell apart");
    assertEquals(
        400,
        mallory
            .send("HEAD", "/object/attachments/" + chat + "a/notes.txt", BodyPublishers.noBody())
            .status());
    assertEquals(
        "[]",
        mallory.post("/object/list/attachments", "{\"prefix\":\"" + conversation + "\"}").text());
    assertEquals(
        "[]",
        mallory
            .send(
                "DELETE",
                "/object/attachments",
                BodyPublishers.ofString("{\"prefixes\":[\"" + chat + "a/notes.txt\"]}"))
            .text());
    assertEquals("403", mallory.upload(chat + "b.txt", TEXT).refusal());
    assertEquals("403", anon.upload(chat + "b.txt", TEXT).refusal());
    assertEquals(
        200, bob.download(chat + "a/notes.txt").status(), "the control: it is still there");
  }

  @Test
  void nothingIsReadOfTheUploadOfNobody() throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket
          .getOutputStream()
          .write(
              ("POST /storage/v1/object/attachments/%sa.txt HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"
                      .formatted(chat))
                  .getBytes(StandardCharsets.US_ASCII));
      String status =
          new BufferedReader(
                  new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
              .readLine();
      assertEquals("HTTP/1.1 400 Bad Request", status);
    }
  }

  @Test
  void aFormHasFewFieldsBeforeItsFile() {
    String field = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n";
    String file =
        "--b\r\nContent-Disposition: form-data; name=\"\"; filename=\"a\"\r\n\r\n1\r\n--b--\r\n";
    for (int fields : List.of(20, 21)) {
      Answer answer =
          alice.upload(
              chat + fields + ".txt",
              (field.repeat(fields) + file).getBytes(StandardCharsets.UTF_8),
              "Content-Type",
              "multipart/form-data; boundary=b");
      assertEquals(fields == 20 ? 200 : 400, answer.status(), answer.text());
    }
  }

  @Test
  void whatIsUnderLegalHoldIsOutOfReach() throws IOException {
    String id =
        alice
            .upload(chat + "a.txt", TEXT, "Content-Type", "text/plain")
            .json()
            .get("Id")
            .asString();
    database.asOwner(
        "select chat.place_hold('case 17', conversation_id => '%s')".formatted(conversation));
    try {
      alice.send("DELETE", "/object/attachments/" + chat + "a.txt", BodyPublishers.noBody());
      assertEquals("held", database.ownerReads("select state from public.chat_files"));
      StorageClient owner =
          new StorageClient(http, port, new TokenIssuer(SECRET).serviceKey(Duration.ofHours(1)));
      String address = "/upload/resumable/" + id;
      assertEquals(404, owner.tus("HEAD", address, new byte[0], Map.of()).status());
      assertEquals(
          404,
          owner
              .tus(
                  "PATCH", address, TEXT, Map.of("Upload-Offset", "0", "Content-Type", OFFSET_TYPE))
              .status());
      assertEquals(404, owner.tus("DELETE", address, new byte[0], Map.of()).status());
      sweeper.sweep();
      assertArrayEquals(TEXT, bytesOf(UUID.fromString(id)));
    } finally {
      database.asOwner(
          "select chat.release_hold(id) from chat.legal_holds where released_at is null");
    }
  }

  @Test
  void whoIsBlockedUploadsNothing() {
    database.bob().blocks(database.alice().id());
    try {
      assertEquals("403", alice.upload(chat + "a.txt", TEXT).refusal());
      Answer signed = alice.post("/object/upload/sign/attachments/" + chat + "a.txt", "{}");
      assertEquals("403", signed.refusal());
    } finally {
      database.bob().unblocks(database.alice().id());
    }
    assertEquals(200, alice.upload(chat + "a.txt", TEXT).status());
  }

  @Test
  void theInfoTellsWhatItIs() throws IOException {
    alice.upload(
        chat + "p.png",
        Pictures.png(30, 20),
        "Cache-Control",
        "max-age=60",
        "x-metadata",
        Base64.getEncoder().encodeToString("{\"by\":\"phone\"}".getBytes(StandardCharsets.UTF_8)));
    JsonNode info = bob.get("/object/info/attachments/" + chat + "p.png").json();
    assertEquals("image/png", info.get("content_type").asString());
    assertEquals("max-age=60", info.get("cache_control").asString());
    assertEquals(30, info.at("/metadata/width").asInt());
    assertEquals("phone", info.at("/metadata/by").asString());
    Answer head =
        bob.send("HEAD", "/object/attachments/" + chat + "p.png", BodyPublishers.noBody());
    assertEquals(info.get("size").asString(), head.header("Content-Length"));
    assertEquals(info.get("etag").asString(), head.header("ETag"));
    assertEquals("private, max-age=60", head.header("Cache-Control"));
  }

  @Test
  void partsAreRead() {
    alice.upload(chat + "a.txt", TEXT);
    Map.of(
            "bytes=0-3", "0123",
            "bytes=8-", "89",
            "bytes=-2", "89",
            "bytes=4-400", "456789")
        .forEach(
            (range, expected) -> {
              Answer part = bob.download(chat + "a.txt", "Range", range);
              assertEquals(206, part.status(), range);
              assertEquals(expected, part.text(), range);
              assertTrue(String.valueOf(part.header("Content-Range")).endsWith("/10"), range);
            });
    Answer beyond = bob.download(chat + "a.txt", "Range", "bytes=10-");
    assertEquals(416, beyond.status());
    assertEquals("bytes */10", beyond.header("Content-Range"));
    for (String ignored : List.of("bytes=0-1,3-4", "bytes=3-1", "lines=1-2")) {
      assertEquals(200, bob.download(chat + "a.txt", "Range", ignored).status(), ignored);
    }
    String tag = String.valueOf(bob.download(chat + "a.txt").header("ETag"));
    assertEquals(304, bob.download(chat + "a.txt", "If-None-Match", "\"x\", W/" + tag).status());
    assertEquals(206, bob.download(chat + "a.txt", "Range", "bytes=0-1", "If-Range", tag).status());
    assertEquals(
        200, bob.download(chat + "a.txt", "Range", "bytes=0-1", "If-Range", "\"x\"").status());
    assertEquals(304, bob.download(chat + "a.txt", "If-None-Match", tag).status());
  }

  @Test
  void aFileOfTheSameNameIsReplacedOnlyOnWish() throws IOException {
    alice.upload(chat + "a.txt", TEXT);
    Answer again = alice.upload(chat + "a.txt", TEXT);
    assertEquals("409", again.refusal());
    assertEquals("The resource already exists", again.json().get("message").asString());
    assertEquals(
        200,
        alice
            .upload(chat + "a.txt", "new".getBytes(StandardCharsets.UTF_8), "x-upsert", "true")
            .status());
    assertEquals("new", bob.download(chat + "a.txt").text());
    assertEquals(
        "409",
        client(database.bob()).upload(chat + "a.txt", TEXT, "x-upsert", "true").refusal(),
        "another's");
    sweeper.sweep();
    assertEquals(1, kept().size(), "the bytes of before are gone");
  }

  @Test
  void whatIsMovedAndRemovedIsSeenInTheList() throws IOException {
    alice.upload(chat + "d/a.txt", TEXT);
    alice.upload(chat + "b.txt", TEXT);
    assertEquals(
        200,
        alice
            .post(
                "/object/move",
                "{\"bucketId\":\"attachments\",\"sourceKey\":\"%sb.txt\",\"destinationKey\":\"%sc.txt\"}"
                    .formatted(chat, chat))
            .status());
    JsonNode listed = bob.post("/object/list/attachments", "{\"prefix\":\"" + chat + "\"}").json();
    assertEquals(List.of("c.txt", "d"), listed.findValuesAsString("name"));
    assertEquals(10, listed.at("/0/metadata/size").asInt());
    assertTrue(listed.at("/1/id").isNull(), "a folder");
    assertEquals(
        conversation.toString(),
        bob.post("/object/list/attachments", "{\"prefix\":\"\"}").json().at("/0/name").asString());
    JsonNode removed =
        alice
            .send(
                "DELETE",
                "/object/attachments",
                BodyPublishers.ofString(
                    "{\"prefixes\":[\"%sc.txt\",\"%sno.txt\"]}".formatted(chat, chat)))
            .json();
    assertEquals(List.of(chat + "c.txt"), removed.findValuesAsString("name"));
    assertEquals("404", bob.download(chat + "c.txt").refusal());
    sweeper.sweep();
    assertEquals(1, kept().size());
  }

  @Test
  void whatABrowserWouldRunIsADownload() {
    byte[] html = "<!doctype html><script>alert(1)</script>".getBytes(StandardCharsets.UTF_8);
    byte[] svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".getBytes(StandardCharsets.UTF_8);
    for (byte[] active : List.of(html, svg)) {
      alice.upload(chat + "photo.png", active, "Content-Type", "image/png", "x-upsert", "true");
      Answer read = bob.download(chat + "photo.png");
      assertEquals("attachment; filename*=UTF-8''photo.png", read.header("Content-Disposition"));
      assertTrue(
          List.of("text/html; charset=utf-8", "image/svg+xml")
              .contains(read.header("Content-Type")));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%2e%2e/%2e%2e/etc/passwd",
        "../../../../etc/passwd",
        "%5c..%5cwindows",
        "a%00b",
        "a//b",
        "a/./b",
        "%0d%0aSet-Cookie:x=1",
        "%20"
      })
  void noPathLeavesTheFolder(String name) throws IOException {
    Answer stored = alice.upload(chat + name, TEXT);
    assertTrue(List.of(400, 404).contains(stored.status()), stored.text());
    assertTrue(List.of(400, 404).contains(alice.download(chat + name).status()));
    assertEquals(List.of(), kept());
  }

  @Test
  void otherPathsAndBucketsAreNone() {
    assertEquals("400", alice.upload("no-uuid/a.txt", TEXT).refusal());
    assertEquals("403", alice.upload(UUID.randomUUID() + "/a.txt", TEXT).refusal());
    assertEquals("404", alice.get("/object/other/" + chat + "a.txt").refusal());
    assertEquals("404", alice.get("/object/authenticated/" + chat).refusal());
    assertEquals("404", alice.get("/nothing").refusal());
    assertEquals("attachments", alice.get("/bucket/attachments").json().get("id").asString());
    assertEquals("403", alice.post("/bucket", "{}").refusal());
    assertEquals("404", anon.get("/bucket/attachments").refusal());
  }

  @Test
  void tooLargeAndOfTheWrongTypeIsRefused() throws IOException {
    database.asOwner("update chat.settings set max_file_bytes = 9, file_types = array['image/*']");
    assertEquals("413", alice.upload(chat + "a.txt", TEXT).refusal());
    Answer unknown =
        alice.send(
            "POST",
            "/object/attachments/" + chat + "a.txt",
            BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(TEXT)));
    assertEquals("413", unknown.refusal(), "also without a length");
    assertEquals(
        "415",
        alice
            .upload(
                chat + "a.png",
                "text".getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "image/png")
            .refusal());
    database.asOwner("update chat.settings set max_file_bytes = default");
    assertEquals(200, alice.upload(chat + "a.png", Pictures.png(1000, 1000)).status());
    assertEquals(
        "413", alice.upload(chat + "b.png", Pictures.png(1001, 1000)).refusal(), "too many pixels");
    sweeper.sweep();
    assertEquals(1, kept().size());
  }
}
