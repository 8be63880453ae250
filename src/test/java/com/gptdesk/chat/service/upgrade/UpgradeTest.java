package com.gptdesk.chat.service.upgrade;

import static com.gptdesk.chat.service.backup.EmbeddedChat.read;
import static com.gptdesk.chat.service.backup.EmbeddedChat.run;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.plans.BulkChat;
import com.gptdesk.chat.service.backup.EmbeddedChat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** From each older PostgreSQL to the one that is included, with all rows and the old files kept. */
@Tag("slow")
class UpgradeTest {

  private static final Path OLDER = Path.of("target/older-postgres");

  /** What an upgrade may not change, and what it must leave in order. */
  private static final List<String> FACTS =
      List.of(
          "select count(*) || ' ' || md5(string_agg(m::text, '|' order by m.id)) from public.user_messages m",
          "select md5(string_agg(c::text, '|' order by c.id)) from public.user_conversations c",
          "select md5(string_agg(u::text, '|' order by u.id)) from public.users u",
          "select md5(s::text) from chat.settings s",
          "select rule from chat.check_invariants()");

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(ints = {15, 16, 17})
  void allRowsAreInTheNewOneAndTheOldFilesAreKept(int major) throws Exception {
    List<String> before;
    try (EmbeddedDatabase old = EmbeddedDatabase.open(directory, programs(major))) {
      EmbeddedChat.prepare(old);
      BulkChat.fill(old.at(old.superuser(), "chat"), 1, 20, 20261, 6);
      run(old.owner(), "update chat.settings set max_message_length = 777");
      before = facts(old);
    }
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> EmbeddedDatabase.open(directory));
    assertTrue(
        no.getMessage().contains("was created by PostgreSQL " + major)
            && no.getMessage().contains("Run the command upgrade"),
        no.getMessage());

    List<String> said = new ArrayList<>();
    upgrade(major, false).run(said::add);

    assertTrue(said.getLast().contains("postgresql-" + major), said::toString);
    assertEquals(
        String.valueOf(major),
        Files.readString(directory.resolve("postgresql-" + major + "/PG_VERSION")).strip());
    assertFalse(Files.exists(directory.resolve("upgrading")));
    try (EmbeddedDatabase fresh = EmbeddedDatabase.open(directory)) {
      assertEquals(before, facts(fresh));
      Migrations migrations = Migrations.of(fresh.owner(), null);
      assertEquals(List.of(), migrations.differences());
      assertEquals(List.of(), migrations.drift());
      ServiceLogin.verify(fresh.service());
      UserChat alice = EmbeddedChat.alice(fresh);
      assertEquals(1, alice.searchMessages("noon").size());
      alice.sendMessage(alice.getOrCreateConversation(EmbeddedChat.BOB), "It goes on");
    }
    said.clear();
    upgrade(major, false).run(said::add);
    assertTrue(said.getLast().endsWith("already."), said::toString);
  }

  @Test
  void whatIsNotCopiedIsNamedFirst() throws Exception {
    try (EmbeddedDatabase old = EmbeddedDatabase.open(directory, programs(17))) {
      EmbeddedChat.prepare(old);
      run(old.superuser(), "create role reporting login");
      run(old.owner(), "create table public.notes (id int)");
      run(old.at(old.superuser(), "chat"), "alter table public.teams add column colour text");
    }
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> upgrade(17, false).run(said -> {}));
    for (String thing :
        List.of("role reporting", "table public.notes", "column public.teams.colour")) {
      assertTrue(no.getMessage().contains(thing), no.getMessage());
    }
    assertEquals(17, EmbeddedDatabase.majorOf(directory));
    assertFalse(Files.exists(directory.resolve("upgrading")));

    // As if it had ended between two names.
    Files.createDirectory(directory.resolve("upgrading"));
    Files.move(directory.resolve("postgresql"), directory.resolve("postgresql-17"));
    assertTrue(
        assertThrows(IllegalStateException.class, () -> EmbeddedDatabase.open(directory))
            .getMessage()
            .contains("run the command upgrade again"));
    upgrade(17, true).run(said -> {});
    try (EmbeddedDatabase fresh = EmbeddedDatabase.open(directory)) {
      assertEquals(List.of("5"), read(fresh.owner(), "select count(*) from public.users"));
    }
  }

  /** Those of earlier upgrades may be there as well, which an operator has not deleted yet. */
  @Test
  void afterAnInterruptionTheLastFilesComeBack() throws Exception {
    for (int major = 10; major <= 17; major++) {
      Path kept = Files.createDirectory(directory.resolve("postgresql-" + major));
      Files.writeString(kept.resolve("PG_VERSION"), major + "\n");
    }
    Files.createDirectory(directory.resolve("upgrading"));
    Path noPrograms = directory;
    assertThrows(
        IllegalStateException.class,
        () -> new Upgrade(directory, noPrograms, false, Accepted.NOTHING).run(said -> {}));
    assertEquals(17, EmbeddedDatabase.majorOf(directory));
    assertFalse(Files.exists(directory.resolve("postgresql-17")));
    assertTrue(Files.exists(directory.resolve("postgresql-16")));
  }

  @Test
  void tablespacesAreRefusedBeforeAnythingIsCopied(@TempDir Path elsewhere) throws Exception {
    try (EmbeddedDatabase old = EmbeddedDatabase.open(directory, programs(17))) {
      EmbeddedChat.prepare(old);
      Files.delete(elsewhere); // the server's user makes it as its own
      run(
          old.at(old.superuser(), "chat"),
          "copy (select) to program 'mkdir %s'".formatted(elsewhere));
      run(old.superuser(), "create tablespace fast location '%s'".formatted(elsewhere));
    }
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> upgrade(17, true).run(said -> {}));
    assertTrue(
        no.getMessage().contains("tablespaces") && no.getMessage().contains(elsewhere.toString()),
        no.getMessage());
    assertEquals(17, EmbeddedDatabase.majorOf(directory));

    try (EmbeddedDatabase old = EmbeddedDatabase.open(directory, programs(17))) {
      run(old.superuser(), "drop tablespace fast");
    }
    upgrade(17, false).run(said -> {});
    assertFalse(Files.exists(directory.resolve("upgrading")));
  }

  private Upgrade upgrade(int major, boolean leavesBehind) {
    return new Upgrade(directory, OLDER.resolve(major + ".jar"), leavesBehind, Accepted.NOTHING);
  }

  private static Path programs(int major) {
    return EmbeddedDatabase.programs(major, OLDER.resolve(major + ".jar"));
  }

  private static List<String> facts(EmbeddedDatabase database) throws SQLException {
    List<String> facts = new ArrayList<>();
    for (String query : FACTS) {
      facts.addAll(read(database.at(database.superuser(), "chat"), query));
    }
    return facts;
  }
}
