package com.gptdesk.chat.bench;

import java.util.Arrays;
import java.util.List;

/**
 * What was measured of one side, round by round.
 *
 * @param group what it is compared within
 * @param name of the side
 * @param unit of the figures
 * @param rounds one figure for each round
 * @param ratio the median of its ratio to the group's first side in the same round; 1 for that side
 * @param serverMicros what the server's processors had to do for each message, round by round, in
 *     microseconds; empty where nobody counted
 */
record Result(
    String group,
    String name,
    String unit,
    List<Double> rounds,
    double ratio,
    List<Double> serverMicros) {

  /** One side; the baseline's rounds are those of the same rounds. */
  static Result of(
      String group, String name, String unit, List<Double> rounds, List<Double> baseline) {
    double[] ratios = new double[rounds.size()];
    Arrays.setAll(ratios, i -> rounds.get(i) / baseline.get(i));
    return new Result(group, name, unit, List.copyOf(rounds), median(ratios), List.of());
  }

  /** The same with what each message cost the server, round by round. */
  Result costing(List<Double> micros) {
    List<Double> counted = micros.stream().filter(Double::isFinite).toList();
    return new Result(group, name, unit, rounds, ratio, counted);
  }

  double median() {
    return median(rounds);
  }

  /** The median of {@link #serverMicros}; not a number where nobody counted. */
  double medianServerMicros() {
    return serverMicros.isEmpty() ? Double.NaN : median(serverMicros);
  }

  private static double median(List<Double> figures) {
    return median(figures.stream().mapToDouble(Double::doubleValue).toArray());
  }

  double least() {
    return rounds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  double most() {
    return rounds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
  }

  static double median(double[] figures) {
    return Percentiles.of(figures).at(0.5);
  }
}
