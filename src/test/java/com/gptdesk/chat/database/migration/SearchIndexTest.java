package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
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
      select i.indisvalid and chat.search_index_is_current() and to_regclass('public.former_content_search_idx') is null
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
      List<Drift> drift = Migrations.of(database.owner(), null).drift();
      assertEquals(1, drift.size(), drift::toString);
      assertTrue(drift.getFirst().isBeingMade(), drift::toString);
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

  /** Of functions that have changed since, its entries are of no use. */
  @Test
  void anIndexOfAnotherVersionIsMadeAnewWhilePeopleSendAndSearch() throws Exception {
    talkAsAnEarlierVersionIndexed();
    assertEquals("0", indexed("cafe"));
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("set transaction isolation level repeatable read");
      statement.execute("select 1");
      Future<Integer> migration =
          threads.submit(() -> Migrations.of(database.owner(), null).migrate());
      Await.until("the index waits", () -> isBeingMade(migration));

      assertEquals("f", database.ownerReads("select chat.search_index_is_current()"));
      assertEquals(List.of("an older Café"), found(bob, "caf"));
      sends("a newer CAFÉ");
      assertEquals(List.of("a newer CAFÉ", "an older Café"), found(bob, "cafe"));
      List<Drift> drift = Migrations.of(database.owner(), null).drift();
      assertEquals(1, drift.size(), drift::toString);
      assertTrue(drift.getFirst().isBeingMade(), drift::toString);

      other.rollback();
      migration.get();
    }
    assertEquals("t", database.ownerReads(COMPLETE));
    assertEquals("2", indexed("cafe"));
    assertEquals(List.of("a newer CAFÉ", "an older Café"), found(bob, "cafe"));
    assertEquals(List.of(), Migrations.of(database.owner(), null).drift());
  }

  @Test
  void whatWasInterruptedInBeingMadeAnewIsCompleted() throws Exception {
    talkAsAnEarlierVersionIndexed();
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("set transaction isolation level repeatable read");
      statement.execute("select 1");
      Future<Integer> migration =
          threads.submit(() -> Migrations.of(database.owner(), null).migrate());
      Await.until("the index waits", () -> isBeingMade(migration));
      database.asOwner(
          "select pg_terminate_backend(pid) from pg_stat_activity where query like 'reindex index concurrently%' and pid <> pg_backend_pid()");
      Await.until("the migration has failed", migration::isDone);
      other.rollback();
    }
    String invalid = "select count(*) from pg_index i where not i.indisvalid";
    assertEquals("1", database.ownerReads(invalid));
    assertEquals(List.of("an older Café"), found(bob, "caf"));
    Migrations.of(database.owner(), null).migrate();
    assertEquals("0", database.ownerReads(invalid));
    assertEquals("t", database.ownerReads(COMPLETE));
    assertEquals("1", indexed("cafe"));
  }

  /**
   * What a search asks the index for is what the functions of that version gave. When this fails,
   * count {@code chat.search_version} on, unless the functions give the same as before for every
   * text; then write the new sum here.
   */
  @Test
  void whoChangesWhatTheIndexKeepsCountsItsVersionOn() {
    Migrations.of(database.owner(), null).migrate();
    assertEquals(
        "version 1 of 2480c9331f3c5684bdbac22a9e03a2d1",
        database.ownerReads(
            """
            with recursive used (name, body) as (
              select p.proname::text, p.prosrc
              from pg_proc p
              where p.oid = 'chat.search_terms(text, text, uuid, uuid)'::regprocedure
              union
              select p.proname, p.prosrc
              from used u
              join pg_proc p on p.pronamespace = 'chat'::regnamespace
                and strpos(u.body, 'chat.' || p.proname || '(') > 0
            )
            select 'version ' || chat.search_version() || ' of ' || md5(string_agg(name || body, '' order by name collate "C", body)) from used
            """));
  }

  /** How many messages the index alone knows to have a word that begins so. */
  private String indexed(String term) throws Exception {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("set enable_seqscan = off");
      try (ResultSet row =
          statement.executeQuery(
              "select count(*) from public.user_messages m where chat.search_terms(m.content, m.file_name, m.sender_id, m.recipient_id) @@ '%s'"
                  .formatted(term.substring(0, 2)))) {
        row.next();
        return row.getString(1);
      }
    }
  }

  /** That version knew no accents. */
  private void talkAsAnEarlierVersionIndexed() {
    Migrations.of(database.owner(), null).migrate();
    String today =
        database.ownerReads("select pg_get_functiondef('chat.fold(text)'::regprocedure)");
    database.asOwner(
        "create or replace function chat.fold(content text) returns text immutable strict parallel safe set search_path = pg_catalog, pg_temp language plpgsql as $$ begin return translate(content, 'abc', 'xyz'); end $$");
    talk();
    database.asOwner(today);
    database.asOwner(
        "comment on index public.idx_user_messages_content_search is 'search_messages, version 0'");
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
    talk();
  }

  private void talk() {
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
