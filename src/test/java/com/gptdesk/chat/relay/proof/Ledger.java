package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.relay.Change;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Compares what was told with what is: for each message with the tables, for everything with a
 * witness, a second log that is never emptied and that the change log's own rows write in their own
 * transaction.
 */
final class Ledger {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final ProofDatabase scene;
  private final List<String> complaints = new ArrayList<>();
  private int lost;
  private int twice;
  private int disordered;
  private int never;

  Ledger(ProofDatabase scene) {
    this.scene = scene;
  }

  /** From now on every row of the change log is witnessed. */
  static void witness(ProofDatabase scene) {
    scene.asOwner(
        """
        create table relay.witness (seq bigint primary key);
        create function relay.witness() returns trigger language plpgsql as $$
        begin
          insert into relay.witness values (new.seq);
          return null;
        end $$;
        create trigger witness after insert on relay.change_log for each row execute function relay.witness();
        """);
  }

  /** Checks it all; everything told was told since before the first change. */
  void check(List<Change> told) throws SQLException {
    try (Connection connection = scene.owner().connect()) {
      ProofDatabase.run(connection, "set timezone = 'UTC'");
      againstTheWitness(connection, told);
      againstTheTables(connection, told);
    }
  }

  int lost() {
    return lost;
  }

  int twice() {
    return twice;
  }

  int disordered() {
    return disordered;
  }

  /** How many were told that were rolled back. */
  int never() {
    return never;
  }

  void assertFlawless() {
    List<String> first =
        complaints.stream().limit(10).map(c -> c.substring(0, Math.min(300, c.length()))).toList();
    assertEquals(List.of(), first, () -> complaints.size() + " complaints");
  }

  private void againstTheWitness(Connection connection, List<Change> told) throws SQLException {
    Set<Long> seqs = new HashSet<>();
    for (Change change : told) {
      if (!seqs.add(change.seq())) {
        twice++;
        complaints.add("told twice: " + change);
      }
    }
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select seq from relay.witness")) {
      while (row.next()) {
        if (!seqs.remove(row.getLong(1))) {
          lost++;
          complaints.add("never told: change " + row.getLong(1));
        }
      }
    }
    never += seqs.size();
    seqs.forEach(seq -> complaints.add("told, but not committed: change " + seq));
  }

  /**
   * A conversation's revisions count its messages' changes: told are 1, 2, 3 ... up to the
   * conversation's.
   */
  private void againstTheTables(Connection connection, List<Change> told) throws SQLException {
    Map<String, Long> revisions = new HashMap<>();
    Map<String, Long> numbers = new HashMap<>();
    Map<String, JsonNode> last = new HashMap<>();
    for (Change change : told) {
      String record = change.record();
      if (!change.table().equals("user_messages") || record == null) {
        continue;
      }
      if (record.contains("\"never ")) {
        never++;
        complaints.add("told, but rolled back: " + record);
      }
      JsonNode message = JSON.readTree(record);
      String talk = message.get("conversation_id").asString();
      follows(revisions, talk, message.get("revision").asLong(), "revision", change);
      if (change.operation() == Change.Operation.INSERT) {
        follows(numbers, talk, message.get("seq").asLong(), "seq", change);
      }
      last.put(message.get("id").asString(), message);
    }
    equalTo(connection, "revision", revisions);
    equalTo(connection, "last_message_seq", numbers);
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("select id, row_to_json(m)::text from public.user_messages m")) {
      while (row.next()) {
        JsonNode received = last.remove(row.getString(1));
        if (!withoutReaders(JSON.readTree(row.getString(2)))
            .equals(received == null ? null : withoutReaders(received))) {
          complaints.add("the table has " + row.getString(2) + ", last told was " + received);
        }
      }
    }
    last.values().forEach(message -> complaints.add("told, but not in the table: " + message));
  }

  private void follows(
      Map<String, Long> before, String talk, long now, String what, Change change) {
    if (now != before.getOrDefault(talk, 0L) + 1) {
      disordered++;
      complaints.add(
          "%s %d after %d: %s".formatted(what, now, before.getOrDefault(talk, 0L), change));
    }
    before.put(talk, now);
  }

  private void equalTo(Connection connection, String column, Map<String, Long> told)
      throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select id, %1$s from public.user_conversations".formatted(column))) {
      while (row.next()) {
        if (row.getLong(2) != told.getOrDefault(row.getString(1), 0L)) {
          complaints.add(
              "%s of %s is %d, told up to %d"
                  .formatted(
                      column,
                      row.getString(1),
                      row.getLong(2),
                      told.getOrDefault(row.getString(1), 0L)));
        }
      }
    }
  }

  /** Who has read a message is not told with the message. */
  private static JsonNode withoutReaders(JsonNode message) {
    return ((ObjectNode) message).without("read_by");
  }
}
