package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Losses;
import com.gptdesk.chat.bench.Latencies.Timed;
import com.gptdesk.chat.database.connection.Login;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Our service beside the relay of the common tutorial, by the same clients. */
final class AgainstTutorial implements Scenario {
  private static final double PER_SECOND = 100;

  /** What neither side is busy with: its latency is not that of a queue. */
  private static final double HALF_LOAD = 200;

  @Override
  public String name() {
    return "tutorial";
  }

  @Override
  public void measure(Run run) throws Exception {
    if (!TutorialService.isThere()) {
      skip(run);
      return;
    }
    Ground ground = run.ground();
    String database = ground.copy("bench_ours");
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    var pairs = ground.pairs().subList(0, EndToEnd.PAIRS);
    try (var theirService = new TutorialService(ground, "bench_tutorial", directory);
        var ourService = new OurService(ground, database, directory);
        var theirs = new Clients(theirService, pairs, run.seed());
        var ours = new Clients(ourService, pairs, run.seed())) {
      EndToEnd.warmUp(run, "the tutorial's relay", theirs);
      EndToEnd.warmUp(run, "our service", ours);
      Processors servers = ground.processors();
      Processors theirProcess = Processors.of(theirService.pid());
      Processors ourProcess = Processors.of(ourService.pid());
      List<Result> full =
          run.compare(
              "Stored and delivered, 16 pairs, 8 on the way each, CPU with the service's",
              "messages/s",
              List.of(
                  new Side(
                      "the tutorial's relay",
                      seconds -> most(theirs, seconds, servers, theirProcess)),
                  new Side("ours", seconds -> most(ours, seconds, servers, ourProcess))));
      run.goal(Goal.atLeast("ours : the tutorial's relay, messages/s", full.get(1).ratio(), 2));
      idle(run, theirs, ours);
      halfLoad(run, theirs, ours);
      losses(
          run,
          "the tutorial's relay",
          theirs,
          () -> end(ground.superuser("bench_tutorial"), "tutorial listener"));
      losses(run, "ours", ours, () -> end(ground.superuser(database), "gptdesk-chat %"));
    }
  }

  private static Measured most(
      Clients clients, double seconds, Processors servers, Processors service) throws Exception {
    double before = servers.seconds() + service.seconds();
    long start = System.nanoTime();
    double rate = clients.perSecond(EndToEnd.ON_THE_WAY, Math.max(1, seconds));
    double messages = rate * (System.nanoTime() - start) / 1e9;
    return new Measured(rate, 1e6 * (servers.seconds() + service.seconds() - before) / messages);
  }

  private static void idle(Run run, Clients theirs, Clients ours) throws Exception {
    int messages = run.quick() ? 150 : 500;
    var theirPauses = new Random(run.seed());
    var ourPauses = new Random(run.seed());
    List<List<Result>> idle =
        Latencies.compare(
            run,
            "One message at a time",
            List.of(
                new Timed(
                    List.of("the tutorial's relay"),
                    () -> List.of(Clients.Trip.deliveries(theirs.idle(messages, theirPauses)))),
                new Timed(
                    List.of("ours"),
                    () -> List.of(Clients.Trip.deliveries(ours.idle(messages, ourPauses))))));
    run.goal(
        Goal.atMost("ours : the tutorial's relay, idle, p50", idle.getFirst().get(1).ratio(), 1));
    run.goal(
        Goal.atMost("ours : the tutorial's relay, idle, p99", idle.getLast().get(1).ratio(), 1));
  }

  private static void halfLoad(Run run, Clients theirs, Clients ours) throws Exception {
    double seconds = run.quick() ? 5 : 20;
    List<List<Result>> loaded =
        Latencies.compare(
            run,
            "%.0f messages a second".formatted(HALF_LOAD),
            List.of(
                new Timed(
                    List.of("the tutorial's relay"),
                    () -> List.of(Clients.Trip.deliveries(theirs.offered(HALF_LOAD, seconds)))),
                new Timed(
                    List.of("ours"),
                    () -> List.of(Clients.Trip.deliveries(ours.offered(HALF_LOAD, seconds))))));
    run.goal(
        Goal.atMost(
            "ours : the tutorial's relay, 200 a second, p50", loaded.get(0).get(1).ratio(), 1));
    run.goal(
        Goal.atMost(
            "ours : the tutorial's relay, 200 a second, p95", loaded.get(1).get(1).ratio(), 1));
  }

  private static void losses(Run run, String name, Clients clients, Clients.Fault fault)
      throws Exception {
    Losses losses = clients.losses(PER_SECOND, 3, fault);
    run.progress(name + ": " + losses);
    run.note(
        "Its listener's backend ended in the middle of %.0f messages a second, %s: %d confirmed, %d refused, %d of the confirmed never delivered."
            .formatted(PER_SECOND, name, losses.confirmed(), losses.refused(), losses.lost()));
    if (name.equals("ours")) {
      run.goal(Goal.atMost("ours, lost when the listener's backend ends", losses.lost(), 0));
    }
  }

  /** Fails when there is none to end: nothing would have been broken. */
  private static void end(Login superuser, String application) throws Exception {
    String ended =
        Ground.ask(
            superuser,
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and application_name like '%s'"
                .formatted(application));
    if (ended.equals("0")) {
      throw new IllegalStateException("Nobody listens as " + application);
    }
  }

  private static void skip(Run run) {
    String required = System.getenv().getOrDefault("CHAT_REQUIRE", "");
    String why =
        "needs Node 20 or newer and the packages of %s (npm ci there)"
            .formatted(TutorialService.FOLDER);
    if (Arrays.asList(required.split(",")).contains("node")) {
      throw new IllegalStateException("The tutorial is required (CHAT_REQUIRE) and " + why);
    }
    System.err.println("*** SKIPPED tutorial: " + why);
    run.note("*** SKIPPED: " + why);
  }
}
