package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.DiskStore;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.IncomingFile;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import com.gptdesk.chat.testing.Await;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What people see of uploads that fail, and what the sweeper leaves of them. */
class UploadFailuresTest extends StorageScene {
  @Test
  void aFullDiskIsToldAndNothingIsHalfThere() throws IOException {
    disk.fill(true);
    Answer full = alice.upload(chat + "a.txt", TEXT);
    assertEquals(507, full.status(), full.text());
    assertEquals("507", full.refusal());
    Answer created = create(chat + "b.txt", 10);
    assertEquals(507, patch(created, 0, TEXT).status());
    assertEquals(List.of(), kept());
    assertEquals("404", alice.download(chat + "a.txt").refusal());
    disk.fill(false);
    assertEquals(200, alice.upload(chat + "a.txt", TEXT).status(), "its name is free");
    assertEquals(204, patch(created, 0, TEXT).status(), "a resumable one goes on");
    assertEquals(200, bob.download(chat + "b.txt").status());
  }

  @Test
  void whoGoesAwayLeavesNothing() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket
          .getOutputStream()
          .write(
              ("POST /storage/v1/object/attachments/%sa.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\nbegun"
                      .formatted(chat, alice.token()))
                  .getBytes(StandardCharsets.US_ASCII));
      Await.until("the first bytes on the disk", () -> !kept().isEmpty());
    }
    Await.until("nothing on the disk", () -> kept().isEmpty());
    Await.until(
        "no row", () -> database.ownerReads("select count(*) from public.chat_files").equals("0"));
  }

  /** While the database is waited for, nobody reads the body, and the time is not the client's. */
  @Test
  void anUploadMayWaitForTheDatabaseLongerThanARequestForItself() throws Exception {
    StorageClient patient = new StorageClient(http, strictPort, alice.token());
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      other.setAutoCommit(false);
      statement.execute(
          "select from public.user_conversations where id = '%s' for update"
              .formatted(conversation));
      Future<Answer> answer = threads.submit(() -> patient.upload(chat + "a.txt", TEXT));
      Await.until(
          "the upload waits for the conversation",
          () -> database.ownerReads("select count(*) from pg_locks where not granted").equals("1"));
      try (Socket silent = new Socket("127.0.0.1", strictPort)) {
        assertEquals(-1, silent.getInputStream().read(), "its time is over");
      }
      other.commit();
      assertEquals(200, answer.get().status());
    }
  }

  @Test
  void whatACrashInterruptedIsSwept() throws IOException {
    StoredFile begun = begun("a.txt", 10);
    write(begun, "begun");
    StoredFile whole = begun("b.txt", 10);
    try (IncomingFile file = store.write(whole.id())) {
      file.append(new ByteArrayInputStream(TEXT), 10);
      file.keep(); // and the crash comes before the database is told
    }
    assertEquals("404", bob.download(chat + "b.txt").refusal());
    sweeper.sweep();
    assertEquals(2, kept().size(), "the control: they may still go on");
    database.asOwner(
        "update public.chat_files set created_at = now() - interval '2 days', updated_at = now() -"
            + " interval '2 days'");
    sweeper.sweep();
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
    assertEquals(List.of(), kept());
    assertEquals("0", database.ownerReads("select count(*) from chat.file_removals"));
  }

  @Test
  void whatWasNeverSentIsRemovedAfterADay() throws IOException {
    alice.upload(chat + "new.txt", TEXT);
    alice.upload(chat + "unsent.txt", TEXT);
    database.asOwner(
        "update public.chat_files set created_at = now() - interval '2 days', updated_at = now() -"
            + " interval '2 days' where name = 'unsent.txt'");
    sweeper.sweep();
    assertEquals(1, kept().size());
    assertEquals(200, bob.download(chat + "new.txt").status());
  }

  /** Somebody who knows its id begins to write what another request has only just begun. */
  @Test
  void whatAnotherRequestWritesIsLocked() throws IOException {
    DiskStore busy =
        new DiskStore(folder, 0) {
          @Override
          public IncomingFile write(UUID id) throws IOException {
            try (IncomingFile other = super.write(id)) {
              return other.size() < 0 ? other : super.write(id);
            }
          }
        };
    Map<String, String> headers = Map.of("Authorization", "Bearer " + alice.token());
    StorageReply reply =
        endpoint(busy)
            .answer(
                new StorageRequest(
                    "POST",
                    "/object/attachments/" + chat + "a.txt",
                    Map.of(),
                    headers::get,
                    new ByteArrayInputStream(TEXT),
                    1000));
    assertEquals(400, reply.status());
    assertTrue(String.valueOf(reply.body()).contains("\"statusCode\":\"423\""), reply.body());
    assertTrue(String.valueOf(reply.body()).contains("\"code\":\"ResourceLocked\""), reply.body());
    assertEquals("1", reply.headers().get("Retry-After"));
    assertEquals(1, counts.uploadsRefused(FileCounts.Why.BUSY));
    sweeper.sweep();
    assertEquals(List.of(), kept());
    assertEquals("0", database.ownerReads("select count(*) from public.chat_files"));
  }

  private static StoredFile begun(String name, long size) {
    return records.begin(
        database.alice().caller(),
        new FileRecords.Wanted(conversation, name, size, null, UserMetadata.of(null, null), false));
  }

  private static void write(StoredFile file, String bytes) throws IOException {
    try (IncomingFile incoming = store.write(file.id())) {
      incoming.append(new ByteArrayInputStream(bytes.getBytes(StandardCharsets.UTF_8)), 1000);
    }
  }
}
