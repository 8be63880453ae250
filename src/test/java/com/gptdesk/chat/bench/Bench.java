package com.gptdesk.chat.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Runs scenarios, prints their tables as Markdown, and writes them to {@code target/bench}. Called
 * by {@code scripts/bench [scenario …] [--quick] [--seed n]}.
 */
final class Bench {
  private Bench() {}

  public static void main(String[] arguments) throws Exception {
    boolean quick = false;
    long seed = 7;
    List<Scenario> chosen = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      if (argument.equals("--quick")) {
        quick = true;
      } else if (argument.equals("--seed") && i + 1 < arguments.length) {
        seed = Long.parseLong(arguments[++i]);
      } else {
        chosen.add(named(argument));
      }
    }
    if (chosen.isEmpty()) {
      Scenario.ALL.stream().filter(scenario -> !scenario.isAlone()).forEach(chosen::add);
    }
    if (chosen.size() > 1 && chosen.stream().anyMatch(Scenario::isAlone)) {
      System.err.println("slow_disk slows everything that runs with it: name it alone");
      System.exit(2);
    }
    Path directory = Path.of("target", "bench");
    try (Ground ground = new Ground()) {
      for (Scenario scenario : chosen) {
        System.err.println(scenario.name());
        var run = new Run(scenario.name(), ground, quick, seed);
        scenario.measure(run);
        run.write(directory);
        System.out.println(run.markdown());
      }
    }
    System.err.println("Written to " + directory);
    System.exit(0); // drivers keep threads of their own
  }

  private static Scenario named(String name) {
    for (Scenario scenario : Scenario.ALL) {
      if (scenario.name().equals(name)) {
        return scenario;
      }
    }
    String names = Scenario.ALL.stream().map(Scenario::name).collect(Collectors.joining(", "));
    System.err.println(
        "There is no scenario "
            + name
            + ". scripts/bench [scenario …] [--quick] [--seed n], with of "
            + names);
    System.exit(2);
    throw new IllegalStateException("unreachable");
  }
}
