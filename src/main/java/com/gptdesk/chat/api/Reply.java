package com.gptdesk.chat.api;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What goes back over HTTP.
 *
 * @param contentType null when there is no body
 * @param body null for none
 */
record Reply(
    int status, @Nullable String contentType, Map<String, String> headers, @Nullable String body) {
  static final String JSON_TYPE = "application/json; charset=utf-8";

  Reply {
    headers = Map.copyOf(headers);
  }

  static Reply json(int status, String body) {
    return new Reply(status, JSON_TYPE, Map.of(), body);
  }

  Reply withHeader(String name, String value) {
    Map<String, String> more = new HashMap<>(headers);
    more.put(name, value);
    return new Reply(status, contentType, more, body);
  }

  static Reply noContent() {
    return new Reply(204, null, Map.of(), null);
  }
}
