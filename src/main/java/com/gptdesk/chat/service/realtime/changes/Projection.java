package com.gptdesk.chat.service.realtime.changes;

import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The columns of one table that a subscription selects, and always the primary key. Equal
 * projections share one encoding of a change.
 */
public record Projection(Set<String> columns, String columnsJson) {

  /**
   * The requested projection; null for whole rows.
   *
   * @param select a list of names, or names in one text, joined by commas
   */
  static @Nullable Projection of(@Nullable JsonNode select, PublishedTables.@Nullable Table table)
      throws InvalidFilter {
    if (select == null || select.isNull()) {
      return null;
    }
    if (table == null) {
      throw new InvalidFilter("\"select\" needs one table, not all of them");
    }
    Set<String> wanted = names(select);
    for (String name : wanted) {
      if (!table.columns().containsKey(name)) {
        throw new InvalidFilter("table " + table.name() + " has no column \"" + name + "\"");
      }
    }
    var kept = new LinkedHashSet<String>();
    for (PublishedTables.Column column : table.columns().values()) {
      if (column.isKey() || wanted.contains(column.name())) {
        kept.add(column.name());
      }
    }
    return new Projection(Set.copyOf(kept), table.columnsJson(kept));
  }

  private static Set<String> names(JsonNode select) throws InvalidFilter {
    var names = new LinkedHashSet<String>();
    if (select.isString()) {
      for (String name : select.stringValue().split(",")) {
        names.add(name.strip());
      }
    } else if (select.isArray()) {
      for (JsonNode name : select) {
        if (!name.isString()) {
          throw new InvalidFilter("\"select\" must be a list of column names");
        }
        names.add(name.stringValue().strip());
      }
    } else {
      throw new InvalidFilter("\"select\" must be a list of column names");
    }
    if (names.contains("*")) {
      throw new InvalidFilter("\"select\" takes names; leave it out for whole rows");
    }
    return names;
  }
}
