package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.query.TableQuery;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rows that a function returns, asked for as those of a table: columns, casts, filters, order,
 * a page, and what is embedded where they are rows of a served table. The function is called once.
 *
 * <p>Thread-safe; a call may query the database.
 */
public final class FunctionRows {

  /** The column of values that have none. */
  static final String SCALAR = "pgrst_scalar";

  private static final String SOURCE = "rest_source";

  /**
   * What a function returns.
   *
   * @param table whose rows they are; null for none
   * @param columns their types by name, in order; none for values
   */
  public record Result(@Nullable String table, Map<String, String> columns) {}

  private final TableCatalogue catalogue;
  private final RestLimits limits;

  public FunctionRows(TableCatalogue catalogue, RestLimits limits) {
    this.catalogue = catalogue;
    this.limits = limits;
  }

  /** How deep tables may be embedded in the rows. */
  public int maxDepth() {
    return limits.maxDepth();
  }

  /**
   * Describes the served tables in OpenAPI.
   *
   * @param role who asks; what it may not do is left out
   * @param paths takes what may be done
   * @param schemas takes the rows; those of the chat's own tables are there
   */
  public void describe(String role, ObjectNode paths, ObjectNode schemas) {
    for (ServedTable table : new TreeMap<>(catalogue.current().tables()).values()) {
      String schema = table.name().replaceAll("[^A-Za-z0-9._-]", "_");
      boolean isKnown = schemas.has(table.name());
      while (!isKnown && schemas.has(schema)) {
        schema += "_";
      }
      TableDescription description = new TableDescription(table, role, schema);
      ObjectNode path = description.path();
      if (!path.isEmpty()) {
        paths.set("/" + table.name(), path);
        if (!isKnown) {
          schemas.set(schema, description.rows());
        }
      }
    }
  }

  /** How long a call may take of which a part is asked for. */
  public Duration timeout() {
    return limits.statementTimeout();
  }

  /**
   * The statement whose one text is how many rows there are, a space, and the page as JSON.
   *
   * @param function its name, for errors
   * @param isBounded whether the page has no more rows than an answer of a table; the chat's own
   *     functions have bounds of their own
   * @param call the statement of the call, with one question mark for its arguments; told whether
   *     the whole row is needed beside the columns
   */
  public Statement statement(
      String function,
      Result result,
      TableQuery query,
      Caller.Role role,
      boolean isBounded,
      Function<Boolean, String> call) {
    String name = result.table();
    TableCatalogue.Tables tables = name == null ? catalogue.current() : catalogue.with(name);
    boolean isScalar = result.columns().isEmpty();
    ServedTable rows =
        ServedTable.ofResult(
            name == null ? function + "()" : name,
            isScalar ? Map.of(SCALAR, "text") : result.columns(),
            name == null ? null : tables.tables().get(name));
    ReadPlan plan = new ReadPlan(tables, role, limits);
    boolean whole = plan.needsWhole(rows, query) || plan.filtersByWhole(rows, query.where());
    return Statement.of(
        plan.called(
            DSL.with(SOURCE)
                .asMaterialized(DSL.resultQuery(call.apply(whole), DSL.val("arguments"))),
            rows,
            query,
            DSL.table(DSL.name(SOURCE)).as("t0"),
            isScalar,
            isBounded),
        plan);
  }

  /**
   * The same of all that a function returns, with every column, and no more rows than an answer of
   * a table has.
   *
   * @param call the statement of the call, with one question mark for its arguments
   */
  public Statement bounded(Result result, String call) {
    Table<Record> source = DSL.table(DSL.name(SOURCE));
    Table<?> page =
        DSL.select(DSL.asterisk()).from(source).limit(limits.maxRows()).asTable(ReadPlan.ROW);
    Field<?> row =
        result.columns().isEmpty()
            ? DSL.field(DSL.name(ReadPlan.ROW, SCALAR))
            : DSL.field(DSL.name(ReadPlan.ROW));
    return Statement.of(
        DSL.with(SOURCE)
            .asMaterialized(DSL.resultQuery(call, DSL.val("arguments")))
            .select(
                ReadPlan.counted(DSL.field(DSL.selectCount().from(source)), row, limits.maxBytes()))
            .from(page),
        false);
  }
}
