package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.internal.chat.tables.records.ServedColumnsRecord;
import com.gptdesk.chat.jooq.Public;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.text.NearestName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jooq.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The tables that are served, and their relationships. Read at the first use and again when it is
 * older than a minute, or older than a second and somebody names what is not in it. So a migration
 * and a grant are noticed without a restart.
 *
 * <p>Thread-safe; a call may query the database.
 */
public final class TableCatalogue {

  /** What was read. */
  record Tables(Map<String, ServedTable> tables, List<Relationship> relationships) {

    /**
     * The table of that name.
     *
     * @throws Problem.Stop PGRST205 when none is served
     */
    ServedTable table(String name) {
      ServedTable table = tables.get(name);
      if (table == null) {
        String nearest = NearestName.in(tables.keySet(), name);
        throw Problem.of(
                404,
                "PGRST205",
                "Could not find the table 'public." + name + "' in the schema cache")
            .withHint(
                nearest == null
                    ? "CHAT_SERVED_TABLES names the tables that are served beside the chat's own"
                    : "Perhaps you meant the table 'public." + nearest + "'")
            .stop();
      }
      return table;
    }

    /**
     * The relationship that a client means.
     *
     * @param hint null for none
     * @throws Problem.Stop PGRST200 when there is none, PGRST201 when there are several
     */
    Relationship relationship(ServedTable from, String target, @Nullable String hint) {
      List<Relationship> fitting =
          relationships.stream()
              .filter(r -> r.from().equals(from.name()) && r.isNamed(target))
              .filter(r -> hint == null || r.isHinted(hint))
              .toList();
      // As in PostgREST, who writes a function of the row means it in place of a key.
      for (Relationship one : fitting) {
        if (one.isComputed()) {
          return one;
        }
      }
      return switch (fitting.size()) {
        case 0 -> throw unknown(from, target, hint).stop();
        case 1 -> fitting.getFirst();
        default -> throw ambiguous(from, target, fitting).stop();
      };
    }

    private Problem unknown(ServedTable from, String target, @Nullable String hint) {
      List<String> others =
          relationships.stream()
              .filter(r -> r.from().equals(from.name()))
              .map(Relationship::to)
              .distinct()
              .toList();
      String nearest = NearestName.in(Set.copyOf(others), target);
      return Problem.of(
              400,
              "PGRST200",
              "Could not find a relationship between '%s' and '%s' in the schema cache"
                  .formatted(from.name(), target))
          .withDetails(
              "Searched for a foreign key relationship between '%s' and '%s'%s in the schema 'public', but no matches were found."
                  .formatted(
                      from.name(), target, hint == null ? "" : " using the hint '" + hint + "'"))
          .withHint(
              nearest == null || nearest.equals(target)
                  ? null
                  : "Perhaps you meant '%s' instead of '%s'.".formatted(nearest, target));
    }

    private static Problem ambiguous(ServedTable from, String target, List<Relationship> fitting) {
      return Problem.of(
              300,
              "PGRST201",
              "Could not embed because more than one relationship was found for '%s' and '%s'"
                  .formatted(from.name(), target))
          .withDetails(
              fitting.stream()
                  .map(r -> r.cardinality() + ": " + r.shown())
                  .collect(Collectors.joining("; ")))
          .withHint(
              "Try changing '%s' to one of the following: %s. Find the desired relationship in the 'details' key."
                  .formatted(
                      target,
                      fitting.stream()
                          .map(r -> "'" + r.to() + "!" + r.name() + "'")
                          .collect(Collectors.joining(", "))));
    }
  }

  private static final long OLD = Duration.ofMinutes(1).toNanos();
  private static final long READ_AGAIN_AFTER = Duration.ofSeconds(1).toNanos();

  private final Supplier<Tables> source;
  private final LongSupplier nanoClock;
  private final ReentrantLock reading = new ReentrantLock();
  private volatile @Nullable Tables tables;
  private volatile long readAt;

  /**
   * @param others names of tables that are served beside the chat's own; a star stands for any
   *     letters
   * @param functions names of functions that are served beside the chat's own, likewise
   */
  public TableCatalogue(ServiceDatabase database, List<String> others, List<String> functions) {
    this(() -> read(database, others, functions), System::nanoTime);
  }

  TableCatalogue(Supplier<Tables> source, LongSupplier nanoClock) {
    this.source = source;
    this.nanoClock = nanoClock;
  }

  /** What is known, and has this table where the database serves it. */
  Tables with(String table) {
    Tables known = tables;
    long read = readAt;
    return known == null || nanoClock.getAsLong() - read > OLD || !known.tables().containsKey(table)
        ? readAgain(read)
        : known;
  }

  /** What is known, read again when it is old. */
  Tables current() {
    Tables known = tables;
    long read = readAt;
    return known == null || nanoClock.getAsLong() - read > OLD ? readAgain(read) : known;
  }

  /** Whether what was read last has a table of that name. */
  boolean knows(String table) {
    Tables known = tables;
    return known != null && known.tables().containsKey(table);
  }

  /** The name when a table of that name is served, otherwise "unknown". */
  String nameOf(String table) {
    return knows(table) ? table : "unknown";
  }

  /** Reads again, unless another thread has since or it was read a moment ago. */
  private Tables readAgain(long staleSince) {
    reading.lock();
    try {
      Tables known = tables;
      long now = nanoClock.getAsLong();
      if (known != null && (readAt != staleSince || now - readAt < READ_AGAIN_AFTER)) {
        return known;
      }
      Tables fresh = source.get();
      readAt = now;
      tables = fresh;
      return fresh;
    } finally {
      reading.unlock();
    }
  }

  private static Tables read(
      ServiceDatabase database, List<String> others, List<String> functions) {
    return database.asItself(tx -> read(tx.configuration(), others, functions));
  }

  /** What a database serves. */
  static Tables read(Configuration database, List<String> others, List<String> functions) {
    Map<String, ServedTable> tables = tables(database, others);
    List<Relationship> relationships = new ArrayList<>();
    for (var row : Routines.rowFunctions(database, functions.toArray(String[]::new))) {
      ServedTable of = tables.get(row.getTableName());
      String target = row.getTargetName();
      if (of != null && target == null) {
        of.computed()
            .put(row.getName(), ServedTable.Column.of(row.getName(), row.getTypeName(), true));
      } else if (of != null && tables.containsKey(target)) {
        relationships.add(
            Relationship.computed(row.getName(), of.name(), target, row.getIsSingle()));
      }
    }
    relationships.addAll(keys(database, tables));
    relationships.addAll(manyToMany(tables, relationships));
    return new Tables(Map.copyOf(tables), List.copyOf(relationships));
  }

  private static Map<String, ServedTable> tables(Configuration database, List<String> others) {
    Map<String, List<ServedTable.Column>> columns = new LinkedHashMap<>();
    Map<String, ServedColumnsRecord> last = new LinkedHashMap<>();
    for (var row : Routines.servedColumns(database, others.toArray(String[]::new))) {
      last.put(row.getTableName(), row);
      columns
          .computeIfAbsent(row.getTableName(), name -> new ArrayList<>())
          .add(
              new ServedTable.Column(
                  row.getColumnName(),
                  row.getTypeName(),
                  row.getKeyPlace() == null ? 0 : row.getKeyPlace(),
                  Set.of(row.getReadableBy()),
                  false,
                  new ServedTable.Writing(
                      Set.of(row.getInsertableBy()),
                      Set.of(row.getUpdatableBy()),
                      row.getIsRequired(),
                      row.getComment())));
    }
    Map<String, ServedTable> tables = new LinkedHashMap<>();
    last.forEach(
        (name, row) ->
            tables.put(
                name,
                new ServedTable(
                    name,
                    Public.PUBLIC.getTable(name) != null,
                    ServedTable.byName(columns.getOrDefault(name, List.of())),
                    new LinkedHashMap<>(),
                    Set.of(row.getDeletableBy()),
                    row.getTableComment())));
    return tables;
  }

  /** Foreign keys and what is declared as such, both ways. */
  private static List<Relationship> keys(Configuration database, Map<String, ServedTable> tables) {
    List<Relationship> relationships = new ArrayList<>();
    for (var row : Routines.relationships(database)) {
      List<String> own = List.of(row.getColumns());
      List<String> targets = List.of(row.getTargetColumns());
      ServedTable of = tables.get(row.getTableName());
      ServedTable target = tables.get(row.getTargetName());
      if (of != null
          && target != null
          && of.columns().keySet().containsAll(own)
          && target.columns().keySet().containsAll(targets)) {
        relationships.add(
            new Relationship(row.getName(), of.name(), own, target.name(), targets, true, true));
        relationships.add(
            new Relationship(
                row.getName(), target.name(), targets, of.name(), own, false, row.getIsSingle()));
      }
    }
    return relationships;
  }

  /** Through tables whose primary key has two foreign keys. */
  private static List<Relationship> manyToMany(
      Map<String, ServedTable> tables, List<Relationship> relationships) {
    List<Relationship> through = new ArrayList<>();
    List<Relationship> keys =
        relationships.stream()
            .filter(Relationship::forward)
            .filter(
                r -> {
                  ServedTable between = tables.get(r.from());
                  return between != null && between.key().containsAll(r.columns());
                })
            .toList();
    for (Relationship own : keys) {
      for (Relationship other : keys) {
        if (own.from().equals(other.from()) && !own.name().equals(other.name())) {
          through.add(Relationship.through(own.from(), own, other));
        }
      }
    }
    return through;
  }
}
