package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.http.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request, independent of the HTTP server.
 *
 * @param path decoded, below {@code /storage/v1}
 * @param query decoded; the first of each name
 * @param headers the value of a header by its name, in any case
 * @param body read as it comes, on the thread that asks for it
 * @param maxBodyBytes of what is read as JSON
 */
public record StorageRequest(
    String method,
    String path,
    Map<String, String> query,
    Function<String, @Nullable String> headers,
    InputStream body,
    long maxBodyBytes) {
  private static final JsonMapper JSON = JsonMapper.shared();

  @Nullable String header(String name) {
    return headers.apply(name);
  }

  boolean isTrue(String header) {
    return "true".equalsIgnoreCase(header(header));
  }

  /** GET and HEAD. */
  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** Whether its path is this or below it. */
  boolean isUnder(String folder) {
    return path.equals(folder) || path.startsWith(folder + "/");
  }

  /** Method and the kind of address for the log, without names of files. */
  String label() {
    String[] parts = path.split("/", 4);
    return method
        + " "
        + String.join("/", Arrays.copyOf(parts, Math.min(3, parts.length)))
            .replaceAll("[^\\w/-]", "?");
  }

  /** The body, which is a JSON object. */
  ObjectNode json() throws IOException {
    byte[] read = body.readNBytes(Math.toIntExact(maxBodyBytes + 1));
    if (read.length > maxBodyBytes) {
      throw Problem.of(413, "EntityTooLarge", "The request body is too long")
          .withHint("At most " + maxBodyBytes + " bytes are allowed")
          .stop();
    }
    try {
      JsonNode root = JSON.readTree(read);
      if (root instanceof ObjectNode object) {
        return object;
      }
    } catch (JacksonException e) {
      throw StorageErrors.invalid("body must be a JSON object").stop();
    }
    throw StorageErrors.invalid("body must be a JSON object").stop();
  }
}
