package com.gptdesk.chat.service.rest;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one table can embed of another, seen from the first.
 *
 * @param name the foreign key's name, that of a declared relationship, or the function's
 * @param from the embedding table
 * @param columns of the embedding table
 * @param to the embedded table
 * @param toColumns of the embedded table, in the same order
 * @param forward whether the embedding table has the key
 * @param toOne whether there is at most one row to embed
 * @param through the table between them; null when one has the other's key
 * @param isComputed whether a function of the row finds the embedded rows
 */
record Relationship(
    String name,
    String from,
    List<String> columns,
    String to,
    List<String> toColumns,
    boolean forward,
    boolean toOne,
    @Nullable Through through,
    boolean isComputed) {

  /**
   * A table whose primary key has the keys of two others.
   *
   * @param columns that point at the embedding table
   * @param toColumns that point at the embedded table
   * @param names of the two constraints
   */
  record Through(String table, List<String> columns, List<String> toColumns, List<String> names) {}

  Relationship(
      String name,
      String from,
      List<String> columns,
      String to,
      List<String> toColumns,
      boolean forward,
      boolean toOne) {
    this(name, from, columns, to, toColumns, forward, toOne, null, false);
  }

  /** A function of a row of one table that returns rows of another. */
  static Relationship computed(String function, String from, String to, boolean toOne) {
    return new Relationship(function, from, List.of(), to, List.of(), false, toOne, null, true);
  }

  /** Between the targets of two keys that a table has. */
  static Relationship through(String table, Relationship own, Relationship other) {
    return new Relationship(
        table,
        own.to(),
        own.toColumns(),
        other.to(),
        other.toColumns(),
        false,
        false,
        new Through(table, own.columns(), other.columns(), List.of(own.name(), other.name())),
        false);
  }

  Relationship {
    columns = List.copyOf(columns);
    toColumns = List.copyOf(toColumns);
  }

  /**
   * Whether a client may mean this one by naming that table, constraint or column. Of a table that
   * points at itself its own name means those that point at a row; the column, whom it points at.
   */
  boolean isNamed(String target) {
    if (isComputed) {
      return name.equals(target);
    }
    boolean isSelf = from.equals(to);
    return (to.equals(target) && !(isSelf && forward))
        || (name.equals(target) && through == null && (forward || !isSelf))
        || (forward && columns.equals(List.of(target)));
  }

  /** Whether the word behind the exclamation mark means this one. */
  boolean isHinted(String hint) {
    if (isComputed) {
      return false;
    }
    if (through != null) {
      return name.equals(hint) || through.names().contains(hint);
    }
    return name.equals(hint) || columns.equals(List.of(hint)) || toColumns.equals(List.of(hint));
  }

  /** As PostgREST's details of an ambiguous request show it. */
  String shown() {
    if (through != null) {
      return "%s using %s(%s) and %s(%s)"
          .formatted(
              name,
              through.names().getFirst(),
              String.join(", ", through.columns()),
              through.names().getLast(),
              String.join(", ", through.toColumns()));
    }
    return "%s using %s(%s) and %s(%s)"
        .formatted(name, from, String.join(", ", columns), to, String.join(", ", toColumns));
  }

  String cardinality() {
    if (through != null) {
      return "many-to-many";
    }
    return toOne ? forward ? "many-to-one" : "one-to-one" : "one-to-many";
  }
}
