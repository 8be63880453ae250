package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.StoredFile;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What the uploader keeps with a file, and for how long caches may keep the file. */
final class UserMetadata {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String CACHE = "cacheControl";
  private static final long DEFAULT_SECONDS = 3600;
  private static final long LONGEST_SECONDS = 999_999_999;

  private UserMetadata() {}

  /**
   * Both in one object.
   *
   * @param json an object; null for none
   * @param cacheControl seconds, also as {@code max-age=60}; null for none
   */
  static ObjectNode of(@Nullable String json, @Nullable String cacheControl) {
    ObjectNode metadata = JSON.createObjectNode();
    if (json != null && !json.isEmpty()) {
      try {
        if (!(JSON.readTree(json) instanceof ObjectNode given)) {
          throw StorageErrors.invalid("metadata must be a JSON object").stop();
        }
        metadata = given;
      } catch (JacksonException e) {
        throw StorageErrors.invalid("metadata must be a JSON object").stop();
      }
    }
    String seconds = cacheControl == null ? "" : cacheControl.strip().replaceFirst("^max-age=", "");
    if (seconds.matches("\\d{1,9}")) {
      metadata.put(CACHE, Long.parseLong(seconds));
    }
    return metadata;
  }

  /** For how many seconds caches may keep it. */
  static long cacheSeconds(StoredFile file) {
    return cacheSeconds(file.metadata());
  }

  /** The uploader may have written anything there. */
  static long cacheSeconds(JsonNode metadata) {
    return Math.clamp(metadata.path(CACHE).asLong(DEFAULT_SECONDS), 0, LONGEST_SECONDS);
  }

  /** Without what this service keeps there. */
  static ObjectNode without(ObjectNode metadata) {
    ObjectNode own = metadata.deepCopy();
    own.remove(CACHE);
    return own;
  }
}
