package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the clamd of ClamAV about a file, by its command INSTREAM: one connection for each file,
 * within a time. Blocks, so call it on a virtual thread. Thread-safe.
 */
public final class Scanner {
  private static final Logger LOG = LoggerFactory.getLogger(Scanner.class);
  private static final byte[] COMMAND = "zINSTREAM\0".getBytes(StandardCharsets.US_ASCII);
  private static final int CHUNK = 64 * 1024;
  private static final int LONGEST_ANSWER = 4096;
  private static final Pattern FOUND = Pattern.compile("stream: (.{1,200}) FOUND");

  /** Closes the connections whose time is over. */
  private static final ScheduledThreadPoolExecutor TIMER =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().name("scanner-timer").daemon().factory());

  static {
    TIMER.setRemoveOnCancelPolicy(true);
  }

  private final ScannerSettings settings;
  private final FileCounts counts;

  public Scanner(ScannerSettings settings, FileCounts counts) {
    this.settings = settings;
    this.counts = counts;
  }

  /** What is known of a file. */
  public sealed interface Verdict {
    /** Nothing was found. */
    record Clean() implements Verdict {}

    /**
     * Something was found.
     *
     * @param signature as the scanner names it
     */
    record Infected(String signature) implements Verdict {}

    /** It is larger than what is scanned. */
    record TooLarge() implements Verdict {}

    /** The scanner is away or too slow, or does not understand. */
    record Away() implements Verdict {}
  }

  /** Whether files that were not scanned are refused. */
  public boolean refusesUnscanned() {
    return settings.refusesUnscanned();
  }

  /** So large a file is scanned at most, in bytes. */
  public long maxBytes() {
    return settings.maxBytes();
  }

  /**
   * Shows the scanner a file.
   *
   * @param id for the log
   * @throws IOException the file cannot be read
   */
  public Verdict scan(Object id, IncomingFile file) throws IOException {
    if (file.size() > settings.maxBytes()) {
      counts.unscanned();
      LOG.warn(
          "The file {} was not scanned: it has {} bytes, and at most {} are scanned",
          id,
          file.size(),
          settings.maxBytes());
      return new Verdict.TooLarge();
    }
    InputStream content = file.content();
    String answer;
    try {
      answer = ask(content);
    } catch (SocketTimeoutException e) {
      counts.scanTimedOut();
      LOG.warn("The file {} was not scanned: no answer in {} ms", id, settings.limit().toMillis());
      return new Verdict.Away();
    } catch (IOException | UnresolvedAddressException e) {
      return away(id, e.toString());
    }
    if (answer.equals("stream: OK")) {
      counts.clean();
      return new Verdict.Clean();
    }
    Matcher found = FOUND.matcher(answer);
    if (found.matches()) {
      counts.infected();
      return new Verdict.Infected(found.group(1));
    }
    if (answer.startsWith("INSTREAM size limit exceeded")) {
      counts.unscanned();
      LOG.warn("The file {} was not scanned: it is larger than StreamMaxLength of clamd", id);
      return new Verdict.TooLarge();
    }
    return away(id, "it answered \"" + answer.replaceAll("\\p{Cntrl}", "?") + "\"");
  }

  private Verdict away(Object id, String why) {
    counts.unscanned();
    LOG.warn("The file {} was not scanned, as the scanner failed: {}", id, why);
    return new Verdict.Away();
  }

  private String ask(InputStream content) throws IOException {
    SocketAddress address = settings.socket();
    try (SocketChannel clamd =
        address instanceof UnixDomainSocketAddress
            ? SocketChannel.open(StandardProtocolFamily.UNIX)
            : SocketChannel.open()) {
      AtomicBoolean isOver = new AtomicBoolean();
      ScheduledFuture<?> end =
          TIMER.schedule(
              () -> {
                isOver.set(true); // first: who fails because it is closed asks why
                close(clamd);
              },
              settings.limit().toMillis(),
              TimeUnit.MILLISECONDS);
      try {
        clamd.connect(address);
        IOException cut = send(clamd, content);
        String answer = answer(clamd);
        if (answer.isEmpty()) {
          throw cut == null ? new IOException("it closed the connection") : cut;
        }
        return answer;
      } catch (IOException e) {
        throw isOver.get() ? new SocketTimeoutException() : e;
      } finally {
        end.cancel(false);
      }
    }
  }

  private static void close(SocketChannel clamd) {
    try {
      clamd.close();
    } catch (IOException e) {
      LOG.debug("A connection to the scanner could not be closed", e);
    }
  }

  /** Returns why it was cut off, or null: clamd answers before it closes, when it has enough. */
  private static @Nullable IOException send(SocketChannel clamd, InputStream content) {
    byte[] chunk = new byte[CHUNK];
    ByteBuffer length = ByteBuffer.allocate(Integer.BYTES);
    try {
      write(clamd, ByteBuffer.wrap(COMMAND));
      for (int read = content.read(chunk); read > 0; read = content.read(chunk)) {
        write(clamd, length.clear().putInt(read).flip());
        write(clamd, ByteBuffer.wrap(chunk, 0, read));
      }
      write(clamd, length.clear().putInt(0).flip());
      return null;
    } catch (IOException e) {
      return e;
    }
  }

  private static void write(SocketChannel clamd, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      clamd.write(bytes);
    }
  }

  /** Up to its end, a zero byte. */
  private static String answer(SocketChannel clamd) throws IOException {
    ByteBuffer answer = ByteBuffer.allocate(LONGEST_ANSWER);
    while (answer.hasRemaining() && clamd.read(answer) >= 0) {
      if (answer.position() > 0 && answer.get(answer.position() - 1) == 0) {
        answer.position(answer.position() - 1);
        break;
      }
    }
    return StandardCharsets.UTF_8.decode(answer.flip()).toString().strip();
  }
}
