package com.gptdesk.chat.policies;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.service.rest.RestSql;
import com.gptdesk.chat.testing.ChatPolicies;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code verify-policies}: what it says of a sound database, of a weak one, and of one not ours.
 */
class PolicyMatrixTest {

  private static final String COUNTS =
      "select concat_ws(' ', (select count(*) from public.users), (select count(*) from public.teams),"
          + " (select count(*) from public.user_conversations), (select count(*) from relay.change_log),"
          + " (select count(*) from pg_auth_members))";

  @Test
  void everyCellIsAsWritten() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      PolicyReport report =
          PolicyReport.of(database.owner(), Accepted.NOTHING, List.of(), RestSql::of);
      assertEquals(List.of(), report.differences());
      assertTrue(report.outcomes().keySet().stream().anyMatch(Attempt::isByRest));
    }
  }

  @Test
  void nothingOfItStays() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      String before = database.ownerReads(COUNTS);
      PolicyReport.of(database.owner());
      assertEquals(before, database.ownerReads(COUNTS));
    }
  }

  @Test
  void aWeakPolicyIsMarkedAndNamed() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.asOwner(
          "alter policy \"Users can view messages in their conversations\" on public.user_messages"
              + " using (true)");
      Printed printed = Printed.of(database.owner());
      assertFalse(printed.allWell());
      assertTrue(
          printed
              .text()
              .contains(
                  "[policy public.user_messages Users can view messages in their conversations] ("),
          printed::text);
      assertFalse(printed.text().contains("DIFFERS"), printed::text);
      assertTrue(printed.text().lines().anyMatch(line -> line.contains("[1]")), printed::text);
    }
  }

  @Test
  void continuousIntegrationReadsIt(@TempDir Path folder) throws Exception {
    Path junit = folder.resolve("junit.xml");
    Path sarif = folder.resolve("policies.sarif");
    try (TestDatabase database = TestDatabase.fresh()) {
      Login owner = database.owner();
      ChatPolicies.verify(owner.url(), owner.user(), owner.password());
      PolicyReport sound = PolicyReport.of(owner);
      sound.writeJunit(junit);
      sound.writeSarif(sarif);
      Element suite = parsed(junit);
      int attempts = sound.outcomes().size() * Persona.values().length;
      assertEquals(
          (attempts + 1) + " 0 0",
          "%s %s %s"
              .formatted(
                  suite.getAttribute("tests"),
                  suite.getAttribute("failures"),
                  suite.getAttribute("skipped")));
      assertEquals(attempts + 1, suite.getElementsByTagName("testcase").getLength());
      assertEquals(0, sarifMessages(sarif).size());

      database.asOwner(
          "alter policy \"Users can view messages in their conversations\" on public.user_messages"
              + " using (true)");
      PolicyReport weak = PolicyReport.of(owner);
      weak.writeJunit(junit);
      weak.writeSarif(sarif);
      suite = parsed(junit);
      NodeList failures = suite.getElementsByTagName("failure");
      assertEquals(weak.differences().size() + 1, failures.getLength());
      assertEquals(suite.getAttribute("failures"), String.valueOf(failures.getLength()));
      assertEquals(weak.causes().stream().map(Cause::toString).toList(), sarifMessages(sarif));
      AssertionError told =
          assertThrows(
              AssertionError.class,
              () -> ChatPolicies.verify(owner.url(), owner.user(), owner.password()));
      assertTrue(String.valueOf(told.getMessage()).contains("CAUSE    "));
    }
  }

  private static Element parsed(Path junit) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(junit.toFile())
        .getDocumentElement();
  }

  private static List<String> sarifMessages(Path sarif) throws IOException {
    return new JsonMapper()
        .readTree(Files.readString(sarif))
        .at("/runs/0/results")
        .valueStream()
        .map(result -> result.at("/message/text").stringValue())
        .toList();
  }

  @Test
  void aRightTooManyIsNamed() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.asOwner("grant update (read_by) on public.user_messages to authenticated");
      database.asOwner("create table chat.notes (text text); grant select on chat.notes to anon");
      List<String> differences =
          PolicyReport.of(database.owner()).differences().stream().map(Object::toString).toList();
      assertTrue(
          differences.contains("public.user_messages, read_by, authenticated: expected s, got su"),
          differences::toString);
      assertTrue(
          differences.contains("chat.notes, text, anon: expected unlisted, got s"),
          differences::toString);
    }
  }

  @Test
  void whereUsersDemandMorePeopleAreBorrowed() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.asOwner("alter table public.users add shoe_size int not null default 42");
      database.asOwner("alter table public.users alter shoe_size drop default");

      String untried = String.valueOf(PolicyReport.of(database.owner()).untried());
      assertTrue(untried.contains("found 2 and 5"), untried);

      database.alice().sends(database.alice().talksTo(database.bob()), "we know each other");
      database.asOwner(
          "insert into public.users (full_name, email, team_id, shoe_size)"
              + " select 'Person ' || n, n || '@example.org', null, 40 from generate_series(1, 5) n");
      String people = database.ownerReads("select json_agg(u order by id) from public.users u");
      assertEquals(List.of(), PolicyReport.of(database.owner()).differences());
      assertEquals(
          people, database.ownerReads("select json_agg(u order by id) from public.users u"));
    }
  }

  @Test
  void whoMayNotBecomeTheRolesIsTold() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh()) {
      Login service = database.service();
      IllegalStateException refused =
          assertThrows(IllegalStateException.class, () -> PolicyReport.of(service));
      assertTrue(
          refused
              .getMessage()
              .contains("use the owner of the chat's tables: chat_login is not the owner"),
          refused::getMessage);
    }
  }

  private record Printed(boolean allWell, String text) {
    static Printed of(Login owner) throws SQLException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      boolean allWell =
          PolicyReport.of(owner).print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
      return new Printed(allWell, bytes.toString(StandardCharsets.UTF_8));
    }
  }
}
