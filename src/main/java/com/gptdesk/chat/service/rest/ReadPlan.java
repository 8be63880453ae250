package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.Operator;
import com.gptdesk.chat.service.query.TableQuery;
import com.gptdesk.chat.service.query.TableQuery.Condition.Comparison;
import com.gptdesk.chat.service.query.TableQuery.Condition.Junction;
import com.gptdesk.chat.service.query.TableQuery.Ordering;
import com.gptdesk.chat.service.query.TableQuery.Selected;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.JSON;
import org.jooq.Record;
import org.jooq.Select;
import org.jooq.SelectFieldOrAsterisk;
import org.jooq.SelectSeekStepN;
import org.jooq.SortField;
import org.jooq.Table;
import org.jooq.WithStep;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

/**
 * Makes the statement of a read. PostgreSQL makes the JSON: each table is a sub-select whose rows
 * become objects, and what is embedded is a sub-select for each of its rows. The alias of a table
 * is its depth, since sub-selects of one depth do not see each other.
 */
final class ReadPlan {

  /** The name of a row that becomes JSON; no column may be shown under it. */
  static final String ROW = "rest_row";

  /** Of rows that a write or a function has returned, the whole row beside its columns. */
  static final String WHOLE = "rest_whole";

  private static final int MOST_CONDITIONS = 500;

  private static final TableQuery.Path CONVERSATION =
      new TableQuery.Path("conversation_id", List.of());
  private static final TableQuery.Path NUMBER = new TableQuery.Path("seq", List.of());
  private static final TableQuery.Path TIME = new TableQuery.Path("created_at", List.of());

  private final TableCatalogue.Tables tables;
  private final Caller.Role role;
  private final int maxRows;
  private final int maxBytes;
  private boolean isReturned;
  private boolean runsOthersCode;
  private int conditions;

  ReadPlan(TableCatalogue.Tables tables, Caller.Role role, RestLimits limits) {
    this.tables = tables;
    this.role = role;
    this.maxRows = limits.maxRows();
    this.maxBytes = limits.maxBytes();
  }

  /** Whether an operator's functions, policies or triggers run in what was planned until now. */
  boolean runsOthersCode() {
    return runsOthersCode;
  }

  /** Notes whose policies and triggers run. */
  void touches(ServedTable table) {
    runsOthersCode |= !table.isOurs();
  }

  /** The table itself, under the alias of a depth. */
  static Table<Record> source(ServedTable table, int depth) {
    return DSL.table(DSL.name("public", table.name())).as(alias(depth));
  }

  private static String alias(int depth) {
    return "t" + depth;
  }

  /**
   * One row: how many rows the page has, the page as a JSON array, and how many rows there are.
   *
   * @param count what the last column tells
   */
  Select<?> page(ServedTable table, TableQuery query, TablePreferences.Count count, boolean strip) {
    List<Field<?>> fields = new ArrayList<>(pageFields(strip));
    switch (count) {
      case NONE, PLANNED -> {}
      case EXACT ->
          fields.add(DSL.field(DSL.select(text(DSL.count())).from(matching(table, query))));
      case ESTIMATED ->
          fields.add(
              DSL.field(DSL.select(text(DSL.count())).from(matching(table, query, maxRows + 1L))));
    }
    return DSL.select(fields)
        .from(rows(table, source(table, 0), 0, query, conditions(table, 0, query)).asTable(ROW));
  }

  /**
   * The same for the rows that a write has returned, without a total.
   *
   * @param replaced the fourth column
   */
  Select<?> written(
      WithStep write,
      ServedTable table,
      TableQuery query,
      Table<?> source,
      boolean strip,
      Field<?> replaced) {
    isReturned = true;
    Field<Integer> affected = DSL.field(DSL.selectCount().from(source));
    return write
        .select(
            text(affected),
            bounded(array(strip), maxBytes),
            DSL.inline(null, SQLDataType.CLOB),
            replaced)
        .from(ordered(table, source, 0, query, inner(table, 0, query)).asTable(ROW));
  }

  /**
   * The rows that a function has returned: one text, of how many there are, a space, and the page
   * as JSON.
   *
   * @param isScalar whether they are values without columns
   * @param isBounded whether the page has no more than the rows of a table's answer
   */
  Select<?> called(
      WithStep call,
      ServedTable result,
      TableQuery query,
      Table<?> source,
      boolean isScalar,
      boolean isBounded) {
    isReturned = true;
    Condition conditions = conditions(result, 0, query);
    Field<Integer> all = DSL.field(DSL.selectCount().from(source).where(conditions));
    var ordered = ordered(result, source, 0, query, conditions);
    Long asked = query.limit();
    Long limit = isBounded && (asked == null || asked > maxRows) ? Long.valueOf(maxRows) : asked;
    Field<?> one =
        isScalar ? DSL.field(DSL.name(ROW, FunctionRows.SCALAR)) : DSL.field(DSL.name(ROW));
    return call.select(counted(all, one, maxBytes))
        .from(
            (limit == null
                    ? ordered.offset(query.offset())
                    : ordered.limit(limit).offset(query.offset()))
                .asTable(ROW));
  }

  /** One text: the number, a space, and the rows as JSON, which is empty where it is too long. */
  static Field<String> counted(Field<Integer> all, Field<?> row, int maxBytes) {
    return DSL.concat(text(all), DSL.inline(" "), bounded(array(row, false), maxBytes));
  }

  /** The rows that meet the conditions, for the planner. */
  Select<?> matchingRows(ServedTable table, TableQuery query) {
    return DSL.selectOne().from(source(table, 0)).where(conditions(table, 0, query));
  }

  private Table<?> matching(ServedTable table, TableQuery query) {
    return matchingRows(table, query).asTable("rest_all");
  }

  private Table<?> matching(ServedTable table, TableQuery query, long atMost) {
    return DSL.selectOne()
        .from(source(table, 0))
        .where(conditions(table, 0, query))
        .limit(atMost)
        .asTable("rest_all");
  }

  private List<Field<?>> pageFields(boolean strip) {
    return List.of(text(DSL.count()), bounded(array(strip), maxBytes));
  }

  /** The JSON as text; an empty one where it is longer, so that it stays in the database. */
  private static Field<String> bounded(Field<JSON> json, int maxBytes) {
    return DSL.field(
        "case when octet_length({0}) <= {1} then {0} else '' end",
        SQLDataType.CLOB, text(json), DSL.inline(maxBytes));
  }

  private static Field<String> text(Field<?> field) {
    return DSL.cast(field, SQLDataType.CLOB);
  }

  private static Field<JSON> array(boolean strip) {
    return array(DSL.field(DSL.name(ROW)), strip);
  }

  private static Field<JSON> array(Field<?> row, boolean strip) {
    Field<JSON> rows = DSL.function("json_agg", SQLDataType.JSON, row);
    Field<JSON> stripped = strip ? DSL.function("json_strip_nulls", SQLDataType.JSON, rows) : rows;
    return DSL.field("coalesce({0}, '[]'::json)", SQLDataType.JSON, stripped);
  }

  /** What all rows of a table in a request must meet. */
  Condition conditions(ServedTable table, int depth, TableQuery query) {
    Condition all = inner(table, depth, query);
    for (TableQuery.Condition condition : query.where()) {
      all = all.and(condition(table, depth, query, condition));
    }
    return all;
  }

  /** That there are the rows which {@code !inner} demands. */
  private Condition inner(ServedTable table, int depth, TableQuery query) {
    touches(table);
    Condition all = DSL.noCondition();
    for (Embedding embedding : embeddings(table, query)) {
      if (embedding.embed().inner()) {
        all = all.and(exists(embedding, depth));
      }
    }
    return all;
  }

  private Select<?> rows(
      ServedTable table, Table<?> source, int depth, TableQuery query, Condition condition) {
    long limit = query.limit() == null ? maxRows : Math.min(query.limit(), maxRows);
    return ordered(table, source, depth, query, condition).limit(limit).offset(query.offset());
  }

  private SelectSeekStepN<?> ordered(
      ServedTable table, Table<?> source, int depth, TableQuery query, Condition condition) {
    return DSL.select(fields(table, depth, query))
        .from(source)
        .where(condition)
        .orderBy(order(table, depth, query));
  }

  private List<SelectFieldOrAsterisk> fields(ServedTable table, int depth, TableQuery query) {
    Conditions columns = columns(table, depth);
    List<SelectFieldOrAsterisk> fields = new ArrayList<>();
    for (Selected part : query.select()) {
      switch (part) {
        case Selected.All all ->
            readable(table).forEach(column -> fields.add(columns.column(column.name())));
        case Selected.Column column -> {
          note(table, column.path());
          Field<?> field =
              column.type() == null
                  ? columns.field(column.path())
                  : columns.cast(column.path(), column.type());
          fields.add(field.as(DSL.name(shown(column.shownName()))));
        }
        case Selected.Embed embed -> {
          if (!embed.query().select().isEmpty()) {
            fields.add(
                embedded(embedding(table, embed), depth).as(DSL.name(shown(embed.shownName()))));
          }
        }
      }
    }
    if (fields.isEmpty()) {
      throw Problem.of(400, "PGRST100", "The select parameter names nothing of " + table.name())
          .stop();
    }
    return fields;
  }

  private static String shown(String name) {
    if (name.equals(ROW)) {
      throw Problem.of(400, "PGRST100", "Nothing can be shown as " + ROW)
          .withHint("Choose another alias")
          .stop();
    }
    return name;
  }

  private Conditions columns(ServedTable table, int depth) {
    return new Conditions(table, alias(depth), row(depth));
  }

  /** The whole row, as the argument of a function. */
  private Field<?> row(int depth) {
    return depth == 0 && isReturned
        ? DSL.field(DSL.name(alias(0), WHOLE))
        : DSL.field("{0}.*", DSL.name(alias(depth)));
  }

  private void note(ServedTable table, TableQuery.Path path) {
    runsOthersCode |= table.column(path.column()).isComputed();
  }

  /** Where the embedded rows come from, under the alias of the depth below. */
  private Table<Record> source(Embedding embedding, int depth) {
    Relationship relationship = embedding.relationship();
    if (!relationship.isComputed()) {
      return source(embedding.target(), depth + 1);
    }
    runsOthersCode = true;
    return DSL.table("{0}({1})", DSL.name("public", relationship.name()), row(depth))
        .as(alias(depth + 1));
  }

  /** Whether what is shown takes the whole row, and not its columns alone. */
  boolean needsWhole(ServedTable table, TableQuery query) {
    return query.select().stream()
            .anyMatch(
                part ->
                    part instanceof Selected.Column column
                        && table.column(column.path().column()).isComputed())
        || query.order().stream()
            .anyMatch(
                term -> term.relation() == null && table.column(term.path().column()).isComputed())
        || embeddings(table, query).stream().anyMatch(one -> one.relationship().isComputed());
  }

  /** The same, also where only a condition asks for it. */
  boolean filtersByWhole(ServedTable table, List<TableQuery.Condition> conditions) {
    return conditions.stream()
        .anyMatch(
            condition ->
                switch (condition) {
                  case Comparison one -> {
                    ServedTable.Column column = table.computed().get(one.path().column());
                    yield column != null && !table.columns().containsKey(column.name());
                  }
                  case Junction junction -> filtersByWhole(table, junction.parts());
                });
  }

  /** Whether the role may read the column. */
  boolean isReadable(ServedTable table, String column) {
    return table.column(column).isReadableBy(role.sqlName());
  }

  private List<ServedTable.Column> readable(ServedTable table) {
    List<ServedTable.Column> columns = table.readableBy(role.sqlName());
    if (columns.isEmpty()) {
      throw new Refusal("42501", "permission denied for table " + table.name(), null, null, null);
    }
    return columns;
  }

  private Field<?> embedded(Embedding embedding, int depth) {
    TableQuery query = embedding.embed().query();
    int inside = depth + 1;
    Condition condition =
        joined(embedding.relationship(), depth).and(conditions(embedding.target(), inside, query));
    Table<?> source = source(embedding, depth);
    if (embedding.relationship().toOne()) {
      // A function that promises one row is not believed.
      Table<?> row =
          DSL.select(fields(embedding.target(), inside, query))
              .from(source)
              .where(condition)
              .limit(DSL.inline(1))
              .asTable(ROW);
      return DSL.field(
          DSL.select(DSL.function("row_to_json", SQLDataType.JSON, DSL.field(DSL.name(ROW))))
              .from(row));
    }
    return DSL.field(
        DSL.select(array(false))
            .from(rows(embedding.target(), source, inside, query, condition).asTable(ROW)));
  }

  private Condition exists(Embedding embedding, int depth) {
    countCondition();
    return DSL.exists(
        DSL.selectOne()
            .from(source(embedding, depth))
            .where(joined(embedding.relationship(), depth))
            .and(conditions(embedding.target(), depth + 1, embedding.embed().query())));
  }

  /** A short query may say much: conditions of embedded tables stand where these are asked for. */
  private void countCondition() {
    if (++conditions > MOST_CONDITIONS) {
      throw Problem.of(
              400, "PGRST100", "The query has more than " + MOST_CONDITIONS + " conditions")
          .withHint("Ask for less at once, or write a function")
          .stop();
    }
  }

  private static Condition joined(Relationship relationship, int depth) {
    if (relationship.isComputed()) {
      return DSL.noCondition();
    }
    Relationship.Through through = relationship.through();
    if (through == null) {
      return same(alias(depth + 1), relationship.toColumns(), alias(depth), relationship.columns());
    }
    String between = "j" + depth;
    return DSL.exists(
        DSL.selectOne()
            .from(DSL.table(DSL.name("public", through.table())).as(between))
            .where(same(between, through.columns(), alias(depth), relationship.columns()))
            .and(same(between, through.toColumns(), alias(depth + 1), relationship.toColumns())));
  }

  private static Condition same(
      String alias, List<String> columns, String other, List<String> otherColumns) {
    return DSL.and(
        IntStream.range(0, columns.size())
            .mapToObj(
                i ->
                    DSL.field(DSL.name(alias, columns.get(i)))
                        .eq(DSL.field(DSL.name(other, otherColumns.get(i)))))
            .toList());
  }

  private Condition condition(
      ServedTable table, int depth, TableQuery query, TableQuery.Condition condition) {
    return switch (condition) {
      case Comparison comparison -> comparison(table, depth, query, comparison);
      case Junction junction -> {
        List<Condition> parts =
            junction.parts().stream().map(part -> condition(table, depth, query, part)).toList();
        Condition joined = junction.every() ? DSL.and(parts) : DSL.or(parts);
        yield junction.negated() ? DSL.not(joined) : joined;
      }
    };
  }

  private Condition comparison(
      ServedTable table, int depth, TableQuery query, Comparison comparison) {
    countCondition();
    if (comparison.path().steps().isEmpty()) {
      for (Embedding embedding : embeddings(table, query)) {
        if (embedding.isNamed(comparison.path().column())) {
          return isThere(embedding, depth, comparison);
        }
      }
    }
    note(table, comparison.path());
    return columns(table, depth).comparison(comparison);
  }

  /** {@code sender=not.is.null}: whether there is something to embed. */
  private Condition isThere(Embedding embedding, int depth, Comparison comparison) {
    boolean isNull = comparison.values().equals(List.of("null"));
    if (comparison.operator() != Operator.IS
        || !(isNull || comparison.values().equals(List.of("not_null")))) {
      throw Problem.of(
              400,
              "PGRST120",
              "Bad operator on the '" + embedding.embed().shownName() + "' embedded resource")
          .withDetails("Only is null or not is null filters are allowed on embedded resources")
          .stop();
    }
    Condition there = exists(embedding, depth);
    return isNull == comparison.negated() ? there : DSL.not(there);
  }

  private List<SortField<?>> order(ServedTable table, int depth, TableQuery query) {
    List<SortField<?>> order = new ArrayList<>();
    for (Ordering term : query.order()) {
      boolean isLast = order.size() == query.order().size() - 1;
      if (term.relation() == null) {
        note(table, term.path());
      }
      Field<?> field =
          term.relation() == null
              ? columns(table, depth)
                  .field(isLast && isByNumber(table, query, term.path()) ? NUMBER : term.path())
              : related(table, depth, query, term);
      SortField<?> sorted = term.descending() ? field.desc() : field.asc();
      order.add(
          term.nullsFirst() == null
              ? sorted
              : term.nullsFirst() ? sorted.nullsFirst() : sorted.nullsLast());
    }
    return order;
  }

  /**
   * Whether the messages of one conversation are ordered by their time, which may then be their
   * number unless a further order decides between equal times. A later number is no earlier
   * message, and numbers are in an index, times in none.
   */
  private boolean isByNumber(ServedTable table, TableQuery query, TableQuery.Path path) {
    return !isReturned
        && table.isOurs()
        && table.name().equals("user_messages")
        && path.equals(TIME)
        && query.where().stream()
            .anyMatch(
                condition ->
                    condition instanceof Comparison one
                        && one.path().equals(CONVERSATION)
                        && one.operator() == Operator.EQ
                        && !one.negated()
                        && one.quantifier() == null);
  }

  private Field<?> related(ServedTable table, int depth, TableQuery query, Ordering term) {
    Embedding embedding =
        embeddings(table, query).stream()
            .filter(one -> one.isNamed(String.valueOf(term.relation())))
            .findFirst()
            .orElseThrow(
                () ->
                    Problem.of(
                            400,
                            "PGRST108",
                            "'" + term.relation() + "' is not an embedded resource in this request")
                        .stop());
    if (!embedding.relationship().toOne()) {
      throw Problem.of(
              400, "PGRST118", "A related order on '" + term.relation() + "' is not possible")
          .withDetails(
              "'%s' and '%s' do not form a many-to-one or one-to-one relationship"
                  .formatted(table.name(), embedding.target().name()))
          .stop();
    }
    note(embedding.target(), term.path());
    return DSL.field(
        DSL.select(columns(embedding.target(), depth + 1).field(term.path()))
            .from(source(embedding, depth))
            .where(joined(embedding.relationship(), depth))
            .limit(DSL.inline(1)));
  }

  private List<Embedding> embeddings(ServedTable table, TableQuery query) {
    return query.embeds().stream().map(embed -> embedding(table, embed)).toList();
  }

  private Embedding embedding(ServedTable table, Selected.Embed embed) {
    Relationship relationship = tables.relationship(table, embed.target(), embed.hint());
    Relationship.Through through = relationship.through();
    if (through != null) {
      touches(tables.table(through.table()));
    }
    ServedTable target = tables.table(relationship.to());
    touches(target);
    return new Embedding(embed, relationship, target);
  }

  /** The table's own columns that the page of a write needs, so that it returns no others. */
  List<String> needed(ServedTable table, TableQuery query) {
    List<String> names = new ArrayList<>();
    for (Selected part : query.select()) {
      switch (part) {
        case Selected.All all -> readable(table).forEach(column -> names.add(column.name()));
        case Selected.Column column -> own(table, column.path(), names);
        case Selected.Embed embed -> names.addAll(embedding(table, embed).relationship().columns());
      }
    }
    for (Ordering term : query.order()) {
      if (term.relation() == null) {
        own(table, term.path(), names);
      }
    }
    return names.stream().distinct().toList();
  }

  private static void own(ServedTable table, TableQuery.Path path, List<String> names) {
    ServedTable.Column column = table.column(path.column());
    if (!column.isComputed()) {
      names.add(column.name());
    }
  }
}
