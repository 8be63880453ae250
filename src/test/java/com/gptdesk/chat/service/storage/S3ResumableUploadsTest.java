package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same with files in a bucket, which may fail, and which several nodes use. */
class S3ResumableUploadsTest extends ResumableUploadsTest {
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
  void aResumableUploadOutlivesABucketThatFails() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    assertEquals(204, patch(created, 0, "01234".getBytes()).status());
    bucket.breaks(Fault.REFUSES);
    assertEquals(503, patch(created, 5, "56789".getBytes()).status());
    assertEquals(503, state(created).status(), "what was not stored is not called whole");
    bucket.breaks(Fault.NONE);
    assertEquals("10", state(created).header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
  }

  @Test
  void whatCameAndWasNotConfirmedIsSweptInTheEnd() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    patch(created, 0, "01234".getBytes());
    bucket.breaks(Fault.LOSES_ANSWERS);
    assertEquals(503, patch(created, 5, "56789".getBytes()).status());
    assertEquals(1, bucket.keys().size(), "the bucket has it");
    bucket.breaks(Fault.NONE);
    sweepLater(Duration.ofDays(2));
    assertEquals(List.of(), kept());
  }

  /**
   * Two nodes that share the bucket, and no folder: what is held open on the one must not replace
   * what the other has stored and somebody has sent.
   */
  @Test
  void noOtherNodeReplacesWhatWasSent(@TempDir Path otherFolder) throws Exception {
    byte[] others = "abcdefghij".getBytes(StandardCharsets.UTF_8);
    Answer created = create(chat + "a.txt", 10);
    UUID id = UUID.fromString(String.valueOf(created.header("Location")).replaceFirst(".*/", ""));
    FileCounts counts = new FileCounts();
    PipedOutputStream rest = new PipedOutputStream();
    PipedInputStream held = new PipedInputStream(rest);
    try (S3Store otherNode =
            new S3Store(
                new FullDisk(otherFolder),
                S3Server.settings(bucket.address(), false, InBucket.TIMEOUT),
                counts);
        ExecutorService thread = Executors.newVirtualThreadPerTaskExecutor()) {
      rest.write(others, 0, 9);
      rest.flush();
      Future<StorageReply> late = thread.submit(() -> patch(otherNode, id, held));
      Await.until("nine bytes to arrive", () -> otherNode.arrived(id) == 9);
      assertEquals(204, patch(created, 0, TEXT).status());
      database
          .alice()
          .tries(
              tx ->
                  tx.execute(
                      "select public.send_message(?, '', 'file', file_url => ?)",
                      conversation,
                      chat + "a.txt"));
      rest.write(others, 9, 1);
      rest.close();
      assertEquals(409, late.get().status());
    }
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
    assertEquals(List.of(id.toString()), kept());
  }

  private StorageReply patch(ObjectStore node, UUID id, InputStream body) {
    Map<String, String> headers =
        Map.of(
            "Tus-Resumable", "1.0.0",
            "Upload-Offset", "0",
            "Content-Type", "application/offset+octet-stream",
            "Authorization", "Bearer " + alice.token());
    return endpoint(node)
        .answer(
            new StorageRequest(
                "PATCH", "/upload/resumable/" + id, Map.of(), headers::get, body, 1000));
  }
}
