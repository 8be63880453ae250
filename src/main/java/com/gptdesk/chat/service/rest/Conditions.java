package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.Operator;
import com.gptdesk.chat.service.query.TableQuery.Condition.Comparison;
import com.gptdesk.chat.service.query.TableQuery.Condition.Quantifier;
import com.gptdesk.chat.service.query.TableQuery.Path;
import com.gptdesk.chat.service.query.TableQuery.Step;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jooq.Condition;
import org.jooq.DataType;
import org.jooq.Field;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

/**
 * Columns and comparisons as jOOQ. Names are those of the catalogue and are quoted; values are bind
 * parameters, cast to the column's type. The templates are constants.
 */
final class Conditions {
  private static final Map<String, String> TYPES =
      Map.ofEntries(
          Map.entry("text", "text"),
          Map.entry("varchar", "character varying"),
          Map.entry("character varying", "character varying"),
          Map.entry("int", "integer"),
          Map.entry("int2", "smallint"),
          Map.entry("int4", "integer"),
          Map.entry("int8", "bigint"),
          Map.entry("integer", "integer"),
          Map.entry("smallint", "smallint"),
          Map.entry("bigint", "bigint"),
          Map.entry("numeric", "numeric"),
          Map.entry("decimal", "numeric"),
          Map.entry("real", "real"),
          Map.entry("float4", "real"),
          Map.entry("float8", "double precision"),
          Map.entry("double precision", "double precision"),
          Map.entry("bool", "boolean"),
          Map.entry("boolean", "boolean"),
          Map.entry("uuid", "uuid"),
          Map.entry("date", "date"),
          Map.entry("time", "time"),
          Map.entry("timetz", "time with time zone"),
          Map.entry("timestamp", "timestamp"),
          Map.entry("timestamptz", "timestamp with time zone"),
          Map.entry("interval", "interval"),
          Map.entry("json", "json"),
          Map.entry("jsonb", "jsonb"),
          Map.entry("text[]", "text[]"),
          Map.entry("uuid[]", "uuid[]"),
          Map.entry("int[]", "integer[]"),
          Map.entry("integer[]", "integer[]"));

  private final ServedTable table;
  private final String alias;
  private final Field<?> row;

  /**
   * @param alias under which the statement knows the table
   * @param row the whole row, for functions of it
   */
  Conditions(ServedTable table, String alias, Field<?> row) {
    this.table = table;
    this.alias = alias;
    this.row = row;
  }

  /** The column itself, or what a function makes of the row. */
  Field<Object> column(String name) {
    ServedTable.Column column = table.column(name);
    return column.isComputed()
        ? DSL.field("{0}({1})", column.type(), DSL.name("public", column.name()), row)
        : DSL.field(DSL.name(alias, column.name()), column.type());
  }

  /** The column, or the place in its JSON. */
  Field<?> field(Path path) {
    Field<?> field = column(path.column());
    if (!path.steps().isEmpty() && !table.column(path.column()).isJson()) {
      field = DSL.function("to_jsonb", SQLDataType.JSONB, field);
    }
    for (Step step : path.steps()) {
      Field<?> key =
          step.isIndex()
              ? DSL.cast(text(step.key()), SQLDataType.INTEGER)
              : DSL.cast(text(step.key()), SQLDataType.CLOB);
      field = DSL.field(step.asText() ? "({0} ->> {1})" : "({0} -> {1})", field, key);
    }
    return field;
  }

  /**
   * The column cast to a type that a client names.
   *
   * @throws Problem.Stop 42704 for another type
   */
  Field<?> cast(Path path, String type) {
    String known = TYPES.get(type.toLowerCase(Locale.ROOT));
    if (known == null) {
      throw Problem.of(400, "42704", "type \"" + type + "\" does not exist")
          .withHint("Cast to one of " + TYPES.keySet().stream().sorted().toList())
          .stop();
    }
    return DSL.cast(field(path), ServedTable.type(known));
  }

  /** Whether the row meets the comparison. */
  Condition comparison(Comparison comparison) {
    Field<?> field = field(comparison.path());
    Condition condition = positive(comparison, field);
    return comparison.negated() ? DSL.not(condition) : condition;
  }

  private Condition positive(Comparison comparison, Field<?> field) {
    Operator operator = comparison.operator();
    String value = comparison.values().isEmpty() ? "" : comparison.values().getFirst();
    return switch (operator.operand()) {
      case VALUE -> compared(comparison, field, value, typeOf(comparison.path()));
      case PATTERN, EXPRESSION -> compared(comparison, field, value, "text");
      case LIST ->
          DSL.condition(
              "{0} = any ({1})",
              field, value(array(comparison.values()), typeOf(comparison.path()) + "[]"));
      case TRUTH -> truth(field, value);
      case SEARCH -> search(comparison, field, value);
    };
  }

  private static Condition compared(
      Comparison comparison, Field<?> field, String value, String type) {
    String sql = comparison.operator().sql();
    Quantifier quantifier = comparison.quantifier();
    return quantifier == null
        ? DSL.condition("{0} " + sql + " {1}", field, value(value, type))
        : DSL.condition(
            "{0} " + sql + (quantifier == Quantifier.ANY ? " any ({1})" : " all ({1})"),
            field,
            value(value, type + "[]"));
  }

  private static Condition truth(Field<?> field, String word) {
    return switch (word) {
      case "null" -> field.isNull();
      case "not_null" -> field.isNotNull();
      case "true" -> DSL.condition("{0} is true", field);
      case "false" -> DSL.condition("{0} is false", field);
      default -> DSL.condition("{0} is unknown", field);
    };
  }

  private Condition search(Comparison comparison, Field<?> field, String value) {
    String language = comparison.language();
    Field<?> words = DSL.cast(text(value), SQLDataType.CLOB);
    String function = comparison.operator().sql();
    boolean isPrepared = typeOf(comparison.path()).equals("tsvector");
    if (language == null) {
      return DSL.condition(
          "{0} @@ {1}",
          isPrepared ? field : DSL.function("to_tsvector", Object.class, field),
          DSL.function(function, Object.class, words));
    }
    Field<?> configuration = value(language, "regconfig");
    return DSL.condition(
        "{0} @@ {1}",
        isPrepared ? field : DSL.function("to_tsvector", Object.class, configuration, field),
        DSL.function(function, Object.class, configuration, words));
  }

  /** The type of what a path leads to. */
  private String typeOf(Path path) {
    ServedTable.Column column = table.column(path.column());
    if (path.steps().isEmpty()) {
      return column.typeName();
    }
    return path.steps().getLast().asText() ? "text" : column.isJson() ? column.typeName() : "jsonb";
  }

  private static Field<String> text(String value) {
    return DSL.val(value, SQLDataType.VARCHAR);
  }

  private static Field<Object> value(String value, String type) {
    DataType<Object> to = ServedTable.type(type);
    return DSL.cast(text(value), to);
  }

  /** PostgreSQL's text of an array of these. */
  private static String array(List<String> values) {
    return values.stream()
        .map(value -> "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"")
        .collect(Collectors.joining(",", "{", "}"));
  }
}
