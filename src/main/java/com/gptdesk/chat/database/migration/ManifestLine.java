package com.gptdesk.chat.database.migration;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One line of the manifest.
 *
 * @param kind {@code policy}, {@code right}, {@code body} …
 * @param subject its table, function, schema or role
 * @param name its name; empty where a subject has only one
 * @param facts its definition
 * @param restored the definition as PostgreSQL prints it after a restored dump, which may have
 *     fewer parentheses
 * @param instance the partition, where the subject means all of them
 */
record ManifestLine(
    String kind,
    String subject,
    String name,
    String facts,
    @Nullable String restored,
    @Nullable String instance) {

  String id() {
    String id = kind + " " + Objects.requireNonNullElse(instance, subject);
    return name.isEmpty() ? id : id + " " + name;
  }

  ManifestLine of(String partition) {
    return new ManifestLine(kind, subject, name, facts, restored, partition);
  }

  ManifestLine alsoAs(@Nullable String facts) {
    return new ManifestLine(
        kind, subject, name, this.facts, this.facts.equals(facts) ? null : facts, instance);
  }

  boolean isAs(ManifestLine found) {
    return found.facts.equals(facts) || found.facts.equals(restored);
  }

  /** Without the arguments of a function. */
  String bareSubject() {
    int arguments = subject.indexOf('(');
    return arguments < 0 ? subject : subject.substring(0, arguments);
  }
}
