package com.gptdesk.chat.service.backup;

import static com.gptdesk.chat.service.backup.EmbeddedChat.read;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.testing.Await;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What was acknowledged before a backup is there after its restore, and nothing takes its place.
 */
@Tag("slow")
class BackupTest {

  private static final String OBJECT = "objects/42/00000000-0000-4000-b000-000000000042";

  @TempDir static Path shared;

  /** One backup for all tests, made while people write. */
  private static Path backup;

  private static final Set<String> ACKNOWLEDGED = new HashSet<>();
  private static String password;

  @TempDir Path own;

  @BeforeAll
  static void writeWhilePeopleWrite() throws Exception {
    Path directory = shared.resolve("data");
    Path files = directory.resolve("files");
    backup = shared.resolve("100% of it.tar.gz");
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      EmbeddedChat.prepare(database);
      // As an operator does whose files need another disk.
      Files.createSymbolicLink(files, Files.createDirectory(directory.resolve("another disk")));
      Files.createDirectories(files.resolve(OBJECT).getParent());
      Files.writeString(files.resolve(OBJECT), "a picture");
      password = Files.readString(directory.resolve("chat_owner.password"));
      Files.writeString(directory.resolve("service.jwt-secret"), "of tokens");

      var sent = new ConcurrentLinkedQueue<String>();
      var stopped = new AtomicBoolean();
      UserChat alice = EmbeddedChat.alice(database);
      UUID conversation = alice.getOrCreateConversation(EmbeddedChat.BOB);
      var load =
          new FutureTask<Integer>(
              () -> {
                int number = 0;
                while (!stopped.get()) {
                  String content = "number " + ++number;
                  alice.sendMessage(conversation, content);
                  sent.add(content);
                }
                return number;
              });
      Thread.ofVirtual().start(load);
      try {
        Await.until("messages", () -> sent.size() > 20);
        ACKNOWLEDGED.addAll(sent);
        String said = new Backup(directory, files, "a test").write(backup, database.superuser());
        assertTrue(said.contains(" and 1 of people"), said);
        int after = sent.size();
        Await.until("messages after the backup", () -> sent.size() > after);
      } finally {
        stopped.set(true);
      }
      assertTrue(Await.result(load) > ACKNOWLEDGED.size());
      Await.until(
          "the slot to go",
          () -> read(database.superuser(), "select slot_name from pg_replication_slots").isEmpty());
    }
  }

  @Test
  void whatWasAcknowledgedIsThereAgainWithFilesAndSecrets() throws Exception {
    Path directory = own.resolve("restored");
    Path files = own.resolve("files");

    List<String> said = new Restore(directory, files).read(backup);

    assertTrue(said.get(1).startsWith("Restored 5 people, "), said::toString);
    assertEquals("a picture", Files.readString(files.resolve(OBJECT)));
    assertEquals("of tokens", Files.readString(directory.resolve("service.jwt-secret")));
    assertEquals(password, Files.readString(directory.resolve("chat_owner.password")));
    assertEquals("rw-------", permissions(directory.resolve("chat_owner.password")));
    assertEquals("rw-------", permissions(backup));
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      List<String> there =
          read(
              database.at(database.superuser(), "chat"),
              "select content from public.user_messages");
      assertTrue(there.containsAll(ACKNOWLEDGED), () -> missing(there));
      assertEquals(List.of(), read(database.owner(), "select rule from chat.check_invariants()"));
      ServiceLogin.verify(database.service());
      EmbeddedChat.alice(database)
          .sendMessage(
              EmbeddedChat.alice(database).getOrCreateConversation(EmbeddedChat.BOB), "It goes on");
    }
  }

  @Test
  void nothingIsRestoredWhereSomethingIs() throws Exception {
    for (String taken : List.of("postgresql/PG_VERSION", "postgres.password", "files/objects/x")) {
      Path directory = own.resolve(taken.replace('/', '-'));
      Path there = directory.resolve(taken);
      Files.createDirectories(there.getParent());
      Files.writeString(there, "mine");
      refused(directory, backup, "already");
      assertEquals("mine", Files.readString(there));
    }
    Path there = Files.createDirectory(own.resolve("another disk")).resolve("x");
    Files.writeString(there, "mine");
    Path directory = Files.createDirectory(own.resolve("linked"));
    Files.createSymbolicLink(directory.resolve("files"), there.getParent());
    refused(directory, backup, "already");
    assertEquals("mine", Files.readString(there));
  }

  @Test
  void aDamagedBackupLeavesNothingBehind() throws Exception {
    byte[] whole = Files.readAllBytes(backup);
    Path cut = own.resolve("cut");
    Files.write(cut, java.util.Arrays.copyOf(whole, whole.length * 2 / 3));
    refused(own.resolve("a"), cut, "damaged or not complete");

    Path flipped = own.resolve("flipped");
    Files.write(flipped, withAWrongBit(whole));
    refused(own.resolve("b"), flipped, "damaged");

    Path other = own.resolve("other");
    Files.writeString(other, "no backup at all");
    refused(own.resolve("c"), other, "is no backup");
    refused(own.resolve("d"), own.resolve("nowhere"), "There is no file");
  }

  @Test
  void aChangedFileOfAnIntactArchiveIsFoundByItsSum() throws Exception {
    Path forged = Files.createFile(own.resolve("forged"));
    try (ArchiveWriter archive = new ArchiveWriter(forged)) {
      archive.text(Description.NAME, new Description("x", server(), "now").text());
      archive.text("postgresql/PG_VERSION", "18\n");
      archive.finish();
    }
    // PostgreSQL cannot recover what is not all there.
    refused(own.resolve("a"), forged, "cannot be read");

    Path leading = Files.createFile(own.resolve("leading"));
    try (ArchiveWriter archive = new ArchiveWriter(leading)) {
      archive.text(Description.NAME, new Description("x", server(), "now").text());
      archive.text("postgresql/../../elsewhere", "out");
      archive.finish();
    }
    refused(own.resolve("b"), leading, "an entry that no backup has");
    assertFalse(Files.exists(own.resolve("elsewhere")));
  }

  @Test
  void aBackupOfAnotherMajorNamesTheVersionThatRestoresIt() throws Exception {
    Path older = Files.createFile(own.resolve("older"));
    try (ArchiveWriter archive = new ArchiveWriter(older)) {
      archive.text(Description.NAME, new Description("GPT Desk Chat 0.0.1", "9.6", "then").text());
      archive.finish();
    }
    refused(
        own.resolve("a"),
        older,
        "restore it with GPT Desk Chat 0.0.1, then run the command upgrade");
  }

  @Test
  void aDatabaseDoesNotStartInAHalfRestoredDirectory() throws Exception {
    Path directory = own.resolve("data");
    Files.createDirectories(directory.resolve("restoring"));
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> EmbeddedDatabase.open(directory));
    assertTrue(no.getMessage().contains("was interrupted"), no.getMessage());
    refused(directory, backup, "was interrupted");
  }

  @Test
  void aBackupReplacesNoFileAndIsNotPutAmongTheData() throws Exception {
    Path directory = own.resolve("data");
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      Backup again = new Backup(directory, directory.resolve("files"), "a test");
      byte[] before = Files.readAllBytes(backup);
      assertTrue(
          assertThrows(IllegalStateException.class, () -> again.write(backup, database.superuser()))
              .getMessage()
              .contains("there already"));
      assertEquals(before.length, Files.size(backup));
      assertTrue(
          assertThrows(
                  IllegalStateException.class,
                  () -> again.write(directory.resolve("x"), database.superuser()))
              .getMessage()
              .contains("within the data"));
      Path door = Files.createSymbolicLink(own.resolve("door"), directory);
      assertTrue(
          assertThrows(
                  IllegalStateException.class,
                  () -> again.write(door.resolve("x"), database.superuser()))
              .getMessage()
              .contains("within the data"));
      try (Stream<Path> left = Files.list(shared)) {
        assertEquals(2, left.count()); // no unfinished one
      }
    }
  }

  private static String server() {
    return EmbeddedDatabase.ownMajor() + ".0";
  }

  /** From the middle on, but not one that says from how far back zeros are repeated. */
  private static byte[] withAWrongBit(byte[] whole) {
    for (int at = whole.length / 2; ; at++) {
      byte[] wrong = whole.clone();
      wrong[at] ^= 1;
      try (InputStream unzipped = new GZIPInputStream(new ByteArrayInputStream(wrong))) {
        unzipped.transferTo(OutputStream.nullOutputStream()); // and compares with its sum
      } catch (IOException e) {
        return wrong;
      }
    }
  }

  private void refused(Path directory, Path file, String words) throws IOException {
    List<String> before = content(directory);
    IllegalStateException no =
        assertThrows(
            IllegalStateException.class,
            () -> new Restore(directory, directory.resolve("files")).read(file));
    assertTrue(no.getMessage().contains(words), no.getMessage());
    assertEquals(before, content(directory));
  }

  private static List<String> content(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(directory)) {
      return new ArrayList<>(
          all.filter(Files::isRegularFile)
              .map(path -> directory.relativize(path).toString())
              .filter(name -> !name.equals("lock"))
              .sorted()
              .toList());
    }
  }

  private static String missing(List<String> there) {
    Set<String> missing = new HashSet<>(ACKNOWLEDGED);
    there.forEach(missing::remove);
    return "missing: " + missing;
  }

  private static String permissions(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }
}
