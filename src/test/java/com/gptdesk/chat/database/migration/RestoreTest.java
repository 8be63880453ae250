package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.plans.BulkChat;
import com.gptdesk.chat.testing.TestServer;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The runbook's way back from a dump, by its own commands: data alone, and the whole into the next
 * major version. Needs an installed PostgreSQL with its tools; {@code CHAT_REQUIRE=stock} makes a
 * lack of it a failure.
 */
@Tag("slow")
class RestoreTest {

  private static final int PARTITIONS = 8;

  private static Path tools;
  private static TestServer installed;
  @TempDir static Path directory;

  @BeforeAll
  static void dump() throws Exception {
    tools = toolsOf(Path.of("/usr/lib/postgresql"));
    installed = TestServer.start(tools.toString(), false);
    Migrations.of(installed.owner(), null).migrate();
    installed.admitService();
    BulkChat.fill(at(installed, "chat"), 1, 20, 20261, PARTITIONS);
    try (Connection connection = at(installed, "chat").connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "set session_replication_role = replica; update public.user_conversations set participant_2_read_seq = 50"); // has sent
    }
    runs(at(installed, "chat"), tool("pg_dump") + " --format=custom --file=chat.dump chat");
  }

  @AfterAll
  static void end() {
    if (installed != null) {
      installed.close();
    }
  }

  /** The newest installation that has what a DBA uses. */
  private static Path toolsOf(Path installations) throws IOException {
    List<Path> found = List.of();
    if (Files.isDirectory(installations)) {
      try (Stream<Path> versions = Files.list(installations)) {
        found =
            versions
                .map(version -> version.resolve("bin"))
                .filter(
                    bin ->
                        Stream.of("initdb", "pg_dump", "pg_dumpall", "pg_restore", "psql")
                            .allMatch(name -> Files.isExecutable(bin.resolve(name))))
                .sorted()
                .toList();
      }
    }
    if (found.isEmpty()) {
      String why = "no PostgreSQL with pg_dump is installed (Debian: postgresql): no dump restored";
      assertTrue(
          !Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(","))
              .contains("stock"),
          why);
      Assumptions.abort(why);
    }
    return found.getLast();
  }

  @Test
  void dataAloneIsRestoredAndTheOwnerDropsWhatIsOld() throws Exception {
    Login superuser = at(installed, "data_alone");
    runs(at(installed, "postgres"), tool("createdb") + " --owner=chat_owner data_alone");
    Login owner = installed.at(installed.owner(), "data_alone");
    Migrations migrations = Migrations.of(owner, null);
    migrations.migrate();
    String said =
        runs(superuser, commandsAfter("Data alone").replace("-d chat ", "-d data_alone "));
    assertTrue(said.contains("(0 rows)"), said);

    assertEquals(
        read(at(installed, "chat"), "select count(*) from public.user_messages"),
        read(superuser, "select count(*) from public.user_messages"));
    assertEquals(List.of(), migrations.differences());
    assertEquals(List.of(), migrations.drift());
    assertEquals(
        "chat_owner",
        read(
            superuser,
            "select string_agg(distinct c.relowner::regrole::text, ', ') from pg_inherits i"
                + " join pg_class c on c.oid = i.inhrelid where i.inhparent = 'public.user_messages'::regclass"));
    String old =
        "select count(*) from public.user_messages where created_at < date_trunc('month', now(), 'UTC') - interval '1 month'";
    assertNotEquals("0", read(owner, old));
    runs(
        owner,
        tool("psql")
            + " -v ON_ERROR_STOP=1 -c \"call chat.drop_messages_before(date_trunc('month', now(), 'UTC') - interval '1 month')\"");
    assertEquals("0", read(owner, old));
  }

  @Test
  void theWholeIsRestoredInTheNextMajorOnceTheRolesHaveTheirMembershipsAgain() throws Exception {
    try (TestServer next = TestServer.start("18", false)) {
      Login superuser = next.at(next.superuser(), "postgres");
      // Its own roles are there already, and keep their passwords.
      String roles =
          runs(at(installed, "postgres"), tool("pg_dumpall") + " --roles-only --no-role-passwords");
      Files.writeString(directory.resolve("roles.sql"), roles);
      runs(superuser, tool("psql") + " --quiet -f roles.sql 2>/dev/null");
      runs(superuser, tool("createdb") + " --owner=chat_owner restored");
      Login owner = next.at(next.owner(), "restored");
      runs(owner, tool("pg_restore") + " --exit-on-error -d restored chat.dump");

      Login service = next.at(next.service(), "restored");
      if (Integer.parseInt(read(at(installed, "chat"), "show server_version_num")) < 160_000) {
        assertThrows(IllegalStateException.class, () -> ServiceLogin.verify(service)); // the fault
      }
      runs(
          superuser,
          tool("psql") + " -v ON_ERROR_STOP=1 <<'E'\n" + commandsAfter("grant them again") + "E");
      ServiceLogin.verify(service);
      Migrations migrations = Migrations.of(owner, null);
      assertEquals(List.of(), migrations.differences());
      assertEquals(List.of(), migrations.drift());
      assertEquals("0", read(owner, "select count(*) from chat.check_invariants()"));
      DataSource pool = service.dataSource();
      assertTrue(
          !new UserChat(new ChatDatabase(pool), BulkChat.person(1)).getConversations().isEmpty());
    }
  }

  /** The block of commands that follows these words of the runbook. */
  private static String commandsAfter(String words) throws IOException {
    String runbook = Files.readString(Path.of("docs/database-runbook.md"));
    int from = runbook.indexOf(words);
    assertTrue(from >= 0, () -> "the runbook does not say: " + words);
    int begin = runbook.indexOf("\n```\n", from) + "\n```\n".length();
    return runbook.substring(begin, runbook.indexOf("```", begin));
  }

  private static String tool(String name) {
    return "'" + tools.resolve(name) + "'";
  }

  private static Login at(TestServer server, String database) {
    return server.at(server.superuser(), database);
  }

  private static String read(Login login, String query) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }

  /** As a DBA types it, where the dump is; returns what it says. */
  private static String runs(Login login, String commands)
      throws IOException, InterruptedException {
    URI url = URI.create(login.url().substring("jdbc:".length()));
    ProcessBuilder shell =
        new ProcessBuilder("sh", "-ec", commands)
            .directory(directory.toFile())
            .redirectErrorStream(true);
    Map<String, String> environment = shell.environment();
    environment.put("PATH", tools + ":" + environment.get("PATH"));
    environment.put("PGHOST", url.getHost());
    environment.put("PGPORT", String.valueOf(url.getPort()));
    environment.put("PGUSER", login.user());
    environment.put("PGPASSWORD", login.password());
    environment.put("PGDATABASE", url.getPath().substring(1));
    Process process = shell.start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> commands + "\n" + said);
    return said;
  }
}
