package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A durable PostgreSQL of a test's own, which may be stopped at once and started again. */
final class OwnServer implements AutoCloseable {
  private final Path directory;
  private EmbeddedDatabase database;

  OwnServer() throws IOException {
    directory = Files.createTempDirectory("gptdesk-chat-proof-");
    // Noted as that of last time, so it is taken, and nobody else's while this one is stopped.
    Files.writeString(directory.resolve("port"), String.valueOf(FreePort.any()));
    database = EmbeddedDatabase.open(directory);
    Migrations.of(database.owner(), Platform.STANDALONE).migrate();
    database.admitService();
    scene().asOwner("insert into public.teams (name) values ('Blue')");
  }

  ProofDatabase scene() {
    return new ProofDatabase(
        database.owner(), database.service(), database.at(database.superuser(), "chat"));
  }

  /**
   * As {@code pg_ctl stop -m immediate}: no checkpoint, nobody is told, the next start recovers.
   */
  void crash() throws IOException, InterruptedException {
    Path note = directory.resolve("postgresql").resolve("postmaster.pid");
    String pid = Files.readAllLines(note).getFirst().strip();
    new ProcessBuilder("kill", "-QUIT", pid).start().waitFor();
    Await.until("PostgreSQL to stop", () -> !Files.exists(note));
    database.close();
  }

  /** Starts it again, at the same port. */
  void start() {
    String before = database.service().url();
    database = EmbeddedDatabase.open(directory);
    if (!database.service().url().equals(before)) {
      throw new IllegalStateException("Somebody took the port meanwhile: " + before);
    }
  }

  /** Ordinarily stopped and started, for settings that need it. */
  void restart() {
    database.close();
    start();
  }

  @Override
  public void close() {
    database.close();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
