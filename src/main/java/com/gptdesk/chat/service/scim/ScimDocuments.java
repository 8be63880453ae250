package com.gptdesk.chat.service.scim;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** What the service says of itself (RFC 7643, 5 to 7). */
final class ScimDocuments {
  static final JsonNode SERVICE_PROVIDER_CONFIG = read("service-provider-config.json");
  static final ArrayNode RESOURCE_TYPES = (ArrayNode) read("resource-types.json");
  static final ArrayNode SCHEMAS = (ArrayNode) read("schemas.json");

  private ScimDocuments() {}

  private static JsonNode read(String name) {
    try (InputStream file = ScimDocuments.class.getResourceAsStream(name)) {
      return JsonMapper.shared().readTree(Objects.requireNonNull(file, name));
    } catch (IOException e) {
      throw new UncheckedIOException(name + " cannot be read", e);
    }
  }
}
