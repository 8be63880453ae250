package com.gptdesk.chat.service.rest;

import java.util.List;

/**
 * What one table can embed of another, seen from the first.
 *
 * @param name the foreign key's name, or that of a declared relationship
 * @param from the embedding table
 * @param columns of the embedding table
 * @param to the embedded table
 * @param toColumns of the embedded table, in the same order
 * @param forward whether the embedding table has the key
 * @param toOne whether there is at most one row to embed
 */
record Relationship(
    String name,
    String from,
    List<String> columns,
    String to,
    List<String> toColumns,
    boolean forward,
    boolean toOne) {

  Relationship {
    columns = List.copyOf(columns);
    toColumns = List.copyOf(toColumns);
  }

  /** Whether a client may mean this one by naming that table, constraint or column. */
  boolean isNamed(String target) {
    return to.equals(target)
        || (forward && (name.equals(target) || columns.equals(List.of(target))));
  }

  /** Whether the word behind the exclamation mark means this one. */
  boolean isHinted(String hint) {
    return name.equals(hint) || columns.equals(List.of(hint)) || toColumns.equals(List.of(hint));
  }

  /** As PostgREST's details of an ambiguous request show it. */
  String shown() {
    return "%s using %s(%s) and %s(%s)"
        .formatted(name, from, String.join(", ", columns), to, String.join(", ", toColumns));
  }

  String cardinality() {
    return toOne ? forward ? "many-to-one" : "one-to-one" : "one-to-many";
  }
}
