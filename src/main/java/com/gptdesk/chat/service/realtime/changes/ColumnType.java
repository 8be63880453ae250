package com.gptdesk.chat.service.realtime.changes;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * How the values of a column are compared: by their meaning, not by their text.
 *
 * @param name its name in error messages
 * @param reader parses a text; throws IllegalArgumentException, ArithmeticException or
 *     DateTimeException when it is invalid
 */
record ColumnType<T extends Comparable<? super T>>(String name, Function<String, T> reader) {
  private static final int LONGEST_NUMBER = 200;

  static final ColumnType<String> TEXT = new ColumnType<>("a text", text -> text);

  /** Compared as text, as the database orders UUIDs by their digits and Java does not. */
  private static final ColumnType<String> UUID_TEXT = new ColumnType<>("a uuid", ColumnType::uuid);

  static final ColumnType<Boolean> BOOLEAN = new ColumnType<>("a boolean", ColumnType::bool);

  private static final ColumnType<BigDecimal> NUMBER =
      new ColumnType<>("a number", ColumnType::number);
  private static final ColumnType<Instant> MOMENT =
      new ColumnType<>("a timestamp such as 2026-01-31T12:00:00Z", ColumnType::moment);
  private static final ColumnType<LocalDateTime> LOCAL_MOMENT =
      new ColumnType<>(
          "a timestamp such as 2026-01-31T12:00:00",
          text -> LocalDateTime.parse(text.replace(' ', 'T')));
  private static final ColumnType<LocalDate> DATE =
      new ColumnType<>("a date such as 2026-01-31", LocalDate::parse);

  private static final Map<String, ColumnType<?>> BY_TYPE_NAME =
      Map.ofEntries(
          Map.entry("uuid", UUID_TEXT),
          Map.entry("text", TEXT),
          Map.entry("varchar", TEXT),
          Map.entry("bpchar", TEXT),
          Map.entry("name", TEXT),
          Map.entry("citext", TEXT),
          Map.entry("bool", BOOLEAN),
          Map.entry("int2", NUMBER),
          Map.entry("int4", NUMBER),
          Map.entry("int8", NUMBER),
          Map.entry("float4", NUMBER),
          Map.entry("float8", NUMBER),
          Map.entry("numeric", NUMBER),
          Map.entry("oid", NUMBER),
          Map.entry("timestamptz", MOMENT),
          Map.entry("timestamp", LOCAL_MOMENT),
          Map.entry("date", DATE));

  /** The type of {@code pg_type.typname}; null for a type whose values cannot be compared. */
  static @Nullable ColumnType<?> of(String typeName) {
    return BY_TYPE_NAME.get(typeName);
  }

  /** Parses a value of a filter. */
  T value(String text) throws InvalidFilter {
    try {
      return reader.apply(text);
    } catch (IllegalArgumentException | ArithmeticException | DateTimeException e) {
      throw new InvalidFilter("\"" + text + "\" is not " + name);
    }
  }

  /** The value in a row; null when it is null, absent, or cannot be compared (NaN, infinity). */
  @Nullable T value(@Nullable JsonNode node) {
    if (node == null || node.isNull() || node.isContainer()) {
      return null;
    }
    try {
      return reader.apply(node.asString());
    } catch (IllegalArgumentException | ArithmeticException | DateTimeException e) {
      return null;
    }
  }

  /** As {@link #value(JsonNode)}, in a form whose equal values are equal objects. */
  @Nullable Object key(@Nullable JsonNode node) {
    T value = value(node);
    return value == null ? null : key(value);
  }

  /** 1 and 1.0 are the same number, but not equal objects. */
  static Object key(Object value) {
    return value instanceof BigDecimal number ? number.stripTrailingZeros() : value;
  }

  private static String uuid(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    String canonical = UUID.fromString(lower).toString();
    if (!canonical.equals(lower)) {
      throw new IllegalArgumentException("not in its canonical form");
    }
    return canonical;
  }

  private static boolean bool(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "t", "yes", "on", "1" -> true;
      case "false", "f", "no", "off", "0" -> false;
      default -> throw new IllegalArgumentException("neither true nor false");
    };
  }

  private static BigDecimal number(String text) {
    // 1e999999999 is short, but takes long to compare.
    if (text.length() > LONGEST_NUMBER) {
      throw new IllegalArgumentException("too long");
    }
    var number = new BigDecimal(text.strip());
    if (Math.abs((long) number.scale()) > 20_000) {
      throw new ArithmeticException("outside the database's range");
    }
    return number;
  }

  /** ISO 8601; a blank instead of the T is allowed, and a missing offset means UTC. */
  private static Instant moment(String text) {
    String iso = text.strip().replace(' ', 'T');
    int time = iso.indexOf('T');
    if (time < 0) {
      return LocalDate.parse(iso).atStartOfDay().toInstant(ZoneOffset.UTC);
    }
    boolean hasOffset =
        iso.endsWith("Z")
            || iso.endsWith("z")
            || iso.indexOf('+', time) > 0
            || iso.indexOf('-', time) > 0;
    if (!hasOffset) {
      return LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC);
    }
    boolean hoursOnly = iso.matches(".*[+-]\\d\\d");
    return OffsetDateTime.parse(hoursOnly ? iso + ":00" : iso).toInstant();
  }
}
