package com.gptdesk.chat.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Runs scenarios, prints their tables as Markdown, and writes them to {@code target/bench}. Called
 * by {@code scripts/bench [scenario …] [--postgres directory] [--quick] [--seed n]}.
 */
final class Bench {
  private static final String USAGE =
      "scripts/bench [scenario …] [--postgres <directory of binaries>] [--quick] [--seed n]";

  private Bench() {}

  public static void main(String[] arguments) throws Exception {
    boolean quick = false;
    long seed = 7;
    String postgres = "18";
    List<Scenario> chosen = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      if (argument.equals("--quick")) {
        quick = true;
      } else if (argument.equals("--seed") && i + 1 < arguments.length) {
        seed = Long.parseLong(arguments[++i]);
      } else if (argument.equals("--postgres") && i + 1 < arguments.length) {
        postgres = directory(arguments[++i]);
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
    try (Ground ground = new Ground(postgres)) {
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

  private static String directory(String name) {
    Path directory = Path.of(name).toAbsolutePath();
    if (!Files.isExecutable(directory.resolve("initdb"))) {
      System.err.println("There is no initdb in " + directory + ". " + USAGE);
      System.exit(2);
    }
    return directory.toString();
  }

  private static Scenario named(String name) {
    for (Scenario scenario : Scenario.ALL) {
      if (scenario.name().equals(name)) {
        return scenario;
      }
    }
    String names = Scenario.ALL.stream().map(Scenario::name).collect(Collectors.joining(", "));
    System.err.println("There is no scenario " + name + ". " + USAGE + ", with of " + names);
    System.exit(2);
    throw new IllegalStateException("unreachable");
  }
}
