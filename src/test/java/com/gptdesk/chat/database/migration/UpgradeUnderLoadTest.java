package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The database of an earlier version, while everybody talks, is brought to this one: nobody is
 * refused, and nothing is lost.
 */
class UpgradeUnderLoadTest {

  private static final int PAIRS = 8;

  /** How much everybody has done before the upgrade, and does after it. */
  private static final int ROUNDS = 5;

  private final TestDatabase database = TestDatabase.empty();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void close() {
    threads.shutdownNow();
    database.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {EarlierVersion.FIRST, EarlierVersion.ONE_FOLDER})
  void nobodyIsRefusedAndNothingIsLost(String earlier, @TempDir Path folder) throws Exception {
    EarlierVersion.make(database, earlier, folder);
    List<Pair> pairs = IntStream.range(0, PAIRS).mapToObj(this::pair).toList();
    List<Future<?>> talks = new ArrayList<>();
    for (Pair pair : pairs) {
      talks.add(threads.submit(() -> pair.talk(pair.one)));
      talks.add(threads.submit(() -> pair.talk(pair.other)));
    }
    everybodyHasDone(ROUNDS, pairs);

    assertTrue(Migrations.of(database.owner(), null).migrate() > 0);
    for (Pair pair : pairs) {
      pair.upgradedAfter.set(pair.rounds.get());
    }
    Await.until("all talk on", () -> pairs.stream().allMatch(Pair::hasTalkedOn));
    pairs.forEach(pair -> pair.ends.set(true));
    for (Future<?> talk : talks) {
      talk.get(); // fails when somebody was refused
    }

    assertEquals(List.of(), Migrations.of(database.owner(), null).differences());
    assertEquals(List.of(), Migrations.of(database.owner(), null).drift());
    assertEquals("0", database.ownerReads("select count(*) from chat.check_invariants()"));
    for (Pair pair : pairs) {
      assertEquals(pair.acknowledged(), pair.stored());
      assertEquals(
          String.valueOf(pair.sent.size()),
          database.ownerReads(
              "select last_message_seq from public.user_conversations where id = '%s'"
                  .formatted(pair.conversation)));
    }
  }

  /** It began with functions that have other names by the time it goes on, so it is run again. */
  @ParameterizedTest
  @ValueSource(strings = {EarlierVersion.FIRST, EarlierVersion.ONE_FOLDER})
  void aCallUnderWayIsNotRefused(String version, @TempDir Path earlier, @TempDir Path db)
      throws Exception {
    EarlierVersion.make(database, version, earlier);
    Pair pair = pair(1);
    UUID message = pair.sends(pair.other);
    MigrationsTest.copy(Path.of("db"), db);
    Files.writeString(
        db.resolve("tables/V999__waits.sql"),
        "set local lock_timeout = 0; select pg_advisory_xact_lock(4711);");
    try (Connection holder = database.owner().connect();
        Statement statement = holder.createStatement()) {
      statement.execute("select pg_advisory_lock(4711)");
      Migrations next = new Migrations(database.owner(), null, "filesystem:" + db);
      Future<Integer> migration = threads.submit(() -> next.migrate());
      Await.until("the migration has all tables", () -> waiting("locktype = 'advisory'"));
      Future<?> call =
          threads.submit(
              () -> pair.one.does(tx -> tx.fetch("select public.add_reaction(?, '👍')", message)));
      Await.until("the call waits", () -> waiting("locktype = 'relation'"));
      statement.execute("select pg_advisory_unlock(4711)");
      call.get();
      assertTrue(migration.get() > 10);
    }
    assertEquals("1", database.ownerReads("select count(*) from public.message_reactions"));
    assertEquals("t", database.ownerReads("select to_regprocedure('chat.demand_me()') is null"));
  }

  private boolean waiting(String what) {
    return database
        .ownerReads(
            "select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database()) and "
                + what)
        .equals("1");
  }

  private static void everybodyHasDone(int rounds, List<Pair> pairs) {
    Await.until("all talk", () -> pairs.stream().allMatch(pair -> pair.rounds.get() >= rounds));
  }

  private Pair pair(int number) {
    UUID team = UUID.randomUUID();
    Person one = database.person("One " + number, UUID.randomUUID());
    Person other = database.person("Other " + number, UUID.randomUUID());
    database.asOwner(
        """
        insert into public.teams (id, name) values ('%1$s', 'Team');
        insert into public.users (id, full_name, email, status, team_id) values
          ('%2$s', 'One', '%2$s@example.org', 'active', '%1$s'), ('%3$s', 'Other', '%3$s@example.org', 'active', '%1$s')
        """
            .formatted(team, one.id(), other.id()));
    return new Pair(one, other);
  }

  /**
   * Two people who send, read and react as fast as they can. By SQL of their own: the client of an
   * earlier version stays in use after the upgrade.
   */
  private final class Pair {

    final Person one;
    final Person other;
    final UUID conversation;
    final ConcurrentLinkedQueue<UUID> sent = new ConcurrentLinkedQueue<>();
    final AtomicInteger rounds = new AtomicInteger();
    final AtomicInteger upgradedAfter = new AtomicInteger(Integer.MAX_VALUE - ROUNDS);
    final AtomicBoolean ends = new AtomicBoolean();

    Pair(Person one, Person other) {
      this.one = one;
      this.other = other;
      this.conversation =
          one.does(
              tx ->
                  tx.fetchSingle(
                          "select public.get_or_create_conversation(?, ?)", one.id(), other.id())
                      .get(0, UUID.class));
    }

    void talk(Person me) {
      while (!ends.get()) {
        UUID id = sends(me);
        sent.add(id);
        me.tries(tx -> tx.fetch("select public.add_reaction(?, '👍')", id));
        me.tries(tx -> tx.fetch("select id, content from public.get_messages(?)", conversation));
        me.tries(tx -> tx.fetch("select id, revision from public.get_conversations()"));
        me.tries(tx -> tx.fetch("select public.mark_conversation_as_read(?)", conversation));
        sent.add(
            me.does(
                tx ->
                    tx.fetchSingle(
                            "select id from public.send_message(?, 'without an id')", conversation)
                        .get(0, UUID.class)));
        me.tries(tx -> tx.fetch("select public.update_typing_status(?)", other(me).id()));
        rounds.incrementAndGet();
      }
    }

    private UUID sends(Person me) {
      UUID id = me.does(tx -> tx.fetchSingle("select chat.uuid7()").get(0, UUID.class));
      me.tries(
          tx ->
              tx.fetch(
                  "select id, seq from public.send_message(conversation_id => ?, content => 'hi', id => ?)",
                  conversation,
                  id));
      return id;
    }

    private Person other(Person me) {
      return me == one ? other : one;
    }

    boolean hasTalkedOn() {
      return rounds.get() >= upgradedAfter.get() + ROUNDS;
    }

    Set<UUID> acknowledged() {
      return new HashSet<>(sent);
    }

    Set<UUID> stored() {
      String ids =
          database.ownerReads(
              "select string_agg(id::text, ' ') from public.user_messages where conversation_id = '%s'"
                  .formatted(conversation));
      return List.of(ids.split(" ")).stream().map(UUID::fromString).collect(Collectors.toSet());
    }
  }
}
