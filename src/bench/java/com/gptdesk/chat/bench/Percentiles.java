package com.gptdesk.chat.bench;

import java.util.Arrays;

/** Figures in order. */
record Percentiles(double[] sorted) {

  static Percentiles of(double[] figures) {
    if (figures.length == 0) {
      throw new IllegalStateException("Nothing was measured");
    }
    double[] sorted = figures.clone();
    Arrays.sort(sorted);
    return new Percentiles(sorted);
  }

  /**
   * The figure below which that share lies, between two neighbours in proportion.
   *
   * @param share from 0 to 1
   */
  double at(double share) {
    double place = share * (sorted.length - 1);
    int below = (int) Math.floor(place);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  }
}
