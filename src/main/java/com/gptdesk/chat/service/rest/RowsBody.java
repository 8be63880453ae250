package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.http.Problem;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.json.JsonMapper;

/**
 * The rows of a request's body: one JSON object, an array of them, or lines of comma-separated
 * values. The text of JSON is passed on unchanged; only the names are read here.
 *
 * @param json the array as text
 * @param rows how many there are
 * @param anywhere names that some object has
 * @param everywhere names that all objects have
 */
record RowsBody(String json, int rows, Set<String> anywhere, Set<String> everywhere) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /**
   * Reads the body.
   *
   * @throws Problem.Stop PGRST102 when it is no JSON of rows
   */
  static RowsBody of(RestRequest request) {
    String type = typeOf(request.contentType());
    String text =
        type.equals("text/csv")
            ? StorableText.ofJson(CsvBody.toJson(StorableText.of(utf8(request))))
            : StorableText.ofJson(utf8(request));
    Set<String> anywhere = new LinkedHashSet<>();
    Set<String> everywhere = new LinkedHashSet<>();
    int rows = 0;
    boolean isArray;
    try (JsonParser parser = JSON.createParser(text)) {
      JsonToken token = parser.nextToken();
      isArray = token == JsonToken.START_ARRAY;
      if (isArray) {
        token = parser.nextToken();
      }
      while (token == JsonToken.START_OBJECT) {
        Set<String> names = namesOf(parser);
        if (rows++ == 0) {
          everywhere.addAll(names);
        } else {
          everywhere.retainAll(names);
        }
        anywhere.addAll(names);
        token = parser.nextToken();
        if (!isArray) {
          break;
        }
      }
      if (isArray) {
        if (token != JsonToken.END_ARRAY) {
          throw badJson("The array holds something else than objects").stop();
        }
        token = parser.nextToken();
      }
      if (token != null || (!isArray && rows == 0)) {
        throw badJson(null).stop();
      }
    } catch (JacksonException e) {
      TokenStreamLocation place = e.getLocation();
      throw badJson(
              place == null
                  ? e.getOriginalMessage()
                  : "At line " + place.getLineNr() + ", column " + place.getColumnNr())
          .stop();
    }
    return new RowsBody(isArray ? text : "[" + text + "]", rows, anywhere, everywhere);
  }

  /**
   * The rows one by one: of each name a JSON object that has it alone, its value as it was sent.
   * The last of several of one name counts, as in PostgreSQL.
   */
  List<Map<String, String>> each() {
    List<Map<String, String>> all = new ArrayList<>();
    try (JsonParser parser = JSON.createParser(json)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.START_OBJECT) {
        Map<String, String> row = new HashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          int start = (int) parser.currentTokenLocation().getCharOffset();
          parser.skipChildren();
          parser.finishToken(); // the parser reads a text lazily, and its end is needed
          int end = (int) parser.currentLocation().getCharOffset();
          row.put(
              name, "{" + JSON.writeValueAsString(name) + ":" + json.substring(start, end) + "}");
        }
        all.add(row);
      }
    }
    return all;
  }

  private static Set<String> namesOf(JsonParser parser) {
    Set<String> names = new LinkedHashSet<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      names.add(parser.currentName());
      parser.nextToken();
      parser.skipChildren();
    }
    return names;
  }

  /**
   * The type without its parameters; JSON where none is named.
   *
   * @throws Problem.Stop PGRST102 for another
   */
  private static String typeOf(@Nullable String contentType) {
    String type =
        contentType == null ? "" : contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (!Set.of("", "application/json", "text/csv").contains(type)) {
      throw Problem.of(400, "PGRST102", "Content-Type not acceptable: " + type)
          .withHint("Send application/json or text/csv")
          .stop();
    }
    return type;
  }

  private static String utf8(RestRequest request) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(request.body().duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw badJson("The body is not UTF-8").stop();
    }
  }

  private static Problem badJson(@Nullable String details) {
    return Problem.of(400, "PGRST102", "Empty or invalid json")
        .withDetails(details)
        .withHint("Send one JSON object, or an array of them, in UTF-8");
  }
}
