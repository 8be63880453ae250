package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Messages that are sent together end as if each had been sent alone: the same answer or refusal of
 * each, the same rows, numbers and revisions, the same change log. Two copies of a random world,
 * one for each way; {@code -Dchat.seed=…} runs one of them again.
 */
@Tag("slow")
@Tag("once")
class SentTogetherTest {

  private static final int WORLDS = 2;
  private static final int BATCHES = 60;
  private static final long FIRST_SEED = 20261;
  private static final JsonMapper JSON = new JsonMapper();

  private static TestDatabase together;
  private static TestDatabase alone;

  /** A call of send_message, as the service has it. */
  private record Call(Caller caller, ObjectNode arguments) {
    String json() {
      return arguments.toString();
    }
  }

  @BeforeAll
  static void begin() {
    together = TestDatabase.fresh();
    alone = TestDatabase.fresh();
  }

  @AfterAll
  static void end() {
    together.close();
    alone.close();
  }

  @Test
  void itIsAsIfEachHadBeenSentAlone() throws SQLException {
    Long chosen = Long.getLong("chat.seed");
    Map<String, Integer> outcomes = new TreeMap<>();
    for (long seed = chosen == null ? FIRST_SEED : chosen;
        seed < (chosen == null ? FIRST_SEED + WORLDS : chosen + 1);
        seed++) {
      liveThrough(seed, outcomes);
    }
    System.out.println("Sent together: " + outcomes);
    if (chosen == null) {
      // The control: the worlds have met all of it.
      for (String met :
          List.of(
              "batch done",
              "batch undone",
              "left for later",
              "sent",
              "PT400",
              "PT403 apart",
              "PT403 blocked",
              "PT403 blocking",
              "PT403 no_conversation",
              "PT403 gone",
              "PT409",
              "PT413",
              "22P02",
              "22P05",
              "23514")) {
        assertTrue(outcomes.getOrDefault(met, 0) > 5, () -> met + " is rare: " + outcomes);
      }
    }
  }

  @Test
  void whatATeamHasAddedSeesEachSenderAlone() {
    World world = new World(7);
    List<Call> calls = List.of(world.plain(), world.plain());
    assertFalse(answers(calls).contains(null)); // the control
    for (String[] addition :
        List.of(
            new String[] {
              """
              create function public.note() returns trigger language plpgsql as 'begin return new; end';
              create trigger note after insert on public.user_messages for each row execute function public.note()
              """,
              "drop trigger note on public.user_messages"
            },
            new String[] {
              "create trigger note before update on public.user_conversations for each row execute function public.note()",
              "drop function public.note() cascade"
            },
            new String[] {
              "alter table public.user_messages add column noted_by uuid default auth.uid()",
              "alter table public.user_messages drop column noted_by"
            })) {
      together.asOwner(addition[0]);
      assertEquals(Collections.nCopies(2, null), answers(calls), addition[0]);
      together.asOwner(addition[1]);
      assertFalse(answers(calls).contains(null), addition[1]);
    }
    together.asOwner("alter table public.user_messages add column note text");
    assertFalse(answers(calls).contains(null)); // nothing that runs
    together.asOwner("alter table public.user_messages drop column note");
  }

  @Test
  void nothingOfThePeopleStaysOnTheConnection() throws SQLException {
    World world = new World(8);
    Call call = world.plain();
    String session =
        "select concat_ws(' ', current_user, current_setting('role'), nullif(current_setting('request.jwt.claims', true), ''),"
            + " current_setting('timezone'), current_setting('jit'), current_setting('search_path'))";
    String send =
        "select chat.send_messages(array['%s'], array['%s'])"
            .formatted(call.caller().claims(), call.json());
    try (Connection login = together.service().connect();
        Statement statement = login.createStatement()) {
      String before = read(statement, session);
      assertTrue(read(statement, send).startsWith("{"));
      assertEquals(before, read(statement, session));
      login.setAutoCommit(false);
      assertTrue(read(statement, send).startsWith("{"));
      assertFalse(
          read(statement, session).contains(String.valueOf(call.caller().claims())),
          "also before the transaction ends");
      login.rollback();
    }
  }

  private static String read(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }

  private static List<@Nullable String> answers(List<Call> calls) {
    return Objects.requireNonNull(
        together
            .chat()
            .sendTogether(
                calls.stream().map(Call::caller).toList(),
                calls.stream().map(Call::json).toList()));
  }

  private static void liveThrough(long seed, Map<String, Integer> outcomes) throws SQLException {
    World world = new World(seed);
    for (int n = 0; n < BATCHES; n++) {
      String at = "seed " + seed + ", batch " + n;
      world.change();
      List<Call> calls = world.calls();
      @Nullable String locked = world.somethingLocked();
      List<String> expected = calls.stream().map(call -> sentAlone(alone, call)).toList();
      List<String> actual = sentTogether(calls, locked, outcomes);
      for (int i = 0; i < calls.size(); i++) {
        String what = at + ", call " + i + ": " + calls.get(i);
        assertEquals(world.masked(expected.get(i)), world.masked(actual.get(i)), what);
        outcomes.merge(kindOf(actual.get(i)), 1, Integer::sum);
      }
      if (n % 6 == 5) {
        assertEquals(world.stateOf(alone), world.stateOf(together), at);
      }
    }
  }

  /** As the service does it: what is left out, or all when it is undone, alone and in order. */
  private static List<String> sentTogether(
      List<Call> calls, @Nullable String locked, Map<String, Integer> outcomes)
      throws SQLException {
    List<@Nullable String> answers;
    try (Connection somebody = together.owner().connect();
        Statement statement = somebody.createStatement()) {
      somebody.setAutoCommit(false);
      if (locked != null) {
        statement.execute(locked);
      }
      answers =
          together
              .chat()
              .sendTogether(
                  calls.stream().map(Call::caller).toList(),
                  calls.stream().map(Call::json).toList());
      somebody.rollback();
    }
    outcomes.merge(answers == null ? "batch undone" : "batch done", 1, Integer::sum);
    List<String> all = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      String answer = answers == null ? null : answers.get(i);
      if (answers != null && answer == null) {
        outcomes.merge("left for later", 1, Integer::sum);
      }
      all.add(answer != null ? answer : sentAlone(together, calls.get(i)));
    }
    return all;
  }

  private static String sentAlone(TestDatabase database, Call call) {
    ServiceDatabase chat = database.chat();
    try {
      return String.valueOf(
          chat.call(call.caller(), false, statement(chat, call.arguments()), call.json()));
    } catch (Refusal e) {
      return "%s %s|%s|%s".formatted(e.code(), e.details(), e.getMessage(), e.hint());
    } catch (DatabaseUnavailable e) {
      return "unavailable " + e.getMessage();
    }
  }

  private static final Map<Set<String>, String> STATEMENTS = new HashMap<>();

  private static String statement(ServiceDatabase chat, ObjectNode arguments) {
    return STATEMENTS.computeIfAbsent(
        new TreeSet<>(arguments.propertyNames()),
        names ->
            chat.asItself(
                tx ->
                    String.valueOf(
                        tx.fetchValue(
                            "select chat.call_statement('send_message', ?)",
                            (Object) names.toArray(String[]::new)))));
  }

  private static String kindOf(String outcome) {
    return outcome.startsWith("{")
        ? "sent"
        : outcome.startsWith("PT403")
            ? outcome.substring(0, outcome.indexOf('|'))
            : outcome.substring(0, outcome.indexOf(' '));
  }

  /** What the seed decides: who there is, what they try, what becomes of them meanwhile. */
  private static final class World {
    private final Random random;
    private final UUID blue;
    private final UUID red;
    private final Map<UUID, List<UUID>> members = new HashMap<>();
    private final List<UUID> people = new ArrayList<>();
    private final List<UUID> conversations = new ArrayList<>();
    private final List<UUID> ids = new ArrayList<>();
    private final Set<String> known = new TreeSet<>();

    World(long seed) {
      this.random = new Random(seed);
      this.blue = id();
      this.red = id();
      both(
          "insert into public.teams (id, name) values ('%s', 'B'), ('%s', 'R')"
              .formatted(blue, red));
      for (int i = 0; i < 8; i++) {
        UUID person = id();
        people.add(person);
        both(
            "insert into public.users (id, full_name, email, avatar_url, team_id) values ('%1$s', 'Person %2$d', '%1$s@example.org', %3$s, '%4$s')"
                .formatted(
                    person, i, i % 2 == 0 ? "null" : "'https://a.example/p'", i < 7 ? blue : red));
      }
      for (int i = 0; i < people.size(); i++) {
        for (int j = 0; j < i; j++) {
          if (random.nextInt(3) > 0) {
            UUID conversation = id();
            conversations.add(conversation);
            members.put(conversation, List.of(people.get(i), people.get(j)));
            both(
                "insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by) values ('%1$s', least('%2$s'::uuid, '%3$s'), greatest('%2$s'::uuid, '%3$s'), '%2$s')"
                    .formatted(conversation, people.get(i), people.get(j)));
          }
        }
      }
    }

    /** Now and then something happens between two batches. */
    void change() {
      UUID somebody = one(people);
      UUID another = one(people);
      switch (random.nextInt(12)) {
        case 0 ->
            both("update public.users set status = 'inactive' where id = '%s'".formatted(somebody));
        case 1, 2 -> both("update public.users set status = 'active'");
        case 3, 4, 5 ->
            both(
                "insert into public.user_blocks (blocker_id, blocked_id) select '%1$s', '%2$s' where '%1$s' <> '%2$s' on conflict do nothing"
                    .formatted(somebody, another));
        case 6 -> both("delete from public.user_blocks");
        case 7 ->
            both("update public.users set team_id = '%s' where id = '%s'".formatted(red, somebody));
        case 8 ->
            both(
                "update public.users set team_id = '%s' where team_id is not null".formatted(blue));
        case 9 ->
            both(
                "update public.user_conversations set is_archived = true where id = '%s'"
                    .formatted(one(conversations)));
        default ->
            both(
                "update chat.settings set max_message_length = "
                    + (random.nextBoolean() ? 60 : 1000));
      }
    }

    /** Half of them without anything that is refused; some with many for one conversation. */
    List<Call> calls() {
      int size = 1 + random.nextInt(12);
      boolean isWild = random.nextBoolean();
      UUID favourite = one(conversations);
      List<Call> calls = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        calls.add(call(random.nextInt(3) == 0 ? favourite : one(conversations), isWild));
      }
      return calls;
    }

    Call plain() {
      UUID conversation =
          conversations.stream()
              .filter(c -> !members.get(c).contains(people.getLast())) // of another team
              .findFirst()
              .orElseThrow();
      ObjectNode arguments = JSON.createObjectNode();
      arguments.put("conversation_id", conversation.toString()).put("content", "hi");
      return new Call(Caller.user(memberOf(conversation)), arguments);
    }

    private String storedFile(UUID conversation, UUID uploader) {
      UUID file = id();
      List<UUID> two = Objects.requireNonNull(members.get(conversation));
      both(
          """
          insert into public.chat_files (id, conversation_id, name, uploader_id, recipient_id, state, size, content_type, sha256, details)
          values ('%1$s', '%2$s', '%1$s.png', '%3$s', '%4$s', 'stored', 7, 'image/png', sha256('1'), '{"width": 1}')
          """
              .formatted(
                  file, conversation, uploader, two.get(two.getFirst().equals(uploader) ? 1 : 0)));
      return "%s/%s.png".formatted(conversation, file);
    }

    private Call call(UUID conversation, boolean isWild) {
      ObjectNode arguments = JSON.createObjectNode();
      UUID sender = memberOf(conversation);
      arguments.put("conversation_id", conversation.toString());
      arguments.put("content", "word " + random.nextInt(1000));
      if (random.nextInt(3) == 0) {
        arguments.put("id", newMessageId());
      }
      if (random.nextInt(6) == 0 && !ids.isEmpty()) {
        arguments.put("id", one(ids).toString()); // again, perhaps of another
      }
      switch (random.nextInt(8)) {
        case 0 ->
            arguments
                .put("message_type", random.nextBoolean() ? "file" : "image")
                .put("file_url", "https://files.example/f")
                .put("file_name", "f")
                .put("file_size", random.nextLong(1L << 40));
        case 1 -> arguments.putObject("metadata").put("reply_to", id().toString());
        case 2 -> arguments.putNull("message_type").putNull("metadata").putNull("id");
        case 3 ->
            arguments.put("written_at", "2026-01-0%dT00:00:00Z".formatted(1 + random.nextInt(9)));
        case 4 -> arguments.put("written_at", Instant.now().toString()); // as good as none
        case 5 ->
            arguments
                .put("message_type", "image")
                .put("file_url", storedFile(conversation, sender));
        default -> {}
      }
      if (isWild) {
        spoil(arguments);
        if (random.nextInt(6) == 0) {
          sender = random.nextInt(3) == 0 ? id() : one(people);
        }
      }
      return new Call(Caller.user(sender), arguments);
    }

    private void spoil(ObjectNode arguments) {
      switch (random.nextInt(60)) {
        case 0, 1, 2 -> arguments.put("content", "x".repeat(61 + random.nextInt(2000)));
        case 3, 4 -> arguments.put("content", " \t");
        case 5 -> arguments.putNull("content");
        case 6, 7 -> arguments.put("content", "nul \u0000");
        case 8 -> arguments.put("content", 42);
        case 9, 10 -> arguments.put("message_type", "telegram");
        case 11 -> arguments.put("message_type", "x".repeat(60));
        case 12 -> arguments.put("file_url", "javascript:1").put("message_type", "file");
        case 13, 14 -> arguments.putArray("metadata");
        case 15 -> arguments.putObject("metadata").put("large", "x".repeat(20_000));
        case 16 -> arguments.put("metadata", "text");
        case 17, 18, 28, 29 -> { // a key, perhaps tried again
          UUID key = UUID.fromString(id().toString().replaceFirst("-.(...)-", "-4$1-"));
          ids.add(key);
          arguments.put("id", key.toString());
        }
        case 30, 31, 32 -> arguments.put("id", new UUID(0, 0).toString());
        case 33 -> arguments.put("written_at", "soon");
        case 19 -> arguments.put("id", "01890000-0000-7000-8000-000000000000");
        case 20, 21 -> arguments.put("id", "no id");
        case 22 -> arguments.put("conversation_id", "none");
        case 23, 24 -> arguments.put("conversation_id", id().toString());
        case 25 -> arguments.putNull("conversation_id");
        case 26 ->
            arguments
                .put("file_size", -1)
                .put("message_type", "file")
                .put("file_url", "https://a.example");
        case 27 -> arguments.put("file_size", "much");
        default -> {}
      }
    }

    /** Now and then a conversation or an id is in other hands while the batch is sent. */
    @Nullable String somethingLocked() {
      return switch (random.nextInt(4)) {
        case 0 ->
            "select from public.user_conversations where id = '%s' for update"
                .formatted(one(conversations));
        case 1 ->
            ids.isEmpty()
                ? null
                : "select pg_advisory_xact_lock(hashtextextended('%s', 0))"
                    .formatted(ids.getLast());
        default -> null;
      };
    }

    /** Ids that the database made, and times, are not the same in both. */
    String masked(String outcome) {
      if (!outcome.startsWith("{")) {
        return outcome
            .replaceAll("20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\S*", "then")
            .replaceFirst("contains \\([0-9a-f-]{36}", "contains (id");
      }
      ObjectNode row = (ObjectNode) JSON.readTree(outcome);
      assertTrue(row.get("created_at").asString().endsWith("+00:00"), outcome);
      assertTrue(row.get("updated_at").asString().endsWith("+00:00"), outcome);
      row.put("created_at", "then").put("updated_at", "then");
      if (!known.contains(row.get("id").asString())) {
        row.put("id", "new");
      }
      return row.toString();
    }

    /** All that was written, conversation by conversation. */
    Map<String, List<String>> stateOf(TestDatabase database) throws SQLException {
      Map<String, List<String>> state = new LinkedHashMap<>();
      try (Connection owner = database.owner().connect();
          Statement statement = owner.createStatement()) {
        gather(
            statement,
            "select m.conversation_id, row_to_json(m) from public.user_messages m order by m.conversation_id, m.seq",
            state);
        gather(
            statement,
            "select 'log of ' || (l.record::json ->> 'conversation_id'), l.record::json from relay.change_log l"
                + " where l.table_name = 'user_messages' order by 1, l.seq",
            state);
        gather(
            statement,
            "select 'told of ' || (l.record::json ->> 'conversation_id'), to_json(array_to_string(l.audience, ' ') || l.operation)"
                + " from relay.change_log l where l.table_name = 'user_messages' order by 1, l.seq",
            state);
        gather(
            statement,
            "select 'conversation ' || c.id, json_build_array(c.last_message_seq, c.revision, c.participant_1_read_seq,"
                + " c.participant_2_read_seq, c.is_archived, m.seq, m.created_at = c.last_message_at)"
                + " from public.user_conversations c left join public.user_messages m on m.id = c.last_message_id order by c.id",
            state);
        gather(
            statement,
            "select 'file ' || f.id, json_build_array(m.seq) from public.chat_files f"
                + " left join public.user_messages m on m.id = f.message_id order by f.id",
            state);
        gather(
            statement,
            "select 'broken ' || i.rule, to_json(i::text) from chat.check_invariants() i",
            state);
      }
      return state;
    }

    private void gather(Statement statement, String query, Map<String, List<String>> state)
        throws SQLException {
      try (ResultSet rows = statement.executeQuery(query)) {
        while (rows.next()) {
          JsonNode row = JSON.readTree(rows.getString(2));
          state
              .computeIfAbsent(rows.getString(1), key -> new ArrayList<>())
              .add(row.isObject() ? masked(row.toString()) : row.toString());
        }
      }
    }

    private String newMessageId() {
      UUID id =
          new UUID(
              System.currentTimeMillis() << 16 | 0x7000 | random.nextInt(0x1000),
              random.nextLong() >>> 2 | Long.MIN_VALUE);
      ids.add(id);
      known.add(id.toString());
      return id.toString();
    }

    private UUID memberOf(UUID conversation) {
      return one(Objects.requireNonNull(members.get(conversation)));
    }

    private UUID id() {
      return new UUID(random.nextLong(), random.nextLong());
    }

    private <T> T one(List<T> some) {
      return some.get(random.nextInt(some.size()));
    }

    private static void both(String sql) {
      together.asOwner(sql);
      alone.asOwner(sql);
    }
  }
}
