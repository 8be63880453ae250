package com.gptdesk.chat.bench;

/** One of those that are compared. */
record Side(String name, Trial trial) {

  /** Measures once. */
  @FunctionalInterface
  interface Trial {
    /**
     * Runs for about so long.
     *
     * @return the figure, and what it cost
     */
    Measured run(double seconds) throws Exception;
  }
}
