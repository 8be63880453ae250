package com.gptdesk.chat.service.settings;

import com.gptdesk.chat.service.text.NearestName;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** All settings of a program, in the order in which help shows them. */
public final class SettingList {

  private final List<SettingGroup> groups;
  private final List<Setting<?>> all;
  private final Map<String, Setting<?>> byName = new TreeMap<>();

  /** The groups of all stations. */
  public SettingList(SettingGroup... groups) {
    this.groups = List.of(groups);
    all = this.groups.stream().<Setting<?>>flatMap(group -> group.settings().stream()).toList();
    for (Setting<?> setting : all) {
      if (byName.put(setting.name(), setting) != null) {
        throw new IllegalArgumentException(setting.name() + " is named twice");
      }
    }
  }

  public List<SettingGroup> groups() {
    return groups;
  }

  public List<Setting<?>> all() {
    return all;
  }

  public boolean isKnown(String name) {
    return byName.containsKey(name);
  }

  /** Names in the environment that begin as ours do and are none, sorted. */
  public List<String> unknown(Map<String, String> environment, String prefix) {
    return new TreeSet<>(environment.keySet())
        .stream().filter(name -> name.startsWith(prefix) && !isKnown(name)).toList();
  }

  /** The name somebody who wrote this one meant; null when none is like it. */
  public @Nullable String nearest(String written) {
    return NearestName.in(byName.keySet(), written);
  }

  /** What was set, one a line. */
  public List<String> printed(Map<String, String> environment) {
    return all.stream()
        .filter(setting -> !environment.getOrDefault(setting.name(), "").isBlank())
        .map(
            setting ->
                setting.name()
                    + "="
                    + setting.print(environment.getOrDefault(setting.name(), "").strip()))
        .toList();
  }

  /** All groups, as help shows them. */
  public String help() {
    return groups.stream().map(SettingGroup::help).collect(Collectors.joining("%n".formatted()));
  }
}
