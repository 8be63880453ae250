package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.Operator;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.service.query.TableQuery;
import com.gptdesk.chat.service.query.TableQuery.Condition;
import com.gptdesk.chat.service.query.TableQuery.Condition.Comparison;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jooq.Select;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A request that writes, and what it must be before the database is asked. */
final class WriteRequest {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** PostgreSQL takes 65535, and a statement has some beside the values of its rows. */
  private static final int MOST_PARAMETERS = 60_000;

  private final RestRequest request;
  private final ServedTable table;
  private final TablePreferences preferences;
  private final RestLimits limits;

  WriteRequest(
      RestRequest request, ServedTable table, TablePreferences preferences, RestLimits limits) {
    this.request = request;
    this.table = table;
    this.preferences = preferences;
    this.limits = limits;
  }

  /**
   * What it asks for; null where that is to write nothing.
   *
   * @param strip whether keys without a value are left out of the answer
   */
  @Nullable Statement statement(ReadPlan reads, boolean strip) {
    QueryParser.Parsed parsed = QueryParser.parse(request.query(), limits.maxDepth());
    WritePlan plan = new WritePlan(table, parsed.query(), reads, preferences.returned(), strip);
    Select<?> write =
        switch (request.method()) {
          case "POST" -> {
            RowsBody body = RowsBody.of(request);
            List<String> columns = columnsOfInsert(body, parsed.columns());
            yield body.rows() == 0
                ? null
                : plan.insert(
                    body,
                    columns,
                    preferences.missingIsDefault(),
                    preferences.resolution(),
                    parsed.onConflict());
          }
          case "PUT" -> {
            RowsBody body = RowsBody.of(request);
            demandOneByKey(parsed, body);
            yield plan.insert(
                body,
                columnsOfInsert(body, parsed.columns()),
                preferences.missingIsDefault(),
                TablePreferences.Resolution.MERGE,
                null);
          }
          case "PATCH" -> {
            RowsBody body = RowsBody.of(request);
            List<String> columns = columnsOfUpdate(body, parsed.columns());
            yield columns.isEmpty() ? null : plan.update(body, columns);
          }
          default -> plan.delete();
        };
    return write == null ? null : Statement.of(write, reads);
  }

  private List<String> columnsOfInsert(RowsBody body, @Nullable List<String> columns) {
    if (columns == null
        && !preferences.missingIsDefault()
        && !body.everywhere().equals(body.anywhere())) {
      throw Problem.of(400, "PGRST102", "All object keys must match").stop();
    }
    List<String> written = known(columns == null ? List.copyOf(body.anywhere()) : columns);
    if (preferences.missingIsDefault()) {
      written = written.stream().filter(body.anywhere()::contains).toList();
      // Each such row is a part of the statement, and each of its values a parameter.
      int mostRows = Math.min(limits.maxRows(), MOST_PARAMETERS / Math.max(1, written.size()));
      if (body.rows() > mostRows && !body.everywhere().containsAll(written)) {
        throw Problem.of(400, "PGRST102", "All object keys must match")
            .withHint(
                "With missing=default, send at most %d rows that lack different columns"
                    .formatted(mostRows))
            .stop();
      }
    }
    if (written.isEmpty() && body.rows() > 1) {
      throw Problem.of(400, "PGRST102", "Several rows without a value")
          .withHint("Send them one by one")
          .stop();
    }
    return written;
  }

  /** PUT names one row by its whole primary key, in the address and in the body alike. */
  private void demandOneByKey(QueryParser.Parsed parsed, RowsBody body) {
    TableQuery query = parsed.query();
    if (query.limit() != null || query.offset() > 0) {
      throw Problem.of(
              400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")
          .stop();
    }
    if (parsed.onConflict() != null || body.rows() != 1) {
      throw Problem.of(400, "PGRST102", "PUT takes one JSON object, and no on_conflict").stop();
    }
    Map<String, String> named = new HashMap<>();
    for (Condition condition : query.where()) {
      if (condition instanceof Comparison one
          && one.operator() == Operator.EQ
          && !one.negated()
          && one.quantifier() == null
          && one.path().steps().isEmpty()) {
        named.put(one.path().column(), one.values().getFirst());
      }
    }
    if (table.key().isEmpty()
        || query.where().size() != table.key().size()
        || !named.keySet().equals(Set.copyOf(table.key()))) {
      throw Problem.of(
              405,
              "PGRST105",
              "Filters must include all and only primary key columns with 'eq' operators")
          .stop();
    }
    JsonNode row = JSON.readTree(body.json()).get(0);
    named.forEach(
        (column, value) -> {
          if (!row.path(column).isValueNode() || !row.path(column).asString().equals(value)) {
            throw Problem.of(
                    400, "PGRST115", "Payload values do not match URL in primary key column(s)")
                .stop();
          }
        });
  }

  private List<String> columnsOfUpdate(RowsBody body, @Nullable List<String> columns) {
    if (body.rows() != 1) {
      throw Problem.of(400, "PGRST102", "An update takes one JSON object").stop();
    }
    return known(
        columns == null
            ? List.copyOf(body.anywhere())
            : columns.stream().filter(body.anywhere()::contains).toList());
  }

  private List<String> known(List<String> names) {
    for (String name : names) {
      if (!table.columns().containsKey(name)) {
        throw Problem.of(
                400,
                "PGRST204",
                "Could not find the '%s' column of '%s' in the schema cache"
                    .formatted(name, table.name()))
            .stop();
      }
    }
    return names;
  }
}
