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
 * @param columns by name, in the table's order
 */
record ServedTable(String name, Map<String, Column> columns) {

  /**
   * A column.
   *
   * @param typeName PostgreSQL's name of its type, quoted where it must be
   * @param keyPlace its place in the primary key; 0 for none
   * @param readableBy the client roles that may select it
   */
  record Column(String name, String typeName, int keyPlace, Set<String> readableBy) {
    boolean isJson() {
      return typeName.equals("json") || typeName.equals("jsonb");
    }

    DataType<Object> type() {
      return ServedTable.type(typeName);
    }
  }

  static ServedTable of(String name, List<Column> columns) {
    Map<String, Column> byName = new LinkedHashMap<>();
    columns.forEach(column -> byName.put(column.name(), column));
    return new ServedTable(name, byName);
  }

  /** A type by PostgreSQL's own name of it. */
  static DataType<Object> type(String name) {
    return new DefaultDataType<>(SQLDialect.POSTGRES, Object.class, name);
  }

  /**
   * The column of that name.
   *
   * @throws Problem.Stop 42703 when there is none
   */
  Column column(String column) {
    Column found = columns.get(column);
    if (found == null) {
      throw Problem.of(400, "42703", "column " + name + "." + column + " does not exist")
          .withHint(near(column))
          .stop();
    }
    return found;
  }

  private @Nullable String near(String column) {
    String nearest = NearestName.in(columns.keySet(), column);
    return nearest == null
        ? null
        : "Perhaps you meant to reference the column \"" + name + "." + nearest + "\".";
  }

  /** What {@code *} means for a role, in the table's order. */
  List<Column> readableBy(String role) {
    return columns.values().stream().filter(column -> column.readableBy().contains(role)).toList();
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
