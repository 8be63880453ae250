package com.gptdesk.chat.service.http;

import com.gptdesk.chat.database.StorableText;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A request as PostgREST's settings, which an operator's functions, triggers and policies read. */
public final class RequestSettings {
  private static final JsonMapper JSON = JsonMapper.shared();

  private RequestSettings() {}

  /**
   * By name, in order.
   *
   * @param path as PostgREST has it, without its prefix: {@code /marks} or {@code /rpc/sum}
   * @param headers all of them; of one that came twice, both values are told
   */
  public static Map<String, String> of(
      String method, String path, Iterable<Map.Entry<String, String>> headers) {
    ObjectNode all = JSON.createObjectNode();
    ObjectNode cookies = JSON.createObjectNode();
    for (Map.Entry<String, String> header : headers) {
      String name = header.getKey().toLowerCase(Locale.ROOT);
      if (name.equals("cookie")) {
        for (String cookie : header.getValue().split(";", -1)) {
          String[] parts = cookie.strip().split("=", 2);
          cookies.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
      }
      JsonNode before = all.get(name);
      String value = header.getValue();
      all.put(name, before == null ? value : before.stringValue() + ", " + value);
    }
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("request.method", method);
    settings.put("request.path", StorableText.of(path));
    settings.put("request.headers", StorableText.ofJson(JSON.writeValueAsString(all)));
    settings.put("request.cookies", StorableText.ofJson(JSON.writeValueAsString(cookies)));
    return settings;
  }
}
