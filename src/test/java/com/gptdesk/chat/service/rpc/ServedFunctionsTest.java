package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.database.migration.Platforms;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rest.RestLimits;
import com.gptdesk.chat.service.rest.TableCatalogue;
import com.gptdesk.chat.testing.TestServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** In a database with functions of somebody else's, the chat serves its own. */
class ServedFunctionsTest {

  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");

  private static final List<String> PROJECTS = List.of("*project*");

  private static TestServer server;
  private static Login chatOwner;
  private static Login ofTeam;
  private static Login service;

  @BeforeAll
  static void prepare() {
    server = TestServer.start();
    chatOwner = Platforms.gptDesk(server);
    ofTeam = new Login(chatOwner.url(), "gpt_desk", "gpt desk");
    // As PostgreSQL makes a function: PUBLIC may execute it.
    Platforms.run(
        ofTeam,
        """
        create function public.reset_password_hash(email text) returns text language sql
          as $$select email || ' was reset'$$;

        create table public.projects (name varchar primary key);
        insert into public.projects values ('apollo'), ('gemini');
        grant select, insert on public.projects to authenticated;

        create function public.count_projects(wanted varchar default '%') returns bigint stable language sql
          as $$select count(*) from projects p where p.name like count_projects.wanted$$;
        create function public.count_projects_here() returns bigint stable language sql set search_path = ''
          as $$select count(*) from public.projects$$;
        create function public.add_project(name varchar) returns setof projects language plpgsql
          as $$begin return query insert into projects values (add_project.name) returning *; end$$;
        create function public.try_project_zone() returns text language sql
          as $$select current_setting('timezone')$$;
        create function public.try_project_setting(name text) returns text stable language sql
          as $$select current_setting(name, true)$$;
        create function public.try_project(what text) returns text language plpgsql as $$
          begin
            execute try_project.what;
            return 'done';
          end
        $$;
        """);
    Migrations.of(chatOwner, Platform.EXISTING).migrate();
    server.admitService();
    service = server.at(server.service(), "platform");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void whatIsNotOursIsNotFoundWithAndWithoutAToken() {
    RpcEndpoint gateway = serving(List.of());
    for (String token : new String[] {null, token()}) {
      Reply reply = ask(gateway, token, "reset_password_hash", "{\"email\":\"a@b.example\"}");
      assertEquals(404, reply.status(), reply.body());
      assertTrue(reply.body().contains("PGRST202"), reply.body());
      // Nor does a hint for what is like it name it.
      for (String near : List.of("reset_password_hsh", "reset_password_hash")) {
        Reply hint = ask(gateway, token, near, "{}");
        assertEquals(404, hint.status());
        assertFalse(hint.body().contains("(email)"), hint.body());
      }
    }
    Reply own = ask(gateway, token(), "get_conversation", "{}"); // the control: ours are proposed
    assertTrue(own.body().contains("public.get_conversations("), own.body());
    assertEquals(200, ask(gateway, token(), "get_conversations", "{}").status());
  }

  @Test
  void theOperatorMayNameOthers() {
    RpcEndpoint gateway = serving(List.of("reset_*"));
    Reply reply = ask(gateway, token(), "reset_password_hash", "{\"email\":\"a@b.example\"}");
    assertEquals(200, reply.status(), reply.body());
    assertEquals(200, ask(gateway, token(), "get_conversations", "{}").status());
  }

  /** A DBA's ordinary function pins no path. */
  @Test
  void anOperatorsFunctionFindsWhatIsInPublic() {
    RpcEndpoint gateway = serving(PROJECTS);
    assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());
    assertEquals("1", ask(gateway, token(), "count_projects", "{\"wanted\":\"a%\"}").body());

    Reply added = ask(gateway, token(), "add_project", "{\"name\":\"voyager\"}");
    assertEquals("[{\"name\":\"voyager\"}]", added.body());
    assertEquals("3", ask(gateway, token(), "count_projects", "{}").body());
    Platforms.run(ofTeam, "delete from public.projects where name = 'voyager'");
  }

  /** A result that cannot be answered as asked is undone. */
  @Test
  void whatIsNotOneRowIsNotWritten() {
    RpcEndpoint gateway = serving(PROJECTS);
    Reply none = ask(gateway, token(), "add_project", "{\"name\":\"ariane\"}", "name", "eq.x");
    assertEquals(406, none.status(), none.body());
    assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());
    Reply one = ask(gateway, token(), "add_project", "{\"name\":\"ariane\"}", "name", "eq.ariane");
    assertEquals("{\"name\":\"ariane\"}", one.body()); // the control
    Platforms.run(ofTeam, "delete from public.projects where name = 'ariane'");
  }

  /** Whoever had the connection before has left a path and what is to be found in it. */
  @Test
  void whatASessionOrASchemaOfferIsNotFound() {
    Platforms.run(
        server.at(server.superuser(), "platform"),
        """
        create schema evil;
        grant usage on schema evil to public;
        create table evil.projects (name varchar);
        grant all on evil.projects to public;
        create function evil.to_json(bigint) returns json immutable language sql as $$select '"trap"'::json$$;
        create function evil.never(varchar, varchar) returns boolean immutable language sql as 'select false';
        create operator evil.~~ (function = evil.never, leftarg = varchar, rightarg = varchar);
        """);
    HikariConfig one = new HikariConfig();
    one.setDataSource(service.dataSource());
    one.setMaximumPoolSize(1);
    one.setConnectionInitSql(
        "create temp table projects (name varchar); grant all on pg_temp.projects to public;"
            + " set search_path = evil, pg_temp, public, pg_catalog");
    try (HikariDataSource pool = new HikariDataSource(one)) {
      RpcEndpoint gateway = serving(pool, PROJECTS);
      assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());
      // The control: the traps are set.
      Platforms.run(ofTeam, "alter function public.count_projects set search_path = evil, public");
      assertEquals("0", ask(gateway, token(), "count_projects", "{}").body());
    } finally {
      Platforms.run(ofTeam, "alter function public.count_projects reset search_path");
      Platforms.run(server.at(server.superuser(), "platform"), "drop schema evil cascade");
    }
  }

  /** Where clients may create, their operator could fit better than PostgreSQL's. */
  @Test
  void publicIsNotInThePathWhileClientsMayCreateThere() {
    RpcEndpoint gateway = serving(PROJECTS);
    Login superuser = server.at(server.superuser(), "platform");
    for (String role : List.of("public", "anon", "authenticated", "service_role")) {
      Platforms.run(superuser, "grant create on schema public to " + role);
      try {
        assertEquals(404, ask(gateway, token(), "count_projects", "{}").status(), role);
        assertEquals("2", ask(gateway, token(), "count_projects_here", "{}").body());
      } finally {
        Platforms.run(superuser, "revoke create on schema public from " + role);
      }
    }
    assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "perform 1 / 0                      | 400 | 22012 | division by zero | |",
        "perform nobody from projects       | 400 | 42703 | column \"nobody\" does not exist | |",
        "perform from nowhere               | 404 | 42P01 | relation \"nowhere\" does not exist | |",
        "perform nothing()                  | 404 | 42883 | function nothing() does not exist | | No function matches the given name and argument types. You might need to add explicit type casts.",
        "insert into projects values ('apollo') | 409 | 23505 | duplicate key value violates unique constraint \"projects_pkey\" | Key (name)=(apollo) already exists. |",
        "delete from projects               | 403 | 42501 | permission denied for table projects | |",
        "raise 'no'                         | 400 | P0001 | no | |",
        "assert false, 'never'              | 500 | P0004 | never | |",
        "raise sqlstate 'XX000' using message = 'broken' | 500 | XX000 | broken | |",
        "raise 'Payment required' using errcode = 'PT402', detail = 'Quota exceeded', hint = 'Upgrade' | 402 | PT402 | Payment required | Quota exceeded | Upgrade",
        "raise sqlstate 'PGRST' using message = '{\"code\":\"7\",\"message\":\"No\",\"hint\":\"Ask\"}', detail = '{\"status\":451,\"headers\":{\"X-Law\":\"7\"}}' | 451 | 7 | No | | Ask",
        "raise sqlstate 'PGRST' using message = 'no' | 500 | PGRST121 | Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error | MESSAGE: no, DETAIL: null | MESSAGE is an object with code and message, and may have details and hint; DETAIL is an object with a status of 400 to 599, and may have headers",
        "perform set_config('response.status', 'OK', true) | 500 | PGRST112 | response.status guc must be a valid status code | |",
        "perform set_config('response.headers', '{\"a\":1}', true) | 500 | PGRST111 | response.headers guc must be a JSON array composed of objects with a single key and a string value | |",
        "perform set_config('response.headers', '[{\"a\":\"b\\r\\nc: d\"}]', true) | 500 | PGRST111 | response.headers guc must be a JSON array composed of objects with a single key and a string value | |",
        "perform set_config('response.headers', '[{\"Content-Length\":\"1\"}]', true) | 500 | PGRST111 | response.headers guc must be a JSON array composed of objects with a single key and a string value | |"
      })
  void whatIsWrongReachesItsAuthor(
      String statement,
      int status,
      String code,
      String message,
      @Nullable String details,
      @Nullable String hint) {
    Reply reply = run(statement);
    JsonNode body = JsonMapper.shared().readTree(reply.body());
    assertEquals(status, reply.status(), reply.body());
    assertEquals(code, body.path("code").stringValue());
    assertEquals(message, body.path("message").stringValue());
    assertEquals(details, body.path("details").stringValue(null));
    assertEquals(hint, body.path("hint").stringValue(null));
    assertEquals(status == 451 ? "7" : null, reply.headers().get("X-Law"));
    assertEquals("\"done\"", run("null").body()); // the control, on the next connection
  }

  @Test
  void aFunctionSaysWhatItsResponseIs() {
    Reply reply =
        run(
            """
            perform set_config('response.status', '201', true), set_config('response.headers', '[{"Location": "/p/1"}, {"content-type": "text/x"}]', true)\
            """);
    assertEquals(201, reply.status(), reply.body());
    assertEquals("/p/1", reply.headers().get("Location"));
    assertEquals("text/x", reply.contentType());
    assertEquals("\"done\"", reply.body());
    Reply none = run("perform set_config('response.status', '204', true)");
    assertEquals(204, none.status());
    assertNull(none.body());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "request.method     | POST",
        "request.path       | /rpc/try_project_setting",
        "request.headers    | {\"x-tenant\":\"b\u00e4r\",\"forwarded\":\"for=1, for=2\",\"cookie\":\"a=1; b=x=y\"}",
        "request.cookies    | {\"a\":\"1\",\"b\":\"x=y\"}"
      })
  void aFunctionSeesTheRequest(String setting, String value) {
    assertEquals(value, setting(setting));
  }

  @Test
  void aFunctionSeesTheClaimsWithTheRole() {
    JsonNode claims = JsonMapper.shared().readTree(setting("request.jwt.claims"));
    assertEquals("authenticated", claims.path("role").stringValue());
    assertEquals(ALICE.toString(), claims.path("sub").stringValue());
  }

  private static String setting(String name) {
    String arguments = "{\"name\":\"" + name + "\"}";
    Reply reply = ask(serving(PROJECTS), token(), "try_project_setting", arguments);
    return JsonMapper.shared().readTree(reply.body()).stringValue();
  }

  @Test
  void preferencesReachTheDatabase() {
    RpcEndpoint gateway = serving(service.dataSource(), PROJECTS, true);
    String strict = "handling=strict, ";
    String name = "{\"name\":\"soyuz\"}";
    Reply tried = prefer(gateway, "add_project", name, strict + "tx=rollback");
    assertEquals("[{\"name\":\"soyuz\"}]", tried.body());
    assertEquals("tx=rollback, handling=strict", tried.headers().get("Preference-Applied"));
    assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());

    assertEquals(400, prefer(gateway, "add_project", name, strict + "max-affected=0").status());
    assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());

    assertEquals(
        "\"Asia/Tokyo\"",
        prefer(gateway, "try_project_zone", "{}", strict + "timezone=Asia/Tokyo").body());
    assertEquals("\"UTC\"", ask(gateway, token(), "try_project_zone", "{}").body());

    // The chat's own: nothing is stored, and the next call is as ever.
    Reply presence =
        prefer(gateway, "update_presence", "{\"status\":\"away\"}", strict + "tx=rollback");
    assertEquals("tx=rollback, handling=strict", presence.headers().get("Preference-Applied"));
    assertEquals(
        400, prefer(serving(PROJECTS), "add_project", name, strict + "tx=rollback").status());
  }

  private static Reply run(String statement) {
    ObjectNode arguments = JsonMapper.shared().createObjectNode();
    arguments.put("what", "do $do$ begin " + statement + "; end $do$");
    return ask(serving(PROJECTS), token(), "try_project", arguments.toString());
  }

  private static RpcEndpoint serving(List<String> others) {
    return serving(service.dataSource(), others);
  }

  private static RpcEndpoint serving(DataSource connections, List<String> others) {
    return serving(connections, others, false);
  }

  private static RpcEndpoint serving(
      DataSource connections, List<String> others, boolean mayRollBack) {
    ServiceDatabase database = new ServiceDatabase(connections);
    return new RpcEndpoint(
        database,
        new FunctionCatalogue(new DatabaseFunctions(database, others)),
        new FunctionRows(new TableCatalogue(database, List.of(), others), RestLimits.DEFAULT),
        null,
        new TokenVerifier(TokenSettings.ofSecret(SECRET)),
        RequestLimits.ample(),
        true,
        mayRollBack,
        BatchLimits.DEFAULT,
        () -> {});
  }

  private static String token() {
    return "Bearer " + new TokenIssuer(SECRET).forUser(ALICE, Duration.ofMinutes(5));
  }

  private static Reply ask(
      RpcEndpoint gateway, @Nullable String token, String function, String arguments) {
    return ask(gateway, token, function, arguments, "*/*", List.of(), null);
  }

  private static Reply prefer(
      RpcEndpoint gateway, String function, String arguments, String prefer) {
    return ask(gateway, token(), function, arguments, "*/*", List.of(), prefer);
  }

  /** For one row, of those that meet a condition. */
  private static Reply ask(
      RpcEndpoint gateway,
      String token,
      String function,
      String arguments,
      String column,
      String is) {
    return ask(
        gateway,
        token,
        function,
        arguments,
        RpcRequest.OBJECT,
        List.of(Map.entry(column, is)),
        null);
  }

  private static Reply ask(
      RpcEndpoint gateway,
      @Nullable String token,
      String function,
      String arguments,
      String accept,
      List<Map.Entry<String, String>> query,
      @Nullable String prefer) {
    return gateway.answer(
        new RpcRequest(
            "POST",
            function,
            query,
            token,
            null,
            "public",
            accept,
            "application/json",
            prefer,
            null,
            ByteBuffer.wrap(arguments.getBytes(StandardCharsets.UTF_8)),
            List.of(
                Map.entry("X-Tenant", "b\u00e4r"),
                Map.entry("Forwarded", "for=1"),
                Map.entry("forwarded", "for=2"),
                Map.entry("Cookie", "a=1; b=x=y"))));
  }
}
