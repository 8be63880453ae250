package com.gptdesk.chat.bench;

/**
 * What one trial gave.
 *
 * @param figure in the unit of its comparison
 * @param serverMicros of the processors' time, what all of PostgreSQL's processes, and those that
 *     the comparison adds to them, took for each message, in microseconds; not a number where
 *     nobody counted
 */
record Measured(double figure, double serverMicros) {

  static Measured of(double figure) {
    return new Measured(figure, Double.NaN);
  }
}
