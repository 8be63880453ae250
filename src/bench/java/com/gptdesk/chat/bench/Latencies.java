package com.gptdesk.chat.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Compares how long things take: for each side its percentiles, round by round. */
final class Latencies {
  static final List<Double> SHARES = List.of(0.5, 0.95, 0.99);

  /** Takes the times of one round in milliseconds, a list for each name. */
  interface Trial {
    List<double[]> run() throws Exception;
  }

  /** What is measured together. */
  record Timed(List<String> names, Trial trial) {}

  private Latencies() {}

  /**
   * Runs the trials in turn, round after round, after one round that does not count; each round
   * begins with the next side.
   *
   * @return for each of {@link #SHARES} the results, in the order of the names
   */
  static List<List<Result>> compare(Run run, String group, List<Timed> sides) throws Exception {
    List<String> names = sides.stream().flatMap(side -> side.names().stream()).toList();
    List<List<List<Double>>> figures = new ArrayList<>(); // share, name, round
    for (int share = 0; share < SHARES.size(); share++) {
      figures.add(new ArrayList<>());
      for (int name = 0; name < names.size(); name++) {
        figures.get(share).add(new ArrayList<>());
      }
    }
    for (int round = 0; round <= run.rounds(); round++) {
      String[] line = new String[names.size()];
      for (int turn = 0; turn < sides.size(); turn++) {
        int side = (turn + round) % sides.size();
        int name = sides.subList(0, side).stream().mapToInt(each -> each.names().size()).sum();
        for (double[] times : sides.get(side).trial().run()) {
          Percentiles percentiles = Percentiles.of(times);
          line[name] = Run.figure(percentiles.at(0.5));
          for (int share = 0; share < SHARES.size() && round > 0; share++) {
            figures.get(share).get(name).add(percentiles.at(SHARES.get(share)));
          }
          name++;
        }
      }
      run.progress(
          "%s, %s, p50:  %s"
              .formatted(
                  group,
                  round == 0 ? "warm-up" : round + " of " + run.rounds(),
                  String.join("  ", line)));
    }
    List<List<Result>> compared = new ArrayList<>();
    for (int share = 0; share < SHARES.size(); share++) {
      String title = String.format(Locale.ROOT, "%s, p%.0f", group, SHARES.get(share) * 100);
      List<Result> results = new ArrayList<>();
      for (int name = 0; name < names.size(); name++) {
        results.add(
            Result.of(
                title,
                names.get(name),
                "ms",
                figures.get(share).get(name),
                figures.get(share).getFirst()));
      }
      run.add(results);
      compared.add(results);
    }
    return compared;
  }
}
