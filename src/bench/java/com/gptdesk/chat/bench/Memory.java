package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a service holds at rest, and with a thousand sockets after a load: as it is installed, with
 * the options for a small machine of {@code docs/operations.md}, and the tutorial's relay.
 */
final class Memory implements Scenario {
  private static final int SOCKETS = 1_000;
  private static final int PAIRS_OF_TEAM = 10;
  private static final double GOAL_MIB = 200;
  private static final long REST_MILLIS = 15_000;
  private static final String AT_REST = "At rest";
  private static final String WITH_SOCKETS = "%,d sockets, after a load".formatted(SOCKETS);

  /** Of {@code docs/operations.md}; the last one leaves the cache of the training run out. */
  private static final List<String> SMALL_MACHINE =
      List.of(
          "-XX:+UseSerialGC",
          "-Xms16m",
          "-XX:+UseCompactObjectHeaders",
          "-XX:TrimNativeHeapInterval=5000",
          "-XX:TieredStopAtLevel=1",
          "-XX:AOTMode=off");

  private final Rows rows = new Rows();

  /** Starts a service for these people. */
  private interface Start {
    Service of(List<Pair> pairs) throws Exception;
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public void measure(Run run) throws Exception {
    Ground ground = run.ground();
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    List<Pair> pairs = crowd(ground);
    measure(run, "ours, as installed", pairs, all -> ours(ground, directory, List.of(), Map.of()));
    double small =
        measure(
            run,
            "ours, with the options for a small machine",
            pairs,
            all ->
                ours(
                    ground,
                    directory,
                    SMALL_MACHINE,
                    Map.of("MALLOC_ARENA_MAX", "2", "CHAT_LISTEN_DRIVER", "pgjdbc")));
    run.goal(
        Goal.atMost("MiB with %,d sockets, small machine".formatted(SOCKETS), small, GOAL_MIB));
    String missing = PeerProcess.missing(TutorialService.FOLDER);
    if (missing == null) {
      measure(
          run,
          "the tutorial's relay",
          pairs,
          all ->
              new TutorialService(
                  ground, "bench_tutorial", all.subList(0, EndToEnd.PAIRS), directory));
    } else {
      SideBySide.skip(run, "the tutorial's relay", "node", missing);
    }
    rows.into(run);
    run.note("Proportional set size of the service's process, of Linux's /proc, in MiB.");
  }

  private static List<Pair> crowd(Ground ground) throws Exception {
    return Crowd.join(ground, ground.copy("bench_memory"), SOCKETS, PAIRS_OF_TEAM);
  }

  private static OurService ours(
      Ground ground, Path directory, List<String> jvmOptions, Map<String, String> more)
      throws Exception {
    return new OurService(
        ground, "bench_memory", directory, jvmOptions, more, OurService::pageChannels);
  }

  /** Returns the MiB with sockets. */
  private double measure(Run run, String name, List<Pair> pairs, Start start) throws Exception {
    try (Service service = start.of(pairs)) {
      double rest = heldAfterRest(service);
      rows.add(AT_REST, "MiB", name, rest);
      try (var few = new Clients(service, pairs.subList(0, EndToEnd.PAIRS), run.seed())) {
        few.perSecond(EndToEnd.ON_THE_WAY, run.quick() ? 5 : 30);
      }
      try (var all = new Clients(service, pairs, run.seed())) {
        double held = heldAfterRest(service);
        rows.add(WITH_SOCKETS, "MiB", name, held);
        run.progress(
            "%s: %s MiB, %s MiB with %,d sockets"
                .formatted(name, Run.figure(rest), Run.figure(held), all.readers()));
        return held;
      }
    }
  }

  private static double heldAfterRest(Service service) throws IOException, InterruptedException {
    Thread.sleep(REST_MILLIS);
    return Startup.proportional(service.pid());
  }
}
