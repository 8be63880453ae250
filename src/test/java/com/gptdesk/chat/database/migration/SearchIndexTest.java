package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The messages of an earlier version get the index of today's search, and nobody waits for it. */
class SearchIndexTest {

  private static final String FORMER =
      "select to_regclass('public.former_content_search_idx') is not null";

  private static final String COMPLETE =
      """
      select i.indisvalid and to_regclass('public.former_content_search_idx') is null
        and to_regprocedure('chat.search_terms(text, uuid, uuid)') is null
        and (select count(*) from pg_inherits h where h.inhparent = i.indexrelid)
          = (select count(*) from pg_inherits h where h.inhparent = 'public.user_messages'::regclass)
      from pg_index i
      where i.indexrelid = 'public.idx_user_messages_content_search'::regclass
      """;

  private final TestDatabase database = TestDatabase.empty();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private Person alice;
  private Person bob;
  private UUID conversation;

  @AfterEach
  void close() {
    threads.shutdownNow();
    database.close();
  }

  @Test
  void whileItIsMadePeopleSendAndSearch(@TempDir Path folder) throws Exception {
    talkInAnEarlierVersion(folder);
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement()) {
      // An index that is made concurrently waits for whoever may still see what was.
      other.setAutoCommit(false);
      statement.execute("set transaction isolation level repeatable read");
      statement.execute("select 1");
      Future<Integer> migration =
          threads.submit(() -> Migrations.of(database.owner(), null).migrate());
      Await.until("the index waits", () -> isBeingMade(migration));

      assertEquals("t", database.ownerReads(FORMER));
      assertEquals(List.of("an older Café"), found(bob, "caf"));
      sends("a newer CAFÉ of " + UUID.randomUUID());
      assertEquals(2, found(bob, "cafe").size());
      assertEquals(List.of("an older Café"), found(bob, "older caf"));

      other.rollback();
      migration.get();
    }
    assertEquals("t", database.ownerReads(COMPLETE));
    assertEquals(2, found(bob, "cafe").size());
    assertEquals(List.of("an older Café"), found(bob, "older caf"));
    assertEquals(List.of(), Migrations.of(database.owner(), null).drift());
    assertEquals(0, Migrations.of(database.owner(), null).migrate());
  }

  @Test
  void whatWasInterruptedIsCompleted(@TempDir Path folder) throws Exception {
    talkInAnEarlierVersion(folder);
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("set transaction isolation level repeatable read");
      statement.execute("select 1");
      Future<Integer> migration =
          threads.submit(() -> Migrations.of(database.owner(), null).migrate());
      Await.until("the index waits", () -> isBeingMade(migration));
      database.asOwner(
          "select pg_terminate_backend(pid) from pg_stat_activity where query like 'create index concurrently%' and pid <> pg_backend_pid()");
      Await.until("the migration has failed", migration::isDone);
      other.rollback();
    }
    assertEquals(
        "1",
        database.ownerReads(
            "select count(*) from pg_index i where not i.indisvalid and i.indrelid <> 'public.user_messages'::regclass"));
    assertEquals(List.of("an older Café"), found(bob, "caf"));
    Migrations.of(database.owner(), null).migrate();
    assertEquals("t", database.ownerReads(COMPLETE));
    assertEquals(List.of("an older Café"), found(bob, "caf"));
  }

  private boolean isBeingMade(Future<Integer> migration) {
    if (migration.isDone()) {
      throw new AssertionError("It did not wait: " + migration, failureOf(migration));
    }
    return database
        .ownerReads(
            "select count(*) from pg_stat_progress_create_index where phase = 'waiting for old snapshots'")
        .equals("1");
  }

  private static @Nullable Throwable failureOf(Future<Integer> migration) {
    return migration.state() == Future.State.FAILED ? migration.exceptionNow() : null;
  }

  private void talkInAnEarlierVersion(Path folder) throws Exception {
    EarlierVersion.make(database, EarlierVersion.ONE_FOLDER, folder);
    UUID team = UUID.randomUUID();
    alice = database.person("Alice", UUID.randomUUID());
    bob = database.person("Bob", UUID.randomUUID());
    database.asOwner("insert into public.teams (id, name) values ('%s', 'Team')".formatted(team));
    for (Person person : List.of(alice, bob)) {
      database.asOwner(
          "insert into public.users (id, full_name, email, status, team_id) values ('%1$s', 'Some One', '%1$s@example.org', 'active', '%2$s')"
              .formatted(person.id(), team));
    }
    conversation =
        alice.does(
            tx ->
                tx.fetchSingle(
                        "select public.get_or_create_conversation(?, ?)", alice.id(), bob.id())
                    .get(0, UUID.class));
    sends("an older Café");
    sends("something else");
  }

  private void sends(String content) {
    alice.does(tx -> tx.fetch("select id from public.send_message(?, ?)", conversation, content));
  }

  private static List<String> found(Person person, String query) {
    return person.does(
        tx ->
            tx.fetch("select content from public.search_messages(?)", query)
                .getValues(0, String.class));
  }
}
