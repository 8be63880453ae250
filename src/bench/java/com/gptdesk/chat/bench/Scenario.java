package com.gptdesk.chat.bench;

import java.util.List;

/** One thing to measure, beside what it is compared with. */
interface Scenario {

  /** Every scenario, in the order they run. A new one is added here. */
  List<Scenario> ALL =
      List.of(
          new SendMessage(),
          new EndToEnd(),
          new AgainstTutorial(),
          new AgainstPeers(),
          new Reads(),
          new Tables(),
          new Jit(),
          new IdleSockets(),
          new Memory(),
          new TeamFanOut(),
          new Growth(),
          new SlowDisk(),
          new Uploads(),
          new Nodes(),
          new Startup());

  /** What the command line calls it. */
  String name();

  /** Whether it runs only when it is named, and with no other: it changes what others stand on. */
  default boolean isAlone() {
    return false;
  }

  /** Measures, and tells the run each result and each goal. */
  void measure(Run run) throws Exception;
}
