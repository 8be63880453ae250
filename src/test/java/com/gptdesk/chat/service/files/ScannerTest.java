package com.gptdesk.chat.service.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.files.Scanner.Verdict;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Clamd;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the virus scanner says of a file: a stand-in that speaks its protocol, and the real one. */
class ScannerTest {
  private static final byte[] TEXT = "hello".getBytes(StandardCharsets.UTF_8);
  private static final long MIB = 1 << 20;

  @TempDir private Path folder;
  private final FileCounts counts = new FileCounts();
  private DiskStore store;

  @BeforeEach
  void open() throws IOException {
    store = new DiskStore(folder.resolve("files"), 0);
  }

  private Verdict scan(String address, Duration limit, byte[] bytes) throws IOException {
    try (IncomingFile file = store.write(UUID.randomUUID())) {
      file.append(new ByteArrayInputStream(bytes), bytes.length);
      return new Scanner(new ScannerSettings(address, limit, 2 * MIB, true), counts)
          .scan("a file", file);
    }
  }

  private Verdict scan(String address, byte[] bytes) throws IOException {
    return scan(address, Await.PATIENCE, bytes);
  }

  @Test
  void itsAnswerDecides() throws Exception {
    try (ClamdStandIn clamd = new ClamdStandIn()) {
      byte[] large = new byte[(int) MIB];
      large[large.length - 1] = 7;
      assertEquals(new Verdict.Clean(), scan(clamd.address(), large));
      assertArrayEquals(large, clamd.shown.take());
      clamd.answers("stream: Win.Test.EICAR_HDB-1 FOUND");
      assertEquals(new Verdict.Infected("Win.Test.EICAR_HDB-1"), scan(clamd.address(), TEXT));
      clamd.answers("INSTREAM size limit exceeded. ERROR");
      assertEquals(new Verdict.TooLarge(), scan(clamd.address(), TEXT));
      clamd.answers("stream: Can't allocate memory ERROR");
      assertEquals(new Verdict.Away(), scan(clamd.address(), TEXT));
      clamd.answers("OK");
      assertEquals(new Verdict.Away(), scan(clamd.address(), TEXT));
      assertEquals(
          List.of(1L, 1L, 3L),
          List.of(counts.scansClean(), counts.scansInfected(), counts.scansFailed()));
    }
  }

  @Test
  void itHasLittleTimeAndSeesNoLargeFiles() throws IOException {
    try (ClamdStandIn clamd = new ClamdStandIn()) {
      clamd.answers(null);
      assertEquals(new Verdict.Away(), scan(clamd.address(), Duration.ofMillis(300), TEXT));
      assertEquals(List.of(1L, 0L), List.of(counts.scansTimedOut(), counts.scansFailed()));
      clamd.answers("stream: OK");
      assertEquals(new Verdict.TooLarge(), scan(clamd.address(), new byte[(int) (2 * MIB + 1)]));
      assertEquals(new Verdict.Clean(), scan(clamd.address(), new byte[(int) (2 * MIB)]));
    }
    try (Socket silent = new Socket()) { // keeps a port on which nobody listens
      silent.bind(new InetSocketAddress("127.0.0.1", 0));
      for (String away :
          List.of(
              "clamd://127.0.0.1:" + silent.getLocalPort(),
              "clamd://no-such-host.invalid",
              "unix:" + folder.resolve("x"))) {
        assertEquals(new Verdict.Away(), scan(away, TEXT), away);
      }
    }
  }

  @Test
  void theRealOneFindsWhatItKnows(@TempDir Path own) throws IOException {
    try (Clamd clamd = new Clamd(own)) {
      for (String address : List.of(clamd.address(), clamd.unixAddress())) {
        assertEquals(new Verdict.Clean(), scan(address, TEXT));
        assertEquals(
            new Verdict.Infected("Eicar-Test.UNOFFICIAL"), scan(address, Clamd.EICAR), address);
        assertEquals(
            new Verdict.TooLarge(),
            scan(address, new byte[(int) (2 * MIB)]),
            "more than its StreamMaxLength");
      }
      scan(clamd.address(), zipOfZips());
      assertEquals(
          new Verdict.Infected("Eicar-Test.UNOFFICIAL"),
          scan(clamd.address(), Clamd.EICAR),
          "it has outlived what unpacks to 200 MB");
    }
  }

  private static byte[] zipOfZips() throws IOException {
    byte[] inner = zip(new byte[10 * (int) MIB], 1);
    byte[] outer = zip(inner, 20);
    assertTrue(outer.length < MIB / 4, "it is small itself");
    return outer;
  }

  private static byte[] zip(byte[] content, int copies) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (int i = 0; i < copies; i++) {
        zip.putNextEntry(new ZipEntry(i + ".zip"));
        zip.write(content);
      }
    }
    return bytes.toByteArray();
  }

  @Test
  void anAddressIsOneOfTwoKinds() {
    for (String good : List.of("clamd://av", "clamd://[::1]:3310", "unix:/run/clamd.ctl")) {
      assertNotNull(ScannerSettings.from(settings(good)), good);
    }
    for (String bad :
        List.of(
            "av:3310",
            "http://av",
            "clamd://",
            "unix:clamd.ctl",
            "clamd://a:b@av",
            "clamd://av/x")) {
      Settings settings = settings(bad);
      ScannerSettings.from(settings);
      assertEquals(1, settings.problems().size(), bad);
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> new ScannerSettings("av", Duration.ZERO, 1, true).socket());
  }

  private static Settings settings(String address) {
    return new Settings(Map.of("CHAT_STORAGE_SCANNER", address));
  }
}
