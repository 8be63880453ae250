package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Rows as comma-separated values (RFC 4180), from PostgreSQL's JSON of them and to it. In an answer
 * a null is an empty field, an object or array is its JSON. In a request {@code NULL} without
 * quotes is a null, and all else a text that PostgreSQL converts.
 */
final class CsvBody {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** Of the JSON: each row repeats the names, so few lines could become much. */
  private static final int MOST_CHARACTERS = 16 * 1024 * 1024;

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

  /**
   * The lines as a JSON array of objects, whose names are those of the first line.
   *
   * @throws Problem.Stop PGRST102 when a line has another number of fields, or quotes do not match
   */
  static String toJson(String lines) {
    Reader reader = new Reader(lines);
    List<@Nullable String> names = reader.line();
    if (names.stream().anyMatch(name -> name == null || name.isEmpty())
        || Set.copyOf(names).size() != names.size()) {
      throw unreadable("The first line names each column once").stop();
    }
    long ofNames = names.stream().mapToLong(name -> String.valueOf(name).length() + 8).sum();
    long characters = 0;
    ArrayNode rows = JSON.createArrayNode();
    while (!reader.isAtEnd()) {
      List<@Nullable String> values = reader.line();
      if (values.size() != names.size()) {
        throw unreadable("All lines must have same number of fields").stop();
      }
      characters += ofNames;
      if (characters > MOST_CHARACTERS) {
        throw unreadable("The lines become too long").stop();
      }
      ObjectNode row = rows.addObject();
      for (int i = 0; i < values.size(); i++) {
        row.put(String.valueOf(names.get(i)), values.get(i));
      }
    }
    return JSON.writeValueAsString(rows);
  }

  private static Problem unreadable(String details) {
    return Problem.of(400, "PGRST102", "The CSV cannot be read").withDetails(details);
  }

  /** Reads lines, whose quoted fields may have line feeds in them. */
  private static final class Reader {
    private final String text;
    private int at;

    Reader(String text) {
      this.text = text;
    }

    boolean isAtEnd() {
      return at >= text.length();
    }

    List<@Nullable String> line() {
      List<@Nullable String> fields = new ArrayList<>();
      do {
        fields.add(isAt('"') ? quotedField() : plainField());
      } while (skip(','));
      skip('\r');
      if (!skip('\n') && !isAtEnd()) {
        throw unreadable("Something follows a closing quote").stop();
      }
      return fields;
    }

    private @Nullable String plainField() {
      int start = at;
      while (!isAtEnd() && ",\r\n".indexOf(text.charAt(at)) < 0) {
        at++;
      }
      String field = text.substring(start, at);
      return field.equals("NULL") ? null : field;
    }

    private String quotedField() {
      StringBuilder field = new StringBuilder();
      for (at++; !isAtEnd(); at++) {
        if (!isAt('"')) {
          field.append(text.charAt(at));
        } else if (at + 1 < text.length() && text.charAt(at + 1) == '"') {
          field.append('"');
          at++;
        } else {
          at++;
          return field.toString();
        }
      }
      throw unreadable("A quote is not closed").stop();
    }

    private boolean isAt(char c) {
      return !isAtEnd() && text.charAt(at) == c;
    }

    private boolean skip(char c) {
      boolean there = isAt(c);
      if (there) {
        at++;
      }
      return there;
    }
  }
}
