package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rows as a PostgREST response. */
final class TableResponse {

  /**
   * What the database answered.
   *
   * @param rows how many rows were read or written
   * @param json the rows as a JSON array; null when none are wanted
   * @param total how many rows there are; null when nobody counted
   */
  record Rows(long rows, @Nullable String json, @Nullable Long total) {}

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
    boolean made = request.method().equals("POST");
    Long total = preferences.count() == TablePreferences.Count.EXACT ? rows.rows() : null;
    String range =
        request.method().equals("PATCH")
            ? range(0, rows.rows(), total)
            : "*/" + (total == null ? "*" : total);
    if (preferences.representation()) {
      return reply(made ? 201 : 200, rows, range, type, preferences);
    }
    return new Reply(made ? 201 : 204, null, headers(range, preferences), null);
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
