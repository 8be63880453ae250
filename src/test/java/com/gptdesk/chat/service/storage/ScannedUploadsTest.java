package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.ClamdStandIn;
import com.gptdesk.chat.service.files.ScannerSettings;
import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Clamd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the virus scanner finds is not stored; what it did not see, only where that is set. */
class ScannedUploadsTest {
  private static final byte[] TEXT = "hello".getBytes(StandardCharsets.UTF_8);
  private static final long MOST = 1000;

  @TempDir private Path folder;

  private FilesService service(String scanner, boolean refusesUnscanned) throws IOException {
    return new FilesService(
        folder.resolve("files"),
        false,
        ThumbnailSettings.none(),
        new ScannerSettings(scanner, Await.PATIENCE, MOST, refusesUnscanned));
  }

  @Test
  void anInfectedFileIsRefusedAndNothingOfItStays() throws Exception {
    try (Clamd clamd = new Clamd(folder);
        FilesService service = service(clamd.unixAddress(), true)) {
      String chat = service.database.alice().talksTo(service.database.bob()) + "/";
      StorageClient alice = service.client(service.database.alice());
      Answer refused = alice.upload(chat + "a.txt", Clamd.EICAR);
      assertEquals(400, refused.status());
      assertEquals(
          "422 InfectedFile file_infected",
          String.join(
              " ",
              refused.refusal(),
              refused.json().get("code").asString(),
              refused.json().get("details").asString()));
      Answer resumable =
          alice.tus(
              "POST",
              "/upload/resumable",
              Clamd.EICAR,
              headers(chat + "b.txt", Clamd.EICAR.length));
      assertEquals(422, resumable.status(), resumable.text());
      assertEquals(2, service.counts.scansInfected());
      assertEquals(List.of(), service.onDisk());
      assertEquals("0", service.database.ownerReads("select count(*) from public.chat_files"));
      assertEquals(200, alice.upload(chat + "a.txt", TEXT).status(), "the control");
    }
  }

  private static Map<String, String> headers(String path, int length) {
    return Map.of(
        "Content-Type",
        "application/offset+octet-stream",
        "Upload-Length",
        String.valueOf(length),
        "Upload-Metadata",
        "bucketName " + base64("attachments") + ",objectName " + base64(path));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void whatWasNotScannedIsRefusedUnlessItIsSetOtherwise() throws Exception {
    try (ClamdStandIn clamd = new ClamdStandIn();
        FilesService service = service(clamd.address(), true)) {
      UUID conversation = service.database.alice().talksTo(service.database.bob());
      StorageClient alice = service.client(service.database.alice());
      clamd.answers("busy");
      Answer away = alice.upload(conversation + "/a.txt", TEXT);
      assertEquals(503, away.status());
      assertEquals("file_unscanned", away.json().get("details").asString());
      assertEquals("10", away.header("Retry-After"));
      Answer large = alice.upload(conversation + "/a.txt", new byte[(int) MOST + 1]);
      assertEquals("413", large.refusal());
      assertEquals("file_unscanned", large.json().get("details").asString());
      assertEquals(List.of(), service.onDisk());
      goesOn(service, clamd, conversation + "/b.txt");
    }
    try (ClamdStandIn clamd = new ClamdStandIn();
        FilesService service = service(clamd.address(), false)) {
      UUID conversation = service.database.alice().talksTo(service.database.bob());
      StorageClient alice = service.client(service.database.alice());
      clamd.answers("busy");
      assertEquals(200, alice.upload(conversation + "/a.txt", TEXT).status());
      assertEquals(200, alice.upload(conversation + "/c.txt", new byte[(int) MOST + 1]).status());
      assertEquals(2, service.counts.scansFailed());
      clamd.answers("stream: X FOUND");
      assertEquals("422", alice.upload(conversation + "/b.txt", TEXT).refusal());
    }
  }

  /** A resumable upload waits for the scanner: its client asks again, and sends nothing again. */
  private static void goesOn(FilesService service, ClamdStandIn clamd, String path) {
    StorageClient alice = service.client(service.database.alice());
    Answer begun = alice.tus("POST", "/upload/resumable", TEXT, headers(path, TEXT.length));
    assertEquals(503, begun.status(), begun.text());
    String id =
        service.database.ownerReads("select id from public.chat_files where state = 'uploading'");
    Map<String, String> none = Map.of();
    assertEquals(503, alice.tus("HEAD", "/upload/resumable/" + id, new byte[0], none).status());
    clamd.answers("stream: OK");
    Answer stored = alice.tus("HEAD", "/upload/resumable/" + id, new byte[0], none);
    assertEquals(200, stored.status());
    assertEquals(String.valueOf(TEXT.length), stored.header("Upload-Offset"));
    assertTrue(service.client(service.database.bob()).download(path).status() == 200);
  }
}
