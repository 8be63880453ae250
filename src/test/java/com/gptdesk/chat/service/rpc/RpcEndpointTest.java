package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rest.NoTables;
import com.gptdesk.chat.service.rpc.CallableFunction.Result;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a client hears for what it asks, with a database played by this test. */
class RpcEndpointTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final UUID ALICE = UUID.randomUUID();
  private static final String ALICES_TOKEN =
      new TokenIssuer(SECRET).forUser(ALICE, Duration.ofHours(1));
  private static final JsonMapper JSON = new JsonMapper();
  private static final String MESSAGES = "{\"conversation_id\":1}";

  private record Asked(Caller caller, boolean readOnly, String statement, String arguments) {}

  private final List<Asked> asked = new ArrayList<>();
  private final List<CallableFunction> functions =
      new ArrayList<>(
          List.of(
              function(
                  "send_message", true, Result.COMPOSITE, 2, "conversation_id", "content", "id"),
              function("get_messages", false, Result.SET, 1, "conversation_id", "page_size"),
              function("unread", false, Result.SCALAR, 0),
              function("block_user", true, Result.VOID, 1, "user_id"),
              new CallableFunction(
                  "with_json",
                  false,
                  Result.SCALAR,
                  List.of("metadata", "ids"),
                  List.of("jsonb", "uuid[]"),
                  0,
                  true),
              function("twice", false, Result.SCALAR, 1, "a", "b"),
              function("twice", false, Result.SCALAR, 1, "a", "c")));

  private @Nullable String result = "null";
  private @Nullable RuntimeException failure;
  private int readings;
  private int statements;
  private long nanos = Long.MAX_VALUE - 5; // nanoTime may overflow

  private final FunctionCatalogue catalogue =
      new FunctionCatalogue(
          new FunctionCatalogue.Source() {
            @Override
            public List<CallableFunction> functions() {
              readings++;
              return List.copyOf(functions);
            }

            @Override
            public String statement(CallableFunction function, List<String> arguments) {
              statements++;
              return function.name() + arguments;
            }

            @Override
            public String rows(CallableFunction function, List<String> arguments, boolean withRow) {
              return "select r.* from " + function.name() + "(?) r";
            }

            @Override
            public Set<String> timeZones() {
              return Set.of("Europe/Berlin");
            }
          },
          () -> nanos);
  private final RpcEndpoint gateway = gateway(true);

  // ---- shapes

  @Test
  void aScalarIsBareJson() {
    result = "3";
    Reply reply = gateway.answer(post("unread", "{}").build());
    assertEquals(200, reply.status());
    assertEquals("3", reply.body());
    assertEquals("application/json; charset=utf-8", reply.contentType());
  }

  @Test
  void nothingIs204WithoutABody() {
    result = null;
    Reply reply = gateway.answer(post("block_user", "{\"user_id\":\"x\"}").build());
    assertEquals(204, reply.status());
    assertNull(reply.body());
    assertNull(reply.contentType());
  }

  @Test
  void rowsAreAnArrayWithTheirRange() {
    result = "[{\"a\":[1,2]},{\"a\":null}]";
    Reply reply = gateway.answer(post("get_messages", "{\"conversation_id\":1}").build());
    assertEquals(result, reply.body());
    assertEquals("0-1/*", reply.headers().get("Content-Range"));

    Reply counted =
        gateway.answer(
            post("get_messages", "{\"conversation_id\":1}").prefer("count=exact").build());
    assertEquals("0-1/2", counted.headers().get("Content-Range"));

    result = "[]";
    Reply none = gateway.answer(post("get_messages", "{\"conversation_id\":1}").build());
    assertEquals("[]", none.body());
    assertEquals("*/*", none.headers().get("Content-Range"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"a\":[1,{\"b\":\"]\"}]}", "\"text é 😀\"", "12", "null", "[1]"})
  void singleTakesTheOneRow(String row) {
    result = " [ " + row + " ] ";
    Reply reply =
        gateway.answer(post("get_messages", "{\"conversation_id\":1}").accept(OBJECT).build());
    assertEquals(200, reply.status());
    assertEquals(row, reply.body());
    assertEquals(OBJECT + "; charset=utf-8", reply.contentType());
  }

  @ParameterizedTest
  @CsvSource({"'[]', 0", "'[1,2]', 2"})
  void singleRefusesNoneAndMany(String rows, int count) {
    result = rows;
    Reply reply =
        gateway.answer(post("get_messages", "{\"conversation_id\":1}").accept(OBJECT).build());
    assertProblem(reply, 406, "PGRST116", "Cannot coerce the result to a single JSON object");
    assertEquals(
        "The result contains " + count + " rows", json(reply).path("details").stringValue());
  }

  @Test
  void whatTheDatabaseMadeIsReadWhateverItHolds() {
    result = "[{\"n\":1" + "0".repeat(5000) + "}," + "[".repeat(2000) + "]".repeat(2000) + "]";
    Reply reply = gateway.answer(post("get_messages", "{\"conversation_id\":1}").build());
    assertEquals(200, reply.status());
    assertEquals("0-1/*", reply.headers().get("Content-Range"));
  }

  // ---- preferences

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "count=exact                                    | count=exact",
        "count=exact, count=planned                     | count=exact",
        "return=representation, resolution=merge-duplicates | ",
        "timezone=Europe/Berlin                         | timezone=Europe/Berlin",
        "timezone=Mars/Olympus                          | ",
        "max-affected=9                                 | ",
        "handling=lenient, max-affected=9               | handling=lenient",
        "handling=strict, max-affected=9                | handling=strict, max-affected=9",
        "handling=strict,tx=commit                      | handling=strict",
        "tx=rollback                                    | ",
        "handling=lenient, anything                     | handling=lenient"
      })
  void whatIsObeyedIsNamed(String prefer, @Nullable String applied) {
    result = "[]";
    Reply reply = gateway.answer(post("get_messages", MESSAGES).prefer(prefer).build());
    assertEquals(200, reply.status(), reply.body());
    assertEquals(applied, reply.headers().get("Preference-Applied"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tx=rollback",
        "timezone=Mars/Olympus",
        "max-affected=many",
        "count=all",
        "anything",
        "timezone"
      })
  void whatIsNotObeyedIsRefusedWhenStrict(String prefer) {
    Reply reply =
        gateway.answer(post("get_messages", MESSAGES).prefer(prefer + ", handling=strict").build());
    assertProblem(reply, 400, "PGRST122", "Invalid preferences given with handling=strict");
    assertEquals("Invalid preferences: " + prefer, json(reply).path("details").stringValue());
    assertTrue(asked.isEmpty());
  }

  @Test
  void noMoreRowsAreAffectedThanAllowed() {
    result = "[1,2]";
    Call call = post("get_messages", MESSAGES);
    assertEquals(
        200, gateway.answer(call.prefer("handling=strict, max-affected=2").build()).status());
    Reply reply = gateway.answer(call.prefer("handling=strict, max-affected=1").build());
    assertProblem(
        reply, 400, "PGRST124", "Query result exceeds max-affected preference constraint");
    assertEquals("The query affects 2 rows", json(reply).path("details").stringValue());
    assertProblem(
        gateway.answer(post("unread", "{}").prefer("handling=strict, max-affected=1").build()),
        400,
        "PGRST128",
        "Function must return SETOF or TABLE when max-affected preference is used with handling=strict");
  }

  // ---- who and how

  @Test
  void theTokenSaysWhoAndWinsOverTheKey() {
    gateway.answer(post("unread", "").bearer(ALICES_TOKEN).apikey("sb_publishable_x").build());
    assertEquals(Caller.Role.AUTHENTICATED, asked.getFirst().caller().role());

    gateway.answer(post("unread", "").bearer("sb_publishable_x").apikey(ALICES_TOKEN).build());
    assertEquals(Caller.Role.ANON, asked.get(1).caller().role());

    gateway.answer(post("unread", "").apikey(ALICES_TOKEN).build());
    assertEquals(Caller.Role.AUTHENTICATED, asked.get(2).caller().role());

    gateway.answer(post("unread", "").build());
    assertEquals(Caller.Role.ANON, asked.get(3).caller().role());
  }

  @Test
  void aBadTokenIsRefusedBeforeTheDatabaseIsAsked() {
    Reply reply = gateway.answer(post("unread", "").bearer(ALICES_TOKEN + "x").build());
    assertProblem(reply, 401, "PGRST301", "JWT signature does not match");
    assertTrue(
        reply.headers().get("WWW-Authenticate").startsWith("Bearer error=\"invalid_token\""));

    String expired = new TokenIssuer(SECRET).forUser(ALICE, Duration.ofMinutes(-1));
    assertProblem(
        gateway.answer(post("unread", "").bearer(expired).build()), 401, "PGRST303", "JWT expired");
    assertTrue(asked.isEmpty());
  }

  @Test
  void whatOnlyReadsRunsReadOnly() {
    gateway.answer(post("unread", "{}").build());
    gateway.answer(post("send_message", "{\"conversation_id\":1,\"content\":\"hi\"}").build());
    assertTrue(asked.get(0).readOnly());
    assertFalse(asked.get(1).readOnly());
  }

  @Test
  void argumentsAreHandedOnAsTheyCame() {
    String body = "{ \"content\": \"\\u00e9 😀\", \"conversation_id\": 1e2 }";
    gateway.answer(post("send_message", body).build());
    assertEquals(body, asked.getFirst().arguments());
    assertEquals("send_message[content, conversation_id]", asked.getFirst().statement());
  }

  @Test
  void getTakesArgumentsFromTheQuery() {
    result = "[]";
    gateway.answer(
        get("get_messages", "conversation_id", "c", "page_size", "5", "select", "*").build());
    assertEquals("{\"conversation_id\":\"c\",\"page_size\":\"5\"}", asked.getFirst().arguments());
    assertTrue(asked.getFirst().readOnly());

    gateway.answer(get("with_json", "metadata", "{\"a\": 1}", "ids", "{1,2}").build());
    assertEquals("{\"metadata\":{\"a\":1},\"ids\":\"{1,2}\"}", asked.get(1).arguments());
    assertProblem(
        gateway.answer(get("with_json", "metadata", "{a").build()),
        400,
        "22P02",
        "invalid input syntax for type json");
  }

  @Test
  void getMayNotWrite() {
    Reply reply = gateway.answer(get("block_user", "user_id", "x").build());
    assertProblem(reply, 405, "25006", "cannot execute block_user in a read-only transaction");
    assertTrue(asked.isEmpty());
    assertProblem(
        gateway.answer(call("DELETE", "unread").build()),
        405,
        "PGRST101",
        "Cannot use the DELETE method on RPC");
  }

  // ---- what there is

  @Test
  void anUnknownFunctionNamesItsNeighbour() {
    Reply reply = gateway.answer(post("send_mesage", "{\"content\":\"hi\"}").build());
    assertProblem(
        reply,
        404,
        "PGRST202",
        "Could not find the function public.send_mesage(content) in the schema cache");
    assertEquals(
        "Perhaps you meant to call the function public.send_message(conversation_id, content, id (optional))",
        json(reply).path("hint").stringValue());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"content\":\"hi\"}",
        "{\"conversation_id\":1,\"content\":\"hi\",\"colour\":\"red\"}",
        "{\"Conversation_id\":1,\"content\":\"hi\"}",
        "{}"
      })
  void argumentsMustFit(String body) {
    Reply reply = gateway.answer(post("send_message", body).build());
    assertEquals(404, reply.status());
    assertEquals("PGRST202", json(reply).path("code").stringValue());
    assertTrue(
        json(reply).path("hint").stringValue().contains("conversation_id, content, id (optional)"));
    assertTrue(asked.isEmpty());
  }

  @Test
  void overloadsAreToldApartByTheirArguments() {
    assertEquals(200, gateway.answer(post("twice", "{\"a\":1,\"b\":2}").build()).status());
    Reply reply = gateway.answer(post("twice", "{\"a\":1}").build());
    assertEquals(300, reply.status());
    assertEquals("PGRST203", json(reply).path("code").stringValue());
  }

  @Test
  void aNewFunctionIsNoticedButNotLookedForAllTheTime() {
    gateway.answer(post("unread", "{}").build());
    assertEquals(1, readings);

    functions.add(function("brand_new", false, Result.SCALAR, 0));
    assertEquals(404, gateway.answer(post("brand_new", "{}").build()).status());
    assertEquals(1, readings, "read a moment ago");

    nanos += Duration.ofSeconds(2).toNanos();
    assertEquals(200, gateway.answer(post("brand_new", "{}").build()).status());
    assertEquals(2, readings);
    for (int i = 0; i < 10; i++) {
      gateway.answer(post("nowhere", "{}").build());
    }
    assertEquals(2, readings);
  }

  @Test
  void statementsAreKeptWhileTheFunctionsStayTheSame() {
    gateway.answer(post("unread", "{}").build());
    nanos += Duration.ofSeconds(2).toNanos();
    gateway.answer(post("nowhere", "{}").build());
    gateway.answer(post("unread", "{}").build());
    assertEquals(2, readings);
    assertEquals(1, statements);

    functions.add(function("brand_new", false, Result.SCALAR, 0));
    nanos += Duration.ofSeconds(2).toNanos();
    gateway.answer(post("nowhere", "{}").build());
    gateway.answer(post("unread", "{}").build());
    assertEquals(2, statements);
  }

  // ---- what is not understood

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[]",
        "\"a\"",
        "null",
        "{\"a\":1}{}",
        "{\"a\":1} x",
        "{'a':1}",
        "{\"a\":01}",
        "nope"
      })
  void aBodyIsOneJsonObject(String body) {
    Reply reply = gateway.answer(post("unread", body).build());
    assertProblem(reply, 400, "PGRST102", "Empty or invalid json");
    assertTrue(asked.isEmpty());
  }

  @Test
  void aBodyIsUtf8AndJson() {
    byte[] broken = {'{', '"', (byte) 0xff, '"', ':', '1', '}'};
    assertProblem(
        gateway.answer(post("unread", "").body(broken).build()),
        400,
        "PGRST102",
        "Empty or invalid json");
    assertProblem(
        gateway.answer(post("unread", "{}").contentType("text/plain").build()),
        400,
        "PGRST102",
        "Content-Type not acceptable: text/plain");
    assertEquals(
        200,
        gateway
            .answer(post("unread", "{}").contentType("application/json;charset=utf-8").build())
            .status());
    assertEquals(200, gateway.answer(post("unread", "").build()).status(), "no body, no arguments");
  }

  @Test
  void otherSchemasAreNotThere() {
    assertProblem(
        gateway.answer(post("unread", "{}").profile("chat").build()),
        406,
        "PGRST106",
        "Invalid schema: chat");
    assertEquals(200, gateway.answer(post("unread", "{}").profile("public").build()).status());
  }

  @Test
  void otherFormatsAreNotMade() {
    assertEquals(406, gateway.answer(post("unread", "{}").accept("text/csv").build()).status());
    assertEquals(
        200, gateway.answer(post("unread", "{}").accept("text/html, */*;q=0.8").build()).status());
    assertEquals(
        406,
        gateway.answer(post("unread", "{}").accept(OBJECT + ";nulls=stripped").build()).status());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\u0001',
      value = {
        "select | id,n:seq | select \"t0\".\"id\" as \"id\", \"t0\".\"seq\" as \"n\" from \"rest_source\" as \"t0\"",
        "select | s:seq::text | cast(\"t0\".\"seq\" as text) as \"s\"",
        "order | seq.desc,id.asc.nullsfirst | order by \"t0\".\"seq\" desc, \"t0\".\"id\" asc nulls first",
        "limit | 5 | fetch next ? rows only",
        "offset | 5 | offset ? rows",
        "seq | gt.5 | where (\"t0\".\"seq\" > cast(? as bigint))",
        "seq | not.is.null | not (\"t0\".\"seq\" is null)",
        "content | imatch.^a[bc] | \"t0\".\"content\" ~* cast(? as text)",
        "content | like(any).{*a*,b} | \"t0\".\"content\" like any (cast(? as text[]))",
        "content | in.(a,\"b,c\",d) | \"t0\".\"content\" = any (cast(? as text[]))"
      })
  void resultsAreShapedByTheDatabase(String name, String value, String part) {
    result = "7 [{\"a\":1},{\"a\":2}]";
    Reply get = gateway.answer(get("get_messages", "conversation_id", "c", name, value).build());
    assertEquals(200, get.status(), get.body());
    assertEquals("[{\"a\":1},{\"a\":2}]", get.body());
    String statement = asked.getLast().statement();
    assertTrue(statement.contains("(select r.* from get_messages(?) r)"), statement);
    assertTrue(statement.contains(part), statement);
    Reply post =
        gateway.answer(post("get_messages", "{\"conversation_id\":1}").query(name, value).build());
    assertEquals(get.body(), post.body());
    assertEquals(statement, asked.getLast().statement());
  }

  @Test
  void aPartOfTheRowsSaysWhichItIs() {
    result = "7 [1,2]";
    Call call =
        post("get_messages", "{\"conversation_id\":1}").query("limit", "2").query("offset", "3");
    assertEquals("3-4/*", gateway.answer(call.build()).headers().get("Content-Range"));
    Reply counted = gateway.answer(call.prefer("count=exact").build());
    assertEquals(206, counted.status());
    assertEquals("3-4/7", counted.headers().get("Content-Range"));
    result = "2 []";
    assertProblem(
        gateway.answer(call.prefer("count=exact").build()),
        416,
        "PGRST103",
        "Requested range not satisfiable");
    result = "1 [{\"id\":1}]";
    Reply row =
        gateway.answer(
            post("send_message", "{\"conversation_id\":1,\"content\":\"hi\"}")
                .query("select", "id")
                .build());
    assertEquals("{\"id\":1}", row.body(), "a row stays an object");
    assertEquals("application/json; charset=utf-8", row.contentType());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "columns | a",
        "order | seq.up",
        "limit | x",
        "offset | 1;2",
        "or | a.eq.1",
        "or | (a.eq.1",
        "or | (a.eq.1))",
        "seq | in.1",
        "seq | is.five",
        "seq | in(any).(1)",
        "a\"b | eq.1",
        "seq | nonsense"
      })
  void whatCannotBeReadIsRefused(String name, String value) {
    Reply post =
        gateway.answer(post("get_messages", "{\"conversation_id\":1}").query(name, value).build());
    assertEquals(400, post.status(), post.body());
    assertEquals("PGRST100", json(post).path("code").stringValue());
    assertTrue(asked.isEmpty());
  }

  @Test
  void onlyRowsAreShaped() {
    assertEquals(
        "PGRST100",
        json(gateway.answer(post("unread", "{}").query("limit", "1").build()))
            .path("code")
            .stringValue());
    assertTrue(asked.isEmpty());
  }

  // ---- what the database refuses

  @ParameterizedTest
  @CsvSource({
    "23505, 409, 409", "23503, 409, 409", "23502, 400, 400", "23514, 400, 400", "22P02, 400, 400",
    "P0001, 400, 400", "42501, 403, 401", "PT403, 403, 403", "PT413, 413, 413", "PT200, 500, 500",
    "PTabc, 500, 500", "25006, 405, 405", "40P01, 500, 500", "54001, 500, 500"
  })
  void refusalsKeepTheirCode(String code, int known, int anonymous) {
    failure = new Refusal(code, "no", "because", "do this", null);
    Reply reply = gateway.answer(post("unread", "{}").bearer(ALICES_TOKEN).build());
    assertProblem(reply, known, code, "no");
    assertEquals("because", json(reply).path("details").stringValue());
    assertEquals("do this", json(reply).path("hint").stringValue());
    assertEquals("PostgREST; error=" + code, reply.headers().get("Proxy-Status"));

    Reply toNobody = gateway.answer(post("unread", "{}").build());
    assertEquals(anonymous, toNobody.status());
    assertEquals(anonymous == 401 ? "Bearer" : null, toNobody.headers().get("WWW-Authenticate"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"57014", "55P03"})
  void whatTookTooLongMayBeTriedAgain(String code) {
    failure = new Refusal(code, "canceling statement", null, null, null);
    Reply reply = gateway.answer(post("unread", "{}").bearer(ALICES_TOKEN).build());
    assertProblem(reply, 503, "PT503", "The database took too long, so the call was stopped");
    assertEquals("canceling statement", json(reply).path("details").stringValue());
    assertEquals("1", reply.headers().get("Retry-After"));
  }

  @Test
  void aDatabaseThatIsAwayIsNotAnInternalError() {
    failure = new DatabaseUnavailable("connection refused", new SQLException());
    Reply reply = gateway.answer(post("unread", "{}").build());
    assertEquals(503, reply.status());
    assertEquals("1", reply.headers().get("Retry-After"));
    assertKeys(reply);
  }

  @Test
  void aFullDiskIsNamedWithWhatHelps() {
    failure = new DatabaseUnavailable("full", new SQLException("could not extend file", "53100"));
    Reply reply = gateway.answer(post("unread", "{}").build());
    assertProblem(reply, 503, "53100", "The database's disk is full, so nothing new can be stored");
    assertTrue(json(reply).path("hint").stringValue().contains("has to free space"));
    assertEquals("5", reply.headers().get("Retry-After"));
  }

  @Test
  void aMissingPartitionIsOurFault() {
    failure = new DatabaseUnavailable("no partition", new SQLException("no partition", "23514"));
    Reply reply = gateway.answer(post("unread", "{}").build());
    assertProblem(
        reply, 503, "PT503", "The database has no partition for the messages of this month");
    assertEquals(1, gateway.partitionsMissing());
  }

  @Test
  void aFaultSaysNothingButItsNumber() {
    failure = new IllegalStateException("column \"secret\" of table \"vault\"");
    Reply reply = gateway.answer(post("unread", "{}").build());
    assertProblem(reply, 500, "PGRSTX00", "internal");
    assertFalse(String.valueOf(reply.body()).contains("vault"));
    assertTrue(
        json(reply).path("details").stringValue().contains(reply.headers().get("X-Request-Id")));
  }

  @Test
  void onlyOfAnOperatorsFunctionIsToldWhatIsWrong() {
    failure =
        new IllegalStateException(
            new PSQLException(
                new ServerErrorMessage("SERROR\0C42P01\0Mrelation \"vault\" does not exist\0")));
    functions.add(
        new CallableFunction("theirs", true, Result.SCALAR, List.of(), List.of(), 0, false));
    Reply ours = gateway.answer(post("unread", "{}").build());
    assertProblem(ours, 500, "PGRSTX00", "internal");
    assertFalse(String.valueOf(ours.body()).contains("vault"));
    assertProblem(
        gateway.answer(post("theirs", "{}").build()),
        404,
        "42P01",
        "relation \"vault\" does not exist");
  }

  @Test
  void whoCallsTooOftenIsHeldUp() {
    RpcEndpoint strict =
        gateway(new RequestLimits(1, 1_000_000, () -> 0), true); // no second passes
    Call alices = post("unread", "{}").bearer(ALICES_TOKEN);
    assertEquals(200, strict.answer(alices.build()).status()); // the control
    assertEquals(200, strict.answer(alices.build()).status()); // twice as many at once
    Reply reply = strict.answer(alices.build());
    assertProblem(reply, 429, "PT429", "Too many requests of one person");
    assertEquals("1", reply.headers().get("Retry-After"));

    String bobs = new TokenIssuer(SECRET).forUser(UUID.randomUUID(), Duration.ofHours(1));
    assertEquals(200, strict.answer(post("unread", "{}").bearer(bobs).build()).status());
  }

  @Test
  void switchedOffSaysSo() {
    Reply reply = gateway(false).answer(post("unread", "{}").build());
    assertProblem(reply, 503, "PT503", "The chat is switched off");
    assertTrue(asked.isEmpty());
  }

  // ---- helpers

  private static final String OBJECT = "application/vnd.pgrst.object+json";

  private RpcEndpoint gateway(boolean enabled) {
    return gateway(RequestLimits.ample(), enabled);
  }

  private RpcEndpoint gateway(RequestLimits limits, boolean enabled) {
    DatabaseCall database =
        (caller, readOnly, statement, arguments) -> {
          asked.add(new Asked(caller, readOnly, statement, arguments));
          if (failure != null) {
            throw failure;
          }
          return result;
        };
    return new RpcEndpoint(
        catalogue,
        NoTables.rows(),
        database,
        new TokenVerifier(TokenSettings.ofSecret(SECRET)),
        limits,
        enabled);
  }

  private static CallableFunction function(
      String name, boolean writes, Result result, int required, String... arguments) {
    List<String> types = java.util.Collections.nCopies(arguments.length, "text");
    Map<String, String> columns = new LinkedHashMap<>();
    if (result == Result.SET || result == Result.COMPOSITE) {
      columns.putAll(Map.of("id", "uuid", "seq", "bigint", "content", "text"));
    }
    return new CallableFunction(
        name,
        writes,
        result,
        List.of(arguments),
        types,
        required,
        true,
        new FunctionRows.Result(null, columns),
        Set.of(),
        null);
  }

  private static void assertProblem(Reply reply, int status, String code, String message) {
    assertEquals(status, reply.status(), reply.body());
    assertKeys(reply);
    assertEquals(code, json(reply).path("code").stringValue());
    assertEquals(message, json(reply).path("message").stringValue());
  }

  private static void assertKeys(Reply reply) {
    Set<String> keys = new HashSet<>();
    json(reply).propertyNames().forEach(keys::add);
    assertEquals(Set.of("code", "details", "hint", "message"), keys);
  }

  private static JsonNode json(Reply reply) {
    return JSON.readTree(reply.body());
  }

  private static Call post(String function, String body) {
    return call("POST", function)
        .body(body.getBytes(StandardCharsets.UTF_8))
        .contentType("application/json");
  }

  private static Call get(String function, String... query) {
    Call call = call("GET", function);
    for (int i = 0; i < query.length; i += 2) {
      call.query(query[i], query[i + 1]);
    }
    return call;
  }

  private static Call call(String method, String function) {
    return new Call(method, function);
  }

  /** A request, told bit by bit. */
  private static final class Call {
    private final String method;
    private final String function;
    private final List<Map.Entry<String, String>> query = new ArrayList<>();
    private @Nullable String authorization;
    private @Nullable String apikey;
    private @Nullable String profile;
    private @Nullable String accept = "*/*";
    private @Nullable String contentType;
    private @Nullable String prefer;
    private byte[] body = {};

    Call(String method, String function) {
      this.method = method;
      this.function = function;
    }

    Call query(String name, String value) {
      query.add(Map.entry(name, value));
      return this;
    }

    Call bearer(String token) {
      authorization = "Bearer " + token;
      return this;
    }

    Call apikey(String key) {
      apikey = key;
      return this;
    }

    Call profile(String schema) {
      profile = schema;
      return this;
    }

    Call accept(String type) {
      accept = type;
      return this;
    }

    Call contentType(String type) {
      contentType = type;
      return this;
    }

    Call prefer(String preference) {
      prefer = preference;
      return this;
    }

    Call body(byte[] bytes) {
      body = bytes;
      return this;
    }

    RpcRequest build() {
      return new RpcRequest(
          method,
          function,
          query,
          authorization,
          apikey,
          profile,
          accept,
          contentType,
          prefer,
          null,
          ByteBuffer.wrap(body));
    }
  }
}
