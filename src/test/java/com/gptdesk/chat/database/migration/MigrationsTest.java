package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.flywaydb.core.api.FlywayException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A database comes to where db/ says it should be: all at once, by its owner, for one platform. */
class MigrationsTest {

  private final TestDatabase database = TestDatabase.empty();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void theSecondTimeThereIsNothingToDo() {
    assertTrue(Migrations.of(database.owner(), null).migrate() > 10);
    Migrations again = Migrations.of(database.owner(), null);
    assertEquals(List.of(), again.pending());
    assertEquals(List.of(), again.differences());
    assertEquals(0, again.migrate());
    assertEquals("standalone", database.ownerReads("select platform from chat.settings"));
  }

  @Test
  void theServiceMayLookButNotMigrate() {
    Migrations.of(database.owner(), null).migrate();
    assertEquals(List.of(), Migrations.of(database.service(), null).differences());
  }

  @Test
  void anEmptyDatabaseIsBehind() {
    Migrations migrations = Migrations.of(database.owner(), null);
    assertFalse(migrations.differences().isEmpty());
    assertTrue(migrations.pending().size() > 10);
  }

  @Test
  void whatIsThereAlreadyIsUsed() {
    for (Path file : migrationsIn("db/platform")) {
      if (file.getFileName().toString().startsWith("V")) {
        database.asOwner(read(file));
      }
    }
    Migrations.of(database.owner(), Platform.EXISTING).migrate();
    assertEquals("existing", database.ownerReads("select platform from chat.settings"));
    assertEquals(
        "0",
        database.ownerReads(
            "select count(*) from chat.flyway_history where script like '%platform%'"));
    assertEquals(List.of(), Migrations.of(database.owner(), null).differences());
  }

  @Test
  void theOtherPlatformIsRefused() {
    Migrations.of(database.owner(), Platform.STANDALONE).migrate();
    IllegalStateException no =
        assertThrows(
            IllegalStateException.class, () -> Migrations.of(database.owner(), Platform.EXISTING));
    assertEquals(
        "This database was migrated with --platform standalone and cannot become existing.",
        no.getMessage());
  }

  @Test
  void aFailedMigrationLeavesNothing(@TempDir Path db) throws IOException {
    for (String folder : List.of("platform", "tables", "logic")) {
      Files.createDirectory(db.resolve(folder));
    }
    Files.writeString(db.resolve("tables/V100__good.sql"), "create table public.good (id int);");
    Files.writeString(db.resolve("tables/V101__bad.sql"), "create table public.bad (id nonsense);");
    Migrations migrations = new Migrations(database.owner(), null, "filesystem:" + db);
    assertThrows(FlywayException.class, migrations::migrate);
    assertEquals("null", database.ownerReads("select to_regclass('public.good')"));

    Files.writeString(db.resolve("tables/V101__bad.sql"), "create table public.bad (id int);");
    assertEquals(2, new Migrations(database.owner(), null, "filesystem:" + db).migrate());
  }

  @Test
  void aFailedUpgradeLeavesWhatWasThere(@TempDir Path db) throws IOException {
    Migrations.of(database.owner(), null).migrate();
    String objects =
        "select string_agg(c.oid || ' ' || c.xmin, ',' order by c.oid) from pg_class c"
            + " where c.relnamespace::regnamespace::text in ('public', 'chat', 'relay')";
    String before = database.ownerReads(objects);
    copy(Path.of("db"), db);
    Files.writeString(
        db.resolve("tables/V900__good.sql"), "alter table public.user_blocks add column x int;");
    Files.writeString(db.resolve("tables/V901__broken.sql"), "select no_such_function();");
    Migrations broken = new Migrations(database.owner(), null, "filesystem:" + db);
    FlywayException no = assertThrows(FlywayException.class, broken::migrate);
    assertTrue(no.getMessage().contains("V901__broken.sql"), no.getMessage());
    assertEquals(before, database.ownerReads(objects));
    assertEquals(
        List.of("V900__good.sql", "V901__broken.sql"),
        new Migrations(database.owner(), null, "filesystem:" + db).pending());
    assertEquals(List.of(), Migrations.of(database.owner(), null).differences());
  }

  /** Alone: it cannot be in one transaction with others, and is told so before anything is done. */
  @Test
  void anIndexIsMadeConcurrentlyByAFileOfItsOwn(@TempDir Path db) throws IOException {
    Migrations.of(database.owner(), null).migrate();
    copy(Path.of("db"), db);
    Files.writeString(
        db.resolve("tables/V900__index.sql"),
        "create index concurrently conversations_age_idx on public.user_conversations (created_at);");
    Path other = db.resolve("tables/V901__other.sql");
    Files.writeString(other, "select 1;");
    FlywayException no =
        assertThrows(
            FlywayException.class,
            () -> new Migrations(database.owner(), null, "filesystem:" + db).migrate());
    assertTrue(no.getMessage().contains("non-transactional"), no.getMessage());

    Files.delete(other);
    assertEquals(1, new Migrations(database.owner(), null, "filesystem:" + db).migrate());
    assertEquals(
        "t",
        database.ownerReads(
            "select indisvalid from pg_index where indexrelid = 'public.conversations_age_idx'::regclass"));
  }

  /** Files of its logic have other names today, and one of its tables' is no more. */
  @ParameterizedTest
  @CsvSource({
    EarlierVersion.FIRST + ", 12, R__3_messages R__9_door V170__functions_anew",
    EarlierVersion.ONE_FOLDER + ", 15, R__3_messages R__9_door V170__functions_anew",
    EarlierVersion.SCOPES + ", 1, R__70_bell"
  })
  void theHistoryOfAnEarlierVersionIsRepaired(
      String earlier, String howMany, String former, @TempDir Path folder) throws IOException {
    EarlierVersion.make(database, earlier, folder);
    Migrations today = Migrations.of(database.owner(), null);
    String first = former.split(" ")[0].replace("R__", "").replace('_', ' ');
    assertTrue(
        today.differences().stream().anyMatch(line -> line.contains(first)),
        today.differences().toString());
    try (HeardLog log = new HeardLog()) {
      assertTrue(today.migrate() > 10);
      List<String> repairs =
          log.lines().stream().filter(line -> line.contains("Repaired the history")).toList();
      assertEquals(1, repairs.size());
      for (String file : former.split(" ")) {
        assertTrue(repairs.getFirst().contains(file + ".sql"), repairs.getFirst());
      }
    }
    assertEquals(List.of(), today.differences());
    assertEquals(List.of(), today.drift());
    assertEquals(List.of(), today.pending());
    assertEquals(0, today.migrate());
    assertEquals(
        "0", database.ownerReads("select count(*) from pg_constraint where not convalidated"));
    assertEquals(
        howMany,
        database.ownerReads("select count(*) from chat.flyway_history where type = 'DELETE'"));
  }

  /** A relay that was stopped for the upgrade goes on where it was. */
  @ParameterizedTest
  @ValueSource(strings = {EarlierVersion.FIRST, EarlierVersion.ONE_FOLDER, EarlierVersion.SCOPES})
  void whatTheLogHeldIsReadAfterTheUpgrade(String earlier, @TempDir Path folder)
      throws IOException {
    EarlierVersion.make(database, earlier, folder);
    String position =
        database.ownerReads("select format('%L, %L', o.epoch, o.snapshot) from relay.open() o");
    database.asOwner(
        "insert into relay.change_log (table_name, operation, scopes) values ('users', 'UPDATE', array['%s'::uuid])"
            .formatted(TestDatabase.BLUE));
    Migrations.of(database.owner(), null).migrate();
    assertEquals(
        "users UPDATE {%s}".formatted(TestDatabase.BLUE),
        database.ownerReads(
            "select string_agg(concat_ws(' ', t.table_name, t.operation, t.audience, t.team_audience), ', ') from relay.tail(%s, 10) t where t.seq is not null"
                .formatted(position)));
  }

  /** For instance of a later version: its functions are not to be replaced by older ones. */
  @Test
  void aFileThatNoEarlierVersionHadMayNotBeMissing(@TempDir Path db) throws IOException {
    copy(Path.of("db"), db);
    Files.writeString(db.resolve("logic/R__3_messages.sql"), "select 1;");
    Path later = Files.writeString(db.resolve("logic/R__99_later.sql"), "select 1;");
    new Migrations(database.owner(), null, "filesystem:" + db).migrate();
    FlywayException no =
        assertThrows(FlywayException.class, () -> Migrations.of(database.owner(), null).migrate());
    assertTrue(no.getMessage().contains("99 later"), no.getMessage());

    Files.delete(db.resolve("logic/R__3_messages.sql"));
    assertTrue(Files.exists(later));
    assertEquals(0, new Migrations(database.owner(), null, "filesystem:" + db).migrate());
  }

  /** Nor a table's file of this version: it may have lost rows or columns with it. */
  @Test
  void aTablesFileMayNotBeMissing(@TempDir Path db) throws IOException {
    copy(Path.of("db"), db);
    Path table = Files.writeString(db.resolve("tables/V170__functions_anew.sql"), "select 1;");
    Path other = Files.writeString(db.resolve("tables/V171__other.sql"), "select 1;");
    new Migrations(database.owner(), null, "filesystem:" + db).migrate();
    FlywayException no =
        assertThrows(FlywayException.class, () -> Migrations.of(database.owner(), null).migrate());
    assertTrue(no.getMessage().contains("171"), no.getMessage());

    Files.delete(table);
    assertTrue(Files.exists(other));
    assertEquals(0, new Migrations(database.owner(), null, "filesystem:" + db).migrate());
  }

  @Test
  void aDatabaseThatIsBehindOrWasChangedIsSeen(@TempDir Path db) throws IOException {
    Migrations.of(database.owner(), null).migrate();
    copy(Path.of("db"), db);
    Files.writeString(db.resolve("tables/V900__next.sql"), "select 1;");
    Files.writeString(
        db.resolve("tables/V130__presence.sql"),
        read(db.resolve("tables/V130__presence.sql")) + "-- changed\nselect 1;\n");
    Migrations newer = new Migrations(database.service(), null, "filesystem:" + db);
    assertEquals(List.of("V900__next.sql"), newer.pending());
    String differences = String.join("\n", newer.differences());
    assertTrue(differences.contains("130"), differences);
    assertTrue(differences.contains("900"), differences);
    assertTrue(newer.summary().contains("platform standalone, 1 pending"), newer.summary());
  }

  @Test
  void theFilesAreReadAgainOnlyForAnotherHistory(@TempDir Path db) throws IOException {
    Migrations.of(database.owner(), null).migrate();
    copy(Path.of("db"), db);
    Migrations watching = new Migrations(database.service(), null, "filesystem:" + db);
    assertEquals(List.of(), watching.differences());
    Path file = db.resolve("tables/V130__presence.sql");
    Files.writeString(file, read(file) + "select 1;\n");
    assertEquals(List.of(), watching.differences());

    database.asOwner(
        "update chat.flyway_history set checksum = checksum + 1 where version = '120'");
    String differences = String.join("\n", watching.differences());
    assertTrue(differences.contains("120"), differences);
    assertTrue(differences.contains("130"), differences);
  }

  @Test
  void itNeverWaitsAsLongAsADeadlockTakesToBeSeen(@TempDir Path db) throws IOException {
    Migrations.of(database.owner(), null).migrate();
    copy(Path.of("db"), db);
    Files.writeString(
        db.resolve("tables/V900__settings.sql"),
        "create table public.seen as select s.name, s.setting::int from pg_settings s where s.name like '%lock_timeout';");
    new Migrations(database.owner(), null, "filesystem:" + db).migrate();
    assertEquals(
        "t",
        database.ownerReads(
            "select l.setting between 1 and d.setting - 1 from public.seen l, public.seen d"
                + " where l.name = 'lock_timeout' and d.name = 'deadlock_timeout'"));
  }

  /** A deadlock, were it not that the migration steps back. */
  @Test
  void whoeverHoldsOneTableAndWantsAnotherGoesFirst(@TempDir Path db) throws Exception {
    Migrations.of(database.owner(), null).migrate();
    copy(Path.of("db"), db);
    Files.writeString(db.resolve("tables/V900__next.sql"), "select 1;");
    Migrations next = new Migrations(database.owner(), null, "filesystem:" + db);
    try (Connection somebody = database.owner().connect();
        Statement statement = somebody.createStatement();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      somebody.setAutoCommit(false);
      statement.execute("lock table public.user_messages in row exclusive mode");
      Future<Integer> migration = threads.submit(() -> next.migrate());
      Await.until(
          "the migration has conversations and wants messages",
          () ->
              database
                  .ownerReads(
                      "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and not granted"
                          + " and relation = 'public.user_messages'::regclass")
                  .equals("1"));
      statement.execute("lock table public.user_conversations in row exclusive mode");
      assertFalse(migration.isDone());
      somebody.commit();
      assertEquals(1, migration.get());
    }
  }

  @Test
  void aMisnamedMigrationIsToldOf(@TempDir Path db) throws IOException {
    for (String folder : List.of("platform", "tables", "logic")) {
      Files.createDirectory(db.resolve(folder));
    }
    Files.writeString(db.resolve("tables/V100_forgotten.sql"), "select 1;");
    Migrations migrations = new Migrations(database.owner(), null, "filesystem:" + db);
    assertThrows(FlywayException.class, migrations::migrate);
  }

  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = to.resolve(from.relativize(file));
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy);
      }
    }
  }

  private static List<Path> migrationsIn(String folder) {
    try (Stream<Path> files = Files.list(Path.of(folder))) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
