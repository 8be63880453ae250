package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.testing.Await;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One service with its own PostgreSQL, killed with {@code kill -9} under load again and again: the
 * service, the database, or both. At the end each message that was acknowledged must be there
 * exactly once, with the number it was acknowledged with, and each acknowledged file byte by byte.
 * When the sweeper's time has come, the disk has no other files.
 *
 * <p>Or, with {@code --full-disk}, on a disk of its own that is filled to the last byte for a
 * while.
 *
 * <p>Ends with 0 when that holds, with 3 when no disk can be had here. {@code --seconds n} of
 * kills, each kind at least once, or of a full disk; {@code --seed n}. Called by {@code
 * scripts/crash-test}.
 */
final class Crashes {
  private static final String SECRET = "the crash test's secret, of more than 32 bytes";
  static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  private static final int SENDERS = 6;
  private static final int UPLOADERS = 2;

  /** With no more of them acknowledged a run means nothing. */
  private static final int FEWEST_FILES = 10;

  /** Room for PostgreSQL's own files, its log of changes, and some minutes of messages. */
  private static final String DISK_SIZE = "320m";

  private static final int SKIPPED = 3;

  /** What is done to the service under load. */
  private interface Trouble {
    void happen(NodeProcess service) throws IOException, InterruptedException, SQLException;
  }

  /** What is killed. */
  private enum Victim {
    SERVICE,
    POSTGRESQL,
    BOTH
  }

  private final int seconds;
  private final Random random;
  private final boolean sabotage;
  private final @Nullable SmallDisk disk;
  private final Path directory;
  private final Path data;
  private final HttpClient http = HttpClient.newHttpClient();
  private final Persistent.Seen seen = new Persistent.Seen();
  private final Uploader.Seen files = new Uploader.Seen();
  private final Map<Victim, Integer> kills = new EnumMap<>(Victim.class);

  private Crashes(int seconds, long seed, boolean sabotage, boolean fullDisk)
      throws IOException, InterruptedException {
    this.seconds = seconds;
    this.random = new Random(seed);
    this.sabotage = sabotage;
    this.directory = Files.createTempDirectory("gptdesk-chat-crashes-");
    this.disk = fullDisk ? diskIn(directory) : null;
    this.data = (disk == null ? directory : disk.directory()).resolve("data");
  }

  private static SmallDisk diskIn(Path directory) throws IOException, InterruptedException {
    try {
      return SmallDisk.mounted(Files.createDirectory(directory.resolve("disk")), DISK_SIZE);
    } catch (SmallDisk.NotHere e) {
      Soak.delete(directory);
      throw e;
    }
  }

  public static void main(String[] arguments) throws Exception {
    int seconds = 40;
    long seed = new Random().nextLong(1_000_000);
    boolean sabotage = false;
    boolean fullDisk = false;
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--seconds" -> seconds = Integer.parseInt(arguments[++i]);
        case "--seed" -> seed = Long.parseLong(arguments[++i]);
        case "--sabotage" -> sabotage = true;
        case "--full-disk" -> fullDisk = true;
        default -> {
          System.err.println("crash-test [--full-disk] [--seconds n] [--seed n] [--sabotage]");
          System.exit(2);
        }
      }
    }
    System.out.printf(
        "Crash test: %d s of %s, seed %d%n", seconds, fullDisk ? "a full disk" : "kills", seed);
    Crashes crashes;
    try {
      crashes = new Crashes(seconds, seed, sabotage, fullDisk);
    } catch (SmallDisk.NotHere e) {
      System.out.println("*** SKIPPED full disk: " + e.getMessage());
      System.exit(SKIPPED);
      return;
    }
    boolean clean = false;
    try {
      clean = crashes.run();
    } finally {
      crashes.http.shutdownNow();
      crashes.unmount(clean);
    }
    if (clean) {
      Soak.delete(crashes.directory);
    } else {
      System.out.println("The files and the log are in " + crashes.directory);
    }
    System.exit(clean ? 0 : 1);
  }

  private boolean run() throws Exception {
    UUID conversation;
    try (EmbeddedDatabase database = EmbeddedDatabase.open(data)) {
      conversation = people(database);
    }
    try (var service =
        new NodeProcess(
            "service",
            directory,
            Soak.SMALL_JVM,
            Map.of(
                "CHAT_DATA_DIR",
                data.toString(),
                "CHAT_JWT_SECRET",
                SECRET,
                "CHAT_MAX_REQUESTS_PER_SECOND",
                "100000",
                "CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS",
                "100000",
                "CHAT_STORAGE_RESERVED_MIB",
                "0"))) {
      service.start();
      service.awaitReady(http);
      sendDuring(disk == null ? this::killAndRestart : this::fillAndFree, service, conversation);
      kill(service, Victim.BOTH); // what was acknowledged last must have reached the disk too
    }
    try (EmbeddedDatabase database = EmbeddedDatabase.open(data)) {
      return report(database, conversation);
    }
  }

  private void sendDuring(Trouble trouble, NodeProcess service, UUID conversation)
      throws Exception {
    var issuer = new TokenIssuer(SECRET);
    var on = new AtomicBoolean(true);
    var patience = new AtomicBoolean(true);
    List<Future<?>> sending = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < SENDERS; i++) {
        String token = issuer.forUser(i % 2 == 0 ? ALICE : BOB, Duration.ofHours(12));
        var sender =
            new Persistent(
                http, service.port(), token, conversation, new Random(random.nextLong()), seen);
        sending.add(
            threads.submit(
                () -> {
                  sender.send(on::get, patience::get);
                  return null;
                }));
      }
      for (int i = 0; i < UPLOADERS; i++) {
        String token = issuer.forUser(i % 2 == 0 ? ALICE : BOB, Duration.ofHours(12));
        var uploader =
            new Uploader(
                http, service::port, token, conversation, new Random(random.nextLong()), files);
        sending.add(
            threads.submit(
                () -> {
                  uploader.upload(on::get, patience::get);
                  return null;
                }));
      }
      try {
        trouble.happen(service);
        on.set(false);
        BooleanSupplier inTime = before((int) Await.PATIENCE.toSeconds());
        while (inTime.getAsBoolean() && !sending.stream().allMatch(Future::isDone)) {
          Thread.sleep(50); // the last ones are sent again until they are acknowledged
        }
      } finally {
        on.set(false);
        patience.set(false);
      }
      for (Future<?> each : sending) {
        each.get();
      }
    }
  }

  /** Each kind once, however long that takes, and then any while that holds. */
  private void killAndRestart(NodeProcess service) throws IOException, InterruptedException {
    BooleanSupplier on = before(seconds);
    var next = new ArrayList<>(List.of(Victim.values()));
    do {
      Collections.shuffle(next, random);
      for (Victim victim : next) {
        if (kills.size() == Victim.values().length && !on.getAsBoolean()) {
          return;
        }
        Thread.sleep(random.nextLong(300, 2_000)); // the load goes on for a while
        kill(service, victim);
        service.terminate(); // does nothing to one that is dead
        service.start();
        service.awaitReady(http);
      }
    } while (on.getAsBoolean());
  }

  /** Not one byte is left, and then there is room again; the service is left to itself. */
  private void fillAndFree(NodeProcess service)
      throws IOException, InterruptedException, SQLException {
    SmallDisk full = Objects.requireNonNull(disk);
    Thread.sleep(2_000); // the load goes on for a while
    try (Connection connection = superuser().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("checkpoint"); // its files are recycled, so tables are refused room first
    }
    long before = seen.acknowledged.size();
    BooleanSupplier on = before(seconds);
    BooleanSupplier patience = before((int) Await.PATIENCE.toSeconds());
    while (on.getAsBoolean()
        || (patience.getAsBoolean() && (seen.full.sum() == 0 || files.full.sum() == 0))) {
      full.fill();
      Thread.sleep(50); // what is freed meanwhile is taken too
    }
    System.out.printf(
        "%n  the disk had %d bytes left; %d answers named it, %d messages found room all the"
            + " same%n",
        full.left(), seen.full.sum(), seen.acknowledged.size() - before);
    full.free();
    long after = seen.acknowledged.size();
    BooleanSupplier inTime = before((int) Await.PATIENCE.toSeconds());
    while (inTime.getAsBoolean()
        && (seen.acknowledged.size() < after + 50 || files.acknowledged.size() <= FEWEST_FILES)) {
      Thread.sleep(50); // it must go on
    }
    System.out.printf("  with room again, %d more%n", seen.acknowledged.size() - after);
    if (seen.acknowledged.size() < after + 50) {
      seen.complaints.add("The service did not go on when there was room again");
    }
  }

  private Login superuser() throws IOException {
    return new Login(
        "jdbc:postgresql://127.0.0.1:%s/postgres"
            .formatted(Files.readString(data.resolve("port")).strip()),
        "postgres",
        Files.readString(data.resolve("postgres.password")).strip());
  }

  private long postmaster() throws IOException {
    Path note = data.resolve("postgresql").resolve("postmaster.pid");
    return Long.parseLong(Files.readAllLines(note).getFirst().strip());
  }

  private void unmount(boolean clean) throws IOException, InterruptedException {
    if (disk != null) {
      if (!clean) {
        Files.copy(
            data.resolve("postgresql.log"),
            directory.resolve("postgresql.log"),
            StandardCopyOption.REPLACE_EXISTING);
      }
      disk.close();
    }
  }

  private void kill(NodeProcess service, Victim victim) throws IOException, InterruptedException {
    kills.merge(victim, 1, Integer::sum);
    if (victim != Victim.SERVICE) {
      ProcessHandle.of(postmaster()).orElseThrow().destroyForcibly();
    }
    if (victim != Victim.POSTGRESQL) {
      service.kill();
    }
  }

  // --- The scene

  /** Alice, Bob and their conversation. */
  static UUID people(EmbeddedDatabase database) throws SQLException {
    Migrations.of(database.owner(), Platform.STANDALONE).migrate();
    database.admitService();
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          """
          with team as (insert into public.teams (id, name) values (gen_random_uuid(), 'Blue') returning id)
          , limits as (update chat.settings set max_files_a_day = 1000000, max_file_bytes_a_day = 1125899906842624)
          insert into public.users (id, full_name, email, team_id)
          select p.id::uuid, p.name, p.name || '@example.org', team.id
          from team, (values ('%s', 'Alice'), ('%s', 'Bob')) p (id, name)
          """
              .formatted(ALICE, BOB));
    }
    return Soak.open(new ChatDatabase(database.service().dataSource()), ALICE, BOB);
  }

  private static BooleanSupplier before(int seconds) {
    long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    return () -> System.nanoTime() < end;
  }

  // --- Figures

  private boolean report(EmbeddedDatabase database, UUID conversation)
      throws SQLException, IOException {
    var found = new HashMap<UUID, Long>();
    var broken = new ArrayList<String>();
    long doubled = 0;
    try (Connection connection = database.at(database.superuser(), "chat").connect();
        Statement statement = connection.createStatement()) {
      if (sabotage) {
        statement.execute("set session_replication_role = replica"); // past the triggers
        statement.execute(
            "delete from public.user_messages where id = (select min(id::text)::uuid from"
                + " public.user_messages)");
      }
      try (ResultSet row =
          statement.executeQuery(
              "select id, seq, content from public.user_messages where conversation_id = '"
                  + conversation
                  + "'")) {
        while (row.next()) {
          UUID id = row.getObject(1, UUID.class);
          boolean again = found.put(id, row.getLong(2)) != null;
          if (again || !row.getString(3).equals("message " + id)) {
            doubled++; // the same id twice, or the same text under another one
          }
        }
      }
      try (ResultSet row =
          statement.executeQuery("select rule || ': ' || detail from chat.check_invariants()")) {
        while (row.next()) {
          broken.add(row.getString(1));
        }
      }
    }
    long lost =
        seen.acknowledged.entrySet().stream()
            .filter(it -> !it.getValue().equals(found.get(it.getKey())))
            .count();
    System.out.printf(
        "%n  killed before they were answered: %d requests; refused for the time being: %d%n%n",
        seen.unanswered.sum(), seen.postponed.sum());
    System.out.println(
        "| kill -9 of the service | of PostgreSQL | of both | acknowledged | found after | lost |"
            + " doubled |");
    System.out.println(
        "|-----------------------:|--------------:|--------:|-------------:|------------:|-----:|--------:|");
    System.out.printf(
        "| %22d | %13d | %7d | %12d | %11d | %4d | %7d |%n",
        kills.getOrDefault(Victim.SERVICE, 0),
        kills.getOrDefault(Victim.POSTGRESQL, 0),
        kills.getOrDefault(Victim.BOTH, 0),
        seen.acknowledged.size(),
        found.size(),
        lost,
        doubled);
    FilesAfter after = FilesAfter.of(database, data.resolve("files"), files, sabotage);
    System.out.println(
        "%n| files acknowledged | went on after a failure | found after | lost | other bytes | orphans |"
            .formatted());
    System.out.println(
        "|-------------------:|------------------------:|------------:|-----:|------------:|--------:|");
    System.out.printf(
        "| %18d | %23d | %11d | %4d | %11d | %7d |%n",
        files.acknowledged.size(),
        files.resumed.sum(),
        after.stored(),
        after.lost(),
        after.broken(),
        after.orphans());
    broken.forEach(it -> System.out.println("Invariant broken: " + it));
    files.complaints.stream().limit(20).forEach(System.out::println);
    seen.complaints.stream().limit(20).forEach(System.out::println);
    boolean worked =
        seen.acknowledged.size() > 50
            && files.acknowledged.size() > FEWEST_FILES
            && (disk == null ? seen.unanswered.sum() : seen.full.sum()) > 0;
    if (disk != null) {
      System.out.printf(
          "%n| full for | answered with 53100 | with \"internal\" | uploads answered with 507 |"
              + " with 500 |%n"
              + "|---------:|--------------------:|----------------:|--------------------------:|---------:|%n|"
              + " %6d s | %19d | %15d | %25d | %8d |%n",
          seconds, seen.full.sum(), seen.faults.sum(), files.full.sum(), files.faults.sum());
      worked &= seen.faults.sum() + files.faults.sum() == 0;
    }
    if (!worked) {
      System.out.println("Too little happened for this to mean anything.");
    }
    return worked
        && lost + doubled == 0
        && found.size() == seen.acknowledged.size()
        && broken.isEmpty()
        && seen.complaints.isEmpty()
        && after.isClean()
        && files.complaints.isEmpty();
  }
}
