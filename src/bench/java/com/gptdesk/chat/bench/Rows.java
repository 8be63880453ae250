package com.gptdesk.chat.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Figures of a scenario that measures stage by stage, gathered into groups. */
final class Rows {
  private record Group(String name, String unit) {}

  private final Map<Group, Map<String, List<Double>>> figures = new LinkedHashMap<>();

  /** One round's figure; rows and groups stand in the order in which they first came. */
  void add(String group, String unit, String row, double figure) {
    figures
        .computeIfAbsent(new Group(group, unit), same -> new LinkedHashMap<>())
        .computeIfAbsent(row, same -> new ArrayList<>())
        .add(figure);
  }

  /** Adds all groups to the run; within each the ratios are to its first row. */
  void into(Run run) {
    figures.forEach(
        (group, rows) -> {
          List<Double> first = rows.values().iterator().next();
          List<Result> results = new ArrayList<>();
          rows.forEach(
              (row, rounds) ->
                  results.add(Result.of(group.name(), row, group.unit(), rounds, first)));
          run.add(results);
        });
  }
}
