package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The clamd of ClamAV in a process of its own, with one signature: that of the test file of EICAR.
 * Where none is installed its test is skipped, loudly; {@code CHAT_REQUIRE=clamd} makes that a
 * failure.
 */
public final class Clamd implements AutoCloseable {
  /**
   * What scanners agree to find, and what does no harm; in two parts, so that none finds it here.
   */
  public static final byte[] EICAR =
      ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
          .getBytes(StandardCharsets.US_ASCII);

  private static final String SIGNATURE = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test";

  private final Path socket;
  private final int port;
  private final Process process;

  /**
   * Starts it and waits until it answers.
   *
   * @param folder for its files, whose path is short
   */
  public Clamd(Path folder) throws IOException {
    String program = program();
    socket = folder.resolve("clamd.sock");
    port = FreePort.any();
    Path signatures = Files.createDirectories(folder.resolve("signatures"));
    Files.writeString(signatures.resolve("own.hdb"), SIGNATURE + "\n");
    Path settings =
        Files.writeString(
            folder.resolve("clamd.conf"),
            """
            DatabaseDirectory %s
            LocalSocket %s
            TCPSocket %d
            TCPAddr 127.0.0.1
            Foreground yes
            User %s
            StreamMaxLength 1M
            """
                .formatted(signatures, socket, port, System.getProperty("user.name")));
    process =
        new ProcessBuilder(program, "--config-file=" + settings)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("clamd.log").toFile())
            .start();
    Await.until("clamd", () -> Files.exists(socket) || !process.isAlive());
    if (!process.isAlive()) {
      throw new IllegalStateException(Files.readString(folder.resolve("clamd.log")));
    }
  }

  private static String program() {
    String program = installed();
    if (program == null) {
      String missing =
          "clamd is not installed (Debian: clamav-daemon), so CHAT_STORAGE_SCANNER was not tried.";
      assertFalse(
          Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(",")).contains("clamd"),
          missing);
      System.err.println("*** SKIPPED clamd: " + missing);
      abort(missing);
      throw new IllegalStateException(missing);
    }
    return program;
  }

  private static @Nullable String installed() {
    return Stream.concat(
            Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)),
            Stream.of("/usr/sbin", "/usr/local/sbin"))
        .map(directory -> new File(directory, "clamd"))
        .filter(File::canExecute)
        .map(File::getPath)
        .findFirst()
        .orElse(null);
  }

  /** Its address by TCP. */
  public String address() {
    return "clamd://127.0.0.1:" + port;
  }

  /** Its address by its socket in the file system. */
  public String unixAddress() {
    return "unix:" + socket;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
