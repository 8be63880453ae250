package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The history of another chat: with its own times, once, and told to nobody message by message. */
class ImportRulesTest extends Rules {

  ImportRulesTest() {
    super(TestDatabase.fresh()); // partitions come
  }

  @Test
  void onlyTheOwnerImports() {
    String nobody =
        "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    everybody("select chat.import_step('slack')", nobody);
    everybody("call chat.import_messages('slack')", nobody);
    everybody("select * from chat.imported_messages", nobody);
  }

  @Test
  void historyComesWithItsTimesSendersReactionsAndFiles() {
    message("1", alice.id(), bob.id(), "'first'", "'2025-03-29 23:30Z'");
    message("2", bob.id(), alice.id(), "'second'", "'2025-04-01 08:00Z'");
    database.asOwner(
        """
        update chat.imported_messages
        set reactions = '[{"user_id": "%s", "reaction": "👍"}]', message_type = 'file', file_url = 'https://files.example/a',
          file_name = 'a.txt', file_size = 7, edited_at = '2025-04-02Z'
        where source_id = '2'
        """
            .formatted(alice.id()));

    load();

    assertEquals(
        List.of(
            "1 Alice Adams first 2025-03-29 23:30:00", "2 Bob Brown second 2025-04-01 08:00:00"),
        column(
            """
            select format('%s %s %s %s', m.seq, u.full_name, m.content, m.created_at at time zone 'UTC')
            from public.user_messages m join public.users u on u.id = m.sender_id order by m.seq
            """));
    assertEquals(
        List.of("file https://files.example/a a.txt 7 👍 2025-04-02"),
        column(
            """
            select format('%s %s %s %s %s %s', m.message_type, m.file_url, m.file_name, m.file_size, r.reaction, (m.updated_at at time zone 'UTC')::date)
            from public.user_messages m join public.message_reactions r on r.message_id = m.id
            """));
    assertEquals(
        List.of("user_messages_2025_03", "user_messages_2025_04"),
        column(
            "select c.relname from public.user_messages m join pg_class c on c.oid = m.tableoid order by m.seq"));
    assertEquals(
        List.of("2025-03-29 2 2 2"),
        column(
            "select format('%s %s %s %s', (created_at at time zone 'UTC')::date, last_message_seq, participant_1_read_seq, participant_2_read_seq) from public.user_conversations"));
    allIsWell();
  }

  @Test
  void importedTwiceNothingIsThereTwice() {
    history(7);
    load();
    long log = log();

    load();
    database.asOwner(
        "insert into chat.imported_messages (source, source_id, sender_id, recipient_id, content, sent_at) select source, source_id, sender_id, recipient_id, content, sent_at from chat.imported_messages on conflict do nothing");
    load();

    assertEquals("7", database.ownerReads("select count(*) from public.user_messages"));
    assertEquals(log, log());
    allIsWell();
  }

  /** As after a crash: each step is a transaction, and the next call goes on. */
  @Test
  void anImportThatWasEndedGoesOn() {
    history(7);
    database.asOwner("select chat.import_step('old chat', 3)"); // the partitions
    database.asOwner("select chat.import_step('old chat', 3)");
    assertEquals("3", database.ownerReads("select count(*) from public.user_messages"));
    allIsWell();

    load();

    assertEquals("7", database.ownerReads("select count(*) from public.user_messages"));
    allIsWell();
  }

  @Test
  void historyGoesBeforeWhatWasWrittenHereAndKeepsWhatIsRead() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "here 1");
    alice.sends(conversation, "here 2");
    bob.readsUpTo(conversation, 1L);
    bob.receives(new UUID[] {conversation}, new Long[] {2L});
    String revision = database.ownerReads("select revision from public.user_conversations");
    history(5);

    load();

    assertEquals(
        List.of("1 h1", "2 h2", "3 h3", "4 h4", "5 h5", "6 here 1", "7 here 2"),
        column("select seq || ' ' || content from public.user_messages order by seq"));
    assertEquals(
        "1",
        database.ownerReads(
            "select last_message_seq - least(participant_1_read_seq, participant_2_read_seq) from public.user_conversations"),
        "what was unread is unread");
    assertEquals(
        "7",
        database.ownerReads(
            "select greatest(participant_1_delivered_seq, participant_2_delivered_seq) from public.user_conversations"),
        "what was received is received");
    assertEquals(
        "7",
        database.ownerReads(
            "select count(*) from public.user_messages where revision > " + revision),
        "whoever asks for changes gets all of it");
    alice.sends(conversation, "here 3");
    allIsWell();
  }

  @Test
  void whatWasTakenBackUnreadStaysUncounted() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "read");
    bob.readsUpTo(conversation, null);
    UUID takenBack = alice.sends(conversation, "taken back").getId();
    alice.sends(conversation, "here");
    alice.deletes(takenBack);
    bob.marksUnread(conversation, 1L);
    history(3);

    load();

    assertEquals(List.of(2L, 1L), bob.unread(), "what was marked and what came");
    allIsWell();
  }

  /** At its message, whatever number that gets; of those that come, it counts what is after it. */
  @Test
  void aMarkAsUnreadStaysAtItsMessage() {
    UUID conversation = alice.talksTo(bob);
    for (String content : List.of("here 1", "here 2", "here 3")) {
      alice.sends(conversation, content);
    }
    bob.readsUpTo(conversation, null);
    bob.marksUnread(conversation, 2L);
    assertEquals("2 2", unread(conversation));
    history(4);

    load();

    assertEquals("2 6", unread(conversation));
    assertEquals(
        "here 2", database.ownerReads("select content from public.user_messages where seq = 6"));
    message("5", alice.id(), bob.id(), "'h5'", "'2025-02-20Z'");
    message("6", bob.id(), alice.id(), "'h6'", "'2025-02-21Z'");
    load();
    assertEquals("2 8", unread(conversation));
    allIsWell();
    bob.readsUpTo(conversation, null);
    assertEquals("0 0", unread(conversation));
    allIsWell();
  }

  /** Who read on or wrote since has ended it before. */
  @Test
  void aMarkAsUnreadThatHasEndedDoesNotComeBack() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "here 1");
    alice.sends(conversation, "here 2");
    bob.readsUpTo(conversation, null);
    bob.marksUnread(conversation, 1L);
    bob.sends(conversation, "here 3");
    history(4);
    load();
    assertEquals("0 0", unread(conversation));
    allIsWell();
  }

  /** How many Bob has not read, and the first of them. */
  private String unread(UUID conversation) {
    return bob.does(
        tx ->
            String.valueOf(
                tx.fetchValue(
                    "select unread_count || ' ' || coalesce(first_unread_seq, 0) from public.get_conversations(conversation_id => ?)",
                    conversation)));
  }

  @Test
  void unreadStaysUnread() {
    history(4);
    database.asOwner("update chat.imported_messages set is_read = false where source_id = '4'");

    load();

    assertEquals(
        "1",
        database.ownerReads(
            "select last_message_seq - least(participant_1_read_seq, participant_2_read_seq) from public.user_conversations"));
    allIsWell();
  }

  @Test
  void peopleAreToldOnceForAConversation() {
    long before = log();
    history(20);

    load();

    assertEquals(1, log() - before);
    assertEquals(
        List.of("user_conversations UPDATE"),
        column(
            "select table_name || ' ' || operation from relay.change_log order by seq desc limit 1"));
  }

  @Test
  void aRowThatCannotBeImportedSaysWhyAndKeepsNothingBack() {
    database.asOwner("update chat.settings set retention_days = 3650");
    UUID a = alice.id();
    UUID b = bob.id();
    message("good", a, b, "'good'", "now() - interval '1 day'");
    message("people", a, a, "'x'", "now()");
    message("unknown", a, NOBODY, "'x'", "now()");
    message("team", a, mallory.id(), "'x'", "now()");
    message("time", a, b, "'x'", "'1970-01-20Z'");
    message("later", a, b, "'x'", "now() + interval '1 day'");
    message("old", a, b, "'x'", "'2010-01-01Z'");
    message("empty", a, b, "' '", "now()");
    message("long", a, b, "repeat('x', 100001)", "now()");
    for (String[] row :
        new String[][] {
          {"type", "message_type = 'song'"},
          {"file", "file_url = 'https://files.example/a'"},
          {"url", "message_type = 'file', file_url = 'javascript:alert(1)'"},
          {"name", "message_type = 'file', file_url = 'https://files.example/a', file_name = ''"},
          {"metadata", "metadata = '[]'"},
          {
            "reaction",
            "reactions = '[{\"user_id\": \"%s\", \"reaction\": \"x\"}]'".formatted(NOBODY)
          },
          {"reactions", "reactions = '{}'"},
        }) {
      message(row[0], a, b, "'x'", "now()");
      database.asOwner(
          "update chat.imported_messages set %s where source_id = '%s'".formatted(row[1], row[0]));
    }

    load();

    assertEquals(List.of("good"), column("select content from public.user_messages"));
    List<String> problems =
        column(
            "select problem from chat.imported_messages where source_id <> 'good' order by line");
    assertEquals(15, problems.size());
    assertTrue(problems.stream().allMatch(problem -> problem.length() > 20), problems::toString);

    // Mended, it is imported.
    database.asOwner(
        "update chat.imported_messages set content = 'now it has one', problem = null where source_id = 'empty'");
    load();
    assertEquals(
        List.of("good", "now it has one"),
        column("select content from public.user_messages order by seq"));
    allIsWell();
  }

  @Test
  void whoIsGoneOrBlockedHasAHistory() {
    database.asOwner(
        "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
            .formatted(alice.id(), bob.id()));
    history(2);
    message("ivan", alice.id(), ivan.id(), "'to somebody who is not active'", "'2025-01-01Z'");

    load();

    assertEquals("3", database.ownerReads("select count(*) from public.user_messages"));
  }

  @Test
  void arguments() {
    for (String arguments : List.of("null", "'x', 0", "'x', 10001", "'x', null")) {
      assertEquals("PT400", refusal("select chat.import_step(%s)".formatted(arguments)));
    }
  }

  private void history(int messages) {
    for (int i = 1; i <= messages; i++) {
      message(
          String.valueOf(i),
          alice.id(),
          bob.id(),
          "'h%d'".formatted(i),
          "timestamptz '2025-01-30Z' + %d * interval '1 day'".formatted(i));
    }
  }

  private void message(String id, UUID from, UUID to, String content, String at) {
    database.asOwner(
        "insert into chat.imported_messages (source, source_id, sender_id, recipient_id, content, sent_at) values ('old chat', '%s', '%s', '%s', %s, %s)"
            .formatted(id, from, to, content, at));
  }

  private void load() {
    database.asOwner("call chat.import_messages('old chat', 3)");
  }

  private long log() {
    return Long.parseLong(database.ownerReads("select count(*) from relay.change_log"));
  }

  private void allIsWell() {
    assertEquals(
        new ArrayList<>(), column("select rule || ': ' || detail from chat.check_invariants()"));
  }

  private String refusal(String sql) {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return "none";
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }
}
