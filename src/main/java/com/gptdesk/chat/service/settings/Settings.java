package com.gptdesk.chat.service.settings;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The environment, read setting by setting; what is wrong is remembered, so that it is told at
 * once.
 */
public final class Settings {

  private final Map<String, String> environment;
  private final List<String> problems = new ArrayList<>();

  public Settings(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  /** The value, or the default when it is not set or is none. */
  public <T extends @Nullable Object> T get(Setting<T> setting) {
    String text = text(setting);
    if (text == null) {
      return setting.otherwise();
    }
    T value = setting.parse(text);
    if (value == null) {
      problem(setting.problem(text));
      return setting.otherwise();
    }
    return value;
  }

  /** False also when it is empty, as compose files and shells make them. */
  public boolean has(Setting<?> setting) {
    return text(setting) != null;
  }

  /** One sentence that says what to do. */
  public void problem(String sentence) {
    problems.add(sentence);
  }

  /** What was wrong so far, one sentence each. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  private @Nullable String text(Setting<?> setting) {
    String text = environment.get(setting.name());
    return text == null || text.isBlank() ? null : text.strip();
  }
}
