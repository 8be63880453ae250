package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.ObjectStore.Content;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An HTTP response.
 *
 * @param body null for none
 * @param content some bytes of a file; null for none
 */
public record StorageReply(
    int status, Map<String, String> headers, @Nullable String body, @Nullable Content content) {
  private static final JsonMapper JSON = JsonMapper.shared();

  public StorageReply {
    headers = Map.copyOf(headers);
  }

  static StorageReply json(int status, JsonNode body) {
    return new StorageReply(
        status,
        Map.of("Content-Type", "application/json; charset=utf-8"),
        JSON.writeValueAsString(body),
        null);
  }

  static StorageReply empty(int status, Map<String, String> headers) {
    return new StorageReply(status, headers, null, null);
  }

  StorageReply with(Map<String, String> more) {
    Map<String, String> all = new LinkedHashMap<>(headers);
    all.putAll(more);
    return new StorageReply(status, all, body, content);
  }
}
