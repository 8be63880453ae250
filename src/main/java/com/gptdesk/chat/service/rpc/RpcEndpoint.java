package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.CallGuard;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RaisedError;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.query.TableQuery;
import com.gptdesk.chat.service.replica.ReadReplica;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rest.RestLimits;
import com.gptdesk.chat.service.rest.Statement;
import com.gptdesk.chat.service.rest.TableCatalogue;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls a function of the database by its name, as PostgREST does: {@code POST
 * /rest/v1/rpc/<function>} with a JSON object of arguments, or GET with the arguments in the query
 * for functions that only read.
 *
 * <p>Arguments are matched by name and passed on as JSON text; functions, types and defaults come
 * from the catalogue. What the client wants of a result, as columns, filters, order and limit, is
 * {@link RpcShape}.
 *
 * <p>Blocks while the database works, so call it on a virtual thread. Thread-safe.
 */
public final class RpcEndpoint {
  private static final Logger LOG = LoggerFactory.getLogger(RpcEndpoint.class);

  /** No such column, no such operator, a value of another type. */
  private static final Set<String> SHAPE_ERRORS =
      Set.of("42703", "42804", "42809", "42846", "42883");

  private record OwnDatabase(ServiceDatabase database) implements DatabaseCall {
    @Override
    public @Nullable String call(
        Caller caller, boolean readOnly, String statement, String argumentsJson) {
      return database.call(caller, readOnly, statement, argumentsJson);
    }

    @Override
    public <T> T callWith(
        Caller caller,
        boolean readOnly,
        CallSettings settings,
        String statement,
        String argumentsJson,
        List<?> more,
        Function<CallResult, T> answer) {
      return database.callWith(
          caller, readOnly, null, settings, statement, argumentsJson, more, answer);
    }

    @Override
    public @Nullable List<@Nullable String> sendTogether(List<Caller> callers, List<String> calls) {
      return database.sendTogether(callers, calls);
    }
  }

  private final FunctionCatalogue catalogue;
  private final RpcExecution execution;
  private final FunctionRows rows;
  private final CallGuard guard;
  private final boolean mayRollBack;

  /**
   * Creates one without rate limits, of the chat's own functions.
   *
   * @param enabled false answers every call with 503 and says why
   */
  public RpcEndpoint(ServiceDatabase database, TokenVerifier tokens, boolean enabled) {
    this(database, List.of(), null, tokens, RequestLimits.ample(), enabled);
  }

  /**
   * Creates one that serves no other tables.
   *
   * @param others names of functions of schema public that are served beside the chat's own; a star
   *     stands for any letters
   * @param replica answers reads; null for the database itself
   * @param limits the rate limits
   * @param enabled false answers every call with 503 and says why
   */
  public RpcEndpoint(
      ServiceDatabase database,
      List<String> others,
      @Nullable ReadReplica replica,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled) {
    this(
        database,
        new FunctionCatalogue(new DatabaseFunctions(database, others)),
        new FunctionRows(new TableCatalogue(database, List.of(), others), RestLimits.DEFAULT),
        replica,
        tokens,
        limits,
        enabled,
        false,
        BatchLimits.DEFAULT,
        () -> {});
  }

  /**
   * @param catalogue the functions that are served
   * @param rows of their results
   * @param replica who answers what only reads; null for the database itself
   * @param limits how many calls are taken
   * @param enabled false answers every call with 503 and says why
   * @param mayRollBack whether clients may have a call undone after its answer
   * @param batches how many messages one commit stores
   * @param committed told, by the thread that wrote, of each commit of a call that writes
   */
  public RpcEndpoint(
      ServiceDatabase database,
      FunctionCatalogue catalogue,
      FunctionRows rows,
      @Nullable ReadReplica replica,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled,
      boolean mayRollBack,
      BatchLimits batches,
      Runnable committed) {
    this(
        catalogue,
        rows,
        new RpcExecution(new OwnDatabase(database), replica, batches, committed),
        tokens,
        limits,
        enabled,
        mayRollBack);
  }

  RpcEndpoint(
      FunctionCatalogue catalogue,
      FunctionRows rows,
      DatabaseCall database,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled) {
    this(
        catalogue,
        rows,
        new RpcExecution(database, null, BatchLimits.DEFAULT, () -> {}),
        tokens,
        limits,
        enabled,
        false);
  }

  private RpcEndpoint(
      FunctionCatalogue catalogue,
      FunctionRows rows,
      RpcExecution execution,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled,
      boolean mayRollBack) {
    this.catalogue = catalogue;
    this.rows = rows;
    this.execution = execution;
    this.guard = new CallGuard(tokens, limits, enabled);
    this.mayRollBack = mayRollBack;
  }

  /** How many messages were stored together with others. */
  public long sentTogether() {
    return execution.batches().sentTogether();
  }

  /** How many commits stored them. */
  public long batches() {
    return execution.batches().batches();
  }

  /** How many batches the database has undone, whose messages were then sent alone. */
  public long batchesUndone() {
    return execution.batches().undone();
  }

  /** How many messages wait for a place at the database. */
  public int messagesWaiting() {
    return execution.batches().waiting();
  }

  /** Calls that were refused because their month has no partition for messages. */
  public long partitionsMissing() {
    return guard.partitionsMissing();
  }

  /**
   * The name for metrics: an existing function or "unknown", so that callers cannot create series.
   */
  public String countedAs(String function) {
    return catalogue.nameOf(function);
  }

  /** Whether a function of that name was served when the catalogue was read. */
  public boolean knows(String function) {
    return catalogue.knows(function);
  }

  /** Whether a function of that name is served. May query the database. */
  public boolean serves(String function) {
    return catalogue.serves(function);
  }

  /** What is served to whoever asks, as OpenAPI. Never throws. */
  public Reply describe(@Nullable String authorization, @Nullable String apikey) {
    return guard.answer(
        "GET /rest/v1",
        authorization,
        apikey,
        identity -> ApiDescription.of(identity.role().sqlName(), catalogue.all(), rows));
  }

  /** Answers a call. Never throws: errors are in the reply, and faults in the log as well. */
  public Reply answer(RpcRequest request) {
    return guard.answer(
        request.label(),
        request.authorization(),
        request.apikey(),
        identity -> perform(request, identity));
  }

  private Reply perform(RpcRequest request, Identity identity) {
    request.check();
    RpcArguments arguments = RpcArguments.of(request, catalogue, rows.maxDepth());
    CallableFunction function =
        catalogue.find(request.function(), arguments.names(), arguments.bodyTypes());
    if (request.reads() && function.writes()) {
      throw Problem.of(
              405, "25006", "cannot execute " + function.name() + " in a read-only transaction")
          .withHint("It writes, so call it with POST")
          .withHeader("Allow", "POST, OPTIONS")
          .stop();
    }
    CallPreferences preferences =
        CallPreferences.of(request.prefer(), mayRollBack, catalogue::timeZones);
    if (preferences.maxAffected() != null && function.result() != CallableFunction.Result.SET) {
      throw Problem.of(
              400,
              "PGRST128",
              "Function must return SETOF or TABLE when max-affected preference is used with handling=strict")
          .stop();
    }
    RpcShape shape = arguments.shape();
    if (shape.query() != null && !function.hasRows()) {
      throw Problem.of(
              400, "PGRST100", "The result of " + function.name() + " has no rows and columns")
          .withHint("Use select, filters, order and limit on functions that return rows")
          .stop();
    }
    RpcCall call = call(function, arguments.names(), shape.query(), identity);
    try {
      return execution.perform(identity, request, function, arguments, preferences, call);
    } catch (IllegalStateException e) {
      Problem problem = shape.query() == null ? null : problemOfShape(e);
      if (problem == null && (!function.isOurs() || call.callsOthers())) {
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

  private RpcCall call(
      CallableFunction function, Set<String> names, @Nullable TableQuery query, Identity identity) {
    // The default of a parameter that takes the whole body holds where none was sent.
    Set<String> given =
        function.bodyType() == null || (names.isEmpty() && function.requiredArguments() == 0)
            ? names
            : Set.of(CallableFunction.WHOLE_BODY);
    if (query == null) {
      if (function.isOurs() || function.result() != CallableFunction.Result.SET) {
        return RpcCall.plain(catalogue.statement(function, given));
      }
      Statement bounded = rows.bounded(function.returned(), catalogue.rows(function, given, false));
      return RpcCall.bounded(bounded.sql(), withoutArguments(bounded));
    }
    Statement statement =
        rows.statement(
            function.name(),
            function.returned(),
            query,
            identity.role(),
            !function.isOurs(),
            withRow -> catalogue.rows(function, given, withRow));
    return new RpcCall(
        statement.sql(),
        withoutArguments(statement),
        statement.runsOthersCode(),
        true,
        rows.timeout());
  }

  /** The values but the first, which stands for the arguments. */
  private static List<Object> withoutArguments(Statement statement) {
    return statement.values().subList(1, statement.values().size());
  }

  /**
   * What PostgreSQL says of a column or an operator that a client named; null for a fault. It says
   * where it happened only when that is in a function.
   */
  private static @Nullable Problem problemOfShape(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof PSQLException sql
          && SHAPE_ERRORS.contains(String.valueOf(sql.getSQLState()))) {
        ServerErrorMessage server = sql.getServerErrorMessage();
        if (server != null && server.getWhere() != null) {
          return null;
        }
        return Problem.of(
                400,
                String.valueOf(sql.getSQLState()),
                String.valueOf(server == null ? sql.getMessage() : server.getMessage()))
            .withHint("Name columns of the function's result, and operators that fit their types");
      }
    }
    return null;
  }
}
