package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.text.NearestName;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jooq.DataType;
import org.jooq.SQLDialect;
import org.jooq.impl.DefaultDataType;
import org.jspecify.annotations.Nullable;

/**
 * A table that clients may name, from the database's catalogue.
 *
 * @param isOurs whether the chat or its platform made it, so that no operator's rules run in it
 * @param columns by name, in the table's order
 * @param computed functions of its row that return a value, by name; a column of the name comes
 *     first
 * @param deletableBy the client roles that may delete its rows
 * @param comment what the database says of it, if anything
 */
record ServedTable(
    String name,
    boolean isOurs,
    Map<String, Column> columns,
    Map<String, Column> computed,
    Set<String> deletableBy,
    @Nullable String comment) {

  /**
   * A column, or a function of the row that is named like one.
   *
   * @param typeName PostgreSQL's name of its type, quoted where it must be
   * @param keyPlace its place in the primary key; 0 for none
   * @param readableBy the client roles that may select it
   * @param isComputed whether it is a function of the row
   * @param writing what is known of writing it; null for a column of a result
   */
  record Column(
      String name,
      String typeName,
      int keyPlace,
      Set<String> readableBy,
      boolean isComputed,
      @Nullable Writing writing) {

    /** A column of a result, or a computed one: whoever gets the row may read it. */
    static Column of(String name, String typeName, boolean isComputed) {
      return new Column(name, typeName, 0, Set.of(), isComputed, null);
    }

    /** Whether the role may select it; of a result, whoever has called. */
    boolean isReadableBy(String role) {
      return writing == null || readableBy.contains(role);
    }

    boolean isJson() {
      return typeName.equals("json") || typeName.equals("jsonb");
    }

    DataType<Object> type() {
      return ServedTable.type(typeName);
    }
  }

  /**
   * What a role may write.
   *
   * @param isRequired whether a row must have it
   * @param comment what the database says of the column, if anything
   */
  record Writing(
      Set<String> insertableBy,
      Set<String> updatableBy,
      boolean isRequired,
      @Nullable String comment) {}

  /**
   * The rows of a function's result: of a table that is served with what it computes, and of others
   * alone.
   *
   * @param types of the columns by name, in their order
   */
  static ServedTable ofResult(String name, Map<String, String> types, @Nullable ServedTable of) {
    Map<String, Column> columns = new LinkedHashMap<>();
    types.forEach((column, type) -> columns.put(column, Column.of(column, type, false)));
    return new ServedTable(
        name, true, columns, of == null ? Map.of() : of.computed, Set.of(), null);
  }

  static Map<String, Column> byName(List<Column> columns) {
    Map<String, Column> byName = new LinkedHashMap<>();
    columns.forEach(column -> byName.put(column.name(), column));
    return byName;
  }

  /** A type by PostgreSQL's own name of it. */
  static DataType<Object> type(String name) {
    return new DefaultDataType<>(SQLDialect.POSTGRES, Object.class, name);
  }

  /**
   * The column of that name, or the function of the row.
   *
   * @throws Problem.Stop 42703 when there is none
   */
  Column column(String column) {
    Column found = columns.containsKey(column) ? columns.get(column) : computed.get(column);
    if (found == null) {
      throw unknown(column).stop();
    }
    return found;
  }

  private Problem unknown(String column) {
    return Problem.of(400, "42703", "column " + name + "." + column + " does not exist")
        .withHint(near(column));
  }

  private @Nullable String near(String column) {
    String nearest = NearestName.in(columns.keySet(), column);
    return nearest == null
        ? null
        : "Perhaps you meant to reference the column \"" + name + "." + nearest + "\".";
  }

  /**
   * The column of that name, which a row stores.
   *
   * @throws Problem.Stop 42703 when there is none
   */
  Column ownColumn(String column) {
    Column found = columns.get(column);
    if (found == null) {
      throw unknown(column).stop();
    }
    return found;
  }

  /** What {@code *} means for a role, in the table's order. */
  List<Column> readableBy(String role) {
    return columns.values().stream().filter(column -> column.isReadableBy(role)).toList();
  }

  /** The columns of the primary key, in its order. */
  List<String> key() {
    return columns.values().stream()
        .filter(column -> column.keyPlace() > 0)
        .sorted(Comparator.comparingInt(Column::keyPlace))
        .map(Column::name)
        .toList();
  }
}
