package com.gptdesk.chat.service.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The cases of {@code src/test/resources/rest/grammar.txt}, and requests that ask for too much. */
class RestGrammarTest {
  private static final JsonMapper JSON = JsonMapper.shared();

  private static TestDatabase database;
  private static TableClient alice;

  @BeforeAll
  static void open() throws IOException {
    database = TestDatabase.fresh();
    database.asOwner(resource("world.sql"));
    alice =
        TableClient.of(
            database,
            new RestLimits(
                List.of(
                    "things",
                    "notes",
                    "parts",
                    "covers",
                    "marks",
                    "groups",
                    "thing_groups",
                    "likes",
                    "trees",
                    "replies",
                    "open_*"),
                RestLimits.DEFAULT.maxRows(),
                RestLimits.DEFAULT.maxDepth(),
                RestLimits.DEFAULT.statementTimeout()),
            List.of("note_*", "notes", "loop_*", "thing_note"),
            false,
            database.alice().id());
  }

  @AfterAll
  static void close() {
    assertEquals("5", database.ownerReads("select count(*) from public.things"));
    database.close();
  }

  static Stream<String> cases() throws IOException {
    return resource("grammar.txt")
        .lines()
        .filter(line -> line.contains(" =>") && !line.startsWith("#"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void caseOf(String line) {
    String query = line.substring(0, line.lastIndexOf(" =>"));
    String expected = line.substring(line.lastIndexOf(" =>") + 3).strip();
    boolean hasTable = query.matches("(?s)[^?=&.]+\\?.*");
    String address =
        hasTable
            ? query
            : "things?select=id&" + query + (query.contains("order=") ? "" : "&order=id");
    Reply reply = alice.get(address);
    String body = String.valueOf(reply.body());
    if (expected.matches("\\d{3} \\w{5,}")) {
      assertEquals(
          expected, reply.status() + " " + JSON.readTree(body).path("code").asString(), body);
    } else if (expected.startsWith("[")) {
      assertEquals(200, reply.status(), body);
      assertEquals(JSON.readTree(expected), JSON.readTree(body));
    } else {
      assertEquals(200, reply.status(), body);
      assertEquals(expected, ids(body));
    }
  }

  private static String ids(String body) {
    return JSON.readTree(body)
        .valueStream()
        .map(row -> row.path("id").asString())
        .collect(Collectors.joining(","));
  }

  @Test
  void whatIsTooMuchIsRefused() {
    String deepTree = "or(".repeat(30) + "id.eq.1" + ")".repeat(30);
    refused("things?or=(" + deepTree + ")");
    refused("things?data" + "->a".repeat(30) + "=eq.1");
    refused("things?select=" + many(201, "id"));
    refused("things?order=" + many(21, "id"));
    refused("things?id=in.(" + many(1001, "1") + ")");
    refused(
        "things?"
            + IntStream.range(0, 101).mapToObj(i -> "id=gt.0").collect(Collectors.joining("&")));
    refused("things?name=eq." + "x".repeat(40_000));
    refused("things?or=(" + many(501, "id.eq.1") + ")");
    // Conditions on what is embedded are multiplied by each mention of it.
    String mentions = many(40, "n.is.null");
    refused(
        "things?select=id,n:notes(id,n:things(id,n:notes(id)))&or=(%s)&n.or=(%s)&n.n.or=(%s)"
            .formatted(mentions, mentions, mentions));
    // The control: just as much as is allowed.
    assertEquals(200, alice.get("things?select=" + many(200, "id")).status());
    assertEquals(200, alice.get("things?id=in.(" + many(1000, "1") + ")").status());
    assertEquals(200, alice.get("things?or=(" + many(500, "id.eq.1") + ")").status());
  }

  /** Text that would be SQL, were it put into a statement, in each part of a request. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'); drop table public.things; --",
        "' or '1'='1",
        "\"; delete from public.things; --",
        "$$; select pg_sleep(60); $$",
        "\\'; reset role; --",
        "x' union select passwd from pg_shadow --",
        "%s %1$s {} ? :a",
        "\u0000",
        "\ud800"
      })
  void noPartOfARequestBecomesSql(String evil) {
    for (String part :
        List.of(
            "select=%s",
            "select=id,n:notes!%s(*)",
            "select=n:%s(*)",
            "select=id::%s",
            "select=data->>%s",
            "%s=eq.1",
            "name=%s",
            "name=eq.%s",
            "name=in.(%s)",
            "data=cs.%s",
            "words=fts(%s).x",
            "and=(%s)",
            "notes.%s=eq.1",
            "order=%s",
            "order=name.%s",
            "limit=%s",
            "offset=%s")) {
      answered(alice.get("things?" + part.replace("%s", evil)));
    }
    Reply named = alice.get("things?name=eq." + evil);
    assertTrue(named.status() == 400 || "[]".equals(named.body()), named::body);
    answered(alice.get(evil.replace("?", "")));
    for (String header : List.of("Range", "Prefer", "Accept", "Profile", "Content-Type")) {
      answered(alice.with(header, evil).get("things"));
      answered(alice.with(header, evil).ask("PATCH", "things?id=eq.-1", "{\"name\":\"x\"}"));
    }
    String name = JSON.writeValueAsString(evil);
    for (String body : List.of("{%s:1}", "[{%s:1},{%s:2}]", "%s", evil)) {
      answered(alice.ask("PATCH", "things?id=eq.-1", body.replace("%s", name)));
      answered(alice.ask("POST", "things", body.replace("%s", name)));
      answered(alice.with("Content-Type", "text/csv").ask("POST", "things", evil + "\n1"));
    }
    answered(alice.ask("POST", "things?columns=" + evil, "[{\"id\":9},{\"name\":\"x\"}]"));
    answered(
        alice
            .with("Prefer", "resolution=merge-duplicates")
            .ask("POST", "things?on_conflict=" + evil, "{\"id\":1}"));
  }

  private static void answered(Reply reply) {
    assertTrue(reply.status() < 500, () -> reply.status() + " " + reply.body());
  }

  /** What is embedded in what is embedded may be more than a process can hold. */
  @Test
  void anAnswerHasSoManyBytes() {
    TableClient narrow =
        TableClient.of(
            database,
            new RestLimits(List.of("things", "notes"), 1000, 4, Duration.ofSeconds(30), 1000),
            database.alice().id());
    assertEquals(200, narrow.get("things?select=id,notes(id)").status());
    Reply much = narrow.get("things?select=id,data,story,notes(*,things(*,notes(*)))");
    assertEquals(413, much.status(), much::body);
    assertTrue(String.valueOf(much.body()).contains("PT413"), much::body);
    assertEquals(
        206, narrow.with("Prefer", "count=exact").get("things?select=id&limit=1").status());
  }

  /** Functions of a row may return what never ends, and call themselves. */
  @Test
  void aFunctionOfARowHasATime() {
    TableClient hurried =
        TableClient.of(
            database,
            new RestLimits(List.of("trees"), 1000, 4, Duration.ofMillis(200)),
            List.of("loop_*"),
            false,
            database.alice().id());
    Reply endless = hurried.get("trees?select=loop_forever(id)&loop_forever.order=name");
    assertEquals(503, endless.status(), endless::body);
    assertTrue(String.valueOf(endless.body()).contains("PT503"));
    // The control: the same within itself, four deep.
    Reply deep =
        alice.get(
            "trees?select=loop_trees(loop_trees(loop_trees(loop_trees(id))))&id=eq.1&loop_trees.limit=1");
    assertEquals(200, deep.status(), deep::body);
  }

  /** Requests of one form are one statement, however the values differ. */
  @Test
  void aFunctionOfARowIsPlannedOnce() {
    TableCatalogue catalogue =
        new TableCatalogue(database.chat(), List.of("notes"), List.of("note_*"));
    Set<String> statements =
        Stream.of("5", "6", "7")
            .map(
                length ->
                    QueryParser.parse(
                            List.of(
                                Map.entry("select", "note_shout,note_siblings(id)"),
                                Map.entry("note_length", "gt." + length),
                                Map.entry("limit", length)),
                            4)
                        .query())
            .map(
                query -> {
                  ReadPlan plan =
                      new ReadPlan(
                          catalogue.with("notes"), Caller.Role.AUTHENTICATED, RestLimits.DEFAULT);
                  ServedTable notes = catalogue.with("notes").table("notes");
                  var page = plan.page(notes, query, TablePreferences.Count.NONE, false);
                  return Statement.of(page, plan).sql();
                })
            .collect(Collectors.toSet());
    assertEquals(1, statements.size(), statements::toString);
  }

  private static void refused(String address) {
    Reply reply = alice.get(address);
    JsonNode body = JSON.readTree(String.valueOf(reply.body()));
    assertEquals("400 PGRST100", reply.status() + " " + body.path("code").asString());
    assertTrue(body.toString().length() < 2000, "an error repeats no giant query");
  }

  private static String many(int times, String part) {
    return String.join(",", Collections.nCopies(times, part));
  }

  private static String resource(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(RestGrammarTest.class.getResourceAsStream("/rest/" + name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
