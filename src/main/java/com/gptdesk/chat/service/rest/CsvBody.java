package com.gptdesk.chat.service.rest;

import java.io.StringWriter;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * Rows as comma-separated values (RFC 4180), from PostgreSQL's JSON of them. A null is an empty
 * field; an object or array is its JSON.
 */
final class CsvBody {
  private static final JsonMapper JSON = JsonMapper.shared();

  private CsvBody() {}

  /** The lines; none when there are no rows. */
  static String of(String array) {
    StringBuilder lines = new StringBuilder();
    try (JsonParser parser = JSON.createParser(array)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.START_OBJECT) {
        Set<String> names = new LinkedHashSet<>();
        StringBuilder line = new StringBuilder();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          line.append(names.isEmpty() ? "" : ",");
          names.add(parser.currentName());
          line.append(field(parser));
        }
        if (lines.isEmpty()) {
          lines.append(names.stream().map(CsvBody::quoted).collect(Collectors.joining(",")));
        }
        lines.append('\n').append(line);
      }
    }
    return lines.toString();
  }

  private static String field(JsonParser parser) {
    return switch (parser.nextToken()) {
      case VALUE_NULL -> "";
      case START_OBJECT, START_ARRAY -> {
        StringWriter json = new StringWriter();
        try (JsonGenerator generator = JSON.createGenerator(json)) {
          generator.copyCurrentStructure(parser);
        }
        yield quoted(json.toString());
      }
      default -> quoted(parser.getString());
    };
  }

  private static String quoted(String text) {
    return text.isEmpty()
            || text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r')
        ? "\"" + text.replace("\"", "\"\"") + "\""
        : text;
  }
}
