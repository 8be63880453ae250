package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A DBA hears of everything that is missing at once, with what to do, before anything changes. */
class PreconditionTest {

  private TestServer server;
  private Login superuser;
  private Login owner;

  @BeforeEach
  void start() {
    server = TestServer.start();
    superuser = server.superuser();
    owner = server.owner();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void anEmptyDatabaseLacksNothingToStandAlone() {
    assertEquals(List.of(), Migrations.of(owner, null).preconditions());
  }

  @Test
  void aDatabaseThatKnowsTheCaseOfAsciiAloneIsWarnedOf() {
    Platforms.run(
        superuser,
        "create database ascii owner chat_owner template template0 locale_provider libc locale 'C'");
    assertEquals(
        Set.of("LC_CTYPE of the database is C, which knows upper and lower case of ASCII alone"),
        names(Migrations.of(server.at(owner, "ascii"), null), false));
  }

  /** Nothing at all is there, and the owner may do nothing. */
  @Test
  void everythingThatIsMissingIsNamedAtOnce() {
    Platforms.run(superuser, "alter database chat owner to postgres");
    Platforms.run(superuser, "revoke create on database chat from public, chat_owner");
    Platforms.run(superuser, "alter role chat_owner nocreaterole");
    assertEquals(
        Set.of(
            "role anon",
            "role authenticated",
            "role service_role",
            "role chat_relay",
            "role chat_service",
            "CREATE on the database",
            "USAGE and CREATE on schema public",
            "function auth.uid() returning uuid",
            "table public.users with id, full_name, email, avatar_url, status, team_id"),
        missing());

    // It is all in the refusal, and nothing was changed.
    IllegalStateException no =
        assertThrows(
            IllegalStateException.class, () -> Migrations.of(owner, Platform.EXISTING).migrate());
    missing().forEach(name -> assertTrue(no.getMessage().contains(name), no.getMessage()));
    assertEquals(
        List.of(),
        Platforms.read(superuserHere(), "select nspname from pg_namespace where nspname = 'chat'"));

    // A table of that name that will not do, with somebody else's row-level security.
    Platforms.run(superuser, "create role anon bypassrls");
    Platforms.run(superuser, "create role authenticated in role chat_owner");
    Platforms.run(superuser, "create role service_role");
    Platforms.run(superuser, "create role chat_service inherit in role service_role");
    Platforms.run(
        superuserHere(),
        """
        create schema auth;
        create function auth.uid() returns uuid language sql as 'select null::uuid';
        revoke execute on function auth.uid() from public;
        create schema relay;
        create type public.message_view as (id int);
        create function public.send_message(text) returns text language sql as 'select $1';
        create view public.user_blocks as select 1 as x;
        create table public.users (id bigint, full_name int, status text, avatar_url text);
        create function public.nothing() returns trigger language plpgsql as 'begin return null; end';
        create trigger record_update after update on public.users execute function public.nothing();
        alter table public.users enable row level security;
        revoke usage on schema public from public;
        create publication supabase_realtime;
        """);
    Set<String> expected =
        new TreeSet<>(
            Set.of(
                "role chat_relay",
                "role anon under row-level security: it is above it",
                "role authenticated apart from chat_owner: it is a member of the tables' owner",
                "chat_service without the rights of service_role: it inherits them",
                "the right to grant anon to chat_service",
                "the right to grant authenticated to chat_service",
                "CREATE on the database",
                "USAGE and CREATE on schema public",
                "USAGE on schema public for authenticated",
                "USAGE on schema public for service_role",
                "USAGE on schema auth for authenticated",
                "USAGE on schema auth for service_role",
                "USAGE on schema auth for chat_owner",
                "EXECUTE on auth.uid() for authenticated",
                "EXECUTE on auth.uid() for service_role",
                "EXECUTE on auth.uid() for chat_owner",
                "column public.users.id of type uuid: it is bigint",
                "column public.users.full_name of type text: it is integer",
                "column public.users.email",
                "column public.users.team_id",
                "SELECT on public.users",
                "REFERENCES on public.users",
                "TRIGGER on public.users",
                "all rows of public.users: row-level security may hide some from chat_owner",
                "the name relay: there is such a schema already",
                "the name public.message_view: a type has it",
                "the name public.send_message: a function has it",
                "the name public.user_blocks: a view has it",
                "the name record_update: public.users has a trigger of that name"));
    assertEquals(expected, missing());
    assertEquals(
        Set.of(
            "auth.uid() does not seem to read request.jwt.claims",
            "publication supabase_realtime belongs to somebody else"),
        warnings());
  }

  /** Each remedy is carried out as it is written, and then nothing is missing. */
  @Test
  void theRemediesHelp() {
    Platforms.run(superuser, "alter database chat owner to postgres");
    Platforms.run(superuser, "alter role chat_owner nocreaterole");
    Platforms.run(superuser, "create role chat_service inherit");
    Platforms.run(superuser, "create role service_role bypassrls");
    Platforms.run(superuser, "grant service_role to chat_service");
    Platforms.run(superuser, "create role anon superuser");
    Platforms.run(
        superuserHere(),
        """
        create schema auth;
        create function auth.uid() returns uuid language sql as
          $$select (current_setting('request.jwt.claims')::jsonb ->> 'sub')::uuid$$;
        revoke execute on function auth.uid() from public;
        revoke usage on schema public from public;
        create table public.users (id uuid not null, full_name varchar(20));
        alter table public.users enable row level security;
        """);
    for (int round = 1; round <= 3; round++) { // what is granted on what was missing comes second
      for (Precondition precondition : Migrations.of(owner, Platform.EXISTING).preconditions()) {
        Platforms.run(superuserHere(), statement(precondition.remedy()));
      }
    }
    assertEquals(List.of(), Migrations.of(owner, Platform.EXISTING).preconditions());
    Migrations.of(owner, Platform.EXISTING).migrate();
    assertEquals(List.of(), Migrations.of(owner, null).preconditions());
    server.admitService();
    ServiceLogin.verify(server.service());
  }

  /** What a platform lets its people do may open a team to others; each remedy shuts that. */
  @Test
  void whatWouldBreakTheTeamsIsUnsafeUntilItIsMendedOrAccepted() {
    Login here = Platforms.gptDesk(server);
    Login admin = server.at(superuser, "platform");
    Migrations migrations = Migrations.of(here, Platform.EXISTING);
    assertEquals(List.of(), migrations.preconditions(), "the control");
    migrations.migrate();
    server.admitService();
    Platforms.run(
        admin,
        """
        grant select, insert, update on table public.users to authenticated;
        grant update (team_id) on table public.users to anon;
        create policy "Update own profile" on public.users for update to authenticated using (id = auth.uid());
        grant create on schema public to public;
        grant create on schema chat to authenticated;
        grant pg_read_all_data to authenticated;
        alter role chat_login bypassrls;
        create table public.kept (id int); alter table public.kept owner to authenticated;
        create function public.reset_password_hash(id uuid) returns text language sql as 'select null::text';
        """);
    assertEquals(
        Set.of(
            "authenticated may change id, status, team_id of public.users",
            "authenticated may create in schema chat",
            "authenticated is a member of pg_read_all_data",
            "chat_login is no ordinary login: bypasses row-level security"),
        names(migrations, true));
    assertEquals(
        Set.of(
            "anon may change team_id of public.users, as soon as a policy lets them",
            "authenticated may choose status, team_id of public.users, as soon as a policy lets them",
            "PUBLIC may create in schema public",
            "authenticated owns something",
            "functions of schema public that are not the chat's and that clients may execute"),
        names(migrations, false));

    Migrations accepting = Migrations.of(here, Platform.EXISTING);
    accepting.accepting(
        Accepted.of("authenticated *", "chat_login *", "*PUBLIC may create*", "anon may change *"));
    assertEquals(
        Set.of("functions of schema public that are not the chat's and that clients may execute"),
        names(accepting, false));
    assertEquals(Set.of(), names(accepting, true));

    // What the operator serves is meant so; what is not there, or for no client, is told.
    for (String served : List.of("reset_password_hash", "reset_*", " reset_password_hash ")) {
      assertEquals(Set.of(), names(accepting.serving(List.of(served)), false), served);
    }
    assertEquals(
        Set.of(
            "functions of schema public that are not the chat's and that clients may execute",
            "CHAT_SERVED_FUNCTIONS names reset_password, and schema public has no function of that name",
            "CHAT_SERVED_FUNCTIONS names resetXpassword_hash*, and schema public has no function of that name"),
        names(accepting.serving(List.of("reset_password", "resetXpassword_hash*")), false));
    Platforms.run(admin, "revoke execute on function public.reset_password_hash from public");
    assertEquals(
        Set.of(
            "CHAT_SERVED_FUNCTIONS names reset_*, and clients may execute no function of schema public of that name"),
        names(accepting.serving(List.of("reset_*")), false));
    Platforms.run(admin, "grant execute on function public.reset_password_hash to service_role");
    assertEquals(Set.of(), names(accepting.serving(List.of("reset_*", "get_messages")), false));
    Platforms.run(admin, "grant execute on function public.reset_password_hash to public");

    for (Precondition precondition : migrations.preconditions()) {
      if (!precondition.what().startsWith("functions of")) {
        Platforms.run(admin, precondition.remedy());
      }
    }
    Platforms.run(admin, "revoke execute on function public.reset_password_hash from public");
    assertEquals(List.of(), migrations.preconditions());
    assertEquals(
        List.of("avatar_url", "email", "full_name", "last_login_at"),
        Platforms.read(
            admin,
            "select attname from pg_attribute where attrelid = 'public.users'::regclass and attnum > 0"
                + " and has_column_privilege('authenticated', attrelid, attnum, 'update') order by 1"),
        "their own profile stays theirs to change");
  }

  @Test
  void whatStandsAloneFindsTheNamesTaken() {
    Platforms.run(
        superuserHere(),
        "create schema auth; create table public.teams (id int); create schema chat; create table chat.rooms (id int)");
    assertEquals(
        Set.of(
            "the name auth: there is such a schema already",
            "the name chat: there is such a schema already",
            "the name public.teams: a table has it"),
        names(Migrations.of(owner, Platform.STANDALONE), true));
  }

  /** The list of names in db/preconditions.sql is the one that the migrations make. */
  @Test
  void theNamesItAsksForAreTheNamesThatAreMade() {
    String query = readQuery();
    String ours = query.substring(query.indexOf("ours (kind"), query.indexOf("schemas as ("));
    Set<String> asked = new TreeSet<>();
    Pattern.compile("'(\\w+)'")
        .matcher(ours)
        .results()
        .map(found -> found.group(1))
        .filter(name -> !List.of("table", "type", "index", "function").contains(name))
        .forEach(asked::add);

    Migrations.of(owner, Platform.STANDALONE).migrate();
    Set<String> made =
        new TreeSet<>(
            Platforms.read(
                owner,
                """
                select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace
                union
                select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace
                union
                select t.typname from pg_type t
                where t.typnamespace = 'public'::regnamespace and t.typcategory <> 'A'
                """));
    assertEquals(made, asked);
    assertEquals(
        List.of(),
        Platforms.read(
            owner,
            "select nspname from pg_namespace where nspname !~ '^pg_'"
                + " and nspname not in ('public', 'chat', 'relay', 'realtime', 'auth', 'information_schema')"));
  }

  /** It may be asked of any server, even one that the chat does not run on. */
  @Test
  void itOnlyReads() throws SQLException {
    try (Connection connection = owner.connect();
        Statement statement = connection.createStatement()) {
      connection.setReadOnly(true);
      try (ResultSet rows = statement.executeQuery(readQuery())) {
        List<String> kinds = new ArrayList<>();
        while (rows.next()) {
          kinds.add(rows.getString("kind"));
        }
        assertTrue(
            kinds.contains("missing"), "asks for an existing platform unless told otherwise");
      }
    }
  }

  private Set<String> missing() {
    return names(Migrations.of(owner, Platform.EXISTING), true);
  }

  private Set<String> warnings() {
    return names(Migrations.of(owner, Platform.EXISTING), false);
  }

  private static Set<String> names(Migrations migrations, boolean stops) {
    return migrations.preconditions().stream()
        .filter(precondition -> precondition.stops() == stops)
        .map(Precondition::what)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The first statement of a remedy; where it is a sentence, what that sentence asks for. */
  private static String statement(String remedy) {
    if (remedy.startsWith("Name the right database") || remedy.startsWith("Supabase has it")) {
      throw new IllegalStateException(remedy);
    }
    return Stream.of(remedy.replaceFirst("^As who may: ", "").split(" or: "))
        .findFirst()
        .orElseThrow();
  }

  private static String readQuery() {
    try (InputStream file = PreconditionTest.class.getResourceAsStream("/db/preconditions.sql")) {
      return new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Login superuserHere() {
    return server.at(superuser, "chat");
  }
}
