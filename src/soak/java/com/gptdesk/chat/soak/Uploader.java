package com.gptdesk.chat.soak;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Uploads one file after the other, every second one by TUS in two parts, and tries again until the
 * service has acknowledged it. One thread.
 */
final class Uploader {
  private static final int LARGEST = 200_000;

  /** What all of them saw. */
  static final class Seen {
    /** The hash of each acknowledged file, by its name in the conversation. */
    final Map<String, String> acknowledged = new ConcurrentHashMap<>();

    /** Names of files that were removed; nobody may find them again. */
    final Set<String> removed = ConcurrentHashMap.newKeySet();

    /** Files that the other person has read as they were sent. */
    final LongAdder read = new LongAdder();

    /** Uploads by TUS that went on after a failure. */
    final LongAdder resumed = new LongAdder();

    /** Answers that name a full disk. */
    final LongAdder full = new LongAdder();

    /** Answers that say nothing: 500. */
    final LongAdder faults = new LongAdder();

    /** Answers that should not have been. */
    final Queue<String> complaints = new ConcurrentLinkedQueue<>();
  }

  /**
   * An acknowledged file.
   *
   * @param name in the conversation
   * @param atOnce no request for it failed, so none that is late can store it again
   */
  record Stored(String name, String sha256, boolean atOnce) {}

  private final HttpClient http;
  private final IntSupplier port;
  private final String token;
  private final UUID conversation;
  private final Random random;
  private final Seen seen;

  /**
   * @param port where the next request goes
   */
  Uploader(
      HttpClient http,
      IntSupplier port,
      String token,
      UUID conversation,
      Random random,
      Seen seen) {
    this.http = http;
    this.port = port;
    this.token = token;
    this.conversation = conversation;
    this.random = random;
    this.seen = seen;
  }

  /**
   * Begins new files for as long as that holds, and ends when the last one is acknowledged.
   *
   * @param patience as long as this holds, it tries again
   */
  void upload(BooleanSupplier on, BooleanSupplier patience) throws InterruptedException {
    for (int i = 0; on.getAsBoolean(); i++) {
      if (store(i % 2 == 1, patience) == null) {
        return;
      }
    }
  }

  /**
   * Uploads a new file until it is acknowledged; null when the patience is over.
   *
   * @param resumable by TUS in two parts
   */
  @Nullable Stored store(boolean resumable, BooleanSupplier patience) throws InterruptedException {
    byte[] content = new byte[random.nextInt(1, LARGEST)];
    random.nextBytes(content);
    String name = UUID.randomUUID() + ".bin";
    @Nullable String upload = null;
    boolean atOnce = true;
    boolean done = false;
    while (!done) {
      if (!patience.getAsBoolean()) {
        seen.complaints.add(name + " was never acknowledged");
        return null;
      }
      if (!resumable) {
        done = isStored(put(name, content));
        atOnce &= done;
      } else if (upload == null) {
        upload = begun(name, content.length);
      } else {
        HttpResponse<String> state = resumable(upload, "HEAD", null, 0);
        if (state != null && state.statusCode() == 404) {
          upload = null; // given up, so it begins anew
          atOnce = false;
        } else if (state != null && state.statusCode() == 200) {
          done = goesOn(upload, content, (int) offset(state));
        }
      }
      if (!done) {
        Thread.sleep(random.nextLong(20, 150)); // whoever uploads tries again later
      }
    }
    Stored stored = new Stored(name, sha256(content), atOnce);
    seen.acknowledged.put(name, stored.sha256());
    return stored;
  }

  private String address() {
    return "http://127.0.0.1:" + port.getAsInt() + "/storage/v1";
  }

  /** Half of the rest, or the rest when it is small; true at its end. */
  private boolean goesOn(String upload, byte[] content, int offset) throws InterruptedException {
    if (offset == content.length) {
      return true;
    }
    if (offset > 0) {
      seen.resumed.increment();
    }
    int end = offset == 0 && content.length > 1 ? content.length / 2 : content.length;
    HttpResponse<String> answer =
        resumable(upload, "PATCH", Arrays.copyOfRange(content, offset, end), offset);
    return answer != null && answer.statusCode() == 204 && offset(answer) == content.length;
  }

  private static long offset(HttpResponse<String> answer) {
    return answer.headers().firstValueAsLong("Upload-Offset").orElse(-1);
  }

  private static boolean isStored(@Nullable HttpResponse<String> answer) {
    return answer != null && answer.statusCode() == 200;
  }

  private @Nullable HttpResponse<String> put(String name, byte[] content)
      throws InterruptedException {
    return answered(
        HttpRequest.newBuilder(
                URI.create(address() + "/object/attachments/" + conversation + "/" + name))
            .header("x-upsert", "true") // the answer of the last try may be lost
            .POST(BodyPublishers.ofByteArray(content)));
  }

  /** The address of a new upload; null when it is to be begun again. */
  private @Nullable String begun(String name, int length) throws InterruptedException {
    HttpResponse<String> answer =
        answered(
            HttpRequest.newBuilder(URI.create(address() + "/upload/resumable"))
                .header("Tus-Resumable", "1.0.0")
                .header("x-upsert", "true")
                .header("Upload-Length", String.valueOf(length))
                .header(
                    "Upload-Metadata",
                    "bucketName %s,objectName %s"
                        .formatted(base64("attachments"), base64(conversation + "/" + name)))
                .POST(BodyPublishers.noBody()));
    return answer == null || answer.statusCode() != 201
        ? null
        : answer.headers().firstValue("Location").orElseThrow().replaceFirst("^.*/", "");
  }

  private @Nullable HttpResponse<String> resumable(
      String upload, String method, byte @Nullable [] part, int offset)
      throws InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(address() + "/upload/resumable/" + upload))
            .header("Tus-Resumable", "1.0.0");
    if (part != null) {
      request
          .header("Upload-Offset", String.valueOf(offset))
          .header("Content-Type", "application/offset+octet-stream");
    }
    return answered(
        request.method(
            method, part == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(part)));
  }

  /** Null when nobody answers. */
  private @Nullable HttpResponse<String> answered(HttpRequest.Builder request)
      throws InterruptedException {
    try {
      HttpResponse<String> answer =
          http.send(
              request
                  .timeout(Duration.ofSeconds(10))
                  .header("Authorization", "Bearer " + token)
                  .build(),
              BodyHandlers.ofString());
      switch (answer.statusCode()) {
        case 507 -> seen.full.increment();
        case 500 -> seen.faults.increment();
        // Another request still holds the upload, or has brought more of it, or ended with it.
        case 200, 201, 204, 404, 409, 423, 503 -> {}
        default ->
            seen.complaints.add(
                answer.request().uri().getPath()
                    + " was answered "
                    + answer.statusCode()
                    + " "
                    + answer.body());
      }
      return answer;
    } catch (ConnectException e) {
      return null; // nobody was there to take it
    } catch (IOException e) {
      return null; // it may be there or not
    }
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
