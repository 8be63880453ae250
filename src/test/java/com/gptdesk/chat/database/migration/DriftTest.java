package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Weakenings.Weakening;
import com.gptdesk.chat.policies.Cause;
import com.gptdesk.chat.policies.PolicyReport;
import com.gptdesk.chat.service.rest.RestSql;
import com.gptdesk.chat.testing.TestDatabase;
import com.gptdesk.chat.testing.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Whatever is changed by hand is noticed, and told by its cause, on either platform. */
class DriftTest {

  private static TestServer server;
  private static Login standalone;
  private static Login existing;

  @BeforeAll
  static void start() {
    server = TestServer.start();
    existing = server.at(server.superuser(), "platform");
    Login owner = Platforms.gptDesk(server);
    Migrations.of(owner, Platform.EXISTING).migrate();
    standalone = server.at(server.superuser(), "chat");
    Migrations.of(server.owner(), Platform.STANDALONE).migrate();
    server.admitService();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void whatIsMigratedHasNoDrift() throws SQLException {
    for (Platform platform : Platform.values()) {
      assertEquals(List.of(), causes(platform, ""), platform::toString);
    }
    assertEquals(List.of(), Migrations.of(server.service(), null).drift(), "the login may ask");
  }

  @Test
  void everyWeakeningIsNoticedAndNamed() throws SQLException {
    assertTrue(Weakenings.ALL.size() >= 40, "or it shows too little");
    List<Executable> each = new ArrayList<>();
    for (Platform platform : Platform.values()) {
      try (Connection connection = begun(platform);
          Statement statement = connection.createStatement()) {
        for (Weakening weakening : Weakenings.ALL) {
          statement.execute("savepoint one");
          try {
            statement.execute(weakening.sql());
          } catch (SQLException e) {
            throw new IllegalStateException(weakening.sql(), e);
          }
          List<Cause> causes = Cause.of(connection, platform, Accepted.NOTHING);
          String[] ids = causes.stream().map(Cause::id).toArray(String[]::new);
          List<Cause> left = Cause.of(connection, platform, Accepted.of(ids));
          statement.execute("rollback to savepoint one");
          each.add(() -> isNamed(platform, weakening, causes));
          each.add(() -> assertEquals(List.of(), left, () -> weakening + ", once accepted"));
        }
        connection.rollback();
      }
    }
    assertAll(each);
  }

  private static void isNamed(Platform platform, Weakening weakening, List<Cause> causes) {
    assertTrue(
        !causes.isEmpty()
            && causes.stream().allMatch(cause -> Accepted.of(weakening.cause()).covers(cause.id())),
        () -> "%s, %s: %s".formatted(platform, weakening, causes));
  }

  @Test
  void togetherEachIsStillNamed() throws SQLException {
    for (Platform platform : Platform.values()) {
      List<Weakening> done = new ArrayList<>();
      try (Connection connection = begun(platform);
          Statement statement = connection.createStatement()) {
        for (Weakening weakening : Weakenings.ALL) {
          if (weakening.cause().endsWith("<owner>")) {
            continue; // whoever is past all policies is told of once, and not for the rest
          }
          statement.execute("savepoint one");
          try {
            statement.execute(weakening.sql());
            done.add(weakening);
          } catch (SQLException spoiltByOneBefore) {
            statement.execute("rollback to savepoint one");
          }
        }
        List<Cause> causes = Cause.of(connection, platform, Accepted.NOTHING);
        assertTrue(done.size() > 40, done::toString);
        assertTrue(causes.size() <= done.size(), () -> "not by symptom: " + causes);
        for (Weakening weakening : done) {
          assertTrue(
              causes.stream()
                  .anyMatch(
                      cause ->
                          Accepted.of(weakening.cause()).covers(cause.id())
                              || Accepted.of(cause.id()).covers(weakening.cause())),
              () -> "%s, %s: %s".formatted(platform, weakening, causes));
        }
        connection.rollback();
      }
    }
  }

  /** What a platform has besides is judged by what it opens of the chat. */
  @Test
  void whatIsHarmlessIsNotTold() throws SQLException {
    String harmless =
        """
        create table public.invoices (id int primary key);
        create view elsewhere.invoices as select * from public.invoices;
        grant select on public.invoices, elsewhere.invoices to authenticated;
        create function elsewhere.total() returns bigint security definer language sql as 'select count(*) from public.invoices';
        create view elsewhere.mine with (security_invoker = true) as select * from public.user_messages;
        grant select on elsewhere.mine to authenticated;
        create view elsewhere.reports as select * from public.user_messages;
        create role analyst; grant usage on schema elsewhere to analyst; grant select on elsewhere.reports to analyst;
        alter role authenticated set statement_timeout = '3s';
        select chat.ensure_message_partitions(9)
        """;
    assertEquals(List.of(), causes(Platform.EXISTING, harmless));
    assertEquals(
        List.of("table public.invoices"),
        causes(Platform.STANDALONE, harmless).stream().map(Cause::id).toList());
  }

  /** As a restore that stopped after the data leaves it. */
  @Test
  void aHalfRestoredDatabaseIsNotWhereItShouldBe() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      Migrations migrations = Migrations.of(database.service(), null);
      assertEquals(List.of(), migrations.drift());
      database.asOwner(
          """
          do $$
          declare
            key record;
          begin
            for key in
              select conrelid::regclass as of, conname from pg_constraint
              where contype in ('p', 'f') and conparentid = 0
                and connamespace::regnamespace::text in ('public', 'chat', 'relay')
              order by contype
            loop
              execute format('alter table %s drop constraint %I cascade', key.of, key.conname);
            end loop;
          end
          $$
          """);
      assertEquals(List.of(), migrations.differences(), "Flyway sees nothing of it");
      List<Drift> drift = migrations.drift();
      assertEquals(
          1,
          drift.stream().filter(cause -> cause.id().startsWith("constraint")).count(),
          drift::toString);
      assertTrue(drift.getFirst().what().contains("missing"), drift::toString);
    }
  }

  @Test
  void aReportTellsCausesAndCountsWhatShowsThem() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.asOwner("grant select on public.message_edits to anon");
      database.asOwner(
          "alter policy \"Users can view messages in their conversations\" on public.user_messages using (true)");
      PolicyReport report = PolicyReport.of(database.owner());
      assertEquals(
          List.of(
              "policy public.user_messages Users can view messages in their conversations",
              "right public.message_edits anon"),
          report.causes().stream().map(Cause::id).sorted().toList());
      assertEquals(List.of(), report.unexplained());
      assertTrue(
          report.symptoms().values().stream().allMatch(count -> count > 0),
          report.symptoms()::toString);

      Accepted accepted =
          Accepted.of(
              "# for support",
              "right public.message_edits anon  # until May",
              "policy public.user_messages *",
              "matrix *",
              "right public.gone anon");
      PolicyReport again = PolicyReport.of(database.owner(), accepted);
      assertTrue(again.allWell(), () -> again.causes() + " " + again.unexplained());
      assertEquals(
          List.of("accepted, but not there any more: right public.gone anon"), again.notes());
    }
  }

  /** The scene cannot be made then; that is told with its cause, and not by a stack trace. */
  @Test
  void whatMakesTheMatrixImpossibleIsToldByItsCause() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      TestDatabase.asSuperuser("drop role if exists clerk; create role clerk");
      Login superuser =
          new Login(
              database.owner().url(),
              TestDatabase.server().superuser().user(),
              TestDatabase.server().superuser().password());
      Platforms.run(superuser, "alter table chat.settings owner to clerk");
      Platforms.run(superuser, "alter function public.send_message owner to clerk");
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      boolean allWell =
          PolicyReport.of(database.owner())
              .print(new PrintStream(text, true, StandardCharsets.UTF_8));
      String printed = text.toString(StandardCharsets.UTF_8);
      assertTrue(
          !allWell
              && printed.contains("CAUSE    2 things belong (chat.settings, public.send_message("),
          printed);
      assertTrue(printed.contains("UNTRIED  "), printed);
    }
    TestDatabase.asSuperuser("drop role clerk");
  }

  /** Nor does the SQL of requests, which is made from functions of the chat's. */
  @Test
  void whatMakesRequestsImpossibleIsToldByItsCause() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.asOwner("drop function chat.served_columns(text[])");
      PolicyReport report =
          PolicyReport.of(database.owner(), Accepted.NOTHING, List.of(), RestSql::of);
      assertTrue(String.valueOf(report.untried()).contains("served_columns"), report::toString);
      assertTrue(report.causes().toString().contains("served_columns"), () -> "" + report.causes());
    }
  }

  /** What is told of that act, which is rolled back. */
  private static List<Cause> causes(Platform platform, String sql) throws SQLException {
    try (Connection connection = begun(platform);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
      List<Cause> causes = Cause.of(connection, platform, Accepted.NOTHING);
      connection.rollback();
      return causes;
    }
  }

  private static Connection begun(Platform platform) throws SQLException {
    Connection connection = (platform == Platform.STANDALONE ? standalone : existing).connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "create schema elsewhere; grant usage on schema elsewhere to public; create role clerk");
    }
    return connection;
  }
}
