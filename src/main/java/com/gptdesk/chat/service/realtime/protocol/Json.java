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

/** The little JSON that the protocol needs. */
public final class Json {
  private static final JsonMapper MAPPER = JsonMapper.shared();

  /**
   * For what the database made: a client may have put the longest number or the deepest nesting it
   * takes into a row.
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

  /** The tree of a JSON text; null when it is none. */
  public static @Nullable JsonNode read(String text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      return node.isMissingNode() ? null : node;
    } catch (JacksonException | StackOverflowError e) {
      return null;
    }
  }

  /** The tree of a row, which the database made and which therefore can be read. */
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

  /** A member that is a text; null when it is absent or something else. */
  public static @Nullable String text(JsonNode object, String name) {
    JsonNode member = object.get(name);
    return member != null && member.isString() ? member.stringValue() : null;
  }
}
