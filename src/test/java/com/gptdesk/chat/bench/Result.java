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
 */
record Result(String group, String name, String unit, List<Double> rounds, double ratio) {

  /** One side; the baseline's rounds are those of the same rounds. */
  static Result of(
      String group, String name, String unit, List<Double> rounds, List<Double> baseline) {
    double[] ratios = new double[rounds.size()];
    Arrays.setAll(ratios, i -> rounds.get(i) / baseline.get(i));
    return new Result(group, name, unit, List.copyOf(rounds), median(ratios));
  }

  double median() {
    return median(rounds.stream().mapToDouble(Double::doubleValue).toArray());
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
