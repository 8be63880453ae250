package com.gptdesk.chat.service.database;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import java.util.Set;
import org.jooq.Record1;
import org.jspecify.annotations.Nullable;

/** The names of the database's time zones, read at the first use. Thread-safe. */
public final class TimeZones {
  private final ServiceDatabase database;
  private volatile @Nullable Set<String> names;

  /** Reads nothing yet. */
  public TimeZones(ServiceDatabase database) {
    this.database = database;
  }

  /** The names. May query the database. */
  public Set<String> names() {
    Set<String> known = names;
    if (known == null) {
      known = in(database);
      names = known;
    }
    return known;
  }

  /** Queries the database. */
  public static Set<String> in(ServiceDatabase database) {
    return database.asItself(
        tx ->
            Set.copyOf(
                tx.select(field(name("name"), String.class))
                    .from(name("pg_catalog", "pg_timezone_names"))
                    .fetch(Record1::value1)));
  }
}
