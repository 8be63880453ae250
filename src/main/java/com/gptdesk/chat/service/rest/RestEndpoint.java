package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.database.TimeZones;
import com.gptdesk.chat.service.http.CallGuard;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RaisedError;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.service.query.TableQuery;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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

  /** No such operator for these types, a conflict that no key knows, and the like. */
  private static final Set<String> CLIENTS_ERRORS =
      Set.of(
          "0A000", "21000", "42601", "42602", "42702", "42703", "42704", "42725", "42804", "42809",
          "42846", "42883", "42P10", "42P18");

  private final ServiceDatabase database;
  private final TimeZones zones;
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
    this.zones = new TimeZones(database);
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
    TablePreferences preferences = TablePreferences.of(request.prefer(), mayRollBack, zones::names);
    TableQuery parsed = QueryParser.parse(request.query(), limits.maxDepth()).query();
    TableQuery query = RowRange.of(parsed, request.range()).applied(parsed);
    ReadPlan plan = plan(tables, identity);
    Statement statement =
        Statement.of(plan.page(table, query, preferences.count(), type.stripped()), plan);
    TableResponse.Rows page = read(request, identity, preferences, statement, RestEndpoint::rows);
    if (type.form() == MediaType.Form.OBJECT) {
      TableResponse.demandOne(page.rows());
    }
    boolean planned =
        preferences.count() == TablePreferences.Count.PLANNED
            || (preferences.count() == TablePreferences.Count.ESTIMATED
                && page.total() != null
                && page.total() > limits.maxRows());
    return TableResponse.read(
        planned ? withPlannedTotal(request, identity, preferences, plan, table, query, page) : page,
        query.offset(),
        type,
        preferences);
  }

  private TableResponse.Rows withPlannedTotal(
      RestRequest request,
      Identity identity,
      TablePreferences preferences,
      ReadPlan plan,
      ServedTable table,
      TableQuery query,
      TableResponse.Rows page) {
    Statement all = Statement.of(plan.matchingRows(table, query), plan).explained();
    long planned =
        read(
            request,
            identity,
            preferences,
            all,
            row -> JSON.readTree(String.valueOf(row.getFirst())).at("/0/Plan/Plan Rows").asLong());
    // The planner may think of fewer rows than there are.
    return new TableResponse.Rows(
        page.rows(), page.json(), Math.max(planned, page.rows() + query.offset()));
  }

  private Reply write(
      RestRequest request, Identity identity, TableCatalogue.Tables tables, ServedTable table) {
    MediaType type = MediaType.accepted(request.accept());
    TablePreferences preferences = TablePreferences.of(request.prefer(), mayRollBack, zones::names);
    ReadPlan reads = plan(tables, identity);
    Statement write =
        new WriteRequest(request, table, preferences, limits).statement(reads, type.stripped());
    if (write == null) {
      return TableResponse.written(
          request,
          checked(new TableResponse.Rows(0, "[]", null), type, preferences),
          type,
          preferences);
    }
    TableResponse.Rows written =
        write(request, identity, preferences, write, row -> checked(rows(row), type, preferences));
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

  private ReadPlan plan(TableCatalogue.Tables tables, Identity identity) {
    return new ReadPlan(tables, identity.role(), limits);
  }

  private <T> T read(
      RestRequest request,
      Identity identity,
      TablePreferences preferences,
      Statement statement,
      Function<List<@Nullable String>, T> result) {
    return run(request, identity, true, preferences, statement, result);
  }

  private <T> T write(
      RestRequest request,
      Identity identity,
      TablePreferences preferences,
      Statement statement,
      Function<List<@Nullable String>, T> result) {
    return run(request, identity, false, preferences, statement, result);
  }

  private <T> T run(
      RestRequest request,
      Identity identity,
      boolean readOnly,
      TablePreferences preferences,
      Statement statement,
      Function<List<@Nullable String>, T> result) {
    try {
      return database.row(
          identity.caller(),
          readOnly,
          limits.statementTimeout(),
          new CallSettings(
              statement.runsOthersCode(),
              settings(request, preferences, statement),
              !readOnly && preferences.rollsBack()),
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

  private static Map<String, String> settings(
      RestRequest request, TablePreferences preferences, Statement statement) {
    Map<String, String> settings =
        new LinkedHashMap<>(statement.runsOthersCode() ? request.settings() : Map.of());
    if (preferences.timezone() != null) {
      settings.put("timezone", preferences.timezone());
    }
    return settings;
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
