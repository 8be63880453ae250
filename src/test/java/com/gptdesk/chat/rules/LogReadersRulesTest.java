package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.service.database.ServiceDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jooq.Record;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code logic/outbox/R__96_readers}: a position in the change log that survives whoever reads. */
class LogReadersRulesTest extends Rules {
  private static final String READ =
      "select operation, coalesce(record::json ->> 'content', '') from chat.read_log('test', %d)";

  private final UUID conversation = alice.talksTo(bob);

  @BeforeEach
  void begin() {
    database.asOwner("delete from chat.log_readers; select chat.begin_reading('test')");
  }

  @Test
  void theRelayAloneReadsAndNobodyReachesThePositions() {
    String nobody =
        "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    everybody("select * from chat.log_readers", nobody);
    everybody("update chat.log_readers set read_up_to = '3:3:'", nobody);
    everybody("delete from chat.log_readers", nobody);
    everybody("select chat.begin_reading('other')", nobody);
    everybody("select * from chat.position_after_gap(gen_random_uuid(), '3:3:')", nobody);
    alice.sends(conversation, "hi");
    everybody(
        "select * from chat.read_log('test')",
        "Alice    42501\nAnon     42501\nService  42501\nRelay    1");
    everybody(
        "select * from chat.read_log('test', 0)",
        "Alice    42501\nAnon     42501\nService  42501\nRelay    PT400");
  }

  @Test
  void whoAsksForTheFirstTimeBeginsThere() {
    alice.sends(conversation, "before");
    database.asOwner("delete from chat.log_readers");
    assertEquals(List.of(), read(10));
    alice.sends(conversation, "after");
    assertEquals(List.of("INSERT after"), read(10));
  }

  @Test
  void eachChangeComesOnceInPagesAndInOrder() {
    for (int i = 1; i <= 5; i++) {
      alice.sends(conversation, "m" + i);
    }
    assertEquals(List.of("INSERT m1", "INSERT m2"), read(2));
    alice.sends(conversation, "m6");
    assertEquals(List.of("INSERT m3", "INSERT m4"), read(2));
    List<String> rest = new ArrayList<>();
    for (List<String> page = read(2); !page.isEmpty() || rest.isEmpty(); page = read(2)) {
      rest.addAll(page);
    }
    assertEquals(List.of("INSERT m5", "INSERT m6"), rest);
    assertEquals("6", reader("changes"));
  }

  @Test
  void whatComesAfterAPageThatWasJustFullIsNotHeldBack() {
    alice.sends(conversation, "m1");
    alice.sends(conversation, "m2");
    assertEquals(List.of("INSERT m1", "INSERT m2"), read(2));
    assertEquals(List.of(), read(2));
    alice.sends(conversation, "m3");
    assertEquals(List.of("INSERT m3"), read(2));
  }

  @Test
  void whatIsRolledBackComesAgain() {
    alice.sends(conversation, "hi");
    assertThrows(
        IllegalStateException.class,
        () ->
            database
                .chat()
                .as(
                    ServiceDatabase.RELAY,
                    tx -> {
                      assertEquals(1, tx.fetch(READ.formatted(10)).size());
                      throw new IllegalStateException("the node goes");
                    }));
    assertEquals(List.of("INSERT hi"), read(10));
    assertEquals(List.of(), read(10));
  }

  @Test
  void ofTwoNodesOneReads() throws SQLException {
    alice.sends(conversation, "one");
    try (Connection first = database.owner().connect();
        Statement statement = first.createStatement()) {
      first.setAutoCommit(false);
      try (ResultSet row = statement.executeQuery(READ.formatted(10))) {
        row.next();
        assertEquals("one", row.getString(2));
      }
      alice.sends(conversation, "two");
      assertEquals(List.of(), read(10)); // and it does not wait
      first.commit();
    }
    assertEquals(List.of("INSERT two"), read(10));
  }

  @Test
  void whoCommitsLateIsNotLeftOut() throws SQLException {
    try (Connection late = database.owner().connect();
        Statement statement = late.createStatement()) {
      late.setAutoCommit(false);
      statement.execute("update public.user_conversations set is_archived = true");
      carol.talksTo(alice); // numbered later, committed first
      assertEquals(List.of("INSERT "), read(10));
      late.commit();
    }
    assertEquals(List.of("UPDATE "), read(10));
  }

  @Test
  void aPollThatFindsNothingWritesNothing() {
    String version = reader("xmin");
    carol.is("away", null); // other transactions come and go
    read(10);
    read(10);
    version = reader("xmin");
    assertEquals(List.of(), read(10));
    assertEquals(version, reader("xmin"));
    assertEquals("null", transactionOfARead()); // not even a lock, for which there would be one
    alice.sends(conversation, "hi");
    assertNotEquals("null", transactionOfARead());
    database.asOwner("update chat.log_readers set read_at = read_at - interval '61 seconds'");
    version = reader("xmin");
    read(10);
    assertEquals("false", String.valueOf(version.equals(reader("xmin")))); // the log moves on
  }

  /** As after a crash of the server: the log is another one. */
  @Test
  void whatACrashTookIsAGapThatIsCounted() {
    alice.sends(conversation, "lost");
    database.asOwner("delete from relay.change_log; delete from relay.epoch");
    assertEquals(List.of("GAP "), read(10)); // it makes the new log's epoch, if no relay has yet
    alice.sends(conversation, "after");
    assertEquals(List.of("INSERT after"), read(10));
    assertEquals(List.of(), read(10));
    assertEquals("1 t", reader("format('%s %s', gaps, gap_at > began_at)"));
  }

  /** The log's beginning went: what is left of it still comes, and nothing of it twice. */
  @Test
  void whatIsLeftOfACutLogStillComes() {
    alice.sends(conversation, "read");
    assertEquals(List.of("INSERT read"), read(10));
    alice.sends(conversation, "lost");
    database.asOwner(
        "delete from relay.change_log where record::json ->> 'content' = 'lost'; update relay.epoch set kept_from = pg_current_xact_id()");
    alice.sends(conversation, "left");
    alice.sends(conversation, "left, too");
    assertEquals(List.of("GAP "), read(1));
    assertEquals(List.of("INSERT left"), read(1));
    assertEquals(List.of("INSERT left, too"), read(1));
    assertEquals(List.of(), read(1));
    assertEquals("1", reader("gaps"));
  }

  @Test
  void aCutBetweenTwoPagesIsAGapThere() {
    for (int i = 1; i <= 4; i++) {
      alice.sends(conversation, "m" + i);
    }
    assertEquals(List.of("INSERT m1"), read(1));
    database.asOwner(
        """
        update relay.epoch set kept_from =
          (select l.xid from relay.change_log l where l.record::json ->> 'content' = 'm3' order by l.seq desc limit 1);
        delete from relay.change_log where record::json ->> 'content' = 'm2'
        """);
    assertEquals(List.of("GAP "), read(1));
    assertEquals(List.of("INSERT m3"), read(1));
    assertEquals(List.of("INSERT m4"), read(1));
    assertEquals("1", reader("gaps"));
  }

  /** The number of the transaction that reads; "null" when it has written nothing. */
  private String transactionOfARead() {
    return database
        .chat()
        .as(
            ServiceDatabase.RELAY,
            tx -> {
              tx.fetch(READ.formatted(10));
              return String.valueOf(tx.fetchValue("select pg_current_xact_id_if_assigned()::text"));
            });
  }

  private List<String> read(int rows) {
    return database
        .chat()
        .as(ServiceDatabase.RELAY, tx -> tx.fetch(READ.formatted(rows)))
        .map((Record row) -> row.get(0, String.class) + " " + row.get(1, String.class));
  }

  private String reader(String what) {
    return database.ownerReads(
        "select %s from chat.log_readers where name = 'test'".formatted(what));
  }
}
