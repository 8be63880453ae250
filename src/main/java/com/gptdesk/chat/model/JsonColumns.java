package com.gptdesk.chat.model;

import com.gptdesk.chat.database.StorableText;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jooq.Converter;
import org.jooq.JSONB;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * Converters for the JSON columns of tables and views; the generated code uses them. Thread-safe.
 */
public final class JsonColumns {

  /**
   * Without the parser's limits, so that users can read everything that the database has stored.
   */
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNumberLength(Integer.MAX_VALUE)
                          .maxNestingDepth(Integer.MAX_VALUE)
                          .build())
                  .build())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private static final TypeReference<Map<String, @Nullable Object>> OBJECT =
      new TypeReference<>() {};

  private JsonColumns() {}

  /**
   * {@code sender}.
   *
   * @return from and to {@link Person}
   */
  public static Converter<JSONB, Person> sender() {
    return of(Person.class);
  }

  /**
   * {@code other_user}.
   *
   * @return from and to {@link OtherUser}
   */
  public static Converter<JSONB, OtherUser> otherUser() {
    return of(OtherUser.class);
  }

  /**
   * {@code last_message}.
   *
   * @return from and to {@link LastMessage}
   */
  public static Converter<JSONB, LastMessage> lastMessage() {
    return of(LastMessage.class);
  }

  /**
   * {@code reactions}.
   *
   * @return from and to a list
   */
  public static Converter<JSONB, List<Reaction>> reactions() {
    return listOf(Reaction.class);
  }

  /**
   * {@code read_by}.
   *
   * @return from and to a list
   */
  public static Converter<JSONB, List<UUID>> readBy() {
    return listOf(UUID.class);
  }

  /**
   * A JSON object as a map.
   *
   * @param text a JSON object
   * @return maps, lists, strings, numbers, booleans and nulls, in the text's order
   * @throws IllegalArgumentException it is not a JSON object
   */
  public static Map<String, @Nullable Object> object(String text) {
    try {
      return JSON.readValue(text, OBJECT);
    } catch (tools.jackson.core.JacksonException e) {
      throw new IllegalArgumentException("This is not a JSON object", e);
    }
  }

  /**
   * A map as a JSON object.
   *
   * @param object maps, lists, strings, numbers, booleans and nulls
   * @return its text
   */
  public static JSONB text(Map<String, @Nullable Object> object) {
    return JSONB.jsonb(StorableText.ofJson(JSON.writeValueAsString(object)));
  }

  private static <T> Converter<JSONB, T> of(Class<T> type) {
    return converter(type, JSON.constructType(type));
  }

  @SuppressWarnings("unchecked") // the type demands a list of these
  private static <T> Converter<JSONB, List<T>> listOf(Class<T> type) {
    return converter(
        (Class<List<T>>) (Class<?>) List.class,
        JSON.getTypeFactory().constructCollectionType(List.class, type));
  }

  private static <T> Converter<JSONB, T> converter(Class<T> type, JavaType shape) {
    return Converter.ofNullable(
        JSONB.class,
        type,
        json -> JSON.readValue(json.data(), shape),
        value -> JSONB.jsonb(JSON.writeValueAsString(value)));
  }
}
