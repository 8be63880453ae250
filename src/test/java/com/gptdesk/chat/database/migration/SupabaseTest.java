package com.gptdesk.chat.database.migration;

import static com.gptdesk.chat.jooq.Tables.USER_CONVERSATIONS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static com.gptdesk.chat.jooq.Tables.USER_PRESENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.policies.PolicyReport;
import com.gptdesk.chat.service.rest.RestSql;
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
 * The chat comes to a database as Supabase prepares it: its roles and their default privileges, who
 * would have anon read everything; {@code auth} that is somebody else's; an owner who is no
 * superuser; a publication for its own Realtime.
 */
class SupabaseTest {

  private static TestServer server;
  private static Login postgres;
  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    server = TestServer.start();
    postgres = Platforms.supabase(server);
    Migrations migrations = Migrations.of(postgres, Platform.EXISTING);
    assertEquals(List.of(), unsafe(migrations));
    migrations.migrate();
    assertEquals(List.of(), unsafe(migrations));
    Platforms.run(postgres, "create role chat_runtime login password 'chat runtime'");
    Platforms.run(postgres, "grant chat_service to chat_runtime");
    database = TestDatabase.of(postgres, new Login(postgres.url(), "chat_runtime", "chat runtime"));
  }

  private static List<Precondition> unsafe(Migrations migrations) {
    return migrations.preconditions().stream().filter(Precondition::stops).toList();
  }

  /** Its default grants let people write any column of users; a policy alone is in the way. */
  @Test
  void aPolicyThatLetsPeopleChangeTheirTeamIsUnsafe() {
    String id = "authenticated may change id, status, team_id of public.users";
    Migrations migrations = Migrations.of(postgres, Platform.EXISTING);
    assertTrue(
        migrations.preconditions().stream()
            .anyMatch(warning -> warning.what().equals(id + ", as soon as a policy lets them")));
    Platforms.run(
        postgres,
        "create policy \"Users can update their own profile\" on public.users for update"
            + " to authenticated using (auth.uid() = id)");
    try {
      assertEquals(List.of(id), unsafe(migrations).stream().map(Precondition::what).toList());
      assertEquals(List.of(), unsafe(migrations.accepting(Accepted.of(id))));
    } finally {
      Platforms.run(postgres, "drop policy \"Users can update their own profile\" on public.users");
    }
  }

  @AfterAll
  static void stop() {
    database.close();
    server.close();
  }

  @Test
  void theOwnerIsNoSuperuserAndTheRuntimeLoginWillDo() {
    assertEquals(
        List.of("off"), Platforms.read(postgres, "select current_setting('is_superuser')"));
    ServiceLogin.verify(database.service());
  }

  @Test
  void anonCanDoNothing() {
    assertEquals(
        List.of(),
        Platforms.read(
            postgres,
            """
            select c.oid::regclass || ' ' || p.privilege
            from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p (privilege)
            where c.relkind in ('r', 'p', 'v')
              and c.relowner = 'postgres'::regrole
              and c.relname not in ('users', 'teams')
              and (has_table_privilege('anon', c.oid, p.privilege)
                or p.privilege in ('select', 'insert', 'update', 'references') and has_any_column_privilege('anon', c.oid, p.privilege))
            union all
            select p.oid::regprocedure::text
            from pg_proc p
            where p.proowner = 'postgres'::regrole
              and has_function_privilege('anon', p.oid, 'execute')
              and has_schema_privilege('anon', p.pronamespace, 'usage')
            union all
            select c.oid::regclass::text
            from pg_class c
            where case when c.relkind = 'S' and c.relowner = 'postgres'::regrole
              then has_sequence_privilege('anon', c.oid, 'usage, select, update')
            end
            """));
    database.anon().isRefused(() -> database.anon().sees(USER_CONVERSATIONS).count(), "42501");
    database
        .anon()
        .isRefused(
            () ->
                database
                    .anon()
                    .tries(tx -> Routines.updatePresence(tx.configuration(), "online", null)),
            "42501");
  }

  @Test
  void defaultPrivilegesOpenNothingToAuthenticatedEither() {
    assertEquals(
        List.of(
            "chat_files select",
            "conversation_preferences select",
            "message_edits select",
            "message_reactions select",
            "user_blocks select",
            "user_conversations select",
            "user_messages select"),
        Platforms.read(
            postgres,
            """
            select c.oid::regclass || ' ' || p.privilege
            from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p (privilege)
            where c.relkind in ('r', 'p', 'v')
              and c.relowner = 'postgres'::regrole
              and c.relname not in ('users', 'teams')
              and has_table_privilege('authenticated', c.oid, p.privilege)
            order by 1
            """));
  }

  @Test
  void theRulesHold() {
    UUID conversation = database.alice().talksTo(database.bob());
    database.alice().sends(conversation, "hi");
    database.alice().sees(USER_MESSAGES).rows(1);
    database.bob().sees(USER_MESSAGES).rows(1);
    database.carol().sees(USER_MESSAGES).nothing();
    database.mallory().sees(USER_MESSAGES).nothing();
    database.ivan().sees(USER_MESSAGES).nothing();
    database.gptDesk().sees(USER_MESSAGES).rows(1);
    database.mallory().isRefused(() -> database.mallory().sends(conversation, "hi"), "PT403");
    database.mallory().isRefused(() -> database.mallory().talksTo(database.alice()), "PT404");
    database
        .alice()
        .isRefused(
            () ->
                database
                    .alice()
                    .tries(
                        tx -> tx.update(USER_MESSAGES).set(USER_MESSAGES.CONTENT, "x").execute()),
            "42501");

    database.bob().tries(tx -> Routines.updatePresence(tx.configuration(), "online", "/inbox"));
    database.alice().sees(USER_PRESENCE).rows(1);
    database.mallory().sees(USER_PRESENCE).nothing();
    database
        .alice()
        .isRefused(
            () ->
                database
                    .alice()
                    .tries(tx -> tx.fetch("select current_page from public.user_presence")),
            "42501");
  }

  @Test
  void thePolicyMatrixHolds() throws SQLException {
    assertEquals(
        List.of(),
        PolicyReport.of(postgres, Accepted.NOTHING, List.of(), RestSql::of).differences());
  }

  @Test
  void itsRealtimeStaysItsOwn() {
    assertEquals(
        List.of("supabase_admin send"),
        Platforms.read(
            postgres,
            "select concat(proowner::regrole, ' ', proname) from pg_proc"
                + " where pronamespace = 'realtime'::regnamespace"));
  }

  @Test
  void thePublishedTablesAreInThePublication() {
    List<String> published =
        Platforms.read(
            postgres, "select distinct table_name from relay.published_columns() order by 1");
    assertTrue(published.contains("user_messages"), published::toString);
    assertEquals(
        published,
        Platforms.read(
            postgres,
            """
            select r.prrelid::regclass::text
            from pg_publication_rel r
            join pg_publication p on p.oid = r.prpubid
            where p.pubname = 'supabase_realtime'
            order by 1
            """));
  }

  /** A published table without a replica identity could no longer be updated. */
  @Test
  void whatIsPublishedCanBeWritten() {
    assertEquals(
        List.of(),
        Platforms.read(
            postgres,
            """
            select t.schemaname || '.' || t.tablename
            from pg_publication_tables t
            where t.pubname = 'supabase_realtime'
              and not exists (
                select
                from pg_class c
                join pg_index i on i.indrelid = c.oid
                where c.relname = t.tablename
                  and c.relnamespace::regnamespace::text = t.schemaname
                  and i.indisprimary
                  and c.relreplident = 'd'
              )
            """));
    UUID id = UUID.randomUUID();
    database.asOwner(
        "insert into public.users (id, full_name, team_id) values ('%s', 'Niaj', '%s')"
            .formatted(id, TestDatabase.RED));
    Person mallory = database.mallory();
    UUID conversation = mallory.talksTo(database.person("Niaj", id));
    UUID message = mallory.sends(conversation, "helo").getId();
    mallory.tries(tx -> Routines.editMessage(tx.configuration(), message, "hello"));
    mallory.tries(tx -> Routines.deleteMessage(tx.configuration(), message));
    database.asOwner("delete from public.users where id = '%s'".formatted(id));
  }

  @Test
  void migratingAgainChangesNothingAndTheServiceMayLook() {
    Migrations again = Migrations.of(database.service(), null);
    assertEquals(List.of(), again.differences());
    assertEquals(List.of(), unsafe(again));
    assertEquals(List.of(), again.drift());
    assertEquals(0, Migrations.of(postgres, Platform.EXISTING).migrate());
  }
}
