package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.replica.ReadReplica;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/**
 * Calls a function of the database by its name, as PostgREST does: {@code POST
 * /rest/v1/rpc/<function>} with a JSON object of arguments, or GET with the arguments in the query
 * for functions that only read.
 *
 * <p>Arguments are matched by name and their JSON text is handed on as it is; which functions
 * exist, their types and defaults come from the catalogue. Not offered: {@code select}, filters,
 * order and limit on a result (400 PGRST100).
 *
 * <p>Blocks while the database works, so call it on a virtual thread. Any number of threads may.
 */
public final class RpcGateway {
  private static final Logger LOG = LoggerFactory.getLogger(RpcGateway.class);
  private static final JsonMapper JSON = new JsonMapper();

  /** What the database made is read without limits: a number of 5000 digits in it is no attack. */
  private static final JsonFactory RESULTS =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxNestingDepth(Integer.MAX_VALUE)
                  .build())
          .build();

  /** Header of a write's answer, and of a read that must show that write. */
  public static final String POSITION = "x-chat-lsn";

  private static final String OBJECT = "application/vnd.pgrst.object+json";
  private static final String ARRAY = "application/vnd.pgrst.array+json";
  private static final Set<String> SHAPING =
      Set.of("select", "order", "limit", "offset", "and", "or", "not.and", "not.or", "columns");
  private static final Pattern LSN = Pattern.compile("[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}");
  private static final Pattern FILTER =
      Pattern.compile(
          "(not\\.)?(eq|neq|gt|gte|lt|lte|like|ilike|match|imatch|in|is|isdistinct|cs|cd|ov|sl|sr|nxr|nxl|adj"
              + "|fts|plfts|phfts|wfts)(\\((any|all|[a-z_]+)\\))?\\..*",
          Pattern.DOTALL);

  /** How the database is asked; see {@link ChatDatabase#call}. */
  @FunctionalInterface
  public interface Door {
    /** Runs a statement of the catalogue as the caller. Returns JSON text, null for void. */
    @Nullable String call(Caller caller, boolean readOnly, String statement, String argumentsJson);
  }

  private final FunctionCatalogue catalogue;
  private final Door door;
  private final @Nullable ReadReplica replica;
  private final TokenVerifier tokens;
  private final RequestLimits limits;
  private final boolean enabled;
  private final ConversationQueue lanes = new ConversationQueue();
  private final LongAdder partitionsMissing = new LongAdder();

  /**
   * Without limits to the calls.
   *
   * @param enabled false answers every call with 503 and says why
   */
  public RpcGateway(ChatDatabase database, TokenVerifier tokens, boolean enabled) {
    this(database, List.of(), null, tokens, RequestLimits.ample(), enabled);
  }

  /**
   * @param others names of functions of schema public that are served beside the chat's own; a star
   *     stands for any letters
   * @param replica who answers what only reads; null for the database itself
   * @param limits how many calls are taken
   * @param enabled false answers every call with 503 and says why
   */
  public RpcGateway(
      ChatDatabase database,
      List<String> others,
      @Nullable ReadReplica replica,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled) {
    this(
        new FunctionCatalogue(new DatabaseFunctions(database, others)),
        database::call,
        replica,
        tokens,
        limits,
        enabled);
  }

  RpcGateway(FunctionCatalogue catalogue, Door door, TokenVerifier tokens, boolean enabled) {
    this(catalogue, door, tokens, RequestLimits.ample(), enabled);
  }

  RpcGateway(
      FunctionCatalogue catalogue,
      Door door,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled) {
    this(catalogue, door, null, tokens, limits, enabled);
  }

  private RpcGateway(
      FunctionCatalogue catalogue,
      Door door,
      @Nullable ReadReplica replica,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled) {
    this.catalogue = catalogue;
    this.door = door;
    this.replica = replica;
    this.tokens = tokens;
    this.limits = limits;
    this.enabled = enabled;
  }

  /** Calls that were refused because their month has no partition for messages. */
  public long partitionsMissing() {
    return partitionsMissing.sum();
  }

  /** What to count a call by: a function's name or "unknown", so that callers make no names. */
  public String countedAs(String function) {
    return catalogue.nameOf(function);
  }

  /** Answers a call. Never throws: what goes wrong is in the reply, and a fault in the log. */
  public Reply answer(RpcRequest request) {
    Identity identity = null;
    try {
      if (!enabled) {
        throw switchedOff().stop();
      }
      identity = identify(request);
      Problem tooMany = limits.refusalOf(identity.userId());
      if (tooMany != null) {
        throw tooMany.stop();
      }
      return perform(request, identity);
    } catch (Problem.Stop e) {
      return e.problem().reply();
    } catch (InvalidToken e) {
      return ofToken(e).reply();
    } catch (Refusal e) {
      return ofRefusal(e, identity == null || identity.isAnonymous()).reply();
    } catch (DatabaseUnavailable e) {
      LOG.warn("{} was not answered: {}", request.label(), String.valueOf(e.getMessage()));
      if (e.isPartitionMissing()) {
        partitionsMissing.increment();
        return partitionMissing().reply();
      }
      return (e.isDiskFull() ? diskFull() : unavailable()).reply();
    } catch (RuntimeException | Error e) {
      return fault(request, identity, e).reply();
    }
  }

  private Reply perform(RpcRequest request, Identity identity) {
    refuseOtherMethods(request);
    refuseOtherSchemas(request);
    boolean asObject = wantsObject(request);
    Arguments arguments = request.reads() ? fromQuery(request) : fromBody(request);
    CallableFunction function = catalogue.find(request.function(), arguments.names());
    if (request.reads() && function.writes()) {
      throw Problem.of(
              405, "25006", "cannot execute " + function.name() + " in a read-only transaction")
          .withHint("It writes, so call it with POST")
          .withHeader("Allow", "POST, OPTIONS")
          .stop();
    }
    LogSequenceNumber position = position(request);
    String statement = catalogue.statement(function, arguments.names());
    String json = arguments.json(function);
    if (function.writes()) {
      return lanes.inTurn(
          arguments.conversation(),
          () -> write(identity, request, function, asObject, statement, json));
    }
    ReadReplica.Answer answer =
        replica == null
            ? null
            : replica.call(identity.caller(), identity.userId(), position, statement, json);
    return reply(
        request,
        function,
        asObject,
        answer != null ? answer.json() : door.call(identity.caller(), true, statement, json));
  }

  private Reply write(
      Identity identity,
      RpcRequest request,
      CallableFunction function,
      boolean asObject,
      String statement,
      String json) {
    Supplier<Reply> write =
        () ->
            reply(
                request, function, asObject, door.call(identity.caller(), false, statement, json));
    return replica == null ? write.get() : writeBesideReplica(replica, identity, write);
  }

  /** What the answer or its failure leaves behind, the caller's next read must show. */
  private static Reply writeBesideReplica(
      ReadReplica replica, Identity identity, Supplier<Reply> write) {
    Reply reply;
    try {
      reply = write.get();
    } catch (RuntimeException e) {
      replica.told(identity.userId()); // a commit whose answer was lost stands all the same
      throw e;
    }
    LogSequenceNumber position = replica.written(identity.userId());
    return position == null ? reply : reply.withHeader(POSITION, position.asString());
  }

  private static @Nullable LogSequenceNumber position(RpcRequest request) {
    String text = request.position();
    if (text == null || text.isBlank()) {
      return null;
    }
    if (!LSN.matcher(text).matches()) {
      throw Problem.of(400, "PGRST100", "The header " + POSITION + " is no position of a log")
          .withHint(
              "Send the header of a write's answer as it came, for instance 16/B374D848, or none")
          .stop();
    }
    return LogSequenceNumber.valueOf(text);
  }

  private Identity identify(RpcRequest request) {
    String token = bearer(request.authorization());
    if (token == null) {
      token = request.apikey();
    }
    return token == null || token.isEmpty() ? Identity.anonymous() : tokens.verify(token);
  }

  private static @Nullable String bearer(@Nullable String authorization) {
    if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return null;
    }
    return authorization.substring(7).strip();
  }

  // ---- what is asked

  private static void refuseOtherMethods(RpcRequest request) {
    if (!request.reads() && !request.method().equals("POST")) {
      throw Problem.of(405, "PGRST101", "Cannot use the " + request.method() + " method on RPC")
          .withHint("Use POST, or GET and HEAD for a function that only reads")
          .withHeader("Allow", "GET, HEAD, POST, OPTIONS")
          .stop();
    }
  }

  private static void refuseOtherSchemas(RpcRequest request) {
    String profile = request.profile();
    if (profile != null && !profile.isEmpty() && !profile.equals("public")) {
      throw Problem.of(406, "PGRST106", "Invalid schema: " + profile)
          .withHint("Only the following schemas are exposed: public")
          .stop();
    }
  }

  /** Whether the caller wants one object instead of an array. */
  private static boolean wantsObject(RpcRequest request) {
    String accept = request.accept();
    if (accept == null || accept.isBlank()) {
      return false;
    }
    for (String one : accept.toLowerCase(Locale.ROOT).split(",", -1)) {
      String type = one.replace(" ", "");
      boolean stripped = type.contains("nulls=stripped");
      switch (type.split(";", 2)[0]) {
        case OBJECT -> {
          if (!stripped) {
            return true;
          }
        }
        case "*/*", "application/*", "application/json", ARRAY -> {
          if (!stripped) {
            return false;
          }
        }
        default -> {}
      }
    }
    throw Problem.of(406, "PGRST107", "None of these media types are available: " + accept)
        .withHint("Ask for application/json or " + OBJECT)
        .stop();
  }

  /** Arguments by name, and their JSON once the function and so their types are known. */
  private interface Arguments {
    Set<String> names();

    String json(CallableFunction function);

    /** The conversation it is about, when it says so. */
    default @Nullable String conversation() {
      return null;
    }
  }

  private record Body(Set<String> names, String json, @Nullable String conversation)
      implements Arguments {
    @Override
    public String json(CallableFunction function) {
      return json;
    }
  }

  private record Query(Map<String, String> values) implements Arguments {
    @Override
    public Set<String> names() {
      return values.keySet();
    }

    @Override
    public String json(CallableFunction function) {
      ObjectNode json = JSON.createObjectNode();
      values.forEach(
          (name, value) -> {
            // The database reads a text as any type, but for JSON a text is a value of its own.
            if (function.typeOf(name).startsWith("json")) {
              json.putRawValue(name, new RawValue(checkedJson(value)));
            } else {
              json.put(name, value);
            }
          });
      return JSON.writeValueAsString(json);
    }

    private static String checkedJson(String value) {
      try {
        return JSON.readTree(value).toString();
      } catch (JacksonException e) {
        throw Problem.of(400, "22P02", "invalid input syntax for type json")
            .withDetails(e.getOriginalMessage())
            .stop();
      }
    }
  }

  private Arguments fromQuery(RpcRequest request) {
    Map<String, String> values = new LinkedHashMap<>();
    for (Map.Entry<String, String> parameter : request.query()) {
      if (!catalogue.hasArgument(request.function(), parameter.getKey())) {
        refuseShaping(parameter);
        if (selectsAll(parameter)) {
          continue;
        }
        if (FILTER.matcher(parameter.getValue()).matches()) {
          throw notOffered(parameter.getKey()).stop();
        }
      }
      values.put(parameter.getKey(), parameter.getValue());
    }
    return new Query(values);
  }

  private static Arguments fromBody(RpcRequest request) {
    for (Map.Entry<String, String> parameter : request.query()) {
      refuseShaping(parameter);
      if (!selectsAll(parameter)) {
        throw notOffered(parameter.getKey()).stop();
      }
    }
    refuseOtherContent(request.contentType());
    String json = utf8(request.body());
    if (json.isBlank()) {
      return new Body(Set.of(), "{}", null);
    }
    Set<String> names = new LinkedHashSet<>();
    String conversation = null;
    // One pass finds the names and proves that the whole text is JSON; the text itself goes on
    // untouched.
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw badJson("Send the arguments as one JSON object").stop();
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        names.add(name);
        if (parser.nextToken() == JsonToken.VALUE_STRING && name.equals("conversation_id")) {
          conversation = parser.getString().toLowerCase(Locale.ROOT);
        }
        parser.skipChildren();
      }
      if (parser.nextToken() != null) {
        throw badJson("There is something after the JSON object").stop();
      }
    } catch (StreamConstraintsException e) {
      throw badJson(e.getOriginalMessage()).stop();
    } catch (JacksonException e) {
      TokenStreamLocation place = e.getLocation();
      throw badJson(
              place == null
                  ? null
                  : "At line " + place.getLineNr() + ", column " + place.getColumnNr())
          .stop();
    }
    return new Body(names, json, conversation);
  }

  private static boolean selectsAll(Map.Entry<String, String> parameter) {
    return parameter.getKey().equals("select") && parameter.getValue().equals("*");
  }

  private static void refuseShaping(Map.Entry<String, String> parameter) {
    if (SHAPING.contains(parameter.getKey()) && !selectsAll(parameter)) {
      throw notOffered(parameter.getKey()).stop();
    }
  }

  private static Problem notOffered(String parameter) {
    return Problem.of(
            400,
            "PGRST100",
            "\"" + parameter + "\" cannot be used on the result of a function here")
        .withHint(
            "Use the function's own arguments; for select, filters, order and limit run PostgREST beside this service on the same database");
  }

  private static void refuseOtherContent(@Nullable String contentType) {
    if (contentType == null || contentType.isBlank()) {
      return;
    }
    String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (!type.equals("application/json")) {
      throw Problem.of(400, "PGRST102", "Content-Type not acceptable: " + type)
          .withHint("Send application/json")
          .stop();
    }
  }

  private static String utf8(ByteBuffer body) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(body.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw badJson("The body is not UTF-8").stop();
    }
  }

  private static Problem badJson(@Nullable String details) {
    return Problem.of(400, "PGRST102", "Empty or invalid json").withDetails(details);
  }

  // ---- what is answered

  private static Reply reply(
      RpcRequest request, CallableFunction function, boolean asObject, @Nullable String result) {
    return switch (function.result()) {
      case VOID -> Reply.noContent();
      case SCALAR, COMPOSITE -> {
        String type = asObject ? OBJECT + "; charset=utf-8" : Reply.JSON_TYPE;
        yield new Reply(
            200,
            type,
            Map.of("Content-Range", range(1, request)),
            result == null ? "null" : result);
      }
      case SET -> rows(request, asObject, result == null ? "[]" : result);
    };
  }

  private static Reply rows(RpcRequest request, boolean asObject, String array) {
    int count = 0;
    long firstStart = 0;
    long firstEnd = 0;
    try (JsonParser parser = RESULTS.createParser(ObjectReadContext.empty(), array)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (count == 0) {
          firstStart = parser.currentTokenLocation().getCharOffset();
        }
        parser.skipChildren();
        parser.finishToken(); // a text is read lazily, and its end is wanted
        if (count == 0) {
          firstEnd = parser.currentLocation().getCharOffset();
        }
        count++;
      }
    }
    Map<String, String> headers = Map.of("Content-Range", range(count, request));
    if (!asObject) {
      return new Reply(200, Reply.JSON_TYPE, headers, array);
    }
    if (count != 1) {
      throw Problem.of(406, "PGRST116", "Cannot coerce the result to a single JSON object")
          .withDetails("The result contains " + count + " rows")
          .stop();
    }
    String object = array.substring((int) firstStart, (int) firstEnd);
    return new Reply(200, OBJECT + "; charset=utf-8", headers, object);
  }

  private static String range(int count, RpcRequest request) {
    return (count == 0 ? "*" : "0-" + (count - 1)) + "/" + (request.wantsCount() ? count : "*");
  }

  // ---- what is refused

  private static Problem switchedOff() {
    return Problem.of(503, "PT503", "The chat is switched off")
        .withHint("Whoever runs the service set CHAT_ENABLED=false; try again later");
  }

  private static Problem unavailable() {
    return Problem.of(503, "PGRST000", "The database cannot be reached now")
        .withHint("Try again in a moment")
        .withHeader("Retry-After", "1");
  }

  private static Problem partitionMissing() {
    return Problem.of(503, "PT503", "The database has no partition for the messages of this month")
        .withDetails("Nothing was sent, and it could not be made just now")
        .withHint("Whoever runs the service calls chat.ensure_message_partitions(); then try again")
        .withHeader("Retry-After", "5");
  }

  /** As PostgREST answers the whole class 53. */
  private static Problem diskFull() {
    return Problem.of(503, "53100", "The database's disk is full, so nothing new can be kept")
        .withDetails("Nothing was changed")
        .withHint("Whoever runs the service must make room; then try again")
        .withHeader("Retry-After", "5");
  }

  private static Problem ofToken(InvalidToken e) {
    Problem problem =
        switch (e.reason()) {
          case MALFORMED, BAD_SIGNATURE -> Problem.of(401, "PGRST301", e.getMessage());
          case EXPIRED, NOT_YET_VALID, MISSING_CLAIM, WRONG_AUDIENCE, WRONG_ISSUER ->
              Problem.of(401, "PGRST303", e.getMessage());
          case UNKNOWN_ROLE -> Problem.of(401, "22023", e.getMessage());
          case KEYS_UNAVAILABLE ->
              Problem.of(503, "PGRST301", e.getMessage()).withHeader("Retry-After", "5");
        };
    return problem.status() == 401
        ? problem.withHeader(
            "WWW-Authenticate",
            "Bearer error=\"invalid_token\", error_description=\""
                + e.getMessage().replace('"', '\'')
                + "\"")
        : problem;
  }

  private static Problem tooSlow(Refusal refusal) {
    return Problem.of(503, "PT503", "The database took too long, so it was stopped")
        .withDetails(refusal.getMessage())
        .withHint("Nothing was changed. Try again in a moment, or ask for less at once")
        .withHeader("Retry-After", "1");
  }

  private static Problem ofRefusal(Refusal refusal, boolean anonymous) {
    if (refusal.reason() == Refusal.Reason.TOO_SLOW) {
      return tooSlow(refusal);
    }
    int status = status(refusal.code(), anonymous);
    Problem problem =
        Problem.of(status, refusal.code(), String.valueOf(refusal.getMessage()))
            .withDetails(refusal.details())
            .withHint(refusal.hint());
    return switch (status) {
      case 401 -> problem.withHeader("WWW-Authenticate", "Bearer");
      case 503 -> problem.withHeader("Retry-After", "1");
      default -> problem;
    };
  }

  /** PostgREST's table of SQLSTATEs, as far as they are refusals. */
  private static int status(String sqlState, boolean anonymous) {
    return switch (sqlState) {
      case "42501" -> anonymous ? 401 : 403;
      case "23503", "23505" -> 409;
      case "25006" -> 405;
      case "P0001" -> 400;
      case "53400" -> 500;
      default ->
          switch (sqlState.substring(0, Math.min(2, sqlState.length()))) {
            case "PT" -> statusInCode(sqlState);
            case "08", "53" -> 503;
            case "25", "40", "54", "55", "57", "58", "P0", "XX" -> 500;
            default -> 400;
          };
    };
  }

  private static int statusInCode(String sqlState) {
    return sqlState.matches("PT[45]\\d\\d") ? Integer.parseInt(sqlState.substring(2)) : 500;
  }

  private static Problem fault(RpcRequest request, @Nullable Identity identity, Throwable cause) {
    String known = MDC.get(RequestId.FIELD);
    String id = known == null ? RequestId.of(null) : known;
    LOG.error(
        "{} failed as request {} of {}; the client hears \"internal\"",
        request.label(),
        id,
        identity == null
            ? "nobody yet"
            : identity.userId() != null ? identity.userId() : identity.role(),
        cause);
    return Problem.of(500, "PGRSTX00", "internal")
        .withDetails("request " + id)
        .withHint("Name this request to whoever runs the service")
        .withHeader("X-Request-Id", id);
  }
}
