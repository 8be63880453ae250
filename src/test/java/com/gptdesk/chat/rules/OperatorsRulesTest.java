package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.jooq.udt.records.ConversationViewRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** {@code logic/operations}: partitions, retention, archive, and whether all is as it must be. */
class OperatorsRulesTest extends Rules {

  private final UUID conversation = alice.talksTo(bob);

  OperatorsRulesTest() {
    super(TestDatabase.fresh()); // partitions come and go
  }

  @Test
  void whatOperatorsDoIsTheOwnersToDo() {
    String nobody = "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    ";
    everybody("select chat.ensure_message_partitions(3)", nobody + "1");
    everybody("select chat.archive_inactive_conversations(interval '90 days')", nobody + "42501");
    everybody("select chat.create_message_partition('2030-01-01')", nobody + "42501");
    everybody("select chat.check_invariants()", nobody + "42501");
    everybody("call chat.drop_messages_before('2020-01-01')", nobody + "42501");
    everybody("select * from chat.settings", nobody + "42501");
    everybody("update chat.settings set max_message_length = 5", nobody + "42501");
    everybody("select * from chat.flyway_history", nobody + "42501");
  }

  @Test
  void theOwnerIsNoSuperuserAndNobodyBypasses() {
    assertEquals(
        List.of("chat_owner"),
        column(
            "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace::regnamespace::text in ('public', 'chat', 'relay', 'auth')"));
    assertEquals(
        List.of(),
        column(
            "select rolname from pg_roles where (rolsuper or rolbypassrls) and rolname in"
                + " ('chat_owner', 'chat_login', 'chat_service', 'chat_relay', 'anon', 'authenticated', 'service_role')"));
  }

  // Partitions.

  @Test
  void partitionsAreMadeAheadOnce() {
    assertEquals("0", database.ownerReads("select chat.ensure_message_partitions(3)"));
    int before = partitions().size();
    assertTrue(before >= 4, "this month and three more");
    assertEquals("2", database.ownerReads("select chat.ensure_message_partitions(5)"));
    assertEquals("0", database.ownerReads("select chat.ensure_message_partitions(5)"));
    assertEquals(before + 2, partitions().size());
    for (String months : List.of("0", "-1", "61", "null")) {
      assertEquals("PT400", refusal("select chat.ensure_message_partitions(%s)".formatted(months)));
    }
  }

  /** Of the month of yesterday, too, as ids may be a day old. */
  @Test
  void onWhicheverDayOfAMonthThoseOfThreeMoreAreMade() {
    List<String> functions =
        column(
            "select pg_get_functiondef(oid) from pg_proc where pronamespace = 'chat'::regnamespace"
                + " and proname in ('ensure_message_partitions', 'message_partitions_ahead')");
    assertEquals(2, functions.size());
    for (String[] day :
        new String[][] {
          {"2031-02-28 23:59Z", "2031_02"},
          {"2031-03-01 00:00Z", "2031_02"},
          {"2031-03-01 23:59Z", "2031_02"},
          {"2031-03-02 00:00Z", "2031_03"},
          {"2031-12-31 12:00Z", "2031_12"},
          {"2032-01-01 12:00Z", "2031_12"}
        }) {
      functions.forEach(
          function ->
              database.asOwner(function.replace("now()", "timestamptz '%s'".formatted(day[0]))));
      database.ownerReads("select chat.ensure_message_partitions(3)");
      assertEquals("3", database.ownerReads("select chat.message_partitions_ahead()"), day[0]);
      assertTrue(partitions().contains("chat.user_messages_" + day[1]), day[0]);
    }
  }

  @Test
  void aPartitionIsAMonthOfUtcAndLikeTheOthers() {
    database.asOwner(
        "set timezone = 'Asia/Tokyo'; select chat.create_message_partition('2031-02-28')");
    assertEquals(
        "2031-02-01 00:00:00|2031-03-01 00:00:00",
        database.ownerReads(
            """
            select string_agg((chat.uuid7_time(b[1]::uuid) at time zone 'UTC')::text, '|')
            from pg_class c, regexp_matches(pg_get_expr(c.relpartbound, c.oid), '[0-9a-f-]{36}', 'g') b
            where c.relname = 'user_messages_2031_02'
            """));
    // The same columns, indexes, keys, triggers and row-level security, and no privileges.
    for (String same :
        List.of(
            "select count(*) from pg_index where indrelid = '%s'::regclass",
            "select string_agg(conname::text || pg_get_constraintdef(oid), ',' order by conname) from pg_constraint where conrelid = '%s'::regclass and contype = 'c'",
            "select count(*) from pg_constraint where conrelid = '%s'::regclass",
            "select string_agg(tgname, ',' order by tgname) from pg_trigger where tgrelid = '%s'::regclass and not tgisinternal",
            "select string_agg(concat(attname, atttypid::regtype, attnotnull) || coalesce(pg_get_expr(adbin, adrelid), ''), ',' order by attnum)"
                + " from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = '%s'::regclass and attnum > 0",
            "select relrowsecurity from pg_class where oid = '%s'::regclass")) {
      assertEquals(
          database.ownerReads(same.formatted(partitions().getFirst())),
          database.ownerReads(same.formatted("chat.user_messages_2031_02")));
    }
    assertEquals(
        List.of("chat_owner"),
        column(
            "select distinct grantee::regrole::text from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) where relname = 'user_messages_2031_02'"));
  }

  @Test
  void aPartitionMadeLaterIsNoWayIn() {
    database.asOwner(
        "alter default privileges in schema public grant all on tables to anon, authenticated");
    database.asOwner("select chat.create_message_partition('2031-02-01')");
    everybody(
        "select * from chat.user_messages_2031_02",
        "Alice    42501\nAnon     42501\nService  42501");
  }

  // Retention.

  @Test
  void aMonthThatIsDroppedTakesItsFilesAlong() throws SQLException {
    UUID file = fileOfAlice(conversation, "a.txt", "stored");
    UUID unsent = fileOfAlice(conversation, "b.txt", "stored");
    alice.sends(conversation, "old");
    UUID old = MessageRules.uuid7(java.time.Instant.parse("2020-01-15T12:00:00Z"));
    database.asOwner("select chat.create_message_partition('2020-01-15')");
    database.asOwner("update public.user_messages set id = '%s'".formatted(old));
    database.asOwner(
        "update public.chat_files set message_id = '%s' where id = '%s'".formatted(old, file));
    drop("2020-02-01Z");
    assertEquals(List.of(file.toString()), column("select file_id from chat.file_removals"));
    assertEquals(List.of(unsent.toString()), column("select id from public.chat_files"));
  }

  @Test
  void messagesBeforeAMomentAreDroppedWithAllThatHangsOnThem() throws SQLException {
    old(2, "2020-01-15");
    old(2, "2020-02-15");
    UUID id = alice.sends(conversation, "today").getId();
    bob.reacts(id, "👍");
    alice.edits(id, "today!");
    assertInvariantsHold();
    assertEquals("5 5 5", counts());

    drop("2020-02-20Z"); // of whole months only
    assertEquals("3 3 3", counts());
    assertFalse(partitions().contains("chat.user_messages_2020_01"));
    assertTrue(partitions().contains("chat.user_messages_2020_02"));
    assertInvariantsHold();

    drop("2020-03-01Z");
    assertEquals("1 1 1", counts());
    assertEquals(
        List.of(5L), alice.messagesOf(conversation).stream().map(m -> m.getSeq()).toList());
    assertEquals(6, alice.sends(conversation, "and on").getSeq());
    assertInvariantsHold();
    drop("2020-03-01Z"); // again changes nothing
  }

  @Test
  void aConversationWhoseMessagesAreGoneIsStillListed() throws SQLException {
    old(2, "2020-01-15");
    drop("2020-03-01Z");
    assertInvariantsHold();
    ConversationViewRecord listed = view(bob, conversation);
    assertEquals(2, listed.getLastMessageSeq());
    assertEquals(2, listed.getUnreadCount());
    assertEquals(null, listed.getLastMessage());
    assertEquals(0, bob.readsUpTo(conversation, null));
    assertEquals(3, bob.sends(conversation, "hi").getSeq());
    assertInvariantsHold();
  }

  @Test
  void beforeTheFirstIdThereIsNothingToDrop() throws SQLException {
    alice.sends(conversation, "today");
    List<String> before = partitions();
    for (String moment :
        List.of("1970-01-01Z", "1969-12-31Z", "1926-01-01Z", "4713-01-01 BC", "-infinity")) {
      drop(moment);
      assertEquals(before, partitions(), moment);
    }
    assertEquals(1, alice.messagesOf(conversation).size());
  }

  @Test
  void retentionIsASettingThatTheServiceCarriesOut() {
    old(2, "2020-01-15");
    alice.sends(conversation, "today");
    String step = "select chat.apply_retention()";
    everybody(step, "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    1");
    assertEquals(List.of(), steps(), "off, as it is at first");
    database.asOwner("update chat.settings set retention_days = 30");
    assertEquals(List.of("swept", "swept", "user_messages_2020_01"), steps());
    assertEquals("1 0 0", counts());
    assertInvariantsHold();
    assertThrows(
        IllegalStateException.class,
        () -> database.asOwner("update chat.settings set retention_days = 0"));
  }

  @Test
  void aMonthWithMessagesUnderLegalHoldLosesTheOthersOnly() throws SQLException {
    old(2, "2020-01-15");
    UUID withCarol = alice.talksTo(carol);
    UUID held = alice.sends(withCarol, "held").getId();
    database.asOwner(
        """
        alter table public.user_messages disable trigger user;
        update public.user_messages set id = overlay(id::text placing (
            select substr(chat.uuid7_floor('2020-01-15')::text, 1, 13)) from 1 for 13)::uuid where id = '%s';
        alter table public.user_messages enable trigger user;
        update public.user_conversations set created_at = '2020-01-01';
        update public.user_conversations c set last_message_id = m.id from public.user_messages m where m.conversation_id = c.id and m.seq = c.last_message_seq
        """
            .formatted(held));
    database.asOwner(
        "select chat.place_hold('case 17', conversation_id => '%s')".formatted(withCarol));

    drop("2020-03-01Z");
    assertEquals(List.of("held"), column("select content from public.user_messages"));
    assertInvariantsHold();

    database.asOwner("select chat.release_hold(id) from chat.legal_holds");
    drop("2020-03-01Z");
    assertEquals("0 0 0", counts());
    assertInvariantsHold();
  }

  /** What the service's steps of retention do, one a transaction, until there is nothing left. */
  private List<String> steps() {
    List<String> steps = new ArrayList<>();
    String done;
    do {
      done =
          database
              .chat()
              .as(
                  ServiceDatabase.RELAY,
                  tx -> tx.fetchSingle("select chat.apply_retention()").get(0, String.class));
      if (done != null) {
        steps.add(done);
      }
    } while (done != null);
    return steps;
  }

  @Test
  void whatIsOfTheLastDayIsNotDropped() {
    for (String moment : List.of("null", "now()", "now() - interval '23 hours'", "'infinity'")) {
      assertEquals("PT400", refusal("call chat.drop_messages_before(%s)".formatted(moment)));
    }
  }

  @Test
  void whateverCascadesGoesAlong() throws SQLException {
    old(2, "2020-01-15");
    database.asOwner(
        """
        create table public.notes (
          id uuid primary key default gen_random_uuid(),
          message_id uuid not null references public.user_messages (id) on delete cascade);
        insert into public.notes (message_id) select m.id from public.user_messages m
        """);
    UUID kept = alice.sends(conversation, "today").getId();
    database.asOwner("insert into public.notes (message_id) values ('%s')".formatted(kept));
    drop("2020-03-01Z");
    assertEquals(List.of(kept.toString()), column("select message_id from public.notes"));
    assertEquals(1, alice.messagesOf(conversation).size());
  }

  @Test
  void aKeyThatDoesNotCascadeIsNamed() {
    database.asOwner(
        "create table public.notes (message_id uuid constraint note_of_a_message references public.user_messages (id))");
    String no = "call chat.drop_messages_before('2020-01-01Z')";
    assertEquals("PT409", refusal(no));
    assertTrue(
        assertThrows(IllegalStateException.class, () -> database.asOwner(no))
            .getCause()
            .getMessage()
            .contains("note_of_a_message on public.notes"));
  }

  // Partitions beside those who write.

  @Test
  void aPartitionIsMadeBesideOneWhoWritesWithoutStoppingTheOthers() throws Exception {
    UUID withCarol = alice.talksTo(carol);
    try (Connection slow = database.owner().connect();
        Statement statement = slow.createStatement();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      slow.setAutoCommit(false);
      statement.execute(
          "update public.user_conversations set is_archived = false where id = '%s'"
              .formatted(conversation));
      Future<?> maker = threads.submit(() -> until("2032-01-01"));
      Await.until(
          "the maker is kept waiting",
          () ->
              !database
                  .ownerReads("select count(*) from pg_locks where mode = 'ShareRowExclusiveLock'")
                  .equals("0"));
      for (int n = 0; n < 3; n++) {
        alice.sends(withCarol, "meanwhile");
      }
      assertFalse(maker.isDone());
      slow.commit();
      maker.get();
    }
    assertTrue(partitions().contains("chat.user_messages_2032_01"));
    assertInvariantsHold();
  }

  /** Calls again when there was no gap, as the service does. */
  private void until(String month) {
    while (true) {
      try {
        database.asOwner("select chat.create_message_partition('%s')".formatted(month));
        return;
      } catch (IllegalStateException e) {
        if (!(e.getCause() instanceof SQLException sql && sql.getSQLState().equals("PT503"))) {
          throw e;
        }
      }
    }
  }

  @Test
  void whoeverMakesAPartitionItIsTheOwners() throws SQLException {
    String url = database.owner().url();
    String name = url.substring(url.lastIndexOf('/') + 1);
    try (Connection superuser =
            TestDatabase.server().at(TestDatabase.server().superuser(), name).connect();
        Statement statement = superuser.createStatement()) {
      statement.execute("select chat.create_message_partition('2033-01-01')");
    }
    assertEquals(
        "chat_owner",
        database.ownerReads(
            "select relowner::regrole from pg_class where relname = 'user_messages_2033_01'"));
  }

  @Test
  void aMissingPartitionIsMadeWhenAMessageComes() {
    dropAllPartitions();
    assertEquals("0", database.ownerReads("select chat.message_partitions_ahead()"));
    alice.sends(conversation, "the first of the month");
    assertEquals(1, bob.messagesOf(conversation).size());
    assertEquals("3", database.ownerReads("select chat.message_partitions_ahead()"));
  }

  @Test
  void aPartitionThatCannotBeMadeIsNotTheCallersFault() {
    dropAllPartitions();
    database.asOwner("revoke execute on function chat.ensure_message_partitions from chat_relay");
    assertTrue(
        assertThrows(DatabaseUnavailable.class, () -> alice.sends(conversation, "hi"))
            .isPartitionMissing());
    assertEquals(0, partitions().size());
  }

  @Test
  void aPartitionIsMadeAtWhicheverTryItIsMissed() {
    dropAllPartitions();
    AtomicInteger tries = new AtomicInteger();
    alice.does(
        tx -> {
          if (tries.incrementAndGet() == 1) {
            tx.execute("do $$ begin raise sqlstate '40P01'; end $$");
          }
          return new UserChat(ChatDatabase.on(tx.configuration()), alice.id())
              .sendMessage(conversation, "hi");
        });
    assertEquals(3, tries.get());
    assertEquals(1, bob.messagesOf(conversation).size());
  }

  @Test
  void aPartitionThatOthersHeldUpIsMadeAtTheNextTry() throws SQLException {
    dropAllPartitions();
    AtomicInteger tries = new AtomicInteger();
    try (Connection maker = database.owner().connect();
        Statement statement = maker.createStatement()) {
      maker.setAutoCommit(false);
      statement.execute("select from chat.settings for update");
      alice.does(
          tx -> {
            if (tries.incrementAndGet() == 2) {
              rollBack(maker); // the first try has waited for it in vain
            }
            new UserChat(ChatDatabase.on(tx.configuration()), alice.id())
                .sendMessage(conversation, "hi");
            return tries.get();
          });
    }
    assertEquals(3, tries.get());
    assertEquals(1, bob.messagesOf(conversation).size());
  }

  private static void rollBack(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private void dropAllPartitions() {
    for (String partition : partitions()) {
      database.asOwner(
          "alter table public.user_messages detach partition %1$s; drop table %1$s"
              .formatted(partition));
    }
  }

  // Archive.

  @Test
  void quietConversationsArePutAwayForBoth() {
    UUID withCarol = alice.talksTo(carol);
    UUID empty = bob.talksTo(carol);
    alice.sends(conversation, "hi");
    alice.sends(withCarol, "hi");
    database.asOwner(
        "update public.user_conversations set created_at = now() - interval '91 days', last_message_at = last_message_at - interval '91 days' where id <> '%s'"
            .formatted(withCarol));
    String archive = "select chat.archive_inactive_conversations(interval '90 days')";
    assertEquals(
        "UPDATE user_conversations for Alice, Bob\nUPDATE user_conversations for Bob, Carol",
        log(() -> assertEquals("2", database.ownerReads(archive)))
            .lines()
            .sorted()
            .reduce((a, b) -> a + "\n" + b)
            .orElse(""));
    assertEquals("0", database.ownerReads(archive));
    assertTrue(view(alice, conversation).getIsArchived());
    assertTrue(view(bob, empty).getIsArchived());
    assertFalse(view(alice, withCarol).getIsArchived());
    bob.sends(conversation, "back again");
    assertFalse(view(alice, conversation).getIsArchived());
    for (String interval : List.of("null", "interval '23 hours'", "interval '-1 year'")) {
      assertEquals(
          "PT400", refusal("select chat.archive_inactive_conversations(%s)".formatted(interval)));
    }
  }

  // Invariants.

  @Test
  void invariantsTellWhatIsBroken() {
    UUID one = alice.sends(UUID.randomUUID(), conversation, "one").getId();
    UUID two = bob.sends(conversation, "two").getId();
    UUID three = alice.sends(conversation, "three").getId();
    bob.reacts(one, "👍");
    alice.edits(one, "first");
    bob.reads(three);
    alice.archives(conversation, true);
    alice.is("online", null);
    alice.deletes(three);
    fileOfAlice(conversation, "a.txt", "stored");
    database.asOwner(
        "update public.user_conversations set created_at = created_at + interval '40 days'");
    assertInvariantsHold();

    breaks(
        "numbers have no gaps and no repeats",
        "update public.user_messages set seq = 1 where id = '%s'".formatted(two));
    breaks(
        "numbers begin with 1", "delete from public.user_messages where id = '%s'".formatted(one));
    breaks(
        "a later number is a later message",
        "update public.user_messages set created_at = created_at - interval '1 hour' where id = '%s'"
            .formatted(two));
    breaks(
        "a later number is a later message",
        "update public.user_messages set revision = 9, sent_revision = 9 where id = '%s'"
            .formatted(two));
    breaks(
        "the last message is the last one",
        "update public.user_conversations set last_message_id = '%s'".formatted(two));
    breaks(
        "the last message is the last one",
        "update public.user_conversations set last_message_at = now()");
    breaks(
        "the last message is the last one",
        "delete from public.user_messages where id = '%s'".formatted(three));
    breaks(
        "nothing is numbered past the last message",
        "update public.user_messages set seq = 4 where id = '%s'".formatted(three));
    breaks(
        "read positions are within what was sent",
        "alter table public.user_conversations drop constraint read_what_was_sent; update public.user_conversations set participant_1_read_seq = 4");
    breaks(
        "what was delivered was sent",
        "update public.user_conversations set participant_2_delivered_seq = 4");
    breaks(
        "whoever sends has read",
        "update public.user_conversations set participant_2_read_seq = 1");
    breaks(
        "whoever is in read_by has read so far",
        "update public.user_conversations set participant_2_read_seq = 2");
    breaks(
        "read_by holds readers, each once",
        "update public.user_messages set read_by = read_by || read_by where id = '%s'"
            .formatted(three));
    breaks(
        "read_by holds readers, each once",
        "update public.user_messages set read_by = '[\"%s\"]'".formatted(carol.id()));
    breaks(
        "a message is between the two of its conversation",
        "update public.user_messages set recipient_id = '%s'".formatted(carol.id()));
    breaks("a revision is one message's", "update public.user_messages set revision = 5");
    breaks(
        "no revision is ahead of its conversation",
        "update public.user_messages set revision = 99 where id = '%s'".formatted(one));
    breaks(
        "the newest revision is some message's",
        "update public.user_conversations set revision = 99");
    breaks(
        "a deleted message is blank",
        "update public.user_messages set content = 'x' where id = '%s'".formatted(three));
    breaks(
        "a deleted message is blank",
        "insert into public.message_edits (message_id, sender_id, content) values ('%s', '%s', 'x')"
            .formatted(three, alice.id()));
    breaks("an edited message has its earlier texts", "delete from public.message_edits");
    breaks("a message is found by its sender's key", "delete from chat.message_keys");
    breaks(
        "a message is found by its sender's key",
        "update public.user_messages set client_id = id where id = '%s'".formatted(one));
    breaks("a key is its message's", "update public.user_messages set client_id = null");
    breaks(
        "a key is its message's",
        "update chat.message_keys set sender_id = '%s'".formatted(carol.id()));
    breaks(
        "a message is written before it is sent",
        "update public.user_messages set written_at = created_at where id = '%s'".formatted(one));
    breaks(
        "an edit knows its message",
        "update public.message_edits set sender_id = '%s'".formatted(bob.id()));
    breaks(
        "an edit knows its message",
        "update public.message_edits set recipient_id = '%s'".formatted(carol.id()));
    breaks(
        "a reaction knows its message",
        "update public.message_reactions set conversation_id = gen_random_uuid()");
    breaks(
        "preferences are a participant's",
        "update public.conversation_preferences set user_id = '%s'".formatted(carol.id()));
    breaks(
        "preferences are a participant's",
        "update public.conversation_preferences set archived_seq = 4");
    breaks(
        "a file is between the two of its conversation",
        "update public.chat_files set recipient_id = '%s'".formatted(carol.id()));
    breaks(
        "a sent file is what its message names",
        "update public.chat_files set message_id = '%s'".formatted(one));
    breaks("presence knows its team", "update public.user_presence set team_id = null");
    assertInvariantsHold();
  }

  /** The rule is reported when this is done, which is then undone. */
  private void breaks(String rule, String sql) {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(sql);
      try (var row =
          statement.executeQuery(
              "select coalesce(string_agg(distinct rule, '; '), '') from chat.check_invariants()")) {
        row.next();
        assertTrue(row.getString(1).contains(rule), () -> "expected: " + rule + " of: " + sql);
      }
      connection.rollback();
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  /** Sends as if on a day long ago, each message edited once and reacted to. */
  private void old(int messages, String day) {
    database.asOwner("select chat.create_message_partition('%s')".formatted(day));
    database.asOwner("update public.user_conversations set created_at = '2020-01-01'");
    for (int n = 0; n < messages; n++) {
      UUID id = alice.sends(conversation, "old").getId();
      bob.reacts(id, "👍");
      alice.edits(id, "older");
      // To another partition: the row, with what hangs on it, is moved by its key.
      database.asOwner(
          """
          alter table public.user_messages disable trigger number_message;
          begin;
          create temp table r on commit drop as select * from public.message_reactions where message_id = '%1$s';
          create temp table e on commit drop as select * from public.message_edits where message_id = '%1$s';
          delete from public.message_reactions where message_id = '%1$s';
          delete from public.message_edits where message_id = '%1$s';
          update public.user_messages set id = '%2$s', created_at = '%3$s'::timestamptz + seq * interval '1 s' where id = '%1$s';
          update r set message_id = '%2$s';
          update e set message_id = '%2$s';
          insert into public.message_reactions select * from r;
          insert into public.message_edits select * from e;
          update public.user_conversations set last_message_id = '%2$s', last_message_at = '%3$s'::timestamptz + last_message_seq * interval '1 s';
          commit;
          alter table public.user_messages enable trigger number_message
          """
              .formatted(id, MessageRules.uuid7(java.time.Instant.parse(day + "T12:00:00Z")), day));
    }
  }

  private void drop(String moment) throws SQLException {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("call chat.drop_messages_before('%s')".formatted(moment));
    }
  }

  private String counts() {
    return database.ownerReads(
        "select concat_ws(' ', (select count(*) from public.user_messages), (select count(*) from public.message_edits),"
            + " (select count(*) from public.message_reactions))");
  }

  private List<String> partitions() {
    return column(
        "select inhrelid::regclass from pg_inherits where inhparent = 'public.user_messages'::regclass order by 1");
  }

  private String refusal(String sql) {
    IllegalStateException refused =
        assertThrows(IllegalStateException.class, () -> database.asOwner(sql), sql);
    return ((SQLException) refused.getCause()).getSQLState();
  }
}
