package com.gptdesk.chat.database.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The PostgreSQL of our own is a real one: it keeps what it confirmed, and lets nobody else in. */
class EmbeddedDatabaseTest {

  @TempDir Path directory;

  @Test
  void keepsWhatItConfirmed() throws SQLException {
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      assertEquals("on", read(database.superuser(), "show fsync"));
      assertEquals("on", read(database.superuser(), "show full_page_writes"));
      assertEquals("on", read(database.superuser(), "show synchronous_commit"));
      write(database.owner(), "create table public.kept as select 'kept'::text as word");
    }
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      assertEquals("kept", read(database.owner(), "select word from public.kept"));
    }
  }

  @Test
  void asksEverybodyForAPassword() throws IOException, SQLException {
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      for (Login login : List.of(database.owner(), database.service(), database.superuser())) {
        assertEquals("1", read(login, "select 1"));
        Login guessed = new Login(login.url(), login.user(), "guessed");
        SQLException no = assertThrows(SQLException.class, () -> read(guessed, "select 1"));
        assertEquals("28P01", no.getSQLState());

        Path file = directory.resolve(login.user() + ".password");
        assertEquals(
            "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertTrue(
            read(
                    database.superuser(),
                    "select rolpassword from pg_authid where rolname = '" + login.user() + "'")
                .startsWith("SCRAM-SHA-256$"));
      }
      assertNotEquals(database.owner().password(), database.service().password());
    }
  }

  @Test
  void theOwnerIsNoSuperuserAndTheServiceOwnsNothing() throws SQLException {
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      assertEquals(
          "chat_login f f f, chat_owner f f t",
          read(
              database.superuser(),
              "select string_agg(concat_ws(' ', rolname, rolsuper, rolbypassrls, rolcreaterole), ', '"
                  + " order by rolname) from pg_roles where rolname like 'chat\\_%'"));
      SQLException no =
          assertThrows(
              SQLException.class,
              () -> write(database.service(), "create table public.mine (id int)"));
      assertEquals("42501", no.getSQLState());
    }
  }

  @Test
  void isUsedByOneProcessAtATime() {
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      IllegalStateException no =
          assertThrows(IllegalStateException.class, () -> EmbeddedDatabase.open(directory));
      assertTrue(no.getMessage().contains("in use by another process"), no.getMessage());
      assertEquals(directory.toString(), database.directory().toString());
    }
  }

  /** As a full disk or a crash leaves it. */
  @Test
  void startsAtAnyPortWhenTheNoteOfTheLastOneIsEmpty() throws Exception {
    Files.createFile(Files.createDirectories(directory).resolve("port"));
    EmbeddedDatabase.open(directory).close();
    assertTrue(Files.readString(directory.resolve("port")).matches("[0-9]+"));
  }

  @Test
  void leavesFilesOfAnotherMajorAlone() throws Exception {
    EmbeddedDatabase.open(directory).close();
    Path version = directory.resolve("postgresql/PG_VERSION");
    String ours = Files.readString(version);
    Files.writeString(version, "9\n");
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> EmbeddedDatabase.open(directory));
    assertTrue(no.getMessage().contains("was created by PostgreSQL 9"), no.getMessage());
    assertTrue(no.getMessage().contains("Run the command upgrade"), no.getMessage());
    assertEquals("9\n", Files.readString(version));
    Files.writeString(version, ours);
    EmbeddedDatabase.open(directory).close();
  }

  @Test
  void leavesDamagedFilesAlone() throws Exception {
    Path left = Files.createDirectories(directory.resolve("postgresql/base"));
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> EmbeddedDatabase.open(directory));
    assertTrue(no.getMessage().contains("it has no file PG_VERSION"), no.getMessage());
    assertTrue(no.getMessage().contains("Restore it from a backup"), no.getMessage());
    assertTrue(Files.exists(left));
  }

  @Test
  void endsWithTheProcessThatStartedIt() throws Exception {
    Process other = otherProcessThatOpens(directory);
    long server = serverOf(directory);
    other.destroyForcibly().waitFor();
    Await.until("the server to end", () -> !isRunning(server));
    Await.until("the files to be closed in order", () -> !Files.exists(keeperNote()));
    assertFalse(Files.exists(directory.resolve("postgresql/postmaster.pid")));

    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      assertEquals("kept", read(database.owner(), "select word from public.kept"));
    }
  }

  @Test
  void endsWithAProcessThatIsKilledWhileItMakesTheFiles() throws Exception {
    Process other = otherProcess(directory);
    Path unfinished = directory.resolve("postgresql.unfinished");
    Path made = directory.resolve("postgresql/PG_VERSION"); // when all was quicker than this test
    Await.until(
        "initdb to write",
        () -> Files.exists(unfinished.resolve("PG_VERSION")) || Files.exists(made));
    List<ProcessHandle> all =
        Await.value( // between initdb and the server there is none
            "what it runs", () -> other.descendants().toList(), found -> !found.isEmpty());
    other.destroyForcibly().waitFor();

    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) { // at once
      assertEquals("1", read(database.owner(), "select 1"));
      // What initdb has started itself ends a moment after it.
      Await.until("all of them to end", () -> all.stream().noneMatch(ProcessHandle::isAlive));
    }
  }

  @Test
  void endsWithAProcessThatIsKilledWhileItStarts() throws Exception {
    EmbeddedDatabase.open(directory).close();
    Process other = otherProcess(directory);
    Path note = directory.resolve("postgresql/postmaster.pid");
    Await.until("the server to begin", () -> Files.exists(note) && Files.size(note) > 10);
    long server = serverOf(directory);
    other.destroyForcibly().waitFor();
    Await.until("the server to end", () -> !isRunning(server));
    Await.until("its shell to end", () -> !Files.exists(keeperNote()));
    EmbeddedDatabase.open(directory).close();
  }

  @Test
  void takesOverWhatWasLeftRunning() throws Exception {
    Process other = otherProcessThatOpens(directory);
    long server = serverOf(directory);
    ProcessHandle shell =
        ProcessHandle.of(Long.parseLong(Files.readString(keeperNote()).strip())).orElseThrow();
    List<ProcessHandle> guards = shell.children().toList();
    shell.destroyForcibly();
    guards.forEach(ProcessHandle::destroyForcibly);
    other.destroyForcibly().waitFor();
    assertTrue(isRunning(server), "nobody is left who would end it");

    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      assertNotEquals(server, serverOf(directory));
      assertEquals("kept", read(database.owner(), "select word from public.kept"));
    }
  }

  @Test
  void isEnteredByOthersWhileItIsServed() throws Exception {
    assertNull(EmbeddedDatabase.ownerWhileServed(directory));
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      Login owner = EmbeddedDatabase.ownerWhileServed(directory);
      assertEquals(database.owner(), owner);
    }
    assertNull(EmbeddedDatabase.ownerWhileServed(directory));
  }

  @Test
  void recoversWhenEverythingWasKilled() throws Exception {
    Process other = otherProcessThatOpens(directory);
    ProcessHandle server = ProcessHandle.of(serverOf(directory)).orElseThrow();
    List<ProcessHandle> children = server.descendants().toList();
    other.destroyForcibly().waitFor();
    server.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);

    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      assertEquals("kept", read(database.owner(), "select word from public.kept"));
    }
  }

  @Test
  void isStartedAgainWhenItDies() throws Exception {
    // Nobody else's while it is dead.
    Files.writeString(directory.resolve("port"), String.valueOf(FreePort.any()));
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      write(database.owner(), "create table public.kept as select 'kept'::text as word");
      database.keepRunning();
      for (int deaths = 1; deaths <= 2; deaths++) {
        long server = serverOf(directory);
        ProcessHandle.of(server).orElseThrow().destroyForcibly();
        long counted = deaths;
        Await.until("it to run again", () -> database.restarts() == counted);
        assertNotEquals(server, serverOf(directory));
        assertEquals("kept", read(database.owner(), "select word from public.kept"));
      }
    }
    assertTrue(Files.notExists(directory.resolve("postgresql/postmaster.pid")), "it is stopped");
  }

  /** A recovery that waits for a piece of the log that never comes. */
  @Test
  void closingDoesNotWaitForARestart() throws Exception {
    Path files = directory.resolve("postgresql");
    Path settings = files.resolve("postgresql.auto.conf");
    Path held = directory.resolve("held");
    EmbeddedDatabase database = EmbeddedDatabase.open(directory);
    write(database.owner(), "create table public.kept as select 'kept'::text as word");
    database.keepRunning();
    Files.createFile(files.resolve("recovery.signal"));
    Files.writeString(
        settings,
        "restore_command = 'echo $PPID > \"%s\"; exec sleep 3600'\n".formatted(held),
        StandardOpenOption.APPEND);
    ProcessHandle.of(serverOf(directory)).orElseThrow().destroyForcibly();
    Await.until("the restart to wait", () -> Files.exists(held) && Files.size(held) > 1);
    long recovering = Long.parseLong(Files.readString(held).strip());
    long server = serverOf(directory);
    assertTrue(isRunning(recovering));

    Thread closing = Thread.ofVirtual().start(database::close);
    Await.until("the database to be closed", () -> !closing.isAlive());
    assertFalse(isRunning(server));
    assertFalse(isRunning(recovering));
    assertEquals(0, database.restarts());
    assertTrue(Files.notExists(files.resolve("postmaster.pid")), "it is stopped");
    assertTrue(Files.notExists(keeperNote()), "nobody looks after it");

    Files.delete(files.resolve("recovery.signal"));
    Files.writeString(settings, "");
    try (EmbeddedDatabase again = EmbeddedDatabase.open(directory)) {
      assertEquals("kept", read(again.owner(), "select word from public.kept"));
    }
  }

  @Test
  void hasNotDiedWhenItWasToldToStop() throws Exception {
    try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
      Path files = database.directory().resolve("postgresql");
      var server =
          new PostgresServer(PostgresBinaries.unpack(), files, directory.resolve("another.log"));
      assertFalse(server.hasDied(), "it runs");
      ProcessHandle.of(serverOf(directory)).orElseThrow().destroy();
      Await.until("it to stop", () -> Files.notExists(files.resolve("postmaster.pid")));
      assertFalse(server.hasDied(), "it was told to");
    }
  }

  @Test
  void leavesAStrangerAloneWhoGotTheServersNumber() throws Exception {
    EmbeddedDatabase.open(directory).close();
    Process stranger = new ProcessBuilder("sleep", "600").start();
    try {
      Path note = directory.resolve("postgresql/postmaster.pid");
      Files.writeString(note, stranger.pid() + "\n" + directory.resolve("postgresql") + "\n");
      try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
        assertEquals("1", read(database.owner(), "select 1"));
      }
      assertTrue(stranger.isAlive());
    } finally {
      stranger.destroy();
    }
  }

  @Test
  void theTemporaryOneLeavesNothing() throws SQLException {
    Path temporary;
    try (EmbeddedDatabase database = EmbeddedDatabase.temporary(false)) {
      temporary = database.directory();
      assertEquals("off", read(database.superuser(), "show fsync"));
    }
    assertTrue(Files.notExists(temporary));
  }

  /** Opens the directory, keeps a word in the database and waits to be killed. */
  public static void main(String[] arguments) throws Exception {
    EmbeddedDatabase database = EmbeddedDatabase.open(Path.of(arguments[0]));
    write(database.owner(), "create table public.kept as select 'kept'::text as word");
    Files.createFile(Path.of(arguments[0], "opened"));
    Thread.currentThread().join();
  }

  private Path keeperNote() {
    return directory.resolve("postgresql.keeper");
  }

  private static Process otherProcess(Path directory) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-classpath",
            System.getProperty("java.class.path"),
            EmbeddedDatabaseTest.class.getName(),
            directory.toString())
        .inheritIO()
        .start();
  }

  private static Process otherProcessThatOpens(Path directory) throws IOException {
    Process process = otherProcess(directory);
    Await.until(
        "the other process to open its database",
        () -> {
          assertTrue(process.isAlive(), "the other process ended");
          return Files.exists(directory.resolve("opened"));
        });
    return process;
  }

  private static long serverOf(Path directory) throws IOException {
    return Long.parseLong(
        Files.readAllLines(directory.resolve("postgresql/postmaster.pid")).getFirst().strip());
  }

  private static boolean isRunning(long process) {
    return ProcessHandle.of(process).map(ProcessHandle::isAlive).orElse(false);
  }

  private static String read(Login login, String query) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      result.next();
      return result.getString(1);
    }
  }

  private static void write(Login login, String sql) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
