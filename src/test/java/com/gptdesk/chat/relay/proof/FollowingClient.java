package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.testing.Await;
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
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A client as it should be: keeps its messages by what it is told, and told to catch up asks
 * get_changes for what came after the revision it has. Complains when it is told something twice,
 * with a gap, or finds itself behind after it caught up.
 */
final class FollowingClient implements ChangeListener {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final ProofDatabase scene;
  private final List<Talk> talks;
  private final Map<String, Held> messages = new HashMap<>();
  private final Map<String, Long> revisions = new HashMap<>();
  private final Map<String, Long> toldSinceResync = new HashMap<>();
  private final Set<String> told = new HashSet<>();
  private final List<String> complaints = new ArrayList<>();
  private int resyncs;
  private int caughtUp;

  private record Held(long revision, String content, boolean deleted) {}

  FollowingClient(ProofDatabase scene, List<Talk> talks) {
    this.scene = scene;
    this.talks = talks;
  }

  /** A relay this follows; returns when it hears the database. The caller closes it. */
  Relay through(RelaySettings settings) {
    Relay relay = new Relay(settings, this);
    relay.start();
    Await.until("the relay to be up to date", () -> relay.isUpToDate() && resyncs() > 0);
    return relay;
  }

  @Override
  public synchronized void changed(Change change) {
    String record = change.record();
    if (!change.table().equals("user_messages") || record == null) {
      return;
    }
    JsonNode message = JSON.readTree(record);
    String talk = message.get("conversation_id").asString();
    long revision = message.get("revision").asLong();
    if (!told.add(message.get("id").asString() + " " + revision)) {
      complaints.add("told twice: " + record);
    }
    if (record.contains("\"never ")) {
      complaints.add("told, but rolled back: " + record);
    }
    Long before = toldSinceResync.put(talk, revision);
    if (before == null ? revision > revisions.getOrDefault(talk, 0L) + 1 : revision != before + 1) {
      complaints.add(
          "told %d after %s, had %s: %s".formatted(revision, before, revisions.get(talk), record));
    }
    hold(message);
  }

  /** The strictest moment to catch up is at once: what is told next must join on. */
  @Override
  public synchronized void resync(String reason) {
    resyncs++;
    toldSinceResync.clear();
    Await.until("the database to be there", this::catchesUp);
  }

  /** False when the database is away just now. */
  private boolean catchesUp() {
    try (Connection connection = scene.service().connect()) {
      ProofDatabase.run(connection, "set role service_role; set timezone = 'UTC'");
      for (Talk talk : talks) {
        int page;
        do {
          page = catchUp(connection, talk.id());
        } while (page > 0);
      }
    } catch (SQLException e) {
      if (String.valueOf(e.getSQLState()).matches("(08|57).*")) {
        return false;
      }
      complaints.add("could not catch up: " + e);
    }
    return true;
  }

  private int catchUp(Connection connection, UUID talk) throws SQLException {
    int page = 0;
    try (var changes =
        connection.prepareStatement(
            "select row_to_json(c)::text from public.get_changes(?, ?) c")) {
      changes.setObject(1, talk);
      changes.setLong(2, revisions.getOrDefault(talk.toString(), 0L));
      try (ResultSet row = changes.executeQuery()) {
        while (row.next()) {
          hold(JSON.readTree(row.getString(1)));
          page++;
        }
      }
    }
    caughtUp += page;
    return page;
  }

  private void hold(JsonNode message) {
    long revision = message.get("revision").asLong();
    revisions.merge(message.get("conversation_id").asString(), revision, Math::max);
    messages.merge(
        message.get("id").asString(),
        new Held(
            revision, message.get("content").asString(), message.get("is_deleted").asBoolean()),
        (old, now) -> now.revision() > old.revision() ? now : old);
  }

  synchronized int resyncs() {
    return resyncs;
  }

  /** How many changes came from get_changes. */
  synchronized int caughtUp() {
    return caughtUp;
  }

  synchronized int told() {
    return told.size();
  }

  synchronized int held() {
    return messages.size();
  }

  synchronized List<String> complaints() {
    return List.copyOf(complaints);
  }

  boolean holds(String content) {
    synchronized (this) {
      return messages.values().stream().anyMatch(m -> m.content().equals(content));
    }
  }

  /** Has, of every message there is, exactly its last revision. */
  synchronized void assertHasEverything() throws SQLException {
    Map<String, Held> there = new HashMap<>();
    try (Connection connection = scene.owner().connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select id, revision, content, is_deleted from public.user_messages")) {
      while (row.next()) {
        there.put(row.getString(1), new Held(row.getLong(2), row.getString(3), row.getBoolean(4)));
      }
    }
    List<String> first =
        complaints.stream().limit(10).map(c -> c.substring(0, Math.min(300, c.length()))).toList();
    assertEquals(List.of(), first, () -> complaints.size() + " complaints");
    assertEquals(there, messages);
  }
}
