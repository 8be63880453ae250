package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.gptdesk.chat.testing.TestServer;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What RDS, Cloud SQL, Supabase and Neon forbid, all at once: an owner who is no superuser, may
 * make no roles and no database, and finds the roles made by somebody else.
 */
class ManagedServicesTest {

  private static TestServer server;
  private static Login owner;
  private static TestDatabase database;

  @BeforeAll
  static void migrate() throws SQLException {
    server = TestServer.start();
    Login admin = server.at(server.superuser(), "postgres");
    Platforms.run(
        admin,
        """
        create role plain_owner login password 'plain owner' nosuperuser nocreaterole nocreatedb noreplication nobypassrls;
        create role plain_login login password 'plain login' nosuperuser nocreaterole nocreatedb;
        create role anon nologin noinherit;
        create role authenticated nologin noinherit;
        create role service_role nologin noinherit;
        create role chat_relay nologin noinherit;
        create role chat_service nologin noinherit;
        grant anon, authenticated, service_role, chat_relay to chat_service;
        grant chat_service to plain_login;
        """);
    Platforms.run(admin, "create database plain owner plain_owner");
    owner =
        new Login(
            admin.url().replaceFirst("/[^/?]+(\\?|$)", "/plain$1"), "plain_owner", "plain owner");
    Migrations migrations = Migrations.of(owner, Platform.STANDALONE);
    assertEquals(List.of(), migrations.preconditions());
    migrations.migrate();
    Platforms.run(
        owner,
        """
        insert into public.teams (id, name) values ('%1$s', 'Blue');
        insert into public.users (id, full_name, email, team_id) values
          ('00000000-0000-4000-8000-00000000000a', 'Alice Adams', 'alice@example.org', '%1$s'),
          ('00000000-0000-4000-8000-00000000000b', 'Bob Brown', 'bob@example.org', '%1$s')
        """
            .formatted(TestDatabase.BLUE));
    database = TestDatabase.of(owner, new Login(owner.url(), "plain_login", "plain login"));
  }

  @AfterAll
  static void stop() {
    database.close();
    server.close();
  }

  @Test
  void theChatWorksForAnOwnerWhoMayMakeNoRoles() {
    assertEquals(
        List.of("f f f f f"),
        Platforms.read(
            owner,
            "select concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls)"
                + " from pg_roles where rolname = current_user"));
    ServiceLogin.verify(database.service());
    Person alice = database.alice();
    Person bob = database.bob();
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "hello");
    assertEquals(1, bob.messagesOf(conversation).size());
    assertEquals(List.of(), Platforms.read(owner, "select rule from chat.check_invariants()"));
    assertEquals(
        List.of(), Platforms.read(owner, "select item from chat.health where state = 'alarm'"));
  }

  @Test
  void nothingIsUsedThatTheyForbid() {
    assertEquals(List.of("plpgsql"), Platforms.read(owner, "select extname from pg_extension"));
    assertEquals(List.of(), Platforms.read(owner, "select evtname from pg_event_trigger"));
    assertEquals(
        List.of(),
        Platforms.read(
            owner,
            """
            select p.oid::regprocedure
            from pg_proc p
            join pg_language l on l.oid = p.prolang
            where p.pronamespace::regnamespace::text in ('public', 'chat', 'relay', 'auth')
              and (l.lanname not in ('sql', 'plpgsql')
                or p.prosrc ~* '\\y(alter system|copy |session_replication_role|pg_read_file|lo_import|lo_export|dblink|set_config\\(''(log|shared|wal)_)')
            """));
    assertEquals(
        List.of(),
        Platforms.read(
            owner,
            "select c.oid::regclass from pg_class c where c.reltablespace <> 0 and c.relnamespace::regnamespace::text in ('public', 'chat', 'relay')"));
    assertFalse(Platforms.read(owner, "select 1 from chat.settings").isEmpty(), "the control");
  }
}
