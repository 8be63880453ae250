package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.TableQuery;
import com.gptdesk.chat.service.rest.TablePreferences.Resolution;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.InsertOnDuplicateStep;
import org.jooq.InsertReturningStep;
import org.jooq.InsertValuesStepN;
import org.jooq.Record;
import org.jooq.ResultQuery;
import org.jooq.Select;
import org.jooq.SelectFieldOrAsterisk;
import org.jooq.Table;
import org.jooq.WithStep;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * Makes the statement of a write: {@code with rest_source as (insert … returning …) select …}. Its
 * one row tells how many rows were written, and what of them is wanted.
 */
final class WritePlan {
  private static final String SOURCE = "rest_source";
  private static final String BODY = "rest_body";
  private static final Field<String> NONE = DSL.inline(null, SQLDataType.CLOB);

  private final ServedTable table;
  private final TableQuery query;
  private final ReadPlan reads;
  private final TablePreferences.Returned returned;
  private final boolean strip;

  /**
   * @param query which rows, and what of them is wanted
   * @param returned what is wanted of them
   * @param strip whether keys without a value are left out
   */
  WritePlan(
      ServedTable table,
      TableQuery query,
      ReadPlan reads,
      TablePreferences.Returned returned,
      boolean strip) {
    this.table = table;
    this.query = query;
    this.reads = reads;
    this.returned = returned;
    this.strip = strip;
    reads.touches(table);
  }

  /**
   * Inserts the rows.
   *
   * @param missingIsDefault whether a column that a row lacks takes its default, and not null
   * @param onConflict the columns in which a row meets another; null for the primary key
   */
  Select<?> insert(
      RowsBody body,
      List<String> columns,
      boolean missingIsDefault,
      @Nullable Resolution resolution,
      @Nullable List<String> onConflict) {
    Table<Record> target = DSL.table(DSL.name("public", table.name()));
    if (columns.isEmpty()) {
      return finished(
          null, DSL.insertInto(target).defaultValues().returning(returning(null)), NONE);
    }
    boolean differ = missingIsDefault && !body.everywhere().containsAll(columns);
    var into = DSL.insertInto(target, columns.stream().map(WritePlan::column).toList());
    InsertOnDuplicateStep<Record> insert =
        differ
            ? each(into, body, columns)
            : into.select(
                DSL.select(columns.stream().map(WritePlan::given).toList()).from(given()));
    List<String> meeting = onConflict == null ? table.key() : onConflict;
    if (resolution == null || meeting.isEmpty()) {
      return finished(body, insert.returning(returning(null)), NONE);
    }
    meeting.forEach(table::ownColumn);
    Field<?> replaced = resolution == Resolution.MERGE ? replaced(meeting) : NONE;
    Map<Field<?>, Field<?>> changes = new LinkedHashMap<>();
    for (String name : columns) {
      if (!meeting.contains(name)) { // it is the same, and perhaps nobody may update it
        changes.put(
            column(name),
            reads.isReadable(table, name)
                ? DSL.excluded(column(name))
                : differ ? unknown(name) : given(name, meeting));
      }
    }
    if (changes.isEmpty() && returned == TablePreferences.Returned.REPRESENTATION) {
      // Otherwise the rows that are there would not be returned.
      changes.put(column(meeting.getFirst()), DSL.excluded(column(meeting.getFirst())));
    }
    var conflict = insert.onConflict(meeting.stream().map(WritePlan::column).toList());
    InsertReturningStep<Record> step =
        resolution == Resolution.IGNORE || changes.isEmpty()
            ? conflict.doNothing()
            : conflict.doUpdate().set(changes);
    return finished(body, step.returning(returning(null)), replaced);
  }

  /**
   * Rows that lack different columns, each with its own values and the default of the others. Each
   * value is a parameter of its own, so that no row is parsed once for each of its columns.
   */
  private InsertOnDuplicateStep<Record> each(
      InsertValuesStepN<Record> into, RowsBody body, List<String> columns) {
    InsertValuesStepN<Record> rows = into;
    for (Map<String, String> row : body.each()) {
      rows =
          rows.values(
              columns.stream()
                  .<Field<?>>map(
                      name -> {
                        String value = row.get(name);
                        return value == null ? DSL.defaultValue() : one(name, value);
                      })
                  .toList());
    }
    return rows;
  }

  /** One value of a row, converted as in a whole one. */
  private Field<?> one(String column, String json) {
    return DSL.field(
        "(json_populate_record(cast(null as {0}), cast({1} as json))).{2}",
        DSL.name("public", table.name()), DSL.val(json), DSL.name(column));
  }

  private static Field<?> unknown(String column) {
    throw Problem.of(400, "PGRST102", "All object keys must match")
        .withDetails(
            "With missing=default an upsert takes %s only if you may read it, or all rows have it"
                .formatted(column))
        .stop();
  }

  /**
   * How many of the body's rows are there; none where the caller may not read by what they meet.
   */
  private Field<?> replaced(List<String> meeting) {
    if (!meeting.stream().allMatch(name -> reads.isReadable(table, name))) {
      return NONE;
    }
    Table<?> there = ReadPlan.source(table, 0);
    return DSL.field(
        DSL.select(DSL.cast(DSL.count(), SQLDataType.CLOB))
            .from(given())
            .join(there)
            .on(
                DSL.and(
                    meeting.stream()
                        .map(name -> given(name).eq(DSL.field(DSL.name("t0", name))))
                        .toList())));
  }

  /** Updates the rows that meet the conditions. */
  Select<?> update(RowsBody body, List<String> columns) {
    Map<Field<?>, Field<?>> changes = new LinkedHashMap<>();
    columns.forEach(name -> changes.put(column(name), given(name)));
    return finished(
        body,
        DSL.update(ReadPlan.source(table, 0))
            .set(changes)
            .from(given())
            .where(condition("UPDATE"))
            .returning(returning("t0")),
        NONE);
  }

  /** Deletes the rows that meet the conditions. */
  Select<?> delete() {
    return finished(
        null,
        DSL.deleteFrom(ReadPlan.source(table, 0))
            .where(condition("DELETE"))
            .returning(returning("t0")),
        NONE);
  }

  /** Of the table's own columns; never all rows. */
  private Condition condition(String command) {
    if (query.where().isEmpty()) {
      throw Problem.of(400, "21000", command + " requires a WHERE clause")
          .withHint("Name the rows by a filter, for instance id=eq.…")
          .stop();
    }
    if (query.limit() != null || query.offset() > 0) {
      throw Problem.of(400, "PGRST100", command + " takes neither limit nor offset")
          .withHint("Name the rows by a filter")
          .stop();
    }
    return reads.conditions(table, 0, new TableQuery(List.of(), query.where(), List.of(), null, 0));
  }

  private List<SelectFieldOrAsterisk> returning(@Nullable String alias) {
    List<String> names =
        switch (returned) {
          case MINIMAL -> List.of();
          case HEADERS -> table.key();
          case REPRESENTATION -> reads.needed(table, query);
        };
    List<SelectFieldOrAsterisk> fields = new ArrayList<>();
    names.forEach(
        name -> fields.add(alias == null ? column(name) : DSL.field(DSL.name(alias, name))));
    if (returned == TablePreferences.Returned.REPRESENTATION && reads.needsWhole(table, query)) {
      fields.add(whole(alias == null ? table.name() : alias).as(ReadPlan.WHOLE));
    }
    return fields.isEmpty() ? List.of(DSL.inline(1).as("one")) : fields;
  }

  /** The row as one value, for functions of it. */
  private Field<?> whole(String alias) {
    return DSL.field("cast({0}.* as {1})", DSL.name(alias), DSL.name("public", table.name()));
  }

  /**
   * @param body whose rows the write reads, once however often it names them; null for none
   * @param replaced how many rows were there before
   */
  private Select<?> finished(@Nullable RowsBody body, ResultQuery<?> write, Field<?> replaced) {
    WithStep step =
        body == null
            ? DSL.with(SOURCE).as(write)
            : DSL.with(BODY).as(DSL.select(DSL.asterisk()).from(rows(body))).with(SOURCE).as(write);
    TableQuery shown =
        switch (returned) {
          case MINIMAL -> null;
          case HEADERS -> table.key().isEmpty() ? null : keys();
          case REPRESENTATION -> query;
        };
    if (shown == null) {
      return step.select(DSL.cast(DSL.count(), SQLDataType.CLOB), NONE, NONE, replaced)
          .from(DSL.table(DSL.name(SOURCE)));
    }
    Table<?> rows = DSL.table(DSL.name(SOURCE)).as("t0");
    return reads.written(step, table, shown, rows, strip, replaced);
  }

  private TableQuery keys() {
    List<TableQuery.Selected> keys =
        table.key().stream()
            .<TableQuery.Selected>map(
                name ->
                    new TableQuery.Selected.Column(
                        new TableQuery.Path(name, List.of()), null, null))
            .toList();
    return new TableQuery(keys, List.of(), List.of(), null, 0);
  }

  private static Field<Object> column(String name) {
    return DSL.field(DSL.name(name));
  }

  private static Field<Object> given(String name) {
    return DSL.field(DSL.name(BODY, name));
  }

  /** The body's rows, which the statement has read. */
  private static Table<Record> given() {
    return DSL.table(DSL.name(BODY));
  }

  /**
   * The value of the body's row that meets the table's: to read {@code excluded} takes the right to
   * read the column.
   */
  private Field<Object> given(String name, List<String> meeting) {
    Condition same =
        DSL.and(
            meeting.stream()
                .map(key -> given(key).eq(DSL.field(DSL.name("public", table.name(), key))))
                .toList());
    return DSL.field(DSL.select(given(name)).from(given()).where(same));
  }

  /** The body's rows, each value converted to the type of its column by PostgreSQL. */
  private Table<?> rows(RowsBody body) {
    return DSL.table(
            "json_populate_recordset(cast(null as {0}), cast({1} as json))",
            DSL.name("public", table.name()), DSL.val(body.json()))
        .as("r");
  }
}
