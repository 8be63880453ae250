package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RaisedError;
import com.gptdesk.chat.service.http.Reply;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * What an operator's function says of its response, as PostgREST understands it: the settings
 * {@code response.status} and {@code response.headers}.
 */
final class OwnResponse {
  private OwnResponse() {}

  /** The reply with the function's own status and headers. */
  static Reply of(Reply reply, CallResult result) {
    String status = result.status();
    String headers = result.headers();
    if (status == null && headers == null) {
      return reply;
    }
    Map<String, String> all = new LinkedHashMap<>(reply.headers());
    String type = reply.contentType();
    if (headers != null) {
      for (Map.Entry<String, String> one : headersIn(headers).entrySet()) {
        if (one.getKey().equalsIgnoreCase("Content-Type")) {
          type = one.getValue();
        } else {
          all.keySet().removeIf(one.getKey()::equalsIgnoreCase);
          all.put(one.getKey(), one.getValue());
        }
      }
    }
    int code = status == null ? reply.status() : statusIn(status);
    boolean hasBody = code != 204 && code != 205 && code != 304;
    return new Reply(code, hasBody ? type : null, all, hasBody ? reply.body() : null);
  }

  private static int statusIn(String text) {
    if (!text.matches("[2-5]\\d\\d")) {
      throw Problem.of(500, "PGRST112", "response.status guc must be a valid status code").stop();
    }
    return Integer.parseInt(text);
  }

  /** {@code [{"name": "value"}, …]}. */
  private static Map<String, String> headersIn(String text) {
    Map<String, String> headers = new LinkedHashMap<>();
    JsonNode list = RaisedError.json(text);
    if (list == null || !list.isArray()) {
      throw RaisedError.badHeaders().stop();
    }
    for (JsonNode one : list) {
      if (one.size() != 1) {
        throw RaisedError.badHeaders().stop();
      }
      RaisedError.take(headers, one);
    }
    return headers;
  }
}
