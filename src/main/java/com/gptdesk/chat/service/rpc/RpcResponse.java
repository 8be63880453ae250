package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.rest.RestLimits;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/** The result of a function as a PostgREST response. */
final class RpcResponse {
  /**
   * Reads the database's JSON without limits, since a number of 5000 digits in it is not an attack.
   */
  private static final JsonFactory RESULTS =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxNestingDepth(Integer.MAX_VALUE)
                  .build())
          .build();

  private RpcResponse() {}

  /**
   * The answer.
   *
   * @param isCounted whether the result begins with how many rows there are
   */
  static Reply of(
      RpcRequest request,
      CallableFunction function,
      RpcShape shape,
      boolean isCounted,
      CallPreferences preferences,
      @Nullable String result) {
    boolean asObject = request.wantsObject();
    if (isCounted && result != null) {
      return counted(request, function, asObject, shape, preferences, result);
    }
    return switch (function.result()) {
      case VOID -> Reply.noContent();
      case SCALAR, COMPOSITE -> {
        String type = asObject ? RpcRequest.OBJECT + "; charset=utf-8" : Reply.JSON_TYPE;
        yield new Reply(
            200,
            type,
            Map.of("Content-Range", range(0, 1, -1, request)),
            result == null ? "null" : result);
      }
      case SET -> rows(request, asObject, 0, -1, preferences, result == null ? "[]" : result);
    };
  }

  /**
   * What {@link com.gptdesk.chat.service.rest.FunctionRows} asks for: how many rows there are, and
   * the page of them.
   */
  private static Reply counted(
      RpcRequest request,
      CallableFunction function,
      boolean asObject,
      RpcShape shape,
      CallPreferences preferences,
      String result) {
    int space = result.indexOf(' ');
    long total = Long.parseLong(result.substring(0, space));
    String array = result.substring(space + 1);
    if (array.isEmpty()) {
      throw RestLimits.tooLong().stop();
    }
    if (request.wantsCount() && shape.offset() > total) {
      throw Problem.of(416, "PGRST103", "Requested range not satisfiable")
          .withDetails(
              "An offset of "
                  + shape.offset()
                  + " was requested, but there are only "
                  + total
                  + " rows.")
          .stop();
    }
    if (shape.query() == null) {
      refuseTooMany(preferences, total); // all that it has changed, and not the page alone
    }
    if (!asObject && function.result() == CallableFunction.Result.COMPOSITE && array.equals("[]")) {
      // As in PostgREST, the one row that a filter leaves out is null.
      return new Reply(
          200,
          Reply.JSON_TYPE,
          Map.of("Content-Range", range(shape.offset(), 0, total, request)),
          "null");
    }
    Reply rows =
        rows(
            request,
            asObject || function.result() == CallableFunction.Result.COMPOSITE,
            shape.offset(),
            total,
            preferences,
            array);
    return asObject || function.result() == CallableFunction.Result.SET
        ? rows
        : new Reply(rows.status(), Reply.JSON_TYPE, rows.headers(), rows.body());
  }

  private static Reply rows(
      RpcRequest request,
      boolean asObject,
      long offset,
      long total,
      CallPreferences preferences,
      String array) {
    int count = 0;
    long firstStart = 0;
    long firstEnd = 0;
    try (JsonParser parser = RESULTS.createParser(ObjectReadContext.empty(), array)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (count == 0) {
          firstStart = parser.currentTokenLocation().getCharOffset();
        }
        parser.skipChildren();
        parser.finishToken(); // the parser reads a text lazily, and its end is needed
        if (count == 0) {
          firstEnd = parser.currentLocation().getCharOffset();
        }
        count++;
      }
    }
    refuseTooMany(preferences, count);
    Map<String, String> headers = Map.of("Content-Range", range(offset, count, total, request));
    if (!asObject) {
      boolean isPart = request.wantsCount() && count < total;
      return new Reply(isPart ? 206 : 200, Reply.JSON_TYPE, headers, array);
    }
    if (count != 1) {
      throw Problem.of(406, "PGRST116", "Cannot coerce the result to a single JSON object")
          .withDetails("The result contains " + count + " rows")
          .stop();
    }
    String object = array.substring((int) firstStart, (int) firstEnd);
    return new Reply(200, RpcRequest.OBJECT + "; charset=utf-8", headers, object);
  }

  private static void refuseTooMany(CallPreferences preferences, long rows) {
    Long most = preferences.maxAffected();
    if (most != null && rows > most) {
      throw Problem.of(400, "PGRST124", "Query result exceeds max-affected preference constraint")
          .withDetails("The query affects " + rows + " rows")
          .stop();
    }
  }

  /**
   * {@code first-last/all}.
   *
   * @param total how many there are; -1 for as many as these
   */
  private static String range(long offset, int count, long total, RpcRequest request) {
    String rows = count == 0 ? "*" : offset + "-" + (offset + count - 1);
    String all = String.valueOf(total < 0 ? count : total);
    return rows + "/" + (request.wantsCount() ? all : "*");
  }
}
