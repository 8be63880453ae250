package com.gptdesk.chat.service.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Made-up exports of three other chats become messages, once. */
class HistoryImportTest {
  private static final Path SAMPLES = Path.of("src/test/resources/history");

  private final TestDatabase database = TestDatabase.fresh();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void slack() throws Exception {
    List<String> report = load(HistoryFormat.SLACK, null);

    assertEquals(
        List.of(
            "Imported 5 messages; the export has 5 between people who are here.",
            "Left out 1 that are not between two people: of groups, to oneself, of the system.",
            "Not found in public.users by e-mail address; add them, or their address, and run this again:",
            "  Zoe Zimmer <zoe@elsewhere.example>: 1 times"),
        report);
    assertEquals(
        """
        1 alice@example.org text 2024-03-29 08:13:20 Hello @Bob Brown, see the plan (https://example.org/a?b=1&c=2) & answer []
        2 bob@example.org text 2024-03-29 08:14:20 Done <3 []
        3 alice@example.org text 2024-04-02 09:26:40 The files []
        4 alice@example.org file 2024-04-02 09:26:40  [https://files.slack.example/F1/plan.pdf plan.pdf 4711]
        5 alice@example.org image 2024-04-02 09:26:40  [https://files.slack.example/F2/map.png map.png 815]"""
            .stripIndent(),
        messages());
    assertEquals("1 :partyparrot: bob@example.org, 1 👍 bob@example.org", reactions());
    assertEquals(
        "2024-03-29",
        database.ownerReads(
            "select left(metadata -> 'imported' ->> 'edited_at', 10) from public.user_messages where seq = 2"));
  }

  @Test
  void rocketChat() throws Exception {
    List<String> report = load(HistoryFormat.ROCKETCHAT, URI.create("https://chat.example"));

    assertEquals(
        "Imported 3 messages; the export has 3 between people who are here.", report.get(0));
    assertTrue(report.contains("  Zoe Zimmer (u3, no e-mail address): 1 times"), report::toString);
    assertEquals(
        """
        1 alice@example.org text 2024-03-29 08:00:00 Hello Bob []
        2 bob@example.org text 2024-03-29 08:01:00 Hello Alice []
        3 alice@example.org file 2024-04-02 09:00:00  [https://chat.example/file-upload/f1/plan.pdf plan.pdf 4711]""",
        messages());
    assertEquals("1 ❤️ bob@example.org", reactions());
  }

  @Test
  void mattermost() throws Exception {
    List<String> report =
        load(HistoryFormat.MATTERMOST, URI.create("https://files.example/export/"));

    assertEquals(
        "Imported 5 messages; the export has 5 between people who are here.", report.get(0));
    assertEquals(
        """
        1 alice@example.org text 2024-03-29 08:00:00 Hello Bob []
        2 bob@example.org text 2024-03-29 08:01:00 Hello Alice []
        3 bob@example.org text 2024-03-29 08:01:10 twice []
        4 bob@example.org text 2024-03-29 08:01:10 twice []
        5 alice@example.org image 2024-04-02 09:00:00  [https://files.example/export/20240402/teams/noteam/channels/x/users/y/z/map.png map.png]""",
        messages());
    assertEquals("1 🎉 bob@example.org", reactions());
  }

  @ParameterizedTest
  @EnumSource
  void twiceMakesNothingTwice(HistoryFormat format) throws Exception {
    URI files = URI.create("https://files.example");
    load(format, files);
    String before = messages();

    List<String> report = load(format, files);

    assertTrue(report.get(0).startsWith("Imported 0 messages;"), report::toString);
    assertEquals(before, messages());
  }

  /** Nothing is guessed; what is mended is imported the next time. */
  @Test
  void aFileWithoutAnAddressIsRefusedUntilItHasOne() throws Exception {
    List<String> report = load(HistoryFormat.ROCKETCHAT, null);
    assertTrue(
        report.stream().anyMatch(line -> line.startsWith("Refused 1: A file needs file_url")),
        report::toString);

    load(HistoryFormat.ROCKETCHAT, URI.create("https://chat.example/"));

    assertEquals("3", database.ownerReads("select count(*) from public.user_messages"));
  }

  @Test
  void whoIsAddedLaterHasTheirHistoryThen() throws Exception {
    load(HistoryFormat.SLACK, null);
    database.asOwner(
        "insert into public.users (id, full_name, email, team_id) select gen_random_uuid(), 'Zoe', 'zoe@elsewhere.example', team_id from public.users where email = 'alice@example.org'");

    List<String> report = load(HistoryFormat.SLACK, null);

    assertTrue(report.get(0).startsWith("Imported 1 messages;"), report::toString);
  }

  @Test
  void aLineThatIsNoJsonIsNamed(@TempDir Path folder) throws IOException {
    Path export = folder.resolve("export.jsonl");
    Files.writeString(export, "{\"type\":\"version\"}\nnot this\n");

    IOException no =
        assertThrows(
            IOException.class,
            () ->
                new HistoryImport(HistoryFormat.MATTERMOST, export, null, null)
                    .run(database.owner()));

    assertTrue(no.getMessage().contains("line 2"), no::getMessage);
  }

  private List<String> load(HistoryFormat format, URI files) throws Exception {
    Path export =
        SAMPLES.resolve(format == HistoryFormat.MATTERMOST ? "mattermost.jsonl" : format.source());
    List<String> report = new HistoryImport(format, export, null, files).run(database.owner());
    assertEquals("0", database.ownerReads("select count(*) from chat.check_invariants()"));
    return report;
  }

  private String messages() {
    return database.ownerReads(
        """
        select string_agg(format('%s %s %s %s %s [%s]', m.seq, u.email, m.message_type,
          to_char(m.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), m.content,
          concat_ws(' ', m.file_url, m.file_name, m.file_size)), e'\\n' order by m.seq)
        from public.user_messages m
        join public.users u on u.id = m.sender_id
        """);
  }

  private String reactions() {
    return database.ownerReads(
        """
        select string_agg(format('%s %s %s', m.seq, r.reaction, u.email), ', ' order by m.seq, r.reaction collate "C")
        from public.message_reactions r
        join public.user_messages m on m.id = r.message_id
        join public.users u on u.id = r.user_id
        """);
  }
}
