package com.gptdesk.chat.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/** One scenario's measuring: interleaves the sides, keeps what they gave, writes it down. */
final class Run {
  private final String scenario;
  private final Ground ground;
  private final boolean quick;
  private final long seed;
  private final List<Result> results = new ArrayList<>();
  private final List<Goal> goals = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  Run(String scenario, Ground ground, boolean quick, long seed) {
    this.scenario = scenario;
    this.ground = ground;
    this.quick = quick;
    this.seed = seed;
  }

  Ground ground() {
    return ground;
  }

  boolean quick() {
    return quick;
  }

  long seed() {
    return seed;
  }

  int rounds() {
    return quick ? 3 : 5;
  }

  /** How long one trial takes. */
  double seconds() {
    return quick ? 0.6 : 4;
  }

  /** What is being done, for who watches. */
  void progress(String text) {
    System.err.printf("  %s: %s%n", scenario, text);
  }

  /**
   * Measures the sides in turn, round after round, after one round that does not count: what the
   * machine does meanwhile meets all of them. Each round begins with the next side, so none always
   * pays for the checkpoint of the same other one.
   *
   * @param sides the first one is what the others are compared with
   * @return in the order of the sides
   */
  List<Result> compare(String group, String unit, List<Side> sides) throws Exception {
    List<List<Double>> figures = new ArrayList<>();
    List<List<Double>> costs = new ArrayList<>();
    sides.forEach(
        side -> {
          figures.add(new ArrayList<>());
          costs.add(new ArrayList<>());
        });
    for (int round = 0; round <= rounds(); round++) {
      double[] line = new double[sides.size()];
      for (int turn = 0; turn < sides.size(); turn++) {
        int i = (turn + round) % sides.size();
        Measured measured = sides.get(i).trial().run(round == 0 ? seconds() / 2 : seconds());
        line[i] = measured.figure();
        if (round > 0) {
          figures.get(i).add(line[i]);
          costs.get(i).add(measured.serverMicros());
        }
      }
      progress(
          "%s, %s:  %s"
              .formatted(
                  group,
                  round == 0 ? "warm-up" : round + " of " + rounds(),
                  Arrays.stream(line).mapToObj(Run::figure).collect(Collectors.joining("  "))));
    }
    List<Result> compared = new ArrayList<>();
    for (int i = 0; i < sides.size(); i++) {
      compared.add(
          Result.of(group, sides.get(i).name(), unit, figures.get(i), figures.getFirst())
              .costing(costs.get(i)));
    }
    results.addAll(compared);
    return compared;
  }

  /** Keeps results that were measured in another way than by {@link #compare}. */
  void add(List<Result> measured) {
    results.addAll(measured);
  }

  void goal(Goal goal) {
    goals.add(goal);
  }

  /** A sentence below the table. */
  void note(String sentence) {
    notes.add(sentence);
  }

  /** The tables as Markdown, to be pasted. */
  String markdown() {
    var text = new StringBuilder("### " + scenario + ", " + ground.description() + "\n");
    String group = "";
    for (Result result : results) {
      if (!result.group().equals(group)) {
        group = result.group();
        boolean costs = !result.serverMicros().isEmpty();
        text.append(
                "\n| %s | median, %s | ratio | least – most |%s\n"
                    .formatted(group, result.unit(), costs ? " server CPU µs a message |" : ""))
            .append("|---|--:|--:|--:|%s\n".formatted(costs ? "--:|" : ""));
      }
      text.append(
          "| %s | %s | %.2f | %s – %s |%s\n"
              .formatted(
                  result.name(),
                  figure(result.median()),
                  result.ratio(),
                  figure(result.least()),
                  figure(result.most()),
                  result.serverMicros().isEmpty()
                      ? ""
                      : " %s |".formatted(figure(result.medianServerMicros()))));
    }
    if (!goals.isEmpty()) {
      text.append("\n| goal | wanted | measured | verdict |\n|---|--:|--:|---|\n");
      for (Goal goal : goals) {
        text.append(
            "| %s | %s | %s | %s |\n"
                .formatted(goal.what(), goal.bound(), figure(goal.measured()), goal.verdict()));
      }
    }
    notes.forEach(note -> text.append("\n").append(note).append("\n"));
    return text.toString();
  }

  private record Written(
      String scenario,
      String postgres,
      boolean quick,
      long seed,
      List<Result> results,
      List<Goal> goals,
      List<String> notes) {}

  /** Writes {@code <scenario>.json} and {@code <scenario>.svg}. */
  void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(
        directory.resolve(scenario + ".json"),
        JsonMapper.shared()
            .writerWithDefaultPrettyPrinter()
            .writeValueAsString(
                new Written(scenario, ground.description(), quick, seed, results, goals, notes)));
    Files.writeString(directory.resolve(scenario + ".svg"), new Chart(scenario, results).svg());
  }

  /** With as many places as mean something. */
  static String figure(double value) {
    return value >= 100
        ? String.format(Locale.ROOT, "%,.0f", value)
        : String.format(Locale.ROOT, value >= 10 ? "%.1f" : "%.2f", value);
  }
}
