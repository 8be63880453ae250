package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.query.QueryParser;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** Rows as a PostgREST response. */
final class TableResponse {
  private static final JsonMapper JSON = JsonMapper.shared();

  /**
   * What the database answered.
   *
   * @param rows how many rows were read or written
   * @param json the rows as a JSON array; null when none are wanted
   * @param total how many rows there are; null when nobody counted
   * @param replaced how many rows of an upsert were there before
   */
  record Rows(long rows, @Nullable String json, @Nullable Long total, long replaced) {
    Rows(long rows, @Nullable String json, @Nullable Long total) {
      this(rows, json, total, 0);
    }
  }

  private TableResponse() {}

  /** The page of a read. */
  static Reply read(Rows page, long offset, MediaType type, TablePreferences preferences) {
    Long total = page.total();
    if (total != null && offset > total) {
      throw QueryParser.unsatisfiable(
              "An offset of %d was requested, but there are only %d rows.".formatted(offset, total))
          .stop();
    }
    boolean isPart = total != null && page.rows() < total;
    return reply(isPart ? 206 : 200, page, range(offset, page.rows(), total), type, preferences);
  }

  /** What a write has done: the rows, or nothing. */
  static Reply written(
      RestRequest request, Rows rows, MediaType type, TablePreferences preferences) {
    Long total = preferences.count() == TablePreferences.Count.EXACT ? rows.rows() : null;
    String range =
        request.method().equals("PATCH")
            ? range(0, rows.rows(), total)
            : "*/" + (total == null ? "*" : total);
    int status = status(request, rows, preferences);
    if (preferences.representation()) {
      return reply(status, rows, range, type, preferences);
    }
    Reply done =
        new Reply(
            status == 200 && !request.method().equals("POST") ? 204 : status,
            null,
            headers(range, preferences),
            null);
    return preferences.returned() == TablePreferences.Returned.HEADERS
            && request.method().equals("POST")
            && rows.rows() == 1
            && rows.json() != null
        ? done.withHeader("Location", location(request, String.valueOf(rows.json())))
        : done;
  }

  /** 201 for what was inserted, unless all rows of an upsert were there. */
  private static int status(RestRequest request, Rows rows, TablePreferences preferences) {
    return switch (request.method()) {
      case "POST" ->
          preferences.resolution() == TablePreferences.Resolution.MERGE
                  && rows.replaced() >= rows.rows()
              ? 200
              : 201;
      case "PUT" -> rows.replaced() >= rows.rows() ? 200 : 201;
      default -> 200;
    };
  }

  /** The address of one row, by its primary key. */
  private static String location(RestRequest request, String keys) {
    return "/"
        + encoded(request.table())
        + JSON.readTree(keys)
            .get(0)
            .propertyStream()
            .map(key -> encoded(key.getKey()) + "=eq." + encoded(key.getValue().asString()))
            .collect(Collectors.joining("&", "?", ""));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static Reply reply(
      int status, Rows rows, String range, MediaType type, TablePreferences preferences) {
    String json = rows.json() == null ? "[]" : rows.json();
    String body =
        switch (type.form()) {
          case ARRAY -> json;
          case OBJECT -> json.strip().substring(1, json.strip().length() - 1);
          case CSV -> CsvBody.of(json);
        };
    return new Reply(status, type.form().contentType(), headers(range, preferences), body);
  }

  /**
   * One object needs one row.
   *
   * @throws Problem.Stop PGRST116 for another number
   */
  static void demandOne(long rows) {
    if (rows != 1) {
      throw Problem.of(406, "PGRST116", "Cannot coerce the result to a single JSON object")
          .withDetails("The result contains " + rows + " rows")
          .stop();
    }
  }

  private static Map<String, String> headers(String range, TablePreferences preferences) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Content-Range", range);
    if (!preferences.applied().isEmpty()) {
      headers.put("Preference-Applied", String.join(", ", preferences.applied()));
    }
    return headers;
  }

  private static String range(long offset, long rows, @Nullable Long total) {
    return (rows == 0 ? "*" : offset + "-" + (offset + rows - 1))
        + "/"
        + (total == null ? "*" : total);
  }
}
