package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rest.RestLimits;
import com.gptdesk.chat.service.rest.TableCatalogue;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Functions that return rows of a served table, take the whole body, or share a name. */
class FunctionResultsTest {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String SECRET = "a secret that is at least 32 bytes long";

  private static TestDatabase database;
  private static RpcEndpoint gateway;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    database.asOwner(
        """
        create table public.people (id int primary key, name text, born date);
        create table public.books (id int primary key, author int references public.people, title text, tags text[], data jsonb);
        insert into public.people values (1, 'Ada', '1815-12-10'), (2, 'Bob', null), (9, 'hidden', null);
        insert into public.books values (1, 1, 'Notes', '{a,b}', '{"p": {"n": 7}}'), (2, 1, 'More', '{}', null), (3, 2, 'Bob''s', null, '{}');
        create table public.calls (n int);
        alter table public.people enable row level security;
        alter table public.books enable row level security;
        create policy "All but nine" on public.people to authenticated using (id <> 9);
        create policy "All" on public.books to authenticated using (true);
        grant select on public.people, public.books to authenticated;
        grant insert, select on public.calls to authenticated;

        create function public.f_books() returns setof public.books stable language sql as 'select b.* from books b order by b.id desc';
        create function public.f_book(wanted int) returns public.books stable language sql as 'select b.* from books b where b.id = wanted';
        create function public.f_counted() returns setof public.books volatile language plpgsql
          as 'begin insert into calls values (1); return query select b.* from books b; end';
        create function public.f_columns() returns table (name text, n bigint) stable language sql as 'select b.title, b.id::bigint from books b';
        create function public.f_values() returns setof int stable language sql as 'select generate_series(1, 5)';
        create function public.f_endless() returns setof public.books stable language sql
          as 'select b.* from books b, generate_series(1, 1000000000)';
        create function public.f_shout(public.books) returns text stable language sql as 'select upper($1.title)';
        create function public.f_others(public.books) returns setof public.books stable language sql
          as 'select b.* from books b where b.author = $1.author and b.id <> $1.id';
        create function public.f_columns(public.people) returns text stable language sql as 'select $1.name';

        create function public.f_json(json) returns json immutable language sql as 'select $1';
        create function public.f_jsonb(jsonb) returns int immutable language sql as 'select jsonb_array_length($1)';
        create function public.f_body(text) returns text immutable language sql as $$select 'text ' || $1$$;
        create function public.f_body(bytea) returns text immutable language sql as $$select 'bytes ' || encode($1, 'hex')$$;
        create function public.f_body(int) returns text immutable language sql as $$select 'int'$$;
        create function public.f_int(int) returns int immutable language sql as 'select $1';
        create function public.f_either() returns text immutable language sql as $$select 'nothing'$$;
        create function public.f_either(json) returns text immutable language sql as $$select 'json ' || $1::text$$;
        create function public.f_default() returns int immutable language sql as 'select 1';
        create function public.f_default(text default 'x') returns text immutable language sql as 'select $1';

        create function public.f_named() returns text immutable language sql as $$select 'none'$$;
        create function public.f_named(a text) returns text immutable language sql as $$select 'a ' || a$$;
        create function public.f_named(b int, c int default 0) returns text immutable language sql as $$select 'b ' || b + c$$;
        create function public.f_named(book public.books) returns text immutable language sql as $$select 'book ' || book.title$$;
        create function public.f_same(a text) returns text immutable language sql as $$select 'text'$$;
        create function public.f_same(a int) returns text immutable language sql as $$select 'int'$$;

        do $$
        declare
          made regprocedure;
        begin
          for made in select p.oid from pg_proc p where p.proname like 'f\\_%' loop
            execute format('revoke execute on function %s from public', made);
            execute format('grant execute on function %s to authenticated', made);
          end loop;
        end
        $$;
        comment on table public.books is 'What people wrote.';
        comment on function public.f_book(int) is 'One of them.';
        create function public.f_of_service() returns int immutable language sql as 'select 1';
        revoke execute on function public.f_of_service() from public, authenticated;
        grant execute on function public.f_of_service() to service_role;
        """);
    gateway = serving(Duration.ofSeconds(30));
  }

  private static RpcEndpoint serving(Duration timeout) {
    return serving(1000, timeout);
  }

  private static RpcEndpoint serving(int maxRows, Duration timeout) {
    List<String> functions = List.of("f_*");
    TableCatalogue tables =
        new TableCatalogue(database.chat(), List.of("people", "books"), functions);
    return new RpcEndpoint(
        database.chat(),
        new FunctionCatalogue(new DatabaseFunctions(database.chat(), functions)),
        new FunctionRows(tables, new RestLimits(List.of(), maxRows, 2, timeout)),
        null,
        new TokenVerifier(TokenSettings.ofSecret(SECRET)),
        RequestLimits.ample(),
        true,
        false,
        BatchLimits.DEFAULT,
        () -> {});
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "f_books | select=id,author(name)&limit=2 | [{'id':3,'author':{'name':'Bob'}},{'id':2,'author':{'name':'Ada'}}]",
        "f_books | select=id,people!inner(name)&people.name=eq.Ada&order=id | [{'id':1,'people':{'name':'Ada'}},{'id':2,'people':{'name':'Ada'}}]",
        "f_books | select=id::text,p:data->p->n&id=eq.1 | [{'id':'1','p':7}]",
        "f_books | select=*,f_shout&id=eq.2 | [{'id':2,'author':1,'title':'More','tags':[],'data':null,'f_shout':'MORE'}]",
        "f_books | select=id&f_shout=like.*O*&order=f_shout | [{'id':3},{'id':2},{'id':1}]",
        "f_books | select=id,f_others(id,f_shout)&id=eq.1 | [{'id':1,'f_others':[{'id':2,'f_shout':'MORE'}]}]",
        "f_books | select=id&data->p->>n=eq.7 | [{'id':1}]",
        "f_books | select=id&tags=cs.{a} | [{'id':1}]",
        "f_books | select=id&title=plfts.notes | [{'id':1}]",
        "f_books | select=id&order=people(name).desc,id&select=id,people() | PGRST100",
        "f_books | select=id,people()&order=people(name).desc,id | [{'id':3},{'id':1},{'id':2}]",
        "f_books | select=people(books(people(id))) | PGRST100",
        "f_books | select=calls(n) | PGRST200",
        "f_books | select=nothing | 42703",
        "f_books | nothing=eq.1 | 42703",
        "f_books | select=id::regclass | 42704",
        "f_columns | select=n,name&order=n.desc&limit=1 | [{'n':3,'name':'Bob''s'}]",
        "f_columns | select=n,books(id) | PGRST200",
        "f_columns | select=n,f_columns | 42703",
        "f_values | limit=2&offset=1 | [2,3]",
        "f_counted | select=id&order=id&limit=1 | [{'id':1}]",
      })
  void rowsAreThoseOfATable(String function, String query, String expected) {
    Reply reply = ask(gateway, function, "application/json", "{}", query);
    String body = String.valueOf(reply.body());
    if (expected.startsWith("[")) {
      assertEquals(200, reply.status(), body);
      String json = expected.replace("''", "\u0001").replace('\'', '"').replace('\u0001', '\'');
      assertEquals(JSON.readTree(json), JSON.readTree(body));
    } else {
      assertEquals(expected, code(reply), body);
    }
  }

  @Test
  void oneRowStaysAnObject() {
    Reply book =
        ask(gateway, "f_book", "application/json", "{\"wanted\":1}", "select=title,people(name)");
    assertEquals("{\"title\":\"Notes\",\"people\":{\"name\":\"Ada\"}}", book.body());
    String filtered = "select=title&title=eq.nothing";
    Reply none = ask(gateway, "f_book", "application/json", "{\"wanted\":1}", filtered);
    assertEquals(200, none.status(), none::body);
    assertEquals("null", none.body());
    assertEquals("*/*", none.headers().get("Content-Range"));
  }

  @Test
  void whatWasLookedForIsToldInOneOrder() {
    Reply none = ask(gateway, "f_int", "application/json", "{}", "");
    assertEquals("PGRST202", code(none));
    assertTrue(
        String.valueOf(none.body()).contains("a single unnamed json/jsonb parameter"), none::body);
  }

  /** However much is asked of the result, the function runs once. */
  @Test
  void aFunctionIsCalledOnce() {
    database.asOwner("truncate public.calls");
    Reply reply =
        ask(
            gateway,
            "f_counted",
            "application/json",
            "{}",
            "select=id,f_shout,people(name)&id=gt.1&order=id");
    assertEquals(200, reply.status(), reply::body);
    assertEquals("1", database.ownerReads("select count(*) from public.calls"));
  }

  /** As of tables, whatever the client asks for; the function runs to its end. */
  @Test
  void aResultHasNoMoreRowsThanATablesAnswer() {
    RpcEndpoint narrow = serving(2, Duration.ofSeconds(30));
    for (String query : List.of("", "limit=5", "select=*&limit=999999999")) {
      Reply values = ask(narrow, "f_values", "application/json", "{}", query);
      assertEquals("[1, 2]", values.body(), query);
      assertEquals("0-1/*", values.headers().get("Content-Range"), query);
    }
    Reply books = ask(narrow, "f_books", "application/json", "{}", "");
    assertEquals(2, JSON.readTree(String.valueOf(books.body())).size(), books::body);
    assertEquals(
        List.of("id", "author", "title", "tags", "data"),
        List.copyOf(JSON.readTree(String.valueOf(books.body())).get(0).propertyNames()));
    Reply columns = ask(narrow, "f_columns", "application/json", "{}", "order=n.desc&offset=2");
    assertEquals("[{\"name\":\"Notes\",\"n\":1}]", columns.body());

    Reply counted = ask(narrow, "f_values", "application/json", "{}", "", "count=exact");
    assertEquals(206, counted.status(), counted::body);
    assertEquals("0-1/5", counted.headers().get("Content-Range"));

    database.asOwner("truncate public.calls");
    Reply refused =
        ask(narrow, "f_counted", "application/json", "{}", "", "handling=strict, max-affected=2");
    assertEquals("PGRST124", code(refused), refused::body); // three, though two would be shown
    assertEquals("0", database.ownerReads("select count(*) from public.calls"));
    Reply done = ask(narrow, "f_counted", "application/json", "{}", "");
    assertEquals(200, done.status(), done::body);
    assertEquals("1", database.ownerReads("select count(*) from public.calls"));
  }

  /** In each place of what is asked of a result, and of the arguments. */
  @Test
  void nothingHostileIsAFault() {
    RpcEndpoint hurried = serving(Duration.ofSeconds(2));
    for (String hostile :
        List.of(
            "'",
            "\"",
            "\\",
            "{}",
            "(",
            "$1",
            "{0}",
            "?",
            "; select 1 --",
            "9".repeat(400),
            "\u0000",
            "\ud800",
            "é".repeat(70),
            "(".repeat(500),
            "{\"a\":".repeat(2000),
            "pgrst_scalar",
            "rest_whole",
            "...people(*)",
            "((((((a*)*)*)*)*)*)b\\6")) {
      for (String place :
          List.of(
              "select=…",
              "select=id::…",
              "select=people(…)",
              "title=eq.…",
              "title=match.…",
              "…=eq.1",
              "data->…=eq.1",
              "order=…",
              "limit=…",
              "offset=…",
              "or=(…)")) {
        Reply reply =
            ask(hurried, "f_books", "application/json", "{}", place.replace("…", hostile));
        assertTrue(reply.status() < 500 || reply.status() == 503, place + hostile + reply.body());
      }
      for (String body :
          List.of(hostile, "{\"wanted\":" + JSON.writeValueAsString(hostile) + "}")) {
        Reply reply = ask(hurried, "f_book", "application/json", body, "");
        assertTrue(reply.status() >= 400 && reply.status() < 500, hostile + reply.body());
      }
      Reply prefer = ask(hurried, "f_books", "application/json", "{}", "", hostile);
      assertEquals(200, prefer.status(), prefer::body);
    }
  }

  @Test
  void aResultWithoutAnEndHasATime() {
    RpcEndpoint hurried = serving(Duration.ofMillis(200));
    Reply endless = ask(hurried, "f_endless", "application/json", "{}", "select=id&id=gt.9");
    assertEquals(503, endless.status(), endless::body);
    assertEquals("PT503", code(endless));
    assertEquals(200, ask(gateway, "f_books", "application/json", "{}", "select=id").status());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "f_json    | application/json         | [1, {\"a\": 2.50}]  | [1, {\"a\": 2.50}]",
        "f_json    | application/json         | {\"a\": 1}          | {\"a\": 1}",
        "f_json    | application/json         | \"x\"               | \"x\"",
        "f_json    | application/json         | {\"\": 1}           | {\"\": 1}",
        "f_jsonb   | application/json;a=b     | [1,2,3]             | 3",
        "f_body    | text/plain;charset=utf-8 | it's a \"{text}\" ? | \"text it's a \\\"{text}\\\" ?\"",
        "f_body    | application/octet-stream | bytes               | \"bytes 6279746573\"",
        "f_either  | application/json         | {}                  | \"nothing\"",
        "f_either  | application/json         | [5]                 | \"nothing\"",
        "f_either  | application/json         | {\"x\": 5}          | \"json {\\\"x\\\": 5}\"",
        "f_named   | application/json         | {}                  | \"none\"",
        "f_named   | application/json         | {\"a\": 1}          | \"a 1\"",
        "f_named   | application/json         | {\"b\": 1}          | \"b 1\"",
        "f_named   | application/json         | {\"c\": 5, \"b\": 1}| \"b 6\"",
        "f_named   | application/json         | {\"book\": {\"title\": \"T\"}} | \"book T\"",
      })
  void bodiesAndNamesTellFunctionsApart(
      String function, String type, String body, String expected) {
    Reply reply = ask(gateway, function, type, body, "");
    assertEquals(200, reply.status(), reply::body);
    assertEquals(expected, reply.body());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "f_json    | application/json         | [1                  | 400 PGRST102",
        "f_json    | application/json         | [1] 2               | 400 PGRST102",
        "f_json    | text/plain               | x                   | 400 PGRST102",
        "f_json    | application/xml          | <a/>                | 400 PGRST102",
        "f_int     | application/json         | {\"\": 1}           | 404 PGRST202",
        "f_int     | application/json         | {}                  | 404 PGRST202",
        "f_named   | application/json         | [1]                 | 400 PGRST102",
        "f_named   | application/json         | {\"a\": 1, \"b\": 1}| 404 PGRST202",
        "f_same    | application/json         | {\"a\": 1}          | 300 PGRST203",
        "f_default | application/json         | {}                  | 300 PGRST203",
        "f_books   | text/plain               | x                   | 400 PGRST102",
      })
  void whatFitsNoneOrSeveralIsRefused(String function, String type, String body, String expected) {
    Reply reply = ask(gateway, function, type, body, "");
    assertEquals(expected, reply.status() + " " + code(reply), reply::body);
  }

  @Test
  void severalAreNamedAsPostgrestNamesThem() {
    JsonNode same =
        JSON.readTree(ask(gateway, "f_same", "application/json", "{\"a\":1}", "").body());
    assertEquals(
        "Could not choose the best candidate function between: public.f_same(a => integer), public.f_same(a => text)",
        same.path("message").asString());
    assertEquals(
        "Try renaming the parameters or the function itself in the database so function overloading can be resolved",
        same.path("hint").asString());
    assertTrue(same.path("details").isNull());
    JsonNode whole = JSON.readTree(ask(gateway, "f_default", "application/json", "{}", "").body());
    assertTrue(
        whole.path("message").asString().endsWith("public.f_default(), public.f_default( => text)"),
        whole::toString);
  }

  /** Tables and functions of an operator are described to whoever may use them. */
  @Test
  void whatIsServedIsDescribedToWhoeverMayUseIt() {
    Reply reply = gateway.describe(token(), null);
    assertEquals(200, reply.status(), reply::body);
    assertEquals("application/openapi+json; charset=utf-8", reply.contentType());
    JsonNode document = JSON.readTree(String.valueOf(reply.body()));
    JsonNode paths = document.get("paths");
    assertEquals(Set.of("get"), names(paths.get("/books")));
    assertEquals("Reads rows. What people wrote.", paths.at("/~1books/get/description").asString());
    assertEquals(
        Set.of("id", "author", "title", "tags", "data"),
        names(document.at("/components/schemas/books/properties")));
    assertEquals("int32", document.at("/components/schemas/books/properties/id/format").asString());
    assertEquals(Set.of("get", "post", "patch"), names(paths.get("/user_presence")));
    assertEquals(Set.of("get", "post"), names(paths.get("/rpc/f_book")));
    assertEquals("One of them.", paths.at("/~1rpc~1f_book/post/description").asString());
    assertEquals(
        "[\"wanted\"]",
        paths
            .at("/~1rpc~1f_book/post/requestBody/content/application~1json/schema/anyOf/0/required")
            .toString());
    assertEquals(Set.of("post"), names(paths.get("/rpc/f_counted")));
    assertEquals(
        Set.of("text/plain", "application/octet-stream"),
        names(paths.at("/~1rpc~1f_body/post/requestBody/content")));
    assertTrue(paths.has("/rpc/send_message"));
    for (String hidden : List.of("/calls", "/rpc/f_of_service", "/rpc/f_shout", "/rpc/f_int")) {
      assertFalse(paths.has(hidden), hidden);
    }
    JsonNode nobody = JSON.readTree(String.valueOf(gateway.describe(null, null).body()));
    for (String hidden : List.of("/books", "/user_presence", "/rpc/f_book", "/rpc/send_message")) {
      assertFalse(nobody.get("paths").has(hidden), hidden);
    }
    assertEquals(401, gateway.describe("Bearer nonsense", null).status());
  }

  private static Set<String> names(JsonNode object) {
    return Set.copyOf(object.propertyNames());
  }

  private static String code(Reply reply) {
    return JSON.readTree(String.valueOf(reply.body())).path("code").asString();
  }

  private static Reply ask(
      RpcEndpoint gateway, String function, String type, String body, String query) {
    return ask(gateway, function, type, body, query, null);
  }

  private static Reply ask(
      RpcEndpoint gateway,
      String function,
      String type,
      String body,
      String query,
      @Nullable String prefer) {
    List<Map.Entry<String, String>> parameters = new ArrayList<>();
    for (String one : query.isEmpty() ? new String[0] : query.split("&", -1)) {
      String[] pair = one.split("=", 2);
      parameters.add(Map.entry(pair[0], pair[1]));
    }
    return gateway.answer(
        new RpcRequest(
            "POST",
            function,
            parameters,
            token(),
            null,
            "public",
            "*/*",
            type,
            prefer,
            null,
            ByteBuffer.wrap(body.getBytes(StandardCharsets.UTF_8))));
  }

  private static String token() {
    return "Bearer "
        + new TokenIssuer(SECRET).forUser(database.alice().id(), Duration.ofMinutes(5));
  }
}
