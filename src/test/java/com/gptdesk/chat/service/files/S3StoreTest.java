package com.gptdesk.chat.service.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.FaultyWire.Fault;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files in a bucket, and what an S3 that fails leaves behind. */
class S3StoreTest {
  private static final Duration TIMEOUT = Await.PATIENCE;
  private static final int PART = 5 << 20; // the least that S3 allows

  @TempDir private Path folder;
  private static S3Server server;
  private static FaultyWire wire;
  private final FileCounts counts = new FileCounts();
  private final UUID id = UUID.randomUUID();
  private S3Store store;

  @BeforeAll
  static void start() throws IOException {
    server = new S3Server();
    wire = new FaultyWire(server.address());
  }

  @AfterAll
  static void stop() throws IOException {
    wire.close();
    server.close();
  }

  @BeforeEach
  void open() throws IOException {
    store = at(S3Server.settings(wire.address(), true, TIMEOUT));
  }

  @AfterEach
  void close() throws IOException {
    wire.breaks(Fault.NONE);
    store.remove(id);
    assertEquals(List.of(), server.keys());
    assertEquals(List.of(), beside());
    store.close();
  }

  private S3Store at(S3Settings settings) throws IOException {
    return new S3Store(new DiskStore(folder, 0), settings, counts, PART);
  }

  /** What lies in the folder. */
  private List<String> beside() throws IOException {
    try (Stream<Path> there = Files.walk(folder)) {
      return there.filter(Files::isRegularFile).map(p -> p.getFileName().toString()).toList();
    }
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static void keep(ObjectStore store, UUID id, byte[] bytes) throws IOException {
    try (IncomingFile file = store.write(id)) {
      try {
        file.append(new ByteArrayInputStream(bytes), bytes.length);
        file.keep();
      } finally {
        file.discard();
      }
    }
  }

  private byte[] read(long first, long length) throws IOException {
    ObjectStore.Content content = store.read(id, first, length);
    try (InputStream in = ((ObjectStore.Content.Streamed) content).bytes()) {
      return in.readAllBytes();
    }
  }

  @Test
  void whatIsKeptIsReadWholeAndInParts() throws IOException {
    byte[] bytes = bytes(100_000);
    keep(store, id, bytes);
    assertEquals(List.of(id.toString()), server.keys());
    assertEquals(List.of(), beside(), "the folder has only what is being uploaded");
    assertArrayEquals(bytes, read(0, bytes.length));
    assertArrayEquals(Arrays.copyOfRange(bytes, 10, 20), read(10, 10));
    assertTrue(store.isWhole(id));
    assertEquals(bytes.length, store.arrived(id));
    assertThrows(FileBusy.class, () -> store.write(id), "nobody writes it again");
    store.remove(id);
    store.remove(id);
    assertFalse(store.isWhole(id));
    assertNull(store.read(id, 0, 10));
  }

  @Test
  void anEmptyFileIsAFile() throws IOException {
    keep(store, id, new byte[0]);
    assertTrue(store.isWhole(id));
    assertEquals(0, read(0, 0).length);
  }

  @Test
  void aLargeFileIsSentInParts() throws IOException {
    byte[] bytes = bytes(2 * PART + 1000);
    keep(store, id, bytes);
    assertArrayEquals(bytes, server.bytes(id.toString()));
  }

  @Test
  void whatTheDatabaseWasNotToldOfIsLookedAtAgain() throws IOException {
    byte[] bytes = bytes(1000);
    keep(store, id, bytes);
    try (IncomingFile file = store.whole(id)) {
      assertTrue(file.isWhole());
      assertEquals(1000, file.size());
      assertArrayEquals(bytes, file.content().readAllBytes());
      file.keep();
      file.discard();
    }
    assertEquals(List.of(id.toString()), server.keys(), "a look changes nothing");
  }

  @Test
  void whatIsLeftOfOldUploadsIsTidiedAway() throws IOException {
    try (IncomingFile file = store.write(id)) {
      file.append(new ByteArrayInputStream(bytes(10)), 10);
    }
    store.tidy(Instant.now().minus(Duration.ofHours(1)));
    assertEquals(List.of(id.toString()), beside(), "the control: it may still go on");
    store.tidy(Instant.now().plus(Duration.ofHours(1)));
    assertEquals(List.of(), beside());
  }

  @Test
  void uploadsInPartsOfOthersStay() throws IOException {
    server.beginParts(id.toString());
    server.beginParts("others/film.mp4");
    store.tidy(Instant.now().plus(Duration.ofHours(1)));
    assertEquals(List.of("others/film.mp4"), server.parts());
    server.endParts();
  }

  @Test
  void aServerThatIsNotThereIsTold() throws IOException {
    S3Settings nowhere =
        S3Server.settings(URI.create("http://127.0.0.1:" + FreePort.any()), true, TIMEOUT);
    try (S3Store other = at(nowhere)) {
      assertThrows(StoreUnavailable.class, () -> other.write(id));
      assertThrows(StoreUnavailable.class, () -> other.read(id, 0, 1));
      assertThrows(StoreUnavailable.class, () -> other.remove(id));
      other.check(); // says so in the log
    }
    assertTrue(counts.storeFails());
    keep(store, id, bytes(10));
    assertFalse(counts.storeFails(), "the control");
  }

  @Test
  void aServerThatIsSilentIsToldInTime() throws IOException {
    wire.breaks(Fault.SILENT);
    try (S3Store other = at(S3Server.settings(wire.address(), true, Duration.ofMillis(300)))) {
      assertThrows(StoreUnavailable.class, () -> other.write(id));
      assertThrows(StoreUnavailable.class, () -> other.read(id, 0, 1));
    }
    assertEquals(List.of(), beside());
  }

  @Test
  void aWrongKeyIsAFailureAndNoMissingFile() throws IOException {
    try (S3Store other = at(S3Server.settings(wire.address(), "another", true, TIMEOUT))) {
      assertThrows(StoreUnavailable.class, () -> other.isWhole(id));
    }
  }

  /** Each ends with an error, and then the same upload succeeds. */
  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"REFUSES", "CUTS_REQUESTS", "CHANGES_BYTES", "LOSES_ANSWERS"})
  void aFaultThatStaysIsAnErrorAndLeavesNothing(Fault fault) throws IOException {
    byte[] bytes = bytes(50_000);
    try (IncomingFile file = store.write(id)) {
      file.append(new ByteArrayInputStream(bytes), bytes.length);
      wire.breaks(fault);
      assertThrows(StoreUnavailable.class, file::keep);
      assertTrue(counts.storeFails());
      assertEquals(List.of(id.toString()), beside(), "it may be tried again");
      wire.breaks(Fault.NONE);
      if (fault == Fault.LOSES_ANSWERS) {
        assertArrayEquals(bytes, server.bytes(id.toString()), "it has come all the same");
      } else {
        assertEquals(List.of(), server.keys(), "nothing is half there");
      }
      file.keep();
    }
    assertArrayEquals(bytes, server.bytes(id.toString()));
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"REFUSES", "CUTS_REQUESTS", "LOSES_ANSWERS"})
  void aFaultThatPassesIsNotNoticed(Fault fault) throws IOException {
    byte[] bytes = bytes(50_000);
    try (IncomingFile file = store.write(id)) {
      file.append(new ByteArrayInputStream(bytes), bytes.length);
      wire.breaks(fault, 1);
      file.keep();
    }
    assertArrayEquals(bytes, server.bytes(id.toString()));
  }

  @Test
  void aReadThatIsCutIsNoShorterFile() throws IOException {
    keep(store, id, bytes(500_000));
    wire.breaks(Fault.CUTS_ANSWERS);
    assertThrows(IOException.class, () -> read(0, 500_000));
    assertTrue(counts.storeFails());
  }
}
