package com.gptdesk.chat.bench;

/**
 * What a figure should be.
 *
 * @param what the sentence
 * @param measured the figure
 * @param wanted its bound
 * @param atLeast whether the bound is the least it may be, else the most
 */
record Goal(String what, double measured, double wanted, boolean atLeast) {

  static Goal atLeast(String what, double measured, double wanted) {
    return new Goal(what, measured, wanted, true);
  }

  static Goal atMost(String what, double measured, double wanted) {
    return new Goal(what, measured, wanted, false);
  }

  boolean met() {
    return atLeast ? measured >= wanted : measured <= wanted;
  }

  /** "met", or how far it is. */
  String verdict() {
    return met()
        ? "met"
        : "not met: %.0f %% %s"
            .formatted(100 * Math.abs(measured / wanted - 1), atLeast ? "too little" : "too much");
  }

  String bound() {
    return (atLeast ? "≥ " : "≤ ") + Run.figure(wanted);
  }
}
