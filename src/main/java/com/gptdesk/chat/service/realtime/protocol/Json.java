package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The JSON functions that the protocol needs. */
public final class Json {
  private static final JsonMapper MAPPER = JsonMapper.shared();

  /**
   * For JSON from the database, where a client may have stored very long numbers or very deep
   * nesting.
   */
  private static final JsonMapper OF_ROWS =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNumberLength(Integer.MAX_VALUE)
                          .maxNestingDepth(Integer.MAX_VALUE)
                          .maxStringLength(Integer.MAX_VALUE)
                          .build())
                  .build())
          .build();

  private Json() {}

  /** The tree of a JSON text; null when it is invalid. */
  public static @Nullable JsonNode read(String text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      return node.isMissingNode() ? null : node;
    } catch (JacksonException | StackOverflowError e) {
      return null;
    }
  }

  /** The tree of a row, which is valid because the database made it. */
  public static JsonNode row(String text) {
    return OF_ROWS.readTree(text);
  }

  /** Reads a text token by token. */
  public static JsonParser parser(String text) {
    return MAPPER.createParser(text);
  }

  /** A new object. */
  public static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** A text as JSON, quoted; {@code null} for null. */
  public static String quote(@Nullable String text) {
    return text == null ? "null" : MAPPER.writeValueAsString(text);
  }

  public static String write(JsonNode node) {
    return MAPPER.writeValueAsString(node);
  }

  /** A member that is a text; null when it is absent or of another type. */
  public static @Nullable String text(JsonNode object, String name) {
    JsonNode member = object.get(name);
    return member != null && member.isString() ? member.stringValue() : null;
  }
}
