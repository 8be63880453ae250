package com.gptdesk.chat.service.history;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The JSON of an export: a whole file, or one object a line. */
final class JsonFiles {
  private static final JsonMapper JSON = new JsonMapper();

  private JsonFiles() {}

  static JsonNode whole(Path file) throws IOException {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (JacksonException e) {
      throw new IOException(file + " is no JSON: " + e.getOriginalMessage(), e);
    }
  }

  static void lines(Path file, Consumer<JsonNode> objects) throws IOException {
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line; (line = lines.readLine()) != null; ) {
        number++;
        if (!line.isBlank()) {
          objects.accept(object(file, number, line));
        }
      }
    }
  }

  private static JsonNode object(Path file, int number, String line) throws IOException {
    try {
      return JSON.readTree(line);
    } catch (JacksonException e) {
      throw new IOException(
          "%s, line %d is no JSON: %s".formatted(file, number, e.getOriginalMessage()), e);
    }
  }
}
