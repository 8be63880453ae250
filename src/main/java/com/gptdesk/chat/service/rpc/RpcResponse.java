package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
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

  static Reply of(
      RpcRequest request, CallableFunction function, boolean asObject, @Nullable String result) {
    return switch (function.result()) {
      case VOID -> Reply.noContent();
      case SCALAR, COMPOSITE -> {
        String type = asObject ? RpcRequest.OBJECT + "; charset=utf-8" : Reply.JSON_TYPE;
        yield new Reply(
            200,
            type,
            Map.of("Content-Range", range(1, request)),
            result == null ? "null" : result);
      }
      case SET -> rows(request, asObject, result == null ? "[]" : result);
    };
  }

  private static Reply rows(RpcRequest request, boolean asObject, String array) {
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
    Map<String, String> headers = Map.of("Content-Range", range(count, request));
    if (!asObject) {
      return new Reply(200, Reply.JSON_TYPE, headers, array);
    }
    if (count != 1) {
      throw Problem.of(406, "PGRST116", "Cannot coerce the result to a single JSON object")
          .withDetails("The result contains " + count + " rows")
          .stop();
    }
    String object = array.substring((int) firstStart, (int) firstEnd);
    return new Reply(200, RpcRequest.OBJECT + "; charset=utf-8", headers, object);
  }

  private static String range(int count, RpcRequest request) {
    return (count == 0 ? "*" : "0-" + (count - 1)) + "/" + (request.wantsCount() ? count : "*");
  }
}
