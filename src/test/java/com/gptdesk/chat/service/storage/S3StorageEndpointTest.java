package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.FaultyWire;
import com.gptdesk.chat.service.files.FaultyWire.Fault;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FullDisk;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.S3Server;
import com.gptdesk.chat.service.files.S3Store;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import com.gptdesk.chat.testing.Await;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The same with files in a bucket, and what people see of an S3 that fails. */
class S3StorageEndpointTest extends StorageEndpointTest {
  private static final Duration TIMEOUT = Await.PATIENCE;

  private S3Server server;
  private FaultyWire wire;
  private S3Store bucket;

  @Override
  ObjectStore store(FullDisk disk, FileCounts counts) throws IOException {
    server = new S3Server();
    wire = new FaultyWire(server.address());
    bucket = new S3Store(disk, S3Server.settings(wire.address(), false, TIMEOUT), counts);
    return bucket;
  }

  @AfterAll
  void stopServer() throws IOException {
    bucket.close();
    wire.close();
    server.close();
  }

  @AfterEach
  void mend() throws IOException {
    wire.breaks(Fault.NONE);
  }

  @Override
  List<String> kept() throws IOException {
    List<String> all = new ArrayList<>(super.kept());
    all.addAll(server.keys());
    return all;
  }

  @Override
  byte[] bytesOf(UUID id) throws IOException {
    return server.bytes(id.toString());
  }

  @Test
  void aBucketThatFailsIsToldAndNothingIsHalfThere() throws IOException {
    for (Fault fault : List.of(Fault.REFUSES, Fault.LOSES_ANSWERS)) {
      wire.breaks(fault);
      Answer failed = alice.upload(chat + "a.txt", TEXT);
      assertEquals(503, failed.status(), failed.text());
      assertEquals("StorageUnavailable", failed.json().get("code").asString());
      assertEquals("5", failed.header("Retry-After"));
      wire.breaks(Fault.NONE);
      assertEquals(List.of(), kept());
      assertEquals("404", bob.download(chat + "a.txt").refusal());
    }
    assertEquals(200, alice.upload(chat + "a.txt", TEXT).status(), "its name is free");
    wire.breaks(Fault.REFUSES);
    Answer unread = bob.download(chat + "a.txt");
    assertEquals(503, unread.status(), unread.text());
    wire.breaks(Fault.NONE);
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body(), "the control");
  }

  @Test
  void aResumableUploadOutlivesABucketThatFails() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    assertEquals(204, patch(created, 0, "01234".getBytes()).status());
    wire.breaks(Fault.REFUSES);
    assertEquals(503, patch(created, 5, "56789".getBytes()).status());
    assertEquals(503, state(created).status(), "what was not stored is not called whole");
    wire.breaks(Fault.NONE);
    assertEquals("10", state(created).header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
  }

  @Test
  void whatCameAndWasNotConfirmedIsSweptInTheEnd() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    patch(created, 0, "01234".getBytes());
    wire.breaks(Fault.LOSES_ANSWERS);
    assertEquals(503, patch(created, 5, "56789".getBytes()).status());
    assertEquals(1, server.keys().size(), "the bucket has it");
    wire.breaks(Fault.NONE);
    sweepLater(Duration.ofDays(2));
    assertEquals(List.of(), kept());
  }

  @Test
  void aDownloadThatIsCutIsNoShorterFile() throws IOException {
    byte[] bytes = new byte[500_000];
    new Random(1).nextBytes(bytes);
    alice.upload(chat + "a.bin", bytes);
    assertArrayEquals(bytes, bob.download(chat + "a.bin").response().body());
    wire.breaks(Fault.CUTS_ANSWERS);
    boolean failed = false;
    try {
      failed = bob.download(chat + "a.bin").status() != 200;
    } catch (IllegalStateException e) {
      failed = true;
    }
    assertTrue(failed);
  }

  /** The bytes come from the bucket, which knows only what stands in the address. */
  @Test
  void aSignedAddressLeadsToTheBucket() throws Exception {
    alice.upload(chat + "page.html", "<html><script>1</script></html>".getBytes());
    String address = signed(bob, chat + "page.html");
    try (S3Store direct =
        new S3Store(disk(), S3Server.settings(server.address(), true, TIMEOUT), new FileCounts())) {
      StorageReply reply = answer(direct, "GET", address);
      assertEquals(302, reply.status());
      assertTrue(
          String.valueOf(reply.headers().get("Cache-Control")).matches("private, max-age=(59|60)"),
          "no longer than what was signed");
      URI target = URI.create(String.valueOf(reply.headers().get("Location")));
      HttpResponse<String> read =
          http.send(HttpRequest.newBuilder(target).build(), BodyHandlers.ofString());
      assertEquals(200, read.statusCode(), read.body());
      assertEquals("<html><script>1</script></html>", read.body());
      assertEquals(
          "attachment; filename*=UTF-8''page.html",
          read.headers().firstValue("Content-Disposition").orElse(""));
      assertEquals(
          "text/html;charset=utf-8",
          read.headers().firstValue("Content-Type").orElse("").replace(" ", ""));
      assertTrue(
          read.headers().firstValue("Cache-Control").orElse("").startsWith("private, max-age="));
      HttpResponse<String> other =
          http.send(
              HttpRequest.newBuilder(URI.create(target.toString().replace("attachment", "inline")))
                  .build(),
              BodyHandlers.ofString());
      assertEquals(403, other.statusCode(), "nobody changes what is signed");
      assertEquals(200, answer(direct, "HEAD", address).status());
      assertEquals(200, answer(bucket, "GET", address).status(), "without redirects");
    }
    database.asOwner("delete from public.chat_files");
    assertEquals("404", bob.get(address).refusal(), "the right is asked for each time");
  }

  private StorageReply answer(ObjectStore store, String method, String address) {
    String[] parts = address.split("\\?token=", 2);
    StorageReply reply =
        endpoint(store)
            .answer(
                new StorageRequest(
                    method,
                    parts[0],
                    Map.of("token", parts[1]),
                    name -> null,
                    InputStream.nullInputStream(),
                    1000));
    if (reply.content() instanceof ObjectStore.Content.Streamed streamed) {
      try (InputStream bytes = streamed.bytes()) {
        bytes.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return reply;
  }
}
