package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.jooq.Record;
import org.jooq.Result;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * {@code logic/feed} and the feed of each table: what is written down, for whom, and what relays
 * read of it.
 */
class ChangeLogRulesTest extends Rules {

  private final UUID conversation = alice.talksTo(bob);

  // What is logged.

  @Test
  void aSendIsOneChangeForTheTwo() {
    List<Logged> sent = logged(() -> alice.sends(conversation, "hi"));
    assertEquals("[INSERT user_messages for Alice, Bob]", sent.toString());
    assertTrue(sent.getFirst().oldRow().isNull());
    assertEquals(
        column(
            "select attname from pg_attribute where attrelid = 'public.user_messages'::regclass and attnum > 0 order by attnum"),
        fieldsOf(sent.getFirst().row()));
    assertEquals("hi", sent.getFirst().row().path("content").asString());
  }

  @Test
  void aChangedMessageIsToldWholeAndAsItWasForFiltersAlone() {
    UUID id = alice.sends(conversation, "hi").getId();
    List<Logged> edited = logged(() -> alice.edits(id, "hello"));
    assertEquals("[UPDATE user_messages for Alice, Bob]", edited.toString());
    assertEquals("hello", edited.getFirst().row().path("content").asString());
    // For relays, to see which filters it leaves: clients are told the key alone (ChangeDataTest).
    assertEquals("hi", edited.getFirst().oldRow().path("content").asString());
    assertEquals(
        "INSERT message_reactions for Alice, Bob\nUPDATE user_messages for Alice, Bob",
        log(() -> bob.reacts(id, "👍")));
    assertEquals(
        "DELETE message_reactions for Alice, Bob\nUPDATE user_messages for Alice, Bob",
        log(() -> bob.takesBack(id, "👍")));
    bob.reacts(id, "👍");
    bob.readsUpTo(conversation, null);
    List<Logged> deleted = logged(() -> alice.deletes(id));
    assertEquals(
        "[UPDATE user_messages for Alice, Bob, DELETE message_reactions for Alice, Bob]",
        deleted.toString());
    assertEquals("", deleted.getFirst().row().path("content").asString());
  }

  @Test
  void aReadIsToldByTheConversationAlone() {
    UUID id = alice.sends(conversation, "hi").getId();
    alice.sends(conversation, "hello");
    List<Logged> read = logged(() -> bob.reads(id));
    assertEquals("[UPDATE user_conversations for Alice, Bob]", read.toString());
    assertEquals(1, read.getFirst().row().path("participant_2_read_seq").asInt());
    assertEquals(
        "UPDATE user_conversations for Alice, Bob", log(() -> bob.readsUpTo(conversation, null)));
    assertEquals("", log(() -> bob.readsUpTo(conversation, null)));
    assertEquals("", log(() -> bob.reads(id)));
  }

  @Test
  void aConversationIsToldWhenOpenedAndErased() {
    assertEquals("INSERT user_conversations for Alice, Carol", log(() -> carol.talksTo(alice)));
    assertEquals("", log(() -> carol.talksTo(alice)));
  }

  @Test
  void whatGoesWithAConversationIsToldToTheSamePeople() {
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.sends(conversation, "hello");
    alice.edits(message.getId(), "hi!");
    bob.reacts(message.getId(), "👍");
    alice.archives(conversation, true);
    List<Logged> erased =
        logged(() -> gptDesk.tries(tx -> tx.execute("delete from public.user_conversations")));
    assertEquals(
        List.of(
            "DELETE conversation_preferences for Alice",
            "DELETE message_reactions for Alice, Bob",
            "DELETE user_conversations for Alice, Bob",
            "DELETE user_messages for Alice, Bob",
            "DELETE user_messages for Alice, Bob"),
        erased.stream().map(Logged::toString).sorted().toList());
    for (Logged row : erased) {
      assertTrue(row.row().isNull());
      JsonNode old = row.oldRow();
      assertEquals(
          conversation.toString(),
          old.path(row.table().equals("user_conversations") ? "id" : "conversation_id").asString());
    }
  }

  @Test
  void whatGoesWithAPersonIsToldToWhoIsLeft() {
    bob.is("online", null);
    alice.is("online", "/secret");
    alice.typesTo(bob.id());
    UUID id = alice.sends(conversation, "hi").getId();
    bob.reacts(id, "👍");
    bob.blocks(alice.id());
    alice.blocks(carol.id());
    List<Logged> gone =
        logged(() -> database.asOwner("delete from public.users where id = '" + alice.id() + "'"));
    assertEquals(
        List.of(
            "DELETE message_reactions for Alice, Bob",
            "DELETE user_blocks for Alice",
            "DELETE user_blocks for Bob",
            "DELETE user_conversations for Alice, Bob",
            "DELETE user_messages for Alice, Bob",
            "DELETE user_presence for Alice, Blue",
            "DELETE users for Alice"),
        gone.stream().map(Logged::toString).sorted().toList());
    JsonNode presence =
        gone.stream()
            .filter(row -> row.table().equals("user_presence"))
            .findFirst()
            .orElseThrow()
            .oldRow();
    assertEquals(
        List.of("user_id", "status", "last_seen", "updated_at", "team_id"), fieldsOf(presence));
  }

  @Test
  void aPersonsTeamOrStatusIsAControlRowWithoutContent() {
    String change = "update public.users set %s where id = '" + alice.id() + "'";
    List<Logged> moved =
        logged(() -> database.asOwner(change.formatted("team_id = '" + TestDatabase.RED + "'")));
    // And of her conversation, whose partner_status is another.
    assertEquals(
        "[UPDATE users for Alice, UPDATE user_conversations for Alice, Bob]", moved.toString());
    assertTrue(moved.getFirst().row().isNull());
    assertTrue(moved.getFirst().oldRow().isNull());
    assertEquals(
        "UPDATE users for Alice\nUPDATE user_conversations for Alice, Bob",
        log(() -> database.asOwner(change.formatted("status = 'inactive'"))));
    assertEquals(
        "",
        log(
            () ->
                database.asOwner(change.formatted("full_name = 'Alice A.', status = 'inactive'"))));
  }

  @Test
  void aDeletedTeamIsAChangeOfItsPeople() {
    alice.is("online", null);
    String gone = log(() -> database.asOwner("delete from public.teams where name = 'Blue'"));
    assertEquals(
        List.of(
            "UPDATE user_conversations for Alice, Bob",
            "UPDATE user_conversations for Alice, Bob",
            "UPDATE user_presence for Alice, Blue",
            "UPDATE users for Alice",
            "UPDATE users for Bob",
            "UPDATE users for Carol",
            "UPDATE users for Ivan"),
        gone.lines().sorted().toList());
  }

  @Test
  void whatIsRolledBackIsNotLogged() {
    assertEquals(
        "",
        log(
            () ->
                alice.isRefused(
                    () ->
                        alice.tries(
                            tx -> {
                              tx.execute("select public.send_message(?, 'hi')", conversation);
                              tx.execute("select public.send_message(?, '')", conversation);
                            }),
                    "PT400")));
  }

  @Test
  void timesAreUtcWhateverTheWritersZone() {
    List<Logged> sent =
        logged(
            () ->
                alice.tries(
                    tx -> {
                      tx.execute("set local timezone = 'Asia/Tokyo'");
                      tx.execute("select public.send_message(?, 'hi')", conversation);
                    }));
    String at = sent.getFirst().row().path("created_at").asString();
    assertTrue(at.matches("\\d{4}-\\d\\d-\\d\\dT.*\\+00:00"), at);
  }

  @Test
  void changesOfManyRowsComeInTheOrderOfTheirNumbers() {
    List<Logged> sent =
        logged(
            () ->
                alice.tries(
                    tx -> {
                      for (int n = 1; n <= 5; n++) {
                        tx.execute("select public.send_message(?, ?)", conversation, "no. " + n);
                      }
                    }));
    assertEquals(
        List.of(1, 2, 3, 4, 5), sent.stream().map(row -> row.row().path("seq").asInt()).toList());
  }

  // Who reads it.

  @Test
  void nobodyReachesTheLog() {
    alice.sends(conversation, "hi");
    String nobody =
        "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    for (String table :
        List.of(
            "change_log",
            "change_log_0",
            "change_log_1",
            "change_log_2",
            "change_log_3",
            "epoch",
            "segments")) {
      everybody("select * from relay." + table, nobody);
      everybody("delete from relay." + table, nobody);
    }
    everybody(
        "insert into relay.change_log (table_name, operation, audience) values ('x', 'INSERT', '{}')",
        nobody);
    everybody("select nextval('relay.change_seq')", nobody);
    everybody("select setval('relay.segment_seq', 4)", nobody);
    assertNotEquals("0", database.ownerReads("select count(*) from relay.change_log"));
  }

  @Test
  void relaysReadItByFunctionsAndNobodyElseDoes() {
    String relay = "Alice    42501\nAnon     42501\nService  42501\nRelay    ";
    everybody("select * from relay.open()", relay + "1");
    everybody("select relay.audience_of_person('%s')".formatted(alice.id()), relay + "1");
    everybody("select relay.maintain()", relay + "1");
    everybody("select relay.claim_slot()", relay + "1");
    everybody("select relay.sleep(3)", relay + "1");
    everybody("select relay.wake(3)", relay + "1");
    everybody("select * from relay.tail(gen_random_uuid(), '1:1:', 10)", relay + "PT410");
    everybody("select * from relay.published_columns() where is_key", relay + "8");
    everybody(
        "select relay.notify_relays()",
        "Alice    42501\nAnon     42501\nService  42501\nRelay    42501");
  }

  @Test
  void audiencesArePersonAndTeamOfWhoIsActive() {
    String audiences =
        "select format('%%s %%s', s.audience, s.team_audience) from relay.audience_of_person('%s') s";
    assertEquals(
        "{%s} {%s}".formatted(alice.id(), TestDatabase.BLUE),
        asRelay(audiences.formatted(alice.id())));
    assertEquals("{} {}", asRelay(audiences.formatted(ivan.id())));
    assertEquals("{} {}", asRelay(audiences.formatted(NOBODY)));
    database.asOwner("update public.users set team_id = null where id = '" + alice.id() + "'");
    assertEquals("{%s} {}".formatted(alice.id()), asRelay(audiences.formatted(alice.id())));
  }

  @Test
  void publishedColumnsAreThoseOfTheRecords() {
    List<String> tables =
        column("select distinct table_name from relay.published_columns() order by 1");
    assertEquals(
        List.of(
            "conversation_preferences",
            "message_reactions",
            "user_blocks",
            "user_conversations",
            "user_messages",
            "user_presence"),
        tables);
    // All that our tables have; that the records have them, and no others: ExtraColumnsTest.
    assertEquals(
        List.of(
            "conversation_preferences.unread_at_seq",
            "conversation_preferences.unread_correction",
            "user_presence.current_page"),
        column(
            """
            select c.relname || '.' || a.attname
            from pg_attribute a
            join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'public'::regnamespace
              and c.relname in (select table_name from relay.published_columns())
              and a.attnum > 0
              and not a.attisdropped
              and (c.relname, a.attname) not in (select table_name, column_name from relay.published_columns())
            order by 1
            """));
    assertEquals(
        "0",
        database.ownerReads(
            """
            select count(*)
            from relay.published_columns() p
            left join pg_attribute a
              on a.attrelid = ('public.' || p.table_name)::regclass and a.attname = p.column_name
            where a.atttypid is distinct from (
              select t.atttypid
              from pg_attribute t
              where t.attrelid = ('relay.published_' || p.table_name)::regclass
                and t.attname = p.column_name
            )
            """));
    assertEquals(
        List.of("conversation_id", "user_id"),
        column(
            "select column_name from relay.published_columns() where table_name = 'conversation_preferences' and is_key"));
  }

  @Test
  void theTailIsWhatBecameVisibleSince() {
    Record open = relay("select * from relay.open()").getFirst();
    UUID epoch = open.get("epoch", UUID.class);
    alice.sends(conversation, "one");
    bob.sends(conversation, "two");
    Result<Record> tail = tail(epoch, open.get("snapshot", String.class), 100);
    assertEquals(3, tail.size());
    assertNull(tail.getFirst().get("seq"));
    String snapshot = tail.getFirst().get("snapshot", String.class);
    assertTrue(tail.get(1).get("seq", Long.class) < tail.get(2).get("seq", Long.class));
    assertEquals("one", json(tail.get(1).get("record", String.class)).path("content").asString());
    assertEquals("two", json(tail.get(2).get("record", String.class)).path("content").asString());
    assertEquals(1, tail(epoch, snapshot, 100).size()); // and nothing twice

    assertEquals(epoch, relay("select * from relay.open()").getFirst().get("epoch", UUID.class));
    refused("PT410", UUID.randomUUID(), open.get("snapshot", String.class), 100);
  }

  /** A snapshot that brings more than was asked for is gone through in pages. */
  @Test
  void aPollGoesOnWhereThePageBeforeEnded() {
    Record open = relay("select * from relay.open()").getFirst();
    UUID epoch = open.get("epoch", UUID.class);
    for (String text : List.of("one", "two", "three", "four")) {
      alice.sends(conversation, text);
    }
    Result<Record> whole = tail(epoch, open.get("snapshot", String.class), 100);
    Result<Record> first = tail(epoch, open.get("snapshot", String.class), 2);
    alice.sends(conversation, "meanwhile");
    Result<Record> second = tail(epoch, first.getFirst().get("snapshot", String.class), 2);
    Result<Record> third = tail(epoch, second.getFirst().get("snapshot", String.class), 2);
    assertEquals(whole.getValues("seq", Long.class).subList(1, 3), seqs(first));
    assertEquals(whole.getValues("seq", Long.class).subList(3, 5), seqs(second));
    assertEquals(List.of(), seqs(third)); // the page before was full: it could not know
    assertEquals(whole.getFirst().get("snapshot"), third.getFirst().get("snapshot"));
    Result<Record> next = tail(epoch, third.getFirst().get("snapshot", String.class), 2);
    assertEquals(1, seqs(next).size());
    assertEquals(
        "meanwhile", json(next.get(1).get("record", String.class)).path("content").asString());
    refused("PT410", UUID.randomUUID(), first.getFirst().get("snapshot", String.class), 2);
  }

  private static List<Long> seqs(Result<Record> tail) {
    return tail.getValues("seq", Long.class).subList(1, tail.size());
  }

  @Test
  void whoCommitsLateIsNotLeftOut() throws SQLException {
    Record open = relay("select * from relay.open()").getFirst();
    UUID epoch = open.get("epoch", UUID.class);
    String snapshot;
    try (Connection late = database.owner().connect();
        Statement statement = late.createStatement()) {
      late.setAutoCommit(false);
      statement.execute(
          "update public.user_conversations set is_archived = true"); // numbered first
      carol.talksTo(alice); // committed first
      Result<Record> first = tail(epoch, open.get("snapshot", String.class), 100);
      assertEquals(2, first.size());
      assertEquals("INSERT", first.get(1).get("operation"));
      snapshot = first.getFirst().get("snapshot", String.class);
      late.commit();
    }
    Result<Record> second = tail(epoch, snapshot, 100);
    assertEquals(2, second.size());
    assertEquals("UPDATE", second.get(1).get("operation"));
  }

  @Test
  void whatIsOlderThanTheLogReachesIsRefused() {
    database.asOwner("delete from relay.epoch");
    Record open = relay("select * from relay.open()").getFirst();
    UUID epoch = open.get("epoch", UUID.class);
    alice.sends(conversation, "old");
    String before = database.ownerReads("select count(*) from relay.change_log");
    relay("select relay.maintain()");
    String written = database.ownerReads("select last_value from relay.segment_seq");
    minutesPass(61);
    Await.until(
        "writers to have left the segment",
        () -> {
          relay("select relay.maintain()");
          return database
              .ownerReads(
                  "select count(*) from relay.segments where generation = %s and drained_at is not null"
                      .formatted(written))
              .equals("1");
        });
    minutesPass(59); // change_log_hours = 1
    relay("select relay.maintain()");
    assertEquals(before, database.ownerReads("select count(*) from relay.change_log"));
    assertEquals(2, tail(epoch, open.get("snapshot", String.class), 100).size()); // the control
    minutesPass(2);
    relay("select relay.maintain()");
    assertEquals("0", database.ownerReads("select count(*) from relay.change_log"));
    refused("PT410", epoch, open.get("snapshot", String.class), 100);
  }

  private void minutesPass(int minutes) {
    database.asOwner(
        "update relay.segments set began_at = began_at - interval '%1$d minutes', drained_at = drained_at - interval '%1$d minutes'"
            .formatted(minutes));
  }

  @Test
  void writersRingOnlyForWhoSleeps() throws SQLException {
    try (Connection relay = database.service().connect();
        Statement statement = relay.createStatement()) {
      statement.execute("set role chat_relay");
      statement.execute("listen gptdesk_chat");
      var notices = relay.unwrap(org.postgresql.PGConnection.class);
      alice.sends(conversation, "awake");
      statement.execute("select 1"); // would bring what notified before
      assertEquals(0, notices.getNotifications().length);
      try (var row = statement.executeQuery("select relay.sleep(relay.claim_slot())")) {
        row.next();
        assertTrue(row.getBoolean(1));
      }
      alice.sends(conversation, "asleep");
      alice.sends(conversation, "still asleep");
      var heard = notices.getNotifications(Await.patienceMillis());
      assertTrue(heard != null && heard.length > 0, "nobody notified");
      assertEquals("", heard[0].getParameter());
    }
  }

  private Result<Record> relay(String sql, Object... bindings) {
    return database.chat().as(ServiceDatabase.RELAY, tx -> tx.fetch(sql, bindings));
  }

  private String asRelay(String sql) {
    return relay(sql).getFirst().get(0, String.class);
  }

  private Result<Record> tail(UUID epoch, String snapshot, int rows) {
    return relay("select * from relay.tail(?, ?, ?)", epoch, snapshot, rows);
  }

  private void refused(String code, UUID epoch, String snapshot, int rows) {
    assertEquals(code, assertThrows(Refusal.class, () -> tail(epoch, snapshot, rows)).code());
  }
}
