package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.database.internal.relay.Routines;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.realtime.protocol.Json;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tables whose changes clients receive, all in schema public, with the columns that clients
 * see.
 */
public final class PublishedTables {
  static final String SCHEMA = "public";

  /**
   * One column.
   *
   * @param type the name of its type in {@code pg_type}
   * @param isKey whether it belongs to the primary key
   */
  public record Column(String table, String name, String type, boolean isKey) {}

  /**
   * One table.
   *
   * @param columns by name, in order
   * @param key the names of the primary key's columns
   * @param columnsJson the columns as JSON, sent with each change
   */
  record Table(String name, Map<String, Column> columns, Set<String> key, String columnsJson) {

    /** The JSON of some of the columns. */
    String columnsJson(Collection<String> names) {
      return json(columns.values().stream().filter(it -> names.contains(it.name())).toList());
    }
  }

  private final Map<String, Table> tables;

  private PublishedTables(Map<String, Table> tables) {
    this.tables = tables;
  }

  /** Reads them once from this database, since only migrations change them. Blocks. */
  public static PublishedTables in(ServiceDatabase database) {
    return of(
        database.reading(
            ServiceDatabase.RELAY,
            tx ->
                Routines.publishedColumns(tx.configuration())
                    .map(
                        row ->
                            new Column(
                                row.getTableName(),
                                row.getColumnName(),
                                row.getTypeName(),
                                row.getIsKey()))));
  }

  /** From the columns of all tables, in the order of each table. */
  public static PublishedTables of(List<Column> columns) {
    var byTable = new LinkedHashMap<String, List<Column>>();
    for (Column column : columns) {
      byTable.computeIfAbsent(column.table(), name -> new ArrayList<>()).add(column);
    }
    var tables = new LinkedHashMap<String, Table>();
    byTable.forEach((name, its) -> tables.put(name, table(name, its)));
    return new PublishedTables(tables);
  }

  private static Table table(String name, List<Column> columns) {
    var byName = new LinkedHashMap<String, Column>();
    var key = new LinkedHashSet<String>();
    for (Column column : columns) {
      byName.put(column.name(), column);
      if (column.isKey()) {
        key.add(column.name());
      }
    }
    return new Table(name, byName, key, json(columns));
  }

  private static String json(List<Column> columns) {
    var json = new StringBuilder("[");
    for (Column column : columns) {
      json.append(json.length() == 1 ? "" : ",")
          .append("{\"name\":")
          .append(Json.quote(column.name()))
          .append(",\"type\":")
          .append(Json.quote(column.type()))
          .append('}');
    }
    return json.append(']').toString();
  }

  @Nullable Table named(String name) {
    return tables.get(name);
  }

  Collection<Table> all() {
    return tables.values();
  }
}
