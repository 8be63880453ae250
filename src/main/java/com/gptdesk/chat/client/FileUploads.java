package com.gptdesk.chat.client;

import com.gptdesk.chat.database.Refusal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Uploads files to a service, which keeps their bytes; {@link UserChat#sendFile} sends them. A file
 * of more than 6 MiB is uploaded in parts and goes on after a lost connection.
 *
 * <p>Make one for the program. Blocks the caller's thread. Thread-safe.
 */
public final class FileUploads {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String BUCKET = "attachments";
  private static final int PART = 6 * 1024 * 1024;
  private static final int TRIES = 6;
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration REQUEST = Duration.ofMinutes(2);
  private static final long PAUSE_MILLIS = 250;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT).build();

  private final String storage;
  private final Function<UUID, String> tokens;

  /**
   * Uploads to one service.
   *
   * @param service its address, as browsers use it: {@code https://chat.example}
   * @param tokens gives a token of a person, by their id: one that the service accepts; asked for
   *     each request
   */
  public FileUploads(URI service, Function<UUID, String> tokens) {
    this.storage = service.toString().replaceFirst("/+$", "") + "/storage/v1";
    this.tokens = tokens;
  }

  /**
   * Uploads a file, and does not send it. A file of this person with this name is not uploaded
   * again. The service removes what nobody sends after a day.
   *
   * @param person who uploads it
   * @param conversationId where it is to be sent
   * @param name its name there, with slashes between folders: take one that nobody has, such as an
   *     id and the file's own name
   * @param file what to upload
   * @return its storage path, the {@code url} of an {@link com.gptdesk.chat.model.Attachment}
   * @throws Refusal this person may not upload it, or it may not be stored
   * @throws ServiceUnavailable the service cannot be reached, or fails
   * @throws UncheckedIOException the file cannot be read
   */
  public String upload(UUID person, UUID conversationId, String name, Path file) {
    String path = conversationId + "/" + name;
    try {
      long size = Files.size(file);
      if (size <= PART) {
        uploadAtOnce(person, path, Files.readAllBytes(file));
      } else {
        uploadInParts(person, path, file, size);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The file cannot be read", e);
    }
    return path;
  }

  private void uploadAtOnce(UUID person, String path, byte[] content) {
    String address = storage + "/object/" + BUCKET + "/" + encoded(path);
    for (int failures = 0; ; failures++) {
      try {
        HttpResponse<String> answer =
            ask(person, "POST", address, BodyPublishers.ofByteArray(content));
        Refusal refusal = refusal(answer);
        if (refusal == null || isThere(refusal)) {
          return;
        }
        throw refusal;
      } catch (ServiceUnavailable e) {
        pause(failures, e);
      }
    }
  }

  private void uploadInParts(UUID person, String path, Path file, long size) throws IOException {
    try (FileChannel content = FileChannel.open(file)) {
      String upload = null;
      Long offset = 0L; // null: the service has to be asked for it
      int failures = 0;
      while (offset == null || offset < size) {
        try {
          if (upload == null) {
            upload = begin(person, path, size);
            if (upload == null) {
              return; // it is there
            }
          } else if (offset == null) {
            offset = offset(person, upload);
          } else {
            long next = append(person, upload, offset, part(content, offset, size));
            failures = next > offset ? 0 : failures;
            offset = next;
          }
        } catch (ServiceUnavailable e) {
          pause(failures++, e);
          offset = upload == null ? offset : null;
        } catch (Refusal e) {
          if (isThere(e)) {
            return;
          }
          throw e;
        }
      }
    }
  }

  /** The address of an upload; null when the file is there. */
  private @Nullable String begin(UUID person, String path, long size) {
    String metadata = "bucketName " + base64(BUCKET) + ",objectName " + base64(path);
    HttpResponse<String> answer =
        ask(
            person,
            "POST",
            storage + "/upload/resumable",
            BodyPublishers.noBody(),
            "Tus-Resumable",
            "1.0.0",
            "Upload-Length",
            String.valueOf(size),
            "Upload-Metadata",
            metadata);
    Refusal refusal = refusal(answer);
    if (refusal != null) {
      if (isThere(refusal)) {
        return null;
      }
      throw refusal;
    }
    String location =
        answer
            .headers()
            .firstValue("Location")
            .orElseThrow(() -> new ServiceUnavailable("The upload has no address", null));
    return URI.create(storage).resolve(location).toString();
  }

  private long offset(UUID person, String upload) {
    HttpResponse<String> answer =
        ask(person, "HEAD", upload, BodyPublishers.noBody(), "Tus-Resumable", "1.0.0");
    requireDone(answer);
    return offset(answer);
  }

  private long append(UUID person, String upload, long offset, byte[] part) {
    HttpResponse<String> answer =
        ask(
            person,
            "PATCH",
            upload,
            BodyPublishers.ofByteArray(part),
            "Tus-Resumable",
            "1.0.0",
            "Upload-Offset",
            String.valueOf(offset),
            "Content-Type",
            "application/offset+octet-stream");
    if (answer.statusCode() == 409 && answer.headers().firstValue("Upload-Offset").isPresent()) {
      throw new ServiceUnavailable("The service has another part of the file", null);
    }
    requireDone(answer);
    return offset(answer);
  }

  private static long offset(HttpResponse<String> answer) {
    return answer
        .headers()
        .firstValueAsLong("Upload-Offset")
        .orElseThrow(() -> new ServiceUnavailable("The service does not say what has come", null));
  }

  private static byte[] part(FileChannel content, long offset, long size) throws IOException {
    ByteBuffer part = ByteBuffer.allocate((int) Math.min(PART, size - offset));
    while (part.hasRemaining()) {
      if (content.read(part, offset + part.position()) < 0) {
        throw new IOException("The file has become shorter");
      }
    }
    return part.array();
  }

  /** Waits before the next try, longer each time; or gives up. */
  private static void pause(int failures, ServiceUnavailable failure) {
    if (failures + 1 >= TRIES || Thread.currentThread().isInterrupted()) {
      throw failure;
    }
    try {
      Thread.sleep(PAUSE_MILLIS << failures);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure;
    }
  }

  /**
   * Asks the service.
   *
   * @param headers names and values in turn
   * @throws ServiceUnavailable there is no answer, or one that says to come again
   */
  private HttpResponse<String> ask(
      UUID person, String method, String address, BodyPublisher body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(address))
            .timeout(REQUEST)
            .header("Authorization", "Bearer " + tokens.apply(person))
            .method(method, body);
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      HttpResponse<String> answer =
          http.send(request.build(), BodyHandlers.ofString(StandardCharsets.UTF_8));
      int status = answer.statusCode();
      if (status >= 500 || status == 423 || status == 408) {
        throw new ServiceUnavailable("The service answered " + status + told(answer), null);
      }
      return answer;
    } catch (IOException e) {
      throw new ServiceUnavailable("The service could not be reached", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServiceUnavailable("The upload was interrupted", e);
    }
  }

  private static String told(HttpResponse<String> answer) {
    String text = answer.body() == null ? "" : answer.body().strip();
    return text.isEmpty() ? "" : ": " + text.substring(0, Math.min(200, text.length()));
  }

  private static void requireDone(HttpResponse<String> answer) {
    Refusal refusal = refusal(answer);
    if (refusal != null) {
      throw refusal;
    }
  }

  /** What the service refused, as the database words it; null when it did what was asked. */
  private static @Nullable Refusal refusal(HttpResponse<String> answer) {
    if (answer.statusCode() < 300) {
      return null;
    }
    try {
      JsonNode body = JSON.readTree(String.valueOf(answer.body()));
      if (body.hasNonNull("statusCode")) {
        return new Refusal(
            "PT" + body.get("statusCode").asString(),
            body.path("message").asString(),
            body.hasNonNull("details") ? body.get("details").asString() : null,
            body.hasNonNull("hint") ? body.get("hint").asString() : null,
            null);
      }
    } catch (JacksonException e) {
      // A resumable upload answers in words.
    }
    return new Refusal(
        "PT" + answer.statusCode(),
        answer.body() == null || answer.body().isBlank()
            ? "The service refused the file"
            : answer.body().strip(),
        null,
        null,
        null);
  }

  /** Whether the file was stored by an earlier try. */
  private static boolean isThere(Refusal refusal) {
    return refusal.code().equals("PT409");
  }

  private static String encoded(String path) {
    return Arrays.stream(path.split("/", -1))
        .map(part -> URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20"))
        .collect(Collectors.joining("/"));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
