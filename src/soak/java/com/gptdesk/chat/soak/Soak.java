package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NatsProcess;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
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
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Two nodes on one database, and everything that can break, broken at random, again and again. At
 * the end every reader must know every message as the database has it, told once and in order, and
 * who listens to everything must have heard nothing that is not theirs. Each acknowledged file must
 * be there byte by byte unless it was removed, and when the sweeper's time has come, no other.
 *
 * <p>Ends with 0 when that holds. {@code --seconds n} or {@code --minutes n} of faults, {@code
 * --seed n}, {@code --nats} for nodes that share a NATS server. Called by {@code scripts/soak}.
 */
final class Soak {
  private static final String SECRET = "the soak's secret, of more than 32 bytes";

  /** What holds little and starts soon: nodes are restarted all the time. */
  static final List<String> SMALL_JVM =
      List.of("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private static final Map<String, String> SMALL_SERVICE =
      Map.of("CHAT_POOL_SIZE", "8", "CHAT_MAX_QUEUED_BYTES", "524288");
  private static final UUID BLUE = UUID.fromString("00000000-0000-4000-8000-0000000000b1");
  private static final UUID RED = UUID.fromString("00000000-0000-4000-8000-0000000000ed");
  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  private static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  private static final UUID CAROL = UUID.fromString("00000000-0000-4000-8000-00000000000c");
  private static final UUID DAVE = UUID.fromString("00000000-0000-4000-8000-00000000000d");
  private static final UUID MALLORY = UUID.fromString("00000000-0000-4000-8000-00000000000e");
  private static final UUID NIAJ = UUID.fromString("00000000-0000-4000-8000-00000000000f");

  private final int seconds;
  private final long seed;
  private final Tally tally = new Tally();
  private final Uploader.Seen files = new Uploader.Seen();
  private final TokenIssuer issuer = new TokenIssuer(SECRET);
  private final HttpClient http = HttpClient.newHttpClient();
  private final Path directory;
  private final @Nullable NatsProcess nats;
  private EmbeddedDatabase database;

  private Soak(int seconds, long seed, @Nullable NatsProcess nats) throws IOException {
    this.seconds = seconds;
    this.seed = seed;
    this.nats = nats;
    this.directory = Files.createTempDirectory("gptdesk-chat-soak-");
    this.database = EmbeddedDatabase.open(directory.resolve("data"));
  }

  public static void main(String[] arguments) throws Exception {
    int seconds = 25;
    long seed = new Random().nextLong(1_000_000);
    NatsProcess nats = null;
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--seconds" -> seconds = Integer.parseInt(arguments[++i]);
        case "--minutes" -> seconds = 60 * Integer.parseInt(arguments[++i]);
        case "--seed" -> seed = Long.parseLong(arguments[++i]);
        case "--nats" -> nats = nats();
        default ->
            throw new IllegalArgumentException(
                "soak [--seconds n | --minutes n] [--seed n] [--nats]");
      }
    }
    var soak = new Soak(seconds, seed, nats);
    boolean clean;
    try {
      clean = soak.run();
    } finally {
      soak.http.shutdownNow();
      soak.database.close();
      if (nats != null) {
        nats.close();
      }
    }
    if (clean) {
      delete(soak.directory);
    } else {
      System.out.println("The nodes' logs are in " + soak.directory);
    }
    System.exit(clean ? 0 : 1);
  }

  private static NatsProcess nats() throws IOException {
    String program = NatsProcess.installed();
    if (program == null) {
      throw new IllegalArgumentException("--nats needs nats-server (Debian: nats-server)");
    }
    return new NatsProcess(program);
  }

  private boolean run() throws Exception {
    System.out.printf(
        "Soak: %d s of faults, seed %d%s%n", seconds, seed, nats == null ? "" : ", by NATS");
    Path folder = directory.resolve("files");
    var settings = new HashMap<>(SMALL_SERVICE);
    settings.put("CHAT_STORAGE_DIR", folder.toString());
    settings.put("CHAT_STORAGE_SWEEP_MS", "500");
    if (nats != null) {
      nats.start();
      settings.put("CHAT_NATS_URL", nats.url());
    }
    people();
    var random = new Random(seed);
    var wires = new ArrayList<Wire>();
    var nodes = new ArrayList<NodeProcess>();
    HikariDataSource pool = pool();
    boolean clean;
    try {
      for (String name : List.of("node-1", "node-2")) {
        var node =
            new NodeProcess(name, database.service(), SECRET, directory, SMALL_JVM, settings);
        nodes.add(node);
        wires.add(new Wire(node.port()));
        node.start();
      }
      for (NodeProcess node : nodes) {
        node.awaitReady(http);
      }
      clean = soak(new ChatDatabase(pool), nodes, wires, random);
    } finally {
      nodes.forEach(NodeProcess::close);
      for (Wire wire : wires) {
        wire.close();
      }
      pool.close();
    }
    for (NodeProcess node : nodes) {
      node.kill(); // so that nobody else sweeps
    }
    return reportFiles(folder) && clean;
  }

  private boolean reportFiles(Path folder) throws SQLException, IOException {
    FilesAfter after = FilesAfter.of(database, folder, files, false);
    System.out.println(
        "%n| files acknowledged | read by others | removed | went on after a failure | found after | lost | other bytes | orphans | back |"
            .formatted());
    System.out.println(
        "|-------------------:|---------------:|--------:|------------------------:|------------:|-----:|------------:|--------:|-----:|");
    System.out.printf(
        "| %18d | %14d | %7d | %23d | %11d | %4d | %11d | %7d | %4d |%n",
        files.acknowledged.size() + files.removed.size(),
        files.read.sum(),
        files.removed.size(),
        files.resumed.sum(),
        after.stored(),
        after.lost(),
        after.broken(),
        after.orphans(),
        after.back());
    files.complaints.stream().limit(20).forEach(System.out::println);
    boolean worked = files.read.sum() > 10 && !files.removed.isEmpty();
    if (!worked) {
      System.out.println("Too few files for this to mean anything.");
    }
    return worked && after.isClean() && files.complaints.isEmpty();
  }

  private boolean soak(ChatDatabase chat, List<NodeProcess> nodes, List<Wire> wires, Random random)
      throws Exception {
    List<UUID> conversations =
        List.of(open(chat, ALICE, BOB), open(chat, ALICE, CAROL), open(chat, BOB, CAROL));
    UUID others = open(chat, MALLORY, NIAJ);
    long idle = idleSessions();

    var writers = new ArrayList<Writer>();
    UUID[][] talk = {{ALICE, BOB}, {ALICE, CAROL}, {BOB, CAROL}};
    for (int i = 0; i < talk.length; i++) {
      for (UUID person : talk[i]) {
        writers.add(new Writer(chat, person, conversations.get(i), next(random), tally));
      }
    }
    writers.add(new Writer(chat, MALLORY, others, next(random), tally));
    var sharers = new ArrayList<Sharer>();
    for (UUID person : List.of(ALICE, BOB)) {
      sharers.add(
          new Sharer(
              chat,
              http,
              any(wires, next(random)),
              person,
              token(person),
              token(person.equals(ALICE) ? BOB : ALICE),
              conversations.getFirst(),
              next(random),
              files));
    }

    var readers = new ArrayList<Reader>();
    Map<String, List<UUID>> devices =
        Map.of(
            "Alice", List.of(conversations.get(0), conversations.get(1)),
            "Bob", List.of(conversations.get(0), conversations.get(2)));
    for (int device = 1; device <= 3; device++) {
      for (Map.Entry<String, List<UUID>> person : new TreeMap<>(devices).entrySet()) {
        readers.add(
            new Reader(
                person.getKey() + "'s device " + device,
                token(person.getKey().equals("Alice") ? ALICE : BOB),
                person.getValue(),
                http,
                any(wires, next(random)),
                next(random),
                tally));
      }
    }
    var eavesdroppers = new ArrayList<Eavesdropper>();
    Set<String> blue = Set.of(ALICE.toString(), BOB.toString(), CAROL.toString(), DAVE.toString());
    Set<String> red = Set.of(MALLORY.toString(), NIAJ.toString());
    for (Wire wire : wires) {
      eavesdroppers.add(
          new Eavesdropper(
              "Carol", CAROL, blue, token(CAROL), http, wire::port, next(random), tally));
      eavesdroppers.add(
          new Eavesdropper(
              "Mallory", MALLORY, red, token(MALLORY), http, wire::port, next(random), tally));
      eavesdroppers.add(
          new Eavesdropper("Dave", DAVE, blue, token(DAVE), http, wire::port, next(random), tally));
    }

    var on = new AtomicBoolean(true);
    String notifies;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      readers.forEach(
          it ->
              running.add(
                  threads.submit(
                      () -> {
                        it.comeAndGo(on::get);
                        return null;
                      })));
      eavesdroppers.forEach(
          it ->
              running.add(
                  threads.submit(
                      () -> {
                        it.listen(on::get);
                        return null;
                      })));
      notifies = notifiesPerThousandCommits(threads, writers);
      writers.forEach(
          it ->
              running.add(
                  threads.submit(
                      () -> {
                        it.write(on::get, 15);
                        return null;
                      })));
      sharers.forEach(
          it ->
              running.add(
                  threads.submit(
                      () -> {
                        it.share(on::get, before(seconds + (int) Await.PATIENCE.toSeconds()));
                        return null;
                      })));
      try {
        faults(nodes, wires, random).happen(before(seconds));
      } finally {
        on.set(false);
      }
      for (Future<?> each : running) {
        each.get();
      }
      Map<UUID, Long> heads = heads();
      long deadline = System.nanoTime() + Await.PATIENCE.toNanos();
      List<Future<?>> last = new ArrayList<>();
      readers.forEach(
          it ->
              last.add(
                  threads.submit(
                      () -> {
                        it.catchUp(heads, deadline);
                        return null;
                      })));
      for (Future<?> each : last) {
        each.get();
      }
    }
    for (UUID conversation : conversations) {
      Map<String, Long> stored = stored(conversation);
      readers.forEach(it -> it.compare(conversation, stored));
    }
    return report(idle, notifies, nodes);
  }

  private Faults faults(List<NodeProcess> nodes, List<Wire> wires, Random random) {
    return new Faults(
        new Faults.Server() {
          @Override
          public void stop() {
            database.close();
          }

          @Override
          public void start() {
            database = EmbeddedDatabase.open(directory.resolve("data"));
          }

          @Override
          public Login superuser() {
            return database.at(database.superuser(), "chat");
          }
        },
        nodes,
        wires,
        nats,
        http,
        token(DAVE),
        next(random),
        tally,
        seconds >= 240 ? 60 : 3);
  }

  private boolean report(long idle, String notifies, List<NodeProcess> nodes) {
    System.out.println();
    new TreeMap<>(tally.faults)
        .forEach((name, n) -> System.out.printf("  %-40s %6d%n", name, n.sum()));
    System.out.println();
    new TreeMap<>(tally.ends)
        .forEach((name, n) -> System.out.printf("  %-40s %6d%n", name, n.sum()));
    System.out.println();
    System.out.printf(
        "  sessions of readers: %d; words to read again: %d; heard by Carol, Dave and Mallory of"
            + " their own: %d%n",
        tally.sessions.sum(), tally.resyncs.sum(), tally.overheard.sum());
    System.out.printf(
        "  idle, no socket open: %d sessions of the pools ran a query in 3 s%n", idle);
    System.out.println("  under load: " + notifies);
    nodes.forEach(
        node -> System.out.printf("  %s holds %d MiB%n", node.name(), node.residentMib()));
    System.out.println();
    System.out.println(
        "|     sent | delivered | replayed | faults |  lost | repeated | reordered | leaked |");
    System.out.println(
        "|---------:|----------:|---------:|-------:|------:|---------:|----------:|-------:|");
    System.out.printf(
        "| %8d | %9d | %8d | %6d | %5d | %8d | %9d | %6d |%n",
        tally.sent.sum(),
        tally.delivered.sum(),
        tally.replayed.sum(),
        tally.faultsTotal(),
        tally.lost.sum(),
        tally.repeated.sum(),
        tally.reordered.sum(),
        tally.leaked.sum());
    tally.complaints.forEach(System.out::println);
    boolean worked =
        tally.sent.sum() > 100
            && tally.delivered.sum() > 100
            && tally.overheard.sum() > 10
            && nodes.stream().allMatch(NodeProcess::isAlive);
    if (!worked) {
      System.out.println("Too little happened for this to mean anything, or a node is dead:");
      nodes.forEach(node -> System.out.println(node.lastWords()));
    }
    return worked && tally.isClean();
  }

  // --- The scene

  private void people() throws SQLException {
    Migrations.of(database.owner(), Platform.STANDALONE).migrate();
    database.admitService();
    owner(
        "insert into public.teams (id, name) values ('%s', 'Blue'), ('%s', 'Red')"
            .formatted(BLUE, RED));
    owner(
        "update chat.settings set max_files_a_day = 1000000, max_file_bytes_a_day ="
            + " 1125899906842624");
    UUID[][] teams = {{BLUE, ALICE, BOB, CAROL, DAVE}, {RED, MALLORY, NIAJ}};
    for (UUID[] team : teams) {
      for (int i = 1; i < team.length; i++) {
        owner(
            "insert into public.users (id, full_name, email, team_id) values ('%s', 'Somebody', '%s@example.org', '%s')"
                .formatted(team[i], team[i], team[0]));
      }
    }
  }

  static UUID open(ChatDatabase chat, UUID one, UUID other) {
    return chat.as(one, tx -> Routines.getOrCreateConversation(tx.configuration(), one, other));
  }

  private HikariDataSource pool() {
    var settings = new HikariConfig();
    settings.setDataSource(database.service().dataSource());
    settings.setMaximumPoolSize(10);
    settings.setConnectionTimeout(2_000);
    settings.setPoolName("writers");
    return new HikariDataSource(settings);
  }

  private String token(UUID person) {
    return issuer.forUser(person, Duration.ofHours(12));
  }

  private static Random next(Random random) {
    return new Random(random.nextLong());
  }

  private static IntSupplier any(List<Wire> wires, Random random) {
    return () -> wires.get(random.nextInt(wires.size())).port();
  }

  private static BooleanSupplier before(int seconds) {
    long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    return () -> System.nanoTime() < end;
  }

  // --- Figures

  /**
   * How many sessions of the nodes' pools did anything within some seconds without a socket: those
   * of the sweepers of files, mostly. The relay's two are left out, which answer heartbeats.
   */
  private long idleSessions() throws SQLException, InterruptedException {
    try (Connection connection = database.superuser().connect();
        Statement statement = connection.createStatement()) {
      Thread.sleep(3_000); // the time measured
      return number(
          statement,
          "select count(*) from pg_stat_activity where usename = 'chat_login' and application_name"
              + " = 'gptdesk-chat' and clock_timestamp() - state_change < interval '2.9 s'");
    }
  }

  private String notifiesPerThousandCommits(ExecutorService threads, List<Writer> writers)
      throws SQLException, InterruptedException, ExecutionException {
    var heard = new LongAdder();
    var on = new AtomicBoolean(true);
    long before = 0;
    try (Connection connection = database.at(database.superuser(), "chat").connect();
        Statement statement = connection.createStatement()) {
      statement.execute("listen gptdesk_chat");
      List<Future<?>> writing = new ArrayList<>();
      writers.forEach(
          it ->
              writing.add(
                  threads.submit(
                      () -> {
                        it.write(on::get, 0);
                        return null;
                      })));
      BooleanSupplier warmingUp = before(4);
      while (warmingUp.getAsBoolean()) {
        connection.unwrap(PGConnection.class).getNotifications(100);
      }
      before = tally.sent.sum();
      BooleanSupplier measuring = before(5);
      while (measuring.getAsBoolean()) {
        PGNotification[] some = connection.unwrap(PGConnection.class).getNotifications(100);
        heard.add(some == null ? 0 : some.length);
      }
      on.set(false);
      for (Future<?> each : writing) {
        each.get();
      }
    }
    long commits = tally.sent.sum() - before;
    return "%d commits in 5 s, %d NOTIFYs: %.1f a thousand commits"
        .formatted(commits, heard.sum(), 1000.0 * heard.sum() / Math.max(1, commits));
  }

  private Map<UUID, Long> heads() throws SQLException {
    var heads = new HashMap<UUID, Long>();
    rows(
        "select id, revision from public.user_conversations",
        row -> heads.put(row.getObject(1, UUID.class), row.getLong(2)));
    return heads;
  }

  private Map<String, Long> stored(UUID conversation) throws SQLException {
    var stored = new HashMap<String, Long>();
    rows(
        "select id, revision from public.user_messages where conversation_id = '"
            + conversation
            + "'",
        row -> stored.put(row.getString(1), row.getLong(2)));
    return stored;
  }

  /** What to do with one row. */
  private interface Row {
    void take(ResultSet row) throws SQLException;
  }

  private void rows(String query, Row taker) throws SQLException {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      while (row.next()) {
        taker.take(row);
      }
    }
  }

  private void owner(String sql) throws SQLException {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static long number(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getLong(1);
    }
  }

  static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
