package com.gptdesk.chat.service.settings;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** All settings of a program, in the order in which help shows them. */
public final class SettingList {

  /** How many letters may be wrong in a name that is taken for a slip. */
  private static final int FARTHEST = 4;

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
    return byName.keySet().stream()
        .filter(name -> distance(name, written) <= FARTHEST)
        .min(Comparator.<String>comparingInt(name -> distance(name, written)).thenComparing(n -> n))
        .orElse(null);
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

  /** How many letters must be changed, added or left out. */
  private static int distance(String one, String other) {
    int[] last = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      last[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int[] next = new int[other.length() + 1];
      next[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int change = one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1;
        next[j] = Math.min(last[j - 1] + change, 1 + Math.min(last[j], next[j - 1]));
      }
      last = next;
    }
    return last[other.length()];
  }
}
