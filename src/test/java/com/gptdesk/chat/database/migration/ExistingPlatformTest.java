package com.gptdesk.chat.database.migration;

import static com.gptdesk.chat.jooq.Tables.USER_CONVERSATIONS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.policies.PolicyReport;
import com.gptdesk.chat.service.rest.RestSql;
import com.gptdesk.chat.testing.TestDatabase;
import com.gptdesk.chat.testing.TestServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The chat comes to GPT Desk's own database, migrated by a role that owns nothing there. The tests
 * tell it in order: refused while somebody holds a table, then migrated, then used.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ExistingPlatformTest {

  private static final String OUR_OBJECTS =
      """
      select c.oid::regclass::text from pg_class c
      where c.relnamespace in (to_regnamespace('public'), to_regnamespace('relay'), to_regnamespace('chat'))
        and c.relowner = 'chat_owner'::regrole
        and c.relname not like 'flyway%'
      union all
      select p.oid::regprocedure::text from pg_proc p where p.proowner = 'chat_owner'::regrole
      """;

  private static TestServer server;
  private static Login owner;
  private static Login gptDesk;
  private static List<String> before;

  @BeforeAll
  static void prepare() {
    server = TestServer.start();
    owner = Platforms.gptDesk(server);
    gptDesk = new Login(owner.url(), "gpt_desk", "gpt desk");
    before = everythingOfGptDesk();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  @Order(1)
  void nothingIsMissing() {
    assertEquals(List.of(), Migrations.of(owner, Platform.EXISTING).preconditions());
  }

  @Test
  @Order(2)
  void itIsToldWhichPlatformThisIs() {
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> Migrations.of(owner, null).migrate());
    assertTrue(no.getMessage().contains("the name public.users: a table has it"), no.getMessage());
    assertTrue(no.getMessage().contains("migrate with --platform existing"), no.getMessage());
  }

  @Test
  @Order(3)
  void itGivesUpWhenSomebodyHoldsATableAndLeavesNothing() throws SQLException {
    try (Connection somebody = gptDesk.connect();
        Statement statement = somebody.createStatement()) {
      somebody.setAutoCommit(false);
      statement.execute("update public.users set last_login_at = now() where full_name like 'A%'");

      Migrations impatient =
          new Migrations(owner, Platform.EXISTING, "classpath:db", Duration.ofMillis(200));
      IllegalStateException no = assertThrows(IllegalStateException.class, impatient::migrate);
      assertTrue(no.getMessage().startsWith("Gave up after 200 ms"), no.getMessage());
      somebody.rollback();
    }
    assertEquals(List.of(), Platforms.read(owner, OUR_OBJECTS));
    assertEquals(before, everythingOfGptDesk());
  }

  @Test
  @Order(4)
  void itIsMigratedAndTheSecondTimeNothingChanges() {
    assertTrue(Migrations.of(owner, Platform.EXISTING).migrate() > 10);
    List<String> after = catalogue();
    Migrations again = Migrations.of(owner, null);
    assertEquals(0, again.migrate());
    assertEquals(after, catalogue());
    assertEquals(List.of(), again.differences());
    assertEquals(List.of(), again.preconditions());
    assertTrue(again.summary().contains("platform existing, nothing pending"), again.summary());
    assertEquals(before, everythingOfGptDesk());
  }

  @Test
  @Order(5)
  void peopleChatThere() {
    server.admitService();
    try (TestDatabase database = database()) {
      ServiceLogin.verify(database.service());
      UUID conversation = database.alice().talksTo(database.bob());
      database.alice().sends(conversation, "hi");
      database.bob().sees(USER_MESSAGES).rows(1);
      database.mallory().sees(USER_MESSAGES).nothing();
      database.ivan().sees(USER_MESSAGES).nothing();
      database.mallory().isRefused(() -> database.mallory().sends(conversation, "hi"), "PT403");
      database.anon().isRefused(() -> database.anon().sees(USER_CONVERSATIONS).count(), "42501");
      assertEquals(
          List.of("Bob Brown", "Carol Clark"),
          database
              .alice()
              .does(
                  tx ->
                      tx.selectFrom(Routines.searchUsers("", null, 10))
                          .fetch("full_name", String.class)));
    }
  }

  @Test
  @Order(6)
  void thePolicyMatrixHolds() throws SQLException {
    assertEquals(
        List.of(),
        PolicyReport.of(
                server.at(server.superuser(), "platform"), Accepted.NOTHING, List.of(), RestSql::of)
            .differences());
  }

  @Test
  @Order(7)
  void whoIsNoLongerActiveIsOutAtOnce() {
    try (TestDatabase database = database()) {
      Platforms.run(
          gptDesk, "update public.users set status = 'inactive' where full_name = 'Bob Brown'");
      database.bob().sees(USER_MESSAGES).nothing();
      database.alice().sees(USER_MESSAGES).rows(1);
      assertNotEquals(
          "0",
          database.ownerReads("select count(*) from relay.change_log where table_name = 'users'"),
          "relays are told");
    }
  }

  @Test
  @Order(8)
  void whatMigratingNeedsIsSeenAfterwardsToo() {
    Platforms.run(
        server.at(server.superuser(), "platform"),
        "revoke trigger on public.users from chat_owner");
    for (Login login : List.of(owner, server.at(server.service(), "platform"))) {
      assertEquals(
          List.of(
              "Missing: TRIGGER on public.users. grant trigger on table public.users to chat_owner;"),
          Migrations.of(login, null).preconditions().stream().map(Precondition::toString).toList());
    }
  }

  private static TestDatabase database() {
    return TestDatabase.of(owner, server.at(server.service(), "platform"));
  }

  /** Each row of each table of theirs, and what their tables are like. */
  private static List<String> everythingOfGptDesk() {
    return Platforms.read(
        gptDesk,
        """
        select t::text from public.teams t
        union all select u::text from public.users u
        union all select s::text from public.chat_sessions s
        union all select m::text from public.chat_messages m
        union all
        select concat_ws(' ', a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attnotnull, c.relowner::regrole, c.relrowsecurity)
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid
        where c.oid in ('public.teams'::regclass, 'public.users'::regclass, 'public.chat_sessions'::regclass, 'public.chat_messages'::regclass)
          and a.attnum > 0
        union all
        select concat_ws(' ', p.polrelid::regclass, p.polname) from pg_policy p where p.polrelid = 'public.users'::regclass
        order by 1
        """);
  }

  /** Every object of the database with its version (xmin changes when it is written again). */
  private static List<String> catalogue() {
    return Platforms.read(
        owner,
        """
        select 'class ' || oid || ' ' || xmin from pg_class where oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace
        union all select 'function ' || oid || ' ' || xmin from pg_proc where oid >= 16384
        union all select 'policy ' || oid || ' ' || xmin from pg_policy
        union all select 'trigger ' || oid || ' ' || xmin from pg_trigger
        union all select 'history ' || h::text from chat.flyway_history h
        order by 1
        """);
  }
}
