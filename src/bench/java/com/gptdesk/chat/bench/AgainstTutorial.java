package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.bench.SideBySide.Served;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Our service beside the relay of the common tutorial, by the same clients. */
final class AgainstTutorial implements Scenario {
  private static final String THEIRS = "the tutorial's relay";
  private static final String OURS = "ours";
  private static final String THEIR_DATABASE = "bench_tutorial";

  @Override
  public String name() {
    return "tutorial";
  }

  @Override
  public void measure(Run run) throws Exception {
    String missing = PeerProcess.missing(TutorialService.FOLDER);
    if (missing != null) {
      SideBySide.skip(run, "tutorial", "node", missing);
      return;
    }
    Ground ground = run.ground();
    String database = ground.copy("bench_ours");
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    List<Pair> pairs = ground.pairs().subList(0, EndToEnd.PAIRS);
    try (var theirService = new TutorialService(ground, THEIR_DATABASE, pairs, directory);
        var theirs = new Clients(theirService, pairs, run.seed())) {
      Warming theirWarming = Warming.of(THEIRS, theirService, theirs, run);
      try (var ourService = new OurService(ground, database, directory);
          var ours = new Clients(ourService, pairs, run.seed())) {
        Warming ourWarming = Warming.of(OURS, ourService, ours, run);
        var both =
            new SideBySide(
                run,
                List.of(
                    Served.of(
                        THEIRS,
                        theirService,
                        theirs,
                        ground.superuser(THEIR_DATABASE),
                        "tutorial listener"),
                    Served.of(
                        OURS, ourService, ours, ground.superuser(database), "gptdesk-chat %")));
        both.warmUp();
        full(run, both, theirWarming, ourWarming);
        List<List<Result>> idle = both.idle();
        atMostTheirs(run, "idle, p50", idle.get(0));
        atMostTheirs(run, "idle, p99", idle.get(2));
        List<List<Result>> fixedRate = both.atFixedRate();
        atMostTheirs(run, "200 a second, p50", fixedRate.get(0));
        atMostTheirs(run, "200 a second, p95", fixedRate.get(1));
        run.goal(
            Goal.atMost(
                "ours, lost when the listener's backend ends", both.losses().getLast().lost(), 0));
      }
    }
  }

  private static void full(Run run, SideBySide both, Warming theirWarming, Warming ourWarming)
      throws Exception {
    List<Result> full = both.full();
    Result theirs = full.getFirst();
    Result ours = full.getLast();
    run.goal(Goal.atLeast("ours : the tutorial's relay, messages/s", ours.ratio(), 2));
    run.goal(
        Goal.atMost(
            "ours : the tutorial's relay, processors' time a message",
            ours.medianServerMicros() / theirs.medianServerMicros(),
            0.5));
    theirWarming.into(run, theirs.median());
    ourWarming.into(run, ours.median());
    run.goal(
        Goal.atMost(
            "seconds from our start to half of the rate when warm",
            ourWarming.secondsToHalf(ours.median()),
            10));
  }

  private static void atMostTheirs(Run run, String what, List<Result> results) {
    run.goal(Goal.atMost("ours : the tutorial's relay, " + what, results.getLast().ratio(), 1));
  }
}
