package com.gptdesk.chat.service.query;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request wants of one table: the columns, the rows, their order. Names are the client's;
 * whoever makes a statement of it compares them with what the database has.
 *
 * @param select what each row shows
 * @param where conditions that all hold
 * @param order the order of the rows
 * @param limit how many rows at most; null for as many as the service allows
 * @param offset how many rows are left out
 */
public record TableQuery(
    List<Selected> select,
    List<Condition> where,
    List<Ordering> order,
    @Nullable Long limit,
    long offset) {

  /** A column, or a place in its JSON. */
  public record Path(String column, List<Step> steps) {

    /** The name under which it is shown: the last name in it. */
    public String shownName() {
      for (Step step : steps.reversed()) {
        if (!step.isIndex()) {
          return step.key();
        }
      }
      return column;
    }
  }

  /**
   * One arrow into JSON.
   *
   * @param isIndex whether the key is a place in an array
   * @param asText whether the result is text ({@code ->>})
   */
  public record Step(String key, boolean isIndex, boolean asText) {}

  /** One part of {@code select}. */
  public sealed interface Selected {

    /** All columns that the caller's role may read. */
    record All() implements Selected {}

    /**
     * A column.
     *
     * @param type what it is cast to; null for what it is
     */
    record Column(Path path, @Nullable String alias, @Nullable String type) implements Selected {
      public String shownName() {
        return alias == null ? path.shownName() : alias;
      }
    }

    /**
     * Rows of a related table.
     *
     * @param target a table, or the column or constraint that points at it
     * @param hint the constraint or column that tells which relationship is meant
     * @param inner whether rows without a related one are left out
     */
    record Embed(
        String target,
        @Nullable String alias,
        @Nullable String hint,
        boolean inner,
        TableQuery query)
        implements Selected {
      public String shownName() {
        return alias == null ? target : alias;
      }
    }
  }

  /** What a row must meet. */
  public sealed interface Condition {

    /** How many of the values must fit. */
    enum Quantifier {
      ANY,
      ALL
    }

    /**
     * A column compared with a value.
     *
     * @param language of a search; null for the database's own
     * @param values one, but for a list
     */
    record Comparison(
        Path path,
        boolean negated,
        Operator operator,
        @Nullable Quantifier quantifier,
        @Nullable String language,
        List<String> values)
        implements Condition {}

    /** Several conditions. */
    record Junction(boolean negated, boolean every, List<Condition> parts) implements Condition {}
  }

  /**
   * One part of {@code order}.
   *
   * @param relation the embedded table whose column it is; null for the table's own
   * @param nullsFirst null for PostgreSQL's own place
   */
  public record Ordering(
      @Nullable String relation, Path path, boolean descending, @Nullable Boolean nullsFirst) {}

  /** What is embedded. */
  public List<Selected.Embed> embeds() {
    return select.stream()
        .filter(Selected.Embed.class::isInstance)
        .map(Selected.Embed.class::cast)
        .toList();
  }
}
