package com.gptdesk.chat.service.http;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP response.
 *
 * @param contentType null when there is no body
 * @param body null for none
 */
public record Reply(
    int status, @Nullable String contentType, Map<String, String> headers, @Nullable String body) {
  public static final String JSON_TYPE = "application/json; charset=utf-8";

  public Reply {
    headers = Map.copyOf(headers);
  }

  public static Reply json(int status, String body) {
    return new Reply(status, JSON_TYPE, Map.of(), body);
  }

  public Reply withHeader(String name, String value) {
    Map<String, String> more = new HashMap<>(headers);
    more.put(name, value);
    return new Reply(status, contentType, more, body);
  }

  public static Reply noContent() {
    return new Reply(204, null, Map.of(), null);
  }
}
