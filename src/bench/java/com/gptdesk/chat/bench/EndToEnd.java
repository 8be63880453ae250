package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Trip;
import com.gptdesk.chat.bench.Latencies.Timed;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** From the writer's rpc to the reader's WebSocket, beside a bare LISTEN/NOTIFY round trip. */
final class EndToEnd implements Scenario {
  static final int PAIRS = 16;
  static final int ON_THE_WAY = 8;

  @Override
  public String name() {
    return "end_to_end";
  }

  @Override
  public void measure(Run run) throws Exception {
    Ground ground = run.ground();
    String database = ground.copy("bench_end_to_end");
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    var barePauses = new Random(run.seed());
    var pauses = new Random(run.seed());
    int messages = run.quick() ? 150 : 500;
    try (var bare = new BareNotify(ground.service(database));
        var ours = new OurService(ground, database, directory);
        var clients = new Clients(ours, ground.pairs().subList(0, PAIRS), run.seed())) {
      warmUp(run, "our service", clients);
      List<Double> most = new ArrayList<>();
      for (int round = 1; round <= run.rounds(); round++) {
        most.add(clients.perSecond(ON_THE_WAY, run.quick() ? 2 : run.seconds()));
        run.progress("the most a second: " + Run.figure(most.getLast()));
      }
      Result full =
          Result.of(
              "Stored and delivered, 16 pairs, 8 on the way each",
              "rpc to WebSocket",
              "messages/s",
              most,
              most);
      run.add(List.of(full));

      var notified =
          new Timed(
              List.of("bare LISTEN/NOTIFY by pgjdbc, idle"),
              () -> List.of(bare.idle(messages, barePauses)));
      List<List<Result>> idle =
          Latencies.compare(
              run,
              "One message at a time",
              List.of(notified, timed("idle", () -> clients.idle(messages, pauses))));
      double half = full.median() / 2;
      Latencies.compare(
          run,
          String.format(Locale.ROOT, "At half of the most, %.0f a second", half),
          List.of(
              notified,
              timed("half load", () -> clients.offered(half, run.quick() ? 2 : run.seconds()))));
      run.goal(Goal.atMost("rpc to WebSocket : bare NOTIFY, idle, p50", ratio(idle.getFirst()), 2));
      run.goal(Goal.atMost("rpc to WebSocket : bare NOTIFY, idle, p99", ratio(idle.getLast()), 2));
    }
  }

  /** A service that has run for a while; says how far it got and how busy the machine is. */
  static void warmUp(Run run, String service, Clients clients) throws Exception {
    run.progress("warming up: " + service);
    Clients.WarmUp warm = clients.warmUp(ON_THE_WAY, run.quick() ? 8 : 20);
    run.note(
        "Warmed %s up with %,.0f messages, %s; the machine's load average then was %.1f on %d processors."
            .formatted(
                service,
                warm.delivered(),
                warm.isSteady() ? "until it became no faster" : "and it was still changing",
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
                Runtime.getRuntime().availableProcessors()));
  }

  private static double ratio(List<Result> results) {
    return results.getLast().ratio();
  }

  /** Gives the ways of one round's messages. */
  interface Trips {
    List<Trip> make() throws Exception;
  }

  private static Timed timed(String when, Trips trips) {
    return new Timed(
        List.of("rpc answered, " + when, "rpc to WebSocket, " + when),
        () -> {
          List<Trip> made = trips.make();
          return List.of(Trip.answers(made), Trip.deliveries(made));
        });
  }
}
