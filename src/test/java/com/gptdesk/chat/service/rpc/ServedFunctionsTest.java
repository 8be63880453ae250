package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
        assertNotEquals(200, ask(gateway, token(), "count_projects", "{}").status(), role);
        assertEquals("2", ask(gateway, token(), "count_projects_here", "{}").body());
      } finally {
        Platforms.run(superuser, "revoke create on schema public from " + role);
      }
    }
    assertEquals("2", ask(gateway, token(), "count_projects", "{}").body());
  }

  private static RpcEndpoint serving(List<String> others) {
    return serving(service.dataSource(), others);
  }

  private static RpcEndpoint serving(DataSource connections, List<String> others) {
    return new RpcEndpoint(
        new ServiceDatabase(connections),
        others,
        null,
        new TokenVerifier(TokenSettings.ofSecret(SECRET)),
        RequestLimits.ample(),
        true);
  }

  private static String token() {
    return "Bearer " + new TokenIssuer(SECRET).forUser(ALICE, Duration.ofMinutes(5));
  }

  private static Reply ask(
      RpcEndpoint gateway, @Nullable String token, String function, String arguments) {
    return ask(gateway, token, function, arguments, "*/*", List.of());
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
        gateway, token, function, arguments, RpcRequest.OBJECT, List.of(Map.entry(column, is)));
  }

  private static Reply ask(
      RpcEndpoint gateway,
      @Nullable String token,
      String function,
      String arguments,
      String accept,
      List<Map.Entry<String, String>> query) {
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
            null,
            null,
            ByteBuffer.wrap(arguments.getBytes(StandardCharsets.UTF_8))));
  }
}
