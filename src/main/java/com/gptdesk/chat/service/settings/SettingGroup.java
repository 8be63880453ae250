package com.gptdesk.chat.service.settings;

import java.util.ArrayList;
import java.util.List;

/**
 * Settings that belong together: a heading of {@code --help} and a section of {@code
 * docs/configuration.md}.
 *
 * @param title the heading
 * @param settings in the order in which they are shown
 */
public record SettingGroup(String title, List<Setting<?>> settings) {

  public SettingGroup {
    settings = List.copyOf(settings);
  }

  /** With more settings behind them. */
  public SettingGroup and(List<Setting<?>> more) {
    List<Setting<?>> all = new ArrayList<>(settings);
    all.addAll(more);
    return new SettingGroup(title, all);
  }

  /** As help shows them. */
  String help() {
    StringBuilder help = new StringBuilder("%n%s:".formatted(title));
    for (Setting<?> setting : settings) {
      help.append(
          "%n  %s (default: %s; %s)%n      %s"
              .formatted(
                  setting.name(),
                  setting.shownDefault(),
                  setting.range(),
                  setting.meaning().replace("`", "")));
    }
    return help.toString();
  }

  /** A Markdown table of them, line by line. */
  public List<String> table() {
    List<String> lines = new ArrayList<>();
    lines.add("| variable | default | range | meaning |");
    lines.add("|---|---|---|---|");
    for (Setting<?> setting : settings) {
      lines.add(
          "| `%s` | %s | %s | %s |"
              .formatted(
                  setting.name(), setting.shownDefault(), setting.range(), setting.meaning()));
    }
    return lines;
  }
}
