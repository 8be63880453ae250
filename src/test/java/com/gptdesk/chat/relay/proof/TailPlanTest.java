package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Half a million rows in the log, never analysed: a poll still reads only what is new, by index.
 * Asked of the very query inside relay.tail, by auto_explain, not of a copy of it.
 */
class TailPlanTest {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int ROWS = 500_000;

  private static TestDatabase database;
  private static ProofDatabase scene;

  /** One execution of a query: the kinds of its nodes, and how many pages it touched. */
  private record Execution(List<String> nodes, List<String> indexes, long rows, long pages) {}

  @BeforeAll
  static void fillTheLog() {
    database = TestDatabase.fresh();
    scene = ProofDatabase.of(database);
    scene.asOwner(
        """
        do $$
        begin
          for i in 1..%d loop
            insert into relay.change_log (table_name, operation, audience, record)
            select 'user_messages', 'INSERT', array[gen_random_uuid(), gen_random_uuid()], '{"content":"' || repeat('x', 300) || '"}'
            from generate_series(1, 100);
            commit;
          end loop;
        end $$
        """
            .formatted(ROWS / 100));
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @Test
  void aPollReadsOnlyWhatIsNewByIndex() throws SQLException {
    Report report = new Report("A poll of a log of %,d rows, never analysed".formatted(ROWS));
    try (Connection relay = relay();
        Connection writer = scene.owner().connect();
        Connection slow = scene.owner().connect()) {
      ProofDatabase.run(relay, "select * from relay.open()");
      UUID epoch = UUID.fromString(scene.ownerReads("select id from relay.epoch"));

      Execution idle = poll(relay, epoch, snapshot(relay));
      report.line("nothing new", idle);
      assertIndexed(idle, 0, 60);

      // A writer in flight: its row is found by its own transaction id, not by reading everything
      // since.
      slow.setAutoCommit(false);
      log(slow, 1);
      for (int i = 0; i < 1000; i++) {
        log(writer, 1);
      }
      String before = snapshot(relay);
      slow.commit();
      Execution late = poll(relay, epoch, before);
      report.line("a late commit, 1,000 others since", late);
      assertIndexed(late, 1, 80);

      String then = snapshot(relay);
      for (int i = 0; i < 200; i++) {
        log(writer, 1);
      }
      Execution busy = poll(relay, epoch, then);
      report.line("200 new rows", busy);
      assertIndexed(busy, 200, 300);

      assertEquals(
          "0",
          scene.ownerReads("select count(*) from pg_stats where tablename like 'change\\_log%'"));
      assertTrue(
          Integer.parseInt(scene.ownerReads("select count(*) from relay.change_log")) >= ROWS);
    }
    report.print();
  }

  /** Else a transaction would cost the square of its rows. */
  @Test
  void aPageReadsNoRowOfThePagesBeforeIt() throws SQLException {
    Report report = new Report("Pages of 1,000 rows of one transaction of 50,000");
    try (Connection relay = relay();
        Connection writer = scene.owner().connect()) {
      ProofDatabase.run(relay, "select * from relay.open()");
      UUID epoch = UUID.fromString(scene.ownerReads("select id from relay.epoch"));
      String last = snapshot(relay);
      log(writer, 50_000);
      last = next(relay, epoch, last); // the first sorts all of it, once
      for (int page = 2; page <= 10; page++) {
        Execution read = poll(relay, epoch, last, 1000);
        report.line("page " + page, read);
        assertIndexed(read, "seq", 1000, 300);
        last = next(relay, epoch, last);
      }
    }
    report.print();
  }

  private static String next(Connection relay, UUID epoch, String last) throws SQLException {
    return ProofDatabase.query(
        relay, "select max(t.snapshot) from relay.tail(?, ?, 1000) t", epoch, last);
  }

  /** The control: without the function's settings the same query reads the whole log. */
  @Test
  void whatTheSettingsAreGoodFor() throws SQLException {
    try (Connection relay = scene.owner().connect()) {
      StringBuilder plan = new StringBuilder();
      try (ResultSet row =
          relay
              .createStatement()
              .executeQuery(
                  "explain select from relay.change_log l where l.xid >= pg_snapshot_xmax(pg_current_snapshot())"
                      + " or l.xid in (select pg_snapshot_xip(pg_current_snapshot()))")) {
        while (row.next()) {
          plan.append(row.getString(1)).append('\n');
        }
      }
      assertTrue(plan.toString().contains("Seq Scan"), plan::toString);
    }
  }

  private static void assertIndexed(Execution execution, int rows, int mostPages) {
    assertIndexed(execution, "xid", rows, mostPages);
  }

  private static void assertIndexed(Execution execution, String index, int rows, int mostPages) {
    assertEquals(
        rows + 1, execution.rows(), execution::toString); // the first row carries the snapshot
    assertTrue(
        execution.nodes().contains("Bitmap Index Scan") || execution.nodes().contains("Index Scan"),
        execution::toString);
    assertTrue(
        execution.nodes().stream().noneMatch(n -> n.contains("Seq Scan") || n.contains("Gather")),
        execution::toString);
    assertTrue(
        execution.indexes().stream().allMatch(i -> i.matches("change_log_\\d_" + index + "_idx")),
        execution::toString);
    assertTrue(execution.pages() <= mostPages, execution::toString);
  }

  private static void log(Connection connection, int rows) throws SQLException {
    ProofDatabase.run(
        connection,
        "insert into relay.change_log (table_name, operation, audience) select 'users', 'UPDATE', '{}' from generate_series(1, %d)"
            .formatted(rows));
  }

  private static String snapshot(Connection connection) throws SQLException {
    return ProofDatabase.query(connection, "select pg_current_snapshot()::text");
  }

  /** The relay's session, with PostgreSQL telling the plan of each statement inside. */
  private static Connection relay() throws SQLException {
    Connection connection = scene.superuser().connect();
    ProofDatabase.run(
        connection,
        """
        load 'auto_explain';
        set auto_explain.log_min_duration = 0;
        set auto_explain.log_nested_statements = on;
        set auto_explain.log_analyze = on;
        set auto_explain.log_buffers = on;
        set auto_explain.log_format = json;
        set client_min_messages = log;
        set role chat_relay
        """);
    return connection;
  }

  private static Execution poll(Connection relay, UUID epoch, String last) throws SQLException {
    return poll(relay, epoch, last, 50_000);
  }

  private static Execution poll(Connection relay, UUID epoch, String last, int rows)
      throws SQLException {
    try (PreparedStatement tail = relay.prepareStatement("select * from relay.tail(?, ?, ?)")) {
      tail.setObject(1, epoch);
      tail.setString(2, last);
      tail.setInt(3, rows);
      tail.executeQuery().close();
      for (SQLWarning told = warnings(tail); told != null; told = told.getNextWarning()) {
        String text = String.valueOf(told.getMessage());
        if (text.contains("relay.change_log")) {
          JsonNode plan = JSON.readTree(text.substring(text.indexOf('{'))).get("Plan");
          List<String> nodes = new ArrayList<>();
          List<String> indexes = new ArrayList<>();
          collect(plan, nodes, indexes);
          long pages =
              plan.get("Shared Hit Blocks").asLong() + plan.get("Shared Read Blocks").asLong();
          return new Execution(nodes, indexes, plan.get("Actual Rows").asLong(), pages);
        }
      }
    }
    throw new AssertionError("auto_explain did not tell of the tail query");
  }

  private static @Nullable SQLWarning warnings(PreparedStatement statement) throws SQLException {
    return statement.getWarnings();
  }

  private static void collect(JsonNode node, List<String> nodes, List<String> indexes) {
    nodes.add(node.get("Node Type").asString());
    if (node.has("Index Name")) {
      indexes.add(node.get("Index Name").asString());
    }
    if (node.has("Plans")) {
      node.get("Plans").forEach(child -> collect(child, nodes, indexes));
    }
  }
}
