package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.testing.NatsProcess;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What one node, two and three bring on this machine, with the same clients spread over them, and
 * what a node costs that has none: when each reads the change log, and when one does and tells the
 * others by NATS.
 */
final class Nodes implements Scenario {
  private static final int MOST = 3;
  private static final int PAIRS = 12;
  private static final int ON_THE_WAY = 8;
  private static final double WARM_UP_SECONDS = 8;

  @Override
  public String name() {
    return "nodes";
  }

  @Override
  public void measure(Run run) throws Exception {
    var rows = new Rows();
    compare(run, rows, "each reads the log", Map.of());
    String program = NatsProcess.installed();
    if (program == null) {
      run.note("*** SKIPPED nats: nats-server is not installed (Debian: nats-server).");
    } else {
      try (var nats = new NatsProcess(program)) {
        nats.start();
        compare(run, rows, "by NATS", Map.of("CHAT_NATS_URL", nats.url()));
      }
    }
    rows.into(run);
    run.note(
        "Load average at the end: %.1f on %d processors, which the clients, PostgreSQL and the nodes share."
            .formatted(
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
                Runtime.getRuntime().availableProcessors()));
  }

  private static void compare(Run run, Rows rows, String way, Map<String, String> settings)
      throws Exception {
    String database = run.ground().copy("bench_nodes");
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    var nodes = new ArrayList<OurService>();
    try {
      for (int i = 0; i < MOST; i++) {
        nodes.add(
            new OurService(
                run.ground(),
                database,
                directory,
                List.of(),
                settings,
                (pair, token) -> List.of(OurService.conversationChannel(pair, token))));
      }
      var stage = new Stage(run, rows, way, database, nodes);
      stage.warmUp();
      stage.bystanders();
      for (int count = MOST; count > 0; count--) {
        stage.spread(count);
        nodes.removeLast().close();
      }
    } finally {
      nodes.forEach(OurService::close);
    }
  }

  /** The nodes that run, and what is measured of them. */
  private record Stage(Run run, Rows rows, String way, String database, List<OurService> nodes) {

    void warmUp() throws Exception {
      try (var load = new Load(run, nodes)) {
        load.perSecond(run.quick() ? WARM_UP_SECONDS : 4 * WARM_UP_SECONDS);
      }
    }

    /** All clients on the first node; what do the others cost? */
    void bystanders() throws Exception {
      List<Processors> others =
          nodes.stream().skip(1).map(node -> Processors.of(node.pid())).toList();
      List<Processors> readers = readers();
      String row = "%s, a node of %d without clients".formatted(way, nodes.size());
      try (var load = new Load(run, nodes.subList(0, 1))) {
        for (int round = 1; round <= run.rounds(); round++) {
          double before = seconds(others);
          double readBefore = seconds(readers);
          double messages = load.messages(seconds(run));
          rows.add(
              "Its processor",
              "\u00b5s a message",
              row,
              1e6 * (seconds(others) - before) / messages / others.size());
          rows.add(
              "PostgreSQL's processors, for all that read the log",
              "\u00b5s a message",
              way + ", %d nodes".formatted(nodes.size()),
              1e6 * (seconds(readers) - readBefore) / messages);
        }
      }
    }

    /** The same clients on so many nodes. */
    void spread(int count) throws Exception {
      List<Processors> ours = nodes.stream().map(node -> Processors.of(node.pid())).toList();
      Processors servers = run.ground().processors();
      String row = "%s, %d node%s".formatted(way, count, count == 1 ? "" : "s");
      try (var load = new Load(run, nodes)) {
        for (int round = 1; round <= run.rounds(); round++) {
          double before = seconds(ours);
          double serversBefore = servers.seconds();
          double length = seconds(run);
          double messages = load.messages(length);
          rows.add("Stored and delivered", "messages/s", row, messages / length);
          rows.add(
              "The nodes' processors",
              "\u00b5s a message",
              row,
              1e6 * (seconds(ours) - before) / messages);
          rows.add(
              "PostgreSQL's processors",
              "\u00b5s a message",
              row,
              1e6 * (servers.seconds() - serversBefore) / messages);
          run.progress("%s: %s a second".formatted(row, Run.figure(messages / length)));
        }
      }
    }

    private List<Processors> readers() throws SQLException {
      String pids =
          Ground.ask(
              run.ground().superuser(database),
              "select string_agg(pid::text, ',') from pg_stat_activity"
                  + " where datname = current_database() and application_name = 'gptdesk-chat relay'");
      return Arrays.stream(pids.split(",", -1))
          .map(pid -> Processors.of(Long.parseLong(pid)))
          .toList();
    }

    private static double seconds(Run run) {
      return run.quick() ? 2 : 6;
    }

    private static double seconds(List<Processors> all) {
      return all.stream().mapToDouble(Processors::seconds).sum();
    }
  }

  /** The same people, whatever the number of nodes, as evenly as they go. */
  private static final class Load implements AutoCloseable {
    private final List<Clients> clients = new ArrayList<>();

    Load(Run run, List<OurService> nodes) throws Exception {
      List<Pair> pairs = run.ground().pairs().subList(0, PAIRS);
      int each = PAIRS / nodes.size();
      for (int i = 0; i < nodes.size(); i++) {
        clients.add(new Clients(nodes.get(i), pairs.subList(i * each, (i + 1) * each), run.seed()));
      }
    }

    double messages(double seconds) throws Exception {
      return perSecond(seconds) * seconds;
    }

    double perSecond(double seconds) throws Exception {
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<Double>> running = new ArrayList<>();
        for (Clients some : clients) {
          running.add(threads.submit(() -> some.perSecond(ON_THE_WAY, seconds)));
        }
        double sum = 0;
        for (Future<Double> each : running) {
          sum += each.get();
        }
        return sum;
      }
    }

    @Override
    public void close() {
      clients.forEach(Clients::close);
    }
  }
}
