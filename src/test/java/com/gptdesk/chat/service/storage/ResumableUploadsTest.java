package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.IncomingFile;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Uploads in several requests by TUS, over a real socket. */
class ResumableUploadsTest extends StorageScene {
  @Test
  void aResumableUploadGoesOnWhereItEnded() {
    Answer created = create(chat + "a.txt", 10);
    assertEquals(201, created.status(), created.text());
    assertEquals("0", state(created).header("Upload-Offset"));
    assertEquals("4", patch(created, 0, Arrays.copyOf(TEXT, 4)).header("Upload-Offset"));
    assertEquals(409, patch(created, 0, TEXT).status());
    assertEquals(409, patch(created, 5, TEXT).status());
    Answer state = state(created);
    assertEquals("4", state.header("Upload-Offset"));
    assertEquals("10", state.header("Upload-Length"));
    assertEquals("no-store", state.header("Cache-Control"));
    assertEquals("404", bob.download(chat + "a.txt").refusal(), "not whole yet");
    Answer last = patch(created, 4, Arrays.copyOfRange(TEXT, 4, 10));
    assertEquals(204, last.status(), last.text());
    assertEquals("10", last.header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
    assertEquals("10", state(created).header("Upload-Offset"), "also when it is finished");
    assertEquals(204, patch(created, 10, new byte[0]).status());
    assertEquals(403, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
  }

  @Test
  void anUploadWhoseEndWasInterruptedIsFinishedBeforeItIsCalledWhole() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    String id = String.valueOf(created.header("Location")).replaceFirst(".*/", "");
    try (IncomingFile file = store.write(UUID.fromString(id))) {
      file.append(new ByteArrayInputStream(TEXT), 10);
    }
    assertEquals("10", state(created).header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
  }

  @Test
  void nobodyElseHasAPartInAnUpload() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    patch(created, 0, Arrays.copyOf(TEXT, 4));
    for (StorageClient other : List.of(bob, mallory, anon)) {
      for (String method : List.of("HEAD", "PATCH", "DELETE")) {
        Answer no =
            other.tus(
                method,
                address(created),
                method.equals("PATCH") ? TEXT : new byte[0],
                method.equals("PATCH")
                    ? Map.of("Upload-Offset", "4", "Content-Type", OFFSET_TYPE)
                    : Map.of());
        assertTrue(List.of(403, 404).contains(no.status()), method + " " + no.status());
      }
    }
    assertEquals("4", state(created).header("Upload-Offset"));
    assertEquals(204, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    assertEquals(404, state(created).status());
    assertEquals(List.of(), kept());
    assertEquals(
        403,
        mallory
            .tus("POST", "/upload/resumable", new byte[0], creation(chat + "a.txt", 10))
            .status());
  }

  @Test
  void onlyOneWritesAnUploadAtATime() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    String id = String.valueOf(created.header("Location")).replaceFirst(".*/", "");
    try (IncomingFile other = store.write(UUID.fromString(id))) {
      assertEquals(423, patch(created, other.size(), TEXT).status());
      assertEquals(423, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    }
    assertEquals(204, patch(created, 0, TEXT).status());
  }

  @Test
  void aBlockThatComesMeanwhileEndsAnUpload() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    patch(created, 0, Arrays.copyOf(TEXT, 4));
    database.bob().blocks(database.alice().id());
    try {
      assertEquals(403, patch(created, 4, Arrays.copyOfRange(TEXT, 4, 10)).status());
    } finally {
      database.bob().unblocks(database.alice().id());
    }
    assertEquals(404, state(created).status());
    sweeper.sweep();
    assertEquals(List.of(), kept());
  }

  @Test
  void whatIsWholeIsNotWrittenAgain() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    UUID id = UUID.fromString(String.valueOf(created.header("Location")).replaceFirst(".*/", ""));
    byte[] others = "abcdefghij".getBytes(StandardCharsets.UTF_8);
    try (IncomingFile file = store.write(id)) {
      file.append(new ByteArrayInputStream(TEXT), 10);
      file.keep();
      assertEquals(423, patch(created, 0, others).status(), "before the database is told");
      assertEquals(423, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    }
    assertEquals(409, patch(created, 0, others).status());
    assertEquals(List.of(id.toString()), kept());
    assertEquals("10", state(created).header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
    assertEquals(403, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    assertArrayEquals(TEXT, bytesOf(id));
  }

  @Test
  void whatIsWholeAndGivenUpIsSwept() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    String id = String.valueOf(created.header("Location")).replaceFirst(".*/", "");
    try (IncomingFile file = store.write(UUID.fromString(id))) {
      file.append(new ByteArrayInputStream(TEXT), 10);
      file.keep();
    }
    assertEquals(204, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    assertEquals(404, state(created).status());
    sweeper.sweep();
    assertEquals(List.of(), kept());
  }

  @Test
  void anUploadThatIsNotResumableIsNotReachedByItsId() throws IOException {
    StoredFile begun =
        records.begin(
            database.alice().caller(),
            new FileRecords.Wanted(
                conversation, "a.txt", null, null, UserMetadata.of(null, null), false));
    for (String method : List.of("HEAD", "DELETE")) {
      Answer answer = alice.tus(method, "/upload/resumable/" + begun.id(), new byte[0], Map.of());
      assertEquals(404, answer.status(), method);
    }
    assertEquals(List.of(), kept());
  }

  @Test
  void whatIsNoTusIsRefused() {
    assertEquals(412, alice.post("/upload/resumable", "").status());
    Answer created = create(chat + "a.txt", 10);
    assertEquals(
        415,
        alice
            .tus(
                "PATCH",
                address(created),
                TEXT,
                Map.of("Upload-Offset", "0", "Content-Type", "text/plain"))
            .status());
    assertEquals(
        400,
        alice.tus("PATCH", address(created), TEXT, Map.of("Content-Type", OFFSET_TYPE)).status());
    assertEquals(413, patch(created, 0, new byte[11]).status(), "more than its length");
    assertEquals(
        400,
        alice
            .tus("POST", "/upload/resumable", new byte[0], Map.of("Upload-Length", "-1"))
            .status());
    assertEquals(
        404, alice.tus("HEAD", "/upload/resumable/nothing", new byte[0], Map.of()).status());
    Answer options = anon.send("OPTIONS", "/upload/resumable", BodyPublishers.noBody());
    assertEquals("1.0.0", options.header("Tus-Version"));
  }

  @Test
  void aResumableUploadMayBeSigned() {
    String token =
        alice
            .post("/object/upload/sign/attachments/" + chat + "a.txt", "{}")
            .json()
            .get("token")
            .asString();
    Map<String, String> creation = new HashMap<>(creation(chat + "a.txt", 10));
    creation.put("x-signature", token);
    Answer created = anon.tus("POST", "/upload/resumable/sign", new byte[0], creation);
    assertEquals(201, created.status(), created.text());
    Map<String, String> rest =
        Map.of("Upload-Offset", "0", "Content-Type", OFFSET_TYPE, "x-signature", token);
    assertEquals(204, anon.tus("PATCH", address(created), TEXT, rest).status());
    assertEquals(200, bob.download(chat + "a.txt").status());
    creation.put("Upload-Metadata", metadata(chat + "b.txt"));
    assertEquals(400, anon.tus("POST", "/upload/resumable/sign", new byte[0], creation).status());
  }
}
