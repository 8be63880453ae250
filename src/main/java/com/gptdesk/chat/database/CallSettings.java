package com.gptdesk.chat.database;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What holds while a statement runs, beside who calls.
 *
 * @param findsPublic whether names without a schema are found in schema public, as an operator's
 *     function expects. Not while client roles may create there: somebody else's operator would run
 *     with the rights of the function
 * @param values PostgreSQL's settings by name, in order
 * @param rollsBack whether the transaction is undone when the answer is made
 */
public record CallSettings(boolean findsPublic, Map<String, String> values, boolean rollsBack) {

  /** Copies the settings. */
  public CallSettings {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    for (String name : values.keySet()) {
      if (!name.matches("[a-z_]+(\\.[a-z]+)?")) {
        throw new IllegalArgumentException(name + " is no name of a setting");
      }
    }
  }

  /** The statement that sets them, with a parameter for each; empty for none. */
  String statement() {
    StringBuilder text = new StringBuilder();
    for (String name : values.keySet()) {
      text.append(text.isEmpty() ? "select " : ", ")
          .append("set_config('")
          .append(name)
          .append("', ?, true)");
    }
    return text.isEmpty() ? "" : text.append("; ").toString();
  }
}
