package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Trip;
import com.gptdesk.chat.bench.Ground.Pair;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What sockets with the page's two channels cost while nobody writes, and how quick the service
 * still is to a thousand of them. This process has the clients, another one the service.
 */
final class IdleSockets implements Scenario {
  private static final int ACTIVE = 1_000;
  private static final int MOST = 10_000;
  private static final int PAIRS_OF_TEAM = 10;
  private static final double MESSAGES_A_SECOND = 200;
  private static final double GOAL_KIB = 20;

  @Override
  public String name() {
    return "connections";
  }

  @Override
  public void measure(Run run) throws Exception {
    Ground ground = run.ground();
    String database = ground.copy("bench_connections");
    List<Pair> pairs = Crowd.join(ground, database, MOST, PAIRS_OF_TEAM);
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    try (var service =
        new OurService(
            ground, database, directory, Footprint.OPTIONS, Map.of(), OurService::pageChannels)) {
      warmUp(run, service, pairs);
      var stage = new Stages(run, service, ground.processors(), directory);
      stage.quiet(0);
      Footprint none = stage.footprint(0);
      try (var active = stage.open(pairs.subList(0, ACTIVE))) {
        stage.quiet(ACTIVE);
        stage.memory(none, ACTIVE);
        stage.active(active, ACTIVE);
        try (var idle = stage.open(pairs.subList(ACTIVE, MOST))) {
          int all = active.readers() + idle.readers();
          stage.quiet(all);
          stage.memory(none, all);
          stage.active(active, all);
        }
      }
      stage.rows.into(run);
    }
  }

  /** What was compiled or loaded for the first of all sockets is none of the others' memory. */
  private static void warmUp(Run run, OurService service, List<Pair> pairs) throws Exception {
    try (var some = new Clients(service, pairs.subList(0, ACTIVE / 2), run.seed())) {
      run.progress("warming up with %,d sockets".formatted(some.readers()));
    }
    try (var few = new Clients(service, pairs.subList(0, EndToEnd.PAIRS), run.seed())) {
      EndToEnd.warmUp(run, "our service", few);
    }
  }

  /** What is measured with more and more sockets. */
  private static final class Stages {
    private final Run run;
    private final OurService service;
    private final Processors ours;
    private final Processors servers;
    private final Path directory;
    private final Rows rows = new Rows();

    Stages(Run run, OurService service, Processors servers, Path directory) {
      this.run = run;
      this.directory = directory;
      this.service = service;
      this.ours = Processors.of(service.pid());
      this.servers = servers;
    }

    Clients open(List<Pair> pairs) throws Exception {
      double before = ours.seconds();
      double serversBefore = servers.seconds();
      long start = System.nanoTime();
      var clients = new Clients(service, pairs, run.seed());
      double rate = pairs.size() / ((System.nanoTime() - start) / 1e9);
      String row = "%,d more".formatted(pairs.size());
      rows.add("Opened, two channels joined", "sockets/s", row, rate);
      rows.add(
          "Opened, two channels joined, the service's processor",
          "ms a socket",
          row,
          1e3 * (ours.seconds() - before) / pairs.size());
      rows.add(
          "Opened, two channels joined, PostgreSQL's processors",
          "ms a socket",
          row,
          1e3 * (servers.seconds() - serversBefore) / pairs.size());
      run.progress("opened %s, %s a second".formatted(row, Run.figure(rate)));
      return clients;
    }

    /** Only heartbeats. */
    void quiet(int sockets) throws InterruptedException {
      double seconds = run.quick() ? 8 : 40; // a heartbeat comes every 20 s
      double ourBefore = ours.seconds();
      double serversBefore = servers.seconds();
      Thread.sleep((long) (1000 * seconds));
      double percent = 100 * (ours.seconds() - ourBefore) / seconds;
      String row = "%,d sockets".formatted(sockets);
      rows.add("Idle, heartbeats alone, the service", "% of a processor", row, percent);
      rows.add(
          "Idle, heartbeats alone, PostgreSQL",
          "% of a processor",
          row,
          100 * (servers.seconds() - serversBefore) / seconds);
      run.progress("%s, idle: %s %% of a processor".formatted(row, Run.figure(percent)));
    }

    void memory(Footprint none, int sockets) throws Exception {
      Footprint now = footprint(sockets);
      double heap = kib(now.heap() - none.heap()) / sockets;
      double outside = kib(now.outside() - none.outside()) / sockets;
      String row = "%,d sockets, ".formatted(sockets);
      rows.add("Memory", "KiB a socket", row + "heap and outside", heap + outside);
      rows.add("Memory", "KiB a socket", row + "heap", heap);
      rows.add("Memory", "KiB a socket", row + "outside", outside);
      run.progress(
          "%smemory: %s KiB of heap, %s outside, each"
              .formatted(row, Run.figure(heap), Run.figure(outside)));
      run.goal(Goal.atMost("KiB a socket, %,d idle".formatted(sockets), heap + outside, GOAL_KIB));
    }

    Footprint footprint(int sockets) throws Exception {
      return Footprint.of(
          service.pid(), directory.resolve("connections-%d.histogram".formatted(sockets)));
    }

    private static double kib(long bytes) {
      return bytes / 1024.0;
    }

    /** Messages to a thousand readers, whoever else listens. */
    void active(Clients clients, int sockets) throws Exception {
      double seconds = run.quick() ? 2 : 10;
      for (int round = 0; round <= run.rounds(); round++) {
        Percentiles times =
            Percentiles.of(Trip.deliveries(clients.offered(MESSAGES_A_SECOND, seconds)));
        for (double share : round == 0 ? List.<Double>of() : Latencies.SHARES) {
          rows.add(
              String.format(
                  Locale.ROOT,
                  "rpc to WebSocket, %,d readers, %.0f messages a second, p%.0f",
                  ACTIVE,
                  MESSAGES_A_SECOND,
                  100 * share),
              "ms",
              "%,d sockets open".formatted(sockets),
              times.at(share));
        }
        run.progress(
            "%,d sockets, 1,000 of them active, p50 %s, p99 %s ms"
                .formatted(sockets, Run.figure(times.at(0.5)), Run.figure(times.at(0.99))));
      }
    }
  }
}
