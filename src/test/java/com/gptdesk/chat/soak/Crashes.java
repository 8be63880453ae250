package com.gptdesk.chat.soak;

import com.gptdesk.chat.auth.TokenIssuer;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.EmbeddedDatabase;
import com.gptdesk.chat.database.Migrations;
import com.gptdesk.chat.database.Migrations.Platform;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
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
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/**
 * One service with its own PostgreSQL, killed with {@code kill -9} under load again and again: the
 * service, the database, or both. At the end each message that was acknowledged must be there
 * exactly once, with the number it was acknowledged with.
 *
 * <p>Ends with 0 when that holds. {@code --seconds n} of kills, each kind at least once, {@code
 * --seed n}. Called by {@code scripts/crash-test}.
 */
final class Crashes {
  private static final String SECRET = "the crash test's secret, of more than 32 bytes";
  static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  private static final int SENDERS = 6;

  /** What is killed. */
  private enum Victim {
    SERVICE,
    POSTGRESQL,
    BOTH
  }

  private final int seconds;
  private final Random random;
  private final boolean sabotage;
  private final Path directory;
  private final Path data;
  private final HttpClient http = HttpClient.newHttpClient();
  private final Persistent.Seen seen = new Persistent.Seen();
  private final Map<Victim, Integer> kills = new EnumMap<>(Victim.class);

  private Crashes(int seconds, long seed, boolean sabotage) throws IOException {
    this.seconds = seconds;
    this.random = new Random(seed);
    this.sabotage = sabotage;
    this.directory = Files.createTempDirectory("gptdesk-chat-crashes-");
    this.data = directory.resolve("data");
  }

  public static void main(String[] arguments) throws Exception {
    int seconds = 40;
    long seed = new Random().nextLong(1_000_000);
    boolean sabotage = false;
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--seconds" -> seconds = Integer.parseInt(arguments[++i]);
        case "--seed" -> seed = Long.parseLong(arguments[++i]);
        case "--sabotage" -> sabotage = true;
        default -> {
          System.err.println("crash-test [--seconds n] [--seed n] [--sabotage]");
          System.exit(2);
        }
      }
    }
    System.out.printf("Crash test: %d s of kills, seed %d%n", seconds, seed);
    var crashes = new Crashes(seconds, seed, sabotage);
    boolean clean;
    try {
      clean = crashes.run();
    } finally {
      crashes.http.shutdownNow();
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
                "100000"))) {
      service.start();
      service.awaitReady(http);
      sendWhileKilling(service, conversation);
      kill(service, Victim.BOTH); // what was acknowledged last must have reached the disk too
    }
    try (EmbeddedDatabase database = EmbeddedDatabase.open(data)) {
      return report(database, conversation);
    }
  }

  private void sendWhileKilling(NodeProcess service, UUID conversation) throws Exception {
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
      try {
        killAndRestart(service, before(seconds));
        on.set(false);
        BooleanSupplier aMinute = before(60);
        while (aMinute.getAsBoolean() && !sending.stream().allMatch(Future::isDone)) {
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
  private void killAndRestart(NodeProcess service, BooleanSupplier on)
      throws IOException, InterruptedException {
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

  private void kill(NodeProcess service, Victim victim) throws IOException, InterruptedException {
    kills.merge(victim, 1, Integer::sum);
    if (victim != Victim.SERVICE) {
      Path note = data.resolve("postgresql").resolve("postmaster.pid");
      long postmaster = Long.parseLong(Files.readAllLines(note).getFirst().strip());
      ProcessHandle.of(postmaster).orElseThrow().destroyForcibly();
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

  private boolean report(EmbeddedDatabase database, UUID conversation) throws SQLException {
    var found = new HashMap<UUID, Long>();
    var broken = new ArrayList<String>();
    long doubled = 0;
    try (Connection connection = database.at(database.superuser(), "chat").connect();
        Statement statement = connection.createStatement()) {
      if (sabotage) {
        statement.execute("set session_replication_role = replica"); // past the triggers
        statement.execute(
            "delete from public.user_messages where id = (select min(id::text)::uuid from public.user_messages)");
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
        "| kill -9 of the service | of PostgreSQL | of both | acknowledged | found after | lost | doubled |");
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
    broken.forEach(it -> System.out.println("Invariant broken: " + it));
    seen.complaints.stream().limit(20).forEach(System.out::println);
    boolean worked = seen.acknowledged.size() > 50 && seen.unanswered.sum() > 0;
    if (!worked) {
      System.out.println("Too little happened for this to mean anything.");
    }
    return worked
        && lost + doubled == 0
        && found.size() == seen.acknowledged.size()
        && broken.isEmpty()
        && seen.complaints.isEmpty();
  }
}
