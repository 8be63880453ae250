package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.CallGuard;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RaisedError;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.query.Operator;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.service.query.TableQuery;
import com.gptdesk.chat.service.query.TableQuery.Condition;
import com.gptdesk.chat.service.query.TableQuery.Condition.Comparison;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jooq.Select;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads and writes tables as PostgREST does. Grants and row-level security decide what a caller
 * sees and writes; this class decides what a request may cost.
 *
 * <p>Blocks while the database works, so call it on a virtual thread. Thread-safe.
 */
public final class RestEndpoint {
  private static final Logger LOG = LoggerFactory.getLogger(RestEndpoint.class);
  private static final JsonMapper JSON = JsonMapper.shared();

  /** PostgreSQL takes 65535, and a statement has some beside the values of its rows. */
  private static final int MOST_PARAMETERS = 60_000;

  /** No such operator for these types, a conflict that no key knows, and the like. */
  private static final Set<String> CLIENTS_ERRORS =
      Set.of(
          "0A000", "21000", "42601", "42602", "42702", "42703", "42704", "42725", "42804", "42809",
          "42846", "42883", "42P10", "42P18");

  private final ServiceDatabase database;
  private final TableCatalogue catalogue;
  private final RestLimits limits;
  private final CallGuard guard;
  private final boolean mayRollBack;
  private final Runnable committed;

  /**
   * @param mayRollBack whether clients may have a write undone after its answer
   * @param enabled false answers every request with 503 and says why
   * @param committed told, by the thread that wrote, of each commit of a write
   */
  public RestEndpoint(
      ServiceDatabase database,
      TableCatalogue catalogue,
      RestLimits limits,
      TokenVerifier tokens,
      RequestLimits rates,
      boolean mayRollBack,
      boolean enabled,
      Runnable committed) {
    this.database = database;
    this.catalogue = catalogue;
    this.limits = limits;
    this.guard = new CallGuard(tokens, rates, enabled);
    this.mayRollBack = mayRollBack;
    this.committed = committed;
  }

  /** The name for metrics: a served table or "unknown", so that callers cannot create series. */
  public String countedAs(String table) {
    return catalogue.nameOf(table);
  }

  /** Whether a table of that name was served when the catalogue was read. */
  public boolean knows(String table) {
    return catalogue.knows(table);
  }

  /** Whether a table of that name is served. May query the database. */
  public boolean serves(String table) {
    return catalogue.with(table).tables().containsKey(table);
  }

  /** Answers a request. Never throws: errors are in the reply, and faults in the log as well. */
  public Reply answer(RestRequest request) {
    Reply reply =
        guard.answer(
            request.label(),
            request.authorization(),
            request.apikey(),
            identity -> perform(request, identity));
    // The official client takes a 404 without a body for success, and HEAD has none.
    return request.method().equals("HEAD") && reply.status() == 404
        ? new Reply(400, reply.contentType(), reply.headers(), reply.body())
        : reply;
  }

  private Reply perform(RestRequest request, Identity identity) {
    request.check();
    TableCatalogue.Tables tables = catalogue.with(request.table());
    ServedTable table = tables.table(request.table());
    try {
      return switch (request.method()) {
        case "GET", "HEAD" -> read(request, identity, tables, table);
        case "POST", "PUT", "PATCH", "DELETE" -> write(request, identity, tables, table);
        default ->
            throw Problem.of(405, "PGRST117", "Unsupported HTTP method: " + request.method())
                .withHeader("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
                .stop();
      };
    } catch (Refusal e) {
      throw FunctionHints.with(e, request, table, identity.role().sqlName());
    }
  }

  private Reply read(
      RestRequest request, Identity identity, TableCatalogue.Tables tables, ServedTable table) {
    MediaType type = MediaType.accepted(request.accept());
    TablePreferences preferences = TablePreferences.of(request.prefer(), mayRollBack);
    TableQuery parsed = QueryParser.parse(request.query(), limits.maxDepth()).query();
    TableQuery query = RowRange.of(parsed, request.range()).applied(parsed);
    ReadPlan plan = plan(tables, identity);
    Statement statement =
        Statement.of(plan.page(table, query, preferences.count(), type.stripped()), plan);
    TableResponse.Rows page = read(request, identity, statement, RestEndpoint::rows);
    if (type.form() == MediaType.Form.OBJECT) {
      TableResponse.demandOne(page.rows());
    }
    boolean planned =
        preferences.count() == TablePreferences.Count.PLANNED
            || (preferences.count() == TablePreferences.Count.ESTIMATED
                && page.total() != null
                && page.total() > limits.maxRows());
    return TableResponse.read(
        planned ? withPlannedTotal(request, identity, plan, table, query, page) : page,
        query.offset(),
        type,
        preferences);
  }

  private TableResponse.Rows withPlannedTotal(
      RestRequest request,
      Identity identity,
      ReadPlan plan,
      ServedTable table,
      TableQuery query,
      TableResponse.Rows page) {
    Statement all = Statement.of(plan.matchingRows(table, query), plan).explained();
    long planned =
        read(
            request,
            identity,
            all,
            row -> JSON.readTree(String.valueOf(row.getFirst())).at("/0/Plan/Plan Rows").asLong());
    // The planner may think of fewer rows than there are.
    return new TableResponse.Rows(
        page.rows(), page.json(), Math.max(planned, page.rows() + query.offset()));
  }

  private Reply write(
      RestRequest request, Identity identity, TableCatalogue.Tables tables, ServedTable table) {
    MediaType type = MediaType.accepted(request.accept());
    TablePreferences preferences = TablePreferences.of(request.prefer(), mayRollBack);
    QueryParser.Parsed parsed = QueryParser.parse(request.query(), limits.maxDepth());
    ReadPlan reads = plan(tables, identity);
    WritePlan plan =
        new WritePlan(table, parsed.query(), reads, preferences.returned(), type.stripped());
    Select<?> write =
        switch (request.method()) {
          case "POST" -> {
            RowsBody body = RowsBody.of(request);
            List<String> columns = columnsOfInsert(table, body, parsed.columns(), preferences);
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
            demandOneByKey(table, parsed, body);
            yield plan.insert(
                body,
                columnsOfInsert(table, body, parsed.columns(), preferences),
                preferences.missingIsDefault(),
                TablePreferences.Resolution.MERGE,
                null);
          }
          case "PATCH" -> {
            RowsBody body = RowsBody.of(request);
            List<String> columns = columnsOfUpdate(table, body, parsed.columns());
            yield columns.isEmpty() ? null : plan.update(body, columns);
          }
          default -> plan.delete();
        };
    if (write == null) {
      return TableResponse.written(
          request,
          checked(new TableResponse.Rows(0, "[]", null), type, preferences),
          type,
          preferences);
    }
    TableResponse.Rows written =
        write(
            request,
            identity,
            preferences.rollsBack(),
            Statement.of(write, reads),
            row -> checked(rows(row), type, preferences));
    if (!preferences.rollsBack()) {
      committed.run();
    }
    return TableResponse.written(request, written, type, preferences);
  }

  /** Refuses, before the commit, what is not the number of rows that the client expects. */
  private static TableResponse.Rows checked(
      TableResponse.Rows rows, MediaType type, TablePreferences preferences) {
    if (preferences.maxAffected() != null && rows.rows() > preferences.maxAffected()) {
      throw Problem.of(400, "PGRST124", "Query result exceeds max-affected preference constraint")
          .withDetails("The query affects " + rows.rows() + " rows")
          .stop();
    }
    if (preferences.representation() && type.form() == MediaType.Form.OBJECT) {
      TableResponse.demandOne(rows.rows());
    }
    return rows;
  }

  private List<String> columnsOfInsert(
      ServedTable table,
      RowsBody body,
      @Nullable List<String> columns,
      TablePreferences preferences) {
    if (columns == null
        && !preferences.missingIsDefault()
        && !body.everywhere().equals(body.anywhere())) {
      throw Problem.of(400, "PGRST102", "All object keys must match").stop();
    }
    List<String> written = known(table, columns == null ? List.copyOf(body.anywhere()) : columns);
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
  private static void demandOneByKey(ServedTable table, QueryParser.Parsed parsed, RowsBody body) {
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

  private static List<String> columnsOfUpdate(
      ServedTable table, RowsBody body, @Nullable List<String> columns) {
    if (body.rows() != 1) {
      throw Problem.of(400, "PGRST102", "An update takes one JSON object").stop();
    }
    return known(
        table,
        columns == null
            ? List.copyOf(body.anywhere())
            : columns.stream().filter(body.anywhere()::contains).toList());
  }

  private static List<String> known(ServedTable table, List<String> names) {
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

  private ReadPlan plan(TableCatalogue.Tables tables, Identity identity) {
    return new ReadPlan(tables, identity.role(), limits);
  }

  private <T> T read(
      RestRequest request,
      Identity identity,
      Statement statement,
      Function<List<@Nullable String>, T> result) {
    return run(request, identity, true, false, statement, result);
  }

  private <T> T write(
      RestRequest request,
      Identity identity,
      boolean rollsBack,
      Statement statement,
      Function<List<@Nullable String>, T> result) {
    return run(request, identity, false, rollsBack, statement, result);
  }

  private <T> T run(
      RestRequest request,
      Identity identity,
      boolean readOnly,
      boolean rollsBack,
      Statement statement,
      Function<List<@Nullable String>, T> result) {
    try {
      return database.row(
          identity.caller(),
          readOnly,
          limits.statementTimeout(),
          new CallSettings(
              statement.runsOthersCode(),
              statement.runsOthersCode() ? request.settings() : Map.of(),
              rollsBack),
          statement.sql(),
          statement.values(),
          result);
    } catch (IllegalStateException e) {
      Problem problem = problemOf(e);
      if (problem == null && statement.runsOthersCode()) {
        problem = RaisedError.of(e, identity.isAnonymous());
      }
      if (problem == null) {
        throw e;
      }
      if (problem.status() >= 500) {
        LOG.warn(
            "{} failed in what is an operator's, and the client gets this", request.label(), e);
      }
      throw problem.stop();
    }
  }

  private static TableResponse.Rows rows(List<@Nullable String> row) {
    if (row.size() > 1 && "".equals(row.get(1))) {
      throw RestLimits.tooLong().stop();
    }
    return new TableResponse.Rows(
        Long.parseLong(String.valueOf(row.getFirst())),
        row.size() > 1 ? row.get(1) : null,
        row.size() > 2 ? numberOf(row.get(2)) : null,
        row.size() > 3 ? Objects.requireNonNullElse(numberOf(row.get(3)), 0L) : 0);
  }

  private static @Nullable Long numberOf(@Nullable String text) {
    return text == null ? null : Long.valueOf(text);
  }

  /** What PostgreSQL says of an operator or a type that a client named; null for a fault. */
  private static @Nullable Problem problemOf(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof PSQLException sql
          && CLIENTS_ERRORS.contains(String.valueOf(sql.getSQLState()))) {
        ServerErrorMessage server = sql.getServerErrorMessage();
        String code = String.valueOf(sql.getSQLState());
        return Problem.of(
                code.equals("42883") ? 404 : 400,
                code,
                String.valueOf(server == null ? sql.getMessage() : server.getMessage()))
            .withDetails(server == null ? null : server.getDetail())
            .withHint(server == null ? null : server.getHint());
      }
    }
    return null;
  }
}
