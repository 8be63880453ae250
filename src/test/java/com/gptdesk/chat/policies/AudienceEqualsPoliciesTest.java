package com.gptdesk.chat.policies;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Real time tells a change to exactly those whom row-level security lets see the row: its audiences
 * meet a person's audiences when, and only when, that person sees the row before or after it. Over
 * random worlds; {@code -Dchat.seed=…} runs one of them again.
 */
@Tag("slow")
@Tag("once")
class AudienceEqualsPoliciesTest {

  private static final int WORLDS = 4;
  private static final long FIRST_SEED = 20261;
  private static final int STEPS = 300;
  private static final JsonMapper JSON = new JsonMapper();
  private static final Set<String> TEAM_PRESENCE =
      Set.of("user_id", "status", "last_seen", "updated_at", "team_id");
  private static final Set<String> TYPING_PRESENCE =
      Set.of("user_id", "status", "last_seen", "updated_at", "is_typing_to", "typing_started_at");

  private static TestDatabase database;
  private static Connection owner;
  private static Set<String> readable;

  /** A row of the log. */
  private record Change(
      String table,
      String operation,
      Set<Audience> audiences,
      Set<UUID> hiddenFrom,
      @Nullable JsonNode record,
      @Nullable JsonNode old) {

    String key() {
      JsonNode row = record != null ? record : old;
      return table
          + Stream.of("id", "conversation_id", "blocker_id", "user_id", "blocked_id")
              .filter(column -> KEY_COLUMNS.get(table).contains(column))
              .map(column -> " " + row.get(column).asString())
              .collect(Collectors.joining());
    }

    /** A block hides two people from each other, or the end of the last one shows them again. */
    boolean isOfSight() {
      return table.equals("user_presence")
          && record != null
          && old != null
          && record.path("last_seen").isNull() != old.path("last_seen").isNull();
    }

    boolean isTyping() {
      return table.equals("user_presence") && record != null && record.has("is_typing_to");
    }

    @Override
    public String toString() {
      return "%s %s to %s: %s <- %s".formatted(operation, table, audiences, record, old);
    }
  }

  private static final Map<String, Set<String>> KEY_COLUMNS =
      Map.of(
          "user_messages", Set.of("id"),
          "user_conversations", Set.of("id"),
          "message_reactions", Set.of("id"),
          "user_presence", Set.of("user_id"),
          "conversation_preferences", Set.of("conversation_id", "user_id"),
          "user_blocks", Set.of("blocker_id", "blocked_id"));

  /** Every row of the published tables, by table and key. */
  private static final String KEYS =
      """
      select 'user_messages ' || id from public.user_messages
      union all
      select 'user_conversations ' || id from public.user_conversations
      union all
      select 'user_presence ' || user_id from public.user_presence
      union all
      select 'message_reactions ' || id from public.message_reactions
      union all
      select 'conversation_preferences ' || conversation_id || ' ' || user_id from public.conversation_preferences
      union all
      select 'user_blocks ' || blocker_id || ' ' || blocked_id from public.user_blocks
      """;

  /** What holds between two steps. */
  private record Moment(
      Map<UUID, Set<String>> sees,
      Map<UUID, Set<Audience>> hears,
      Set<String> rows,
      Map<UUID, String> people,
      Map<UUID, UUID> typing) {}

  @BeforeAll
  static void begin() throws SQLException {
    database = TestDatabase.fresh();
    owner = database.owner().connect();
    owner.setAutoCommit(false);
    PolicyCheck.becomeAble(owner);
    readable =
        new HashSet<>(
            column(
                "select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
                    + " where c.relnamespace = 'public'::regnamespace and a.attnum > 0"
                    + " and has_column_privilege('authenticated', c.oid, a.attnum, 'select')"));
  }

  @AfterAll
  static void end() throws SQLException {
    owner.rollback();
    owner.close();
    database.close();
  }

  @Test
  void audiencesMeetWhereAndOnlyWhereTheRowIsSeen() throws SQLException {
    String given = System.getProperty("chat.seed");
    List<Long> seeds =
        given != null
            ? List.of(Long.parseLong(given))
            : Stream.iterate(FIRST_SEED, seed -> seed + 1).limit(WORLDS).toList();
    Map<String, Integer> seen = new TreeMap<>();
    for (long seed : seeds) {
      List<String> faults =
          live(
              () -> new RandomWorld(owner, seed),
              STEPS,
              change -> seen.merge(change.table() + " " + change.operation(), 1, Integer::sum));
      assertEquals(
          List.of(),
          faults,
          () -> "again with -Dchat.seed=" + seed + ":\n" + String.join("\n", faults));
    }
    System.out.println("Audiences equal policies in " + seeds.size() + " worlds: " + seen);
    if (given == null) {
      for (String table : KEY_COLUMNS.keySet()) {
        assertTrue(seen.getOrDefault(table + " INSERT", 0) > 0, table + " was never inserted");
        assertTrue(seen.getOrDefault(table + " DELETE", 0) > 0, table + " was never deleted");
      }
    }
  }

  @Test
  void eachKindOfChangeIsToldToWhomItConcerns() throws SQLException {
    assertEquals(List.of(), script());
  }

  /**
   * Each audience left out or given to all, and each redaction dropped: the tests above would fail.
   * Each step is tried with all that were not found before it.
   */
  @Test
  void aWrongAudienceIsFound() throws SQLException {
    List<Mutant> left = mutants();
    int all = left.size();
    try (Statement statement = owner.createStatement()) {
      statement.execute("savepoint world");
      ScriptedWorld world = new ScriptedWorld(owner);
      Moment before = moment(world);
      for (int step = 0; step < ScriptedWorld.steps(); step++) {
        statement.execute("savepoint step");
        long last = lastChange();
        world.step();
        Set<String> touched =
            changesAfter(last).stream().map(Change::table).collect(Collectors.toSet());
        for (Mutant mutant : List.copyOf(left)) {
          if (mutant.tables().isEmpty() || mutant.tables().stream().anyMatch(touched::contains)) {
            statement.execute("rollback to savepoint step");
            statement.execute(mutant.sql());
            if (!faultsOfTheStepAgain(world, before).isEmpty()) {
              left.remove(mutant);
            }
          }
        }
        statement.execute("rollback to savepoint step");
        assertEquals(List.of(), faultsOfTheStepAgain(world, before), "the control");
        before = moment(world);
      }
      statement.execute("rollback to savepoint world; release savepoint world");
    }
    System.out.printf("Audience mutants: %d, %d survived%n", all, left.size());
    assertEquals(List.of(), left.stream().map(Mutant::name).toList());
  }

  private static List<String> faultsOfTheStepAgain(ScriptedWorld world, Moment before)
      throws SQLException {
    long last = lastChange();
    world.stepAgain();
    return faults(before, moment(world), changesAfter(last));
  }

  /**
   * A wrong audience.
   *
   * @param tables whose changes it can show in; none: in any
   */
  private record Mutant(String name, Set<String> tables, String sql) {}

  private static List<Mutant> mutants() throws SQLException {
    List<Mutant> mutants = new ArrayList<>();
    for (String function :
        column(
            "select p.oid::regprocedure from pg_proc p where p.pronamespace = 'relay'::regnamespace"
                + " and p.proname like 'record\\_%' order by p.proname")) {
      Set<String> tables =
          Set.copyOf(
              column(
                  "select distinct c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid"
                      + " where t.tgfoid = '%s'::regprocedure".formatted(function)));
      String definition =
          column("select pg_get_functiondef('%s'::regprocedure)".formatted(function)).getFirst();
      withWrongAudiences(definition)
          .forEach((name, sql) -> mutants.add(new Mutant(name, tables, sql)));
    }
    return mutants;
  }

  private static List<String> script() throws SQLException {
    return live(() -> new ScriptedWorld(owner), ScriptedWorld.steps(), change -> {});
  }

  /** How a world begins; what it needs is made in the open transaction. */
  private interface Genesis {
    World begin() throws SQLException;
  }

  /**
   * Lives through a world, and leaves nothing of it.
   *
   * @param witness told each change
   * @return the faults of the first step that has some
   */
  private static List<String> live(Genesis genesis, int steps, Consumer<Change> witness)
      throws SQLException {
    try (Statement statement = owner.createStatement()) {
      statement.execute("savepoint world");
      try {
        World world = genesis.begin();
        Moment before = moment(world);
        for (int step = 0; step < steps; step++) {
          long last = lastChange();
          String what = world.step();
          List<Change> changes = changesAfter(last);
          Moment after = moment(world);
          List<String> faults = faults(before, after, changes);
          if (!faults.isEmpty()) {
            faults.addFirst("step %d, %s".formatted(step, what));
            return faults;
          }
          changes.forEach(witness);
          before = after;
        }
        return List.of();
      } finally {
        statement.execute("rollback to savepoint world; release savepoint world");
      }
    }
  }

  private static long lastChange() throws SQLException {
    return Long.parseLong(column("select coalesce(max(seq), 0) from relay.change_log").getFirst());
  }

  private static List<String> faults(Moment before, Moment after, List<Change> changes) {
    List<String> faults = new ArrayList<>();
    for (Change change : changes) {
      if (change.table().equals("users")) {
        if (change.record() != null || change.old() != null || change.audiences().size() != 1) {
          faults.add("a control row says too much: " + change);
        }
        continue;
      }
      Set<UUID> audience =
          change.isOfSight()
              ? audienceOfSight(before, after, change, changes)
              : audience(before, after, change);
      Set<UUID> entitled =
          change.isTyping()
              ? typists(before, after, change)
              : change.isOfSight()
                  ? whoseSightChanged(before, after, change)
                  : viewers(before, after, change);
      if (!audience.equals(entitled)) {
        faults.add(
            "%s\n  is heard by %s\n  and may be seen by %s".formatted(change, audience, entitled));
      }
      faults.addAll(unreadable(change));
    }
    faults.addAll(untold(before, after, changes));
    return faults;
  }

  private static Set<UUID> audience(Moment before, Moment after, Change change) {
    return everybody(before, after)
        .filter(person -> !change.hiddenFrom().contains(person))
        .filter(
            person ->
                meets(change, before.hears().get(person))
                    || meets(change, after.hears().get(person)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static boolean meets(Change change, @Nullable Set<Audience> audiences) {
    return audiences != null && audiences.stream().anyMatch(change.audiences()::contains);
  }

  /** Whom row-level security shows the old row or the new one. */
  private static Set<UUID> viewers(Moment before, Moment after, Change change) {
    String key = change.key();
    return everybody(before, after)
        .filter(
            person ->
                (!change.operation().equals("INSERT")
                        && before.sees().getOrDefault(person, Set.of()).contains(key))
                    || (!change.operation().equals("DELETE")
                        && after.sees().getOrDefault(person, Set.of()).contains(key)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Each is told by a row of their own: all who are told of the same row. */
  private static Set<UUID> audienceOfSight(
      Moment before, Moment after, Change change, List<Change> changes) {
    return changes.stream()
        .filter(other -> other.isOfSight() && other.key().equals(change.key()))
        .filter(other -> isShown(other) == isShown(change))
        .flatMap(other -> audience(before, after, other).stream())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static boolean isShown(Change change) {
    return !Objects.requireNonNull(change.record()).path("last_seen").isNull();
  }

  /** Who saw the row and no longer does, or did not see it and does. */
  private static Set<UUID> whoseSightChanged(Moment before, Moment after, Change change) {
    boolean isShown = isShown(change);
    return everybody(before, after)
        .filter(person -> sees(before, person, change) != isShown)
        .filter(person -> sees(after, person, change) == isShown)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static boolean sees(Moment moment, UUID person, Change change) {
    return moment.sees().getOrDefault(person, Set.of()).contains(change.key());
  }

  /**
   * Who types and to whom, those of them who are active. When he turns to another, the one before
   * hears that it is over, alone.
   */
  private static Set<UUID> typists(Moment before, Moment after, Change change) {
    JsonNode row = Objects.requireNonNull(change.record());
    UUID typist = UUID.fromString(row.get("user_id").asString());
    @Nullable UUID until = before.typing().get(typist);
    @Nullable UUID now = after.typing().get(typist);
    boolean isOver = row.get("is_typing_to").isNull();
    Stream<UUID> both =
        isOver && now != null ? Stream.of(until) : Stream.of(typist, isOver ? until : now);
    return both.filter(
            person ->
                person != null
                    && !(before.hears().getOrDefault(person, Set.of()).isEmpty()
                        && after.hears().getOrDefault(person, Set.of()).isEmpty()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** No column that a person could not select; typing only in the row for the two of them. */
  private static List<String> unreadable(Change change) {
    List<String> faults = new ArrayList<>();
    for (JsonNode row : Arrays.asList(change.record(), change.old())) {
      if (row == null) {
        continue;
      }
      Set<String> columns = new TreeSet<>(row.propertyNames());
      if (change.table().equals("user_presence")) {
        boolean isKey = row == change.old() && columns.equals(Set.of("user_id"));
        if (!isKey && !columns.equals(change.isTyping() ? TYPING_PRESENCE : TEAM_PRESENCE)) {
          faults.add("shows other columns than it should: " + change);
        } else if (change.isTyping() && !isKey && !isBetweenTheTwo(change, row)) {
          faults.add("shows a typing to somebody else: " + change);
        }
      } else if (!columns.stream()
          .allMatch(column -> readable.contains(change.table() + "." + column))) {
        faults.add("shows columns that nobody is granted: " + change);
      }
    }
    return faults;
  }

  /** Only who types and who is typed to may hear to whom. */
  private static boolean isBetweenTheTwo(Change change, JsonNode row) {
    if (row.get("is_typing_to").isNull()) {
      return true;
    }
    return Set.of(
            Audience.user(UUID.fromString(row.get("user_id").asString())),
            Audience.user(UUID.fromString(row.get("is_typing_to").asString())))
        .containsAll(change.audiences());
  }

  /** Rows that came or went, and people who moved, without a word. */
  private static List<String> untold(Moment before, Moment after, List<Change> changes) {
    Set<String> told =
        changes.stream()
            .filter(change -> !change.table().equals("users") && !change.isTyping())
            .map(change -> change.operation() + " " + change.key())
            .collect(Collectors.toSet());
    Set<UUID> moved =
        changes.stream()
            .filter(change -> change.table().equals("users"))
            .flatMap(change -> change.audiences().stream().map(Audience::id))
            .collect(Collectors.toSet());
    List<String> faults = new ArrayList<>();
    after.rows().stream()
        .filter(row -> !before.rows().contains(row) && !told.contains("INSERT " + row))
        .forEach(row -> faults.add("came untold: " + row));
    before.rows().stream()
        .filter(row -> !after.rows().contains(row) && !told.contains("DELETE " + row))
        .forEach(row -> faults.add("went untold: " + row));
    before
        .people()
        .forEach(
            (person, state) -> {
              if (!state.equals(after.people().get(person)) && !moved.contains(person)) {
                faults.add("moved untold: " + person);
              }
            });
    // Who neither moved nor was told sees what he saw.
    before
        .sees()
        .forEach(
            (person, saw) -> {
              if (!moved.contains(person)) {
                Set<String> sees = after.sees().getOrDefault(person, Set.of());
                Stream.concat(
                        saw.stream().filter(row -> !sees.contains(row)),
                        sees.stream().filter(row -> !saw.contains(row)))
                    .filter(row -> told.stream().noneMatch(change -> change.endsWith(" " + row)))
                    .forEach(row -> faults.add("%s was not told of %s".formatted(person, row)));
              }
            });
    return faults;
  }

  private static Stream<UUID> everybody(Moment before, Moment after) {
    return Stream.concat(before.hears().keySet().stream(), after.hears().keySet().stream())
        .distinct();
  }

  private static Moment moment(World world) throws SQLException {
    Map<UUID, Set<String>> sees = new HashMap<>();
    Map<UUID, Set<Audience>> hears = new HashMap<>();
    for (UUID person : world.people()) {
      sees.put(person, Set.copyOf(seenBy(person)));
    }
    Map<UUID, String> people = new HashMap<>();
    Map<UUID, UUID> typing = new HashMap<>();
    try (Statement statement = owner.createStatement()) {
      try (ResultSet result =
          statement.executeQuery(
              "select p.id, s.audience, s.team_audience, u.id is not null, concat(u.team_id, ' ', u.status)"
                  + " from unnest(array['"
                  + world.people().stream().map(UUID::toString).collect(Collectors.joining("','"))
                  + "']::uuid[]) p (id) cross join relay.audience_of_person(p.id) s left join public.users u using (id)")) {
        while (result.next()) {
          UUID person = result.getObject(1, UUID.class);
          hears.put(person, audiences(result));
          if (result.getBoolean(4)) {
            people.put(person, result.getString(5));
          }
        }
      }
      try (ResultSet result =
          statement.executeQuery(
              "select user_id, is_typing_to from public.user_presence where is_typing_to is not null")) {
        while (result.next()) {
          typing.put(result.getObject(1, UUID.class), result.getObject(2, UUID.class));
        }
      }
    }
    return new Moment(sees, hears, Set.copyOf(column(KEYS)), people, typing);
  }

  private static List<String> seenBy(UUID person) throws SQLException {
    try (Statement statement = owner.createStatement()) {
      World.become(statement, person);
      List<String> keys = column(KEYS);
      World.become(statement, null);
      return keys;
    }
  }

  private static List<Change> changesAfter(long last) throws SQLException {
    List<Change> changes = new ArrayList<>();
    try (Statement statement = owner.createStatement();
        ResultSet result =
            statement.executeQuery(
                "select table_name, operation, audience, team_audience, hidden_from, record, old_record from relay.change_log where seq > "
                    + last
                    + " order by seq")) {
      while (result.next()) {
        changes.add(
            new Change(
                result.getString("table_name"),
                result.getString("operation"),
                audiences(result),
                hiddenFrom(result),
                json(result.getString("record")),
                json(result.getString("old_record"))));
      }
    }
    return changes;
  }

  private static @Nullable JsonNode json(@Nullable String text) {
    return text == null ? null : JSON.readTree(text);
  }

  private static Set<UUID> hiddenFrom(ResultSet result) throws SQLException {
    UUID[] ids = uuids(result, "hidden_from");
    return ids == null ? Set.of() : Set.of(ids);
  }

  private static Set<Audience> audiences(ResultSet result) throws SQLException {
    return Set.copyOf(Audience.of(uuids(result, "audience"), uuids(result, "team_audience")));
  }

  private static UUID @Nullable [] uuids(ResultSet result, String column) throws SQLException {
    Array array = result.getArray(column);
    return array == null ? null : (UUID[]) array.getArray();
  }

  private static List<String> column(String query) throws SQLException {
    List<String> values = new ArrayList<>();
    try (Statement statement = owner.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      while (result.next()) {
        values.add(result.getString(1));
      }
    }
    return values;
  }

  /**
   * For each list of audiences: each of them left out, and everybody let in; people taken for teams
   * and teams for people; then each redaction dropped.
   */
  private static Map<String, String> withWrongAudiences(String definition) {
    Map<String, String> mutants = new LinkedHashMap<>();
    String name = definition.substring(definition.indexOf("relay."), definition.indexOf('('));
    Matcher list = Pattern.compile("array\\[(?!o\\.user_id\\]\\))([^\\]]*)\\]").matcher(definition);
    while (list.find()) {
      String before = definition.substring(0, list.start());
      String after = definition.substring(list.end());
      String where = "%s, line %d".formatted(name, before.lines().count());
      List<String> audiences = operands(list.group(1));
      for (String audience : audiences) {
        List<String> others = new ArrayList<>(audiences);
        others.remove(audience);
        mutants.put(
            where + ", without " + audience,
            before + "array[" + String.join(", ", others) + "]::uuid[]" + after);
      }
      mutants.put(
          where + ", for everybody",
          before + "(" + list.group() + " || array(select u.id from public.users u))" + after);
    }
    Matcher kinds = Pattern.compile("\\baudience, team_audience\\b").matcher(definition);
    while (kinds.find()) {
      mutants.put(
          "%s, people for teams at %d".formatted(name, kinds.start()),
          definition.substring(0, kinds.start())
              + "team_audience, audience"
              + definition.substring(kinds.end()));
    }
    Matcher hidden =
        Pattern.compile("chat\\.people_hidden_from\\(\\w+\\.user_id\\)").matcher(definition);
    while (hidden.find()) {
      mutants.put(
          name + ", hidden from nobody at " + hidden.start(),
          definition.substring(0, hidden.start())
              + "'{}'::uuid[]"
              + definition.substring(hidden.end()));
    }
    Matcher redaction =
        Pattern.compile("relay\\.(?:(?:team|typing|hidden)_presence|not_typing)\\((\\w)\\)")
            .matcher(definition);
    while (redaction.find()) {
      mutants.put(
          name + ", the whole row for " + redaction.group() + " at " + redaction.start(),
          definition.substring(0, redaction.start())
              + "row_to_json("
              + redaction.group(1)
              + ")::text"
              + definition.substring(redaction.end()));
    }
    return mutants;
  }

  /** Splits at the commas that are in no parenthesis. */
  private static List<String> operands(String list) {
    List<String> operands = new ArrayList<>();
    int depth = 0;
    int from = 0;
    for (int i = 0; i < list.length(); i++) {
      char c = list.charAt(i);
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (c == ',' && depth == 0) {
        operands.add(list.substring(from, i).strip());
        from = i + 1;
      }
    }
    operands.add(list.substring(from).strip());
    return operands;
  }
}
