package com.gptdesk.chat.relay.proof;

import java.util.LinkedHashMap;
import java.util.Map;

/** A printed table of what a proof has seen. */
final class Report {
  private final String title;
  private final Map<String, Object> lines = new LinkedHashMap<>();

  Report(String title) {
    this.title = title;
  }

  Report line(String what, Object figure) {
    lines.put(what, figure);
    return this;
  }

  void print() {
    StringBuilder table = new StringBuilder("\n--- ").append(title).append('\n');
    lines.forEach((what, figure) -> table.append("%-34s %s%n".formatted(what, figure)));
    System.out.print(table);
  }
}
