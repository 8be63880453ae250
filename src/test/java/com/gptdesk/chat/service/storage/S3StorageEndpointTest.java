package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.FaultyWire.Fault;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FullDisk;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.S3Server;
import com.gptdesk.chat.service.files.S3Store;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The same with files in a bucket, and what people see of an S3 that fails. */
class S3StorageEndpointTest extends StorageEndpointTest {
  private final InBucket bucket = new InBucket();

  @Override
  ObjectStore store(FullDisk disk, FileCounts counts) throws IOException {
    return bucket.store(disk, counts);
  }

  @Override
  List<String> kept() throws IOException {
    return bucket.kept(super.kept());
  }

  @Override
  byte[] bytesOf(UUID id) throws IOException {
    return bucket.bytesOf(id);
  }

  @AfterEach
  void mend() throws IOException {
    bucket.breaks(Fault.NONE);
  }

  @AfterAll
  void stopServer() throws IOException {
    bucket.close();
  }

  @Test
  void aBucketThatFailsIsToldAndNothingIsHalfThere() throws IOException {
    for (Fault fault : List.of(Fault.REFUSES, Fault.LOSES_ANSWERS)) {
      bucket.breaks(fault);
      Answer failed = alice.upload(chat + "a.txt", TEXT);
      assertEquals(503, failed.status(), failed.text());
      assertEquals("StorageUnavailable", failed.json().get("code").asString());
      assertEquals("5", failed.header("Retry-After"));
      bucket.breaks(Fault.NONE);
      assertEquals(List.of(), kept());
      assertEquals("404", bob.download(chat + "a.txt").refusal());
    }
    assertEquals(200, alice.upload(chat + "a.txt", TEXT).status(), "its name is free");
    bucket.breaks(Fault.REFUSES);
    Answer unread = bob.download(chat + "a.txt");
    assertEquals(503, unread.status(), unread.text());
    bucket.breaks(Fault.NONE);
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body(), "the control");
  }

  @Test
  void aDownloadThatIsCutIsNoShorterFile() throws IOException {
    byte[] bytes = new byte[500_000];
    new Random(1).nextBytes(bytes);
    alice.upload(chat + "a.bin", bytes);
    assertArrayEquals(bytes, bob.download(chat + "a.bin").response().body());
    bucket.breaks(Fault.CUTS_ANSWERS);
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
        new S3Store(
            disk(), S3Server.settings(bucket.direct(), true, InBucket.TIMEOUT), new FileCounts())) {
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
      assertEquals(200, answer(bucket.store(), "GET", address).status(), "without redirects");
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
