package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.text.NearestName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The functions in the database and how each is called. Read at the first use, and again for an
 * unknown function, at most once a second. So a migration is noticed without a restart.
 *
 * <p>Thread-safe; a call may query the database.
 */
final class FunctionCatalogue {
  /** Reads from the database. Both methods may throw its exceptions. */
  interface Source {
    /** All functions that clients may call. */
    List<CallableFunction> functions();

    /** The statement that calls a function with exactly these arguments. */
    String statement(String function, List<String> argumentNames);

    /** The same, for a part of the result. */
    String statement(String function, List<String> argumentNames, String shape);

    /** The names of the database's time zones. */
    Set<String> timeZones();
  }

  private static final long READ_AGAIN_AFTER = Duration.ofSeconds(1).toNanos();

  /** What was read, with an increasing version. */
  private record Snapshot(
      long version,
      Map<String, List<CallableFunction>> functions,
      Map<List<String>, String> statements) {}

  private final Source source;
  private final LongSupplier nanoClock;
  private final ReentrantLock reading = new ReentrantLock();
  private volatile @Nullable Snapshot snapshot;
  private volatile @Nullable Set<String> timeZones;
  private long readAt;

  FunctionCatalogue(Source source) {
    this(source, System::nanoTime);
  }

  FunctionCatalogue(Source source, LongSupplier nanoClock) {
    this.source = source;
    this.nanoClock = nanoClock;
  }

  /**
   * The function of that name with exactly these arguments.
   *
   * @throws Problem.Stop PGRST202 when there is none, PGRST203 when there are several
   */
  CallableFunction find(String name, Set<String> arguments) {
    Snapshot known = current();
    List<CallableFunction> fitting = fitting(known, name, arguments);
    if (fitting.isEmpty()) {
      known = readAgain(known.version());
      fitting = fitting(known, name, arguments);
    }
    return switch (fitting.size()) {
      case 0 -> throw unknown(known, name, new TreeSet<>(arguments)).stop();
      case 1 -> fitting.getFirst();
      default -> throw ambiguous(fitting, name, new TreeSet<>(arguments)).stop();
    };
  }

  /** Whether any function has this argument, to distinguish arguments from filters in a query. */
  boolean hasArgument(String name, String argument) {
    return current().functions().getOrDefault(name, List.of()).stream()
        .anyMatch(function -> function.argumentNames().contains(argument));
  }

  /** Whether there is a function of that name. */
  boolean serves(String name) {
    Snapshot known = current();
    return known.functions().containsKey(name)
        || readAgain(known.version()).functions().containsKey(name);
  }

  /** Whether what was read last has a function of that name. */
  boolean knows(String name) {
    Snapshot known = snapshot;
    return known != null && known.functions().containsKey(name);
  }

  /** The name when a known function has it, otherwise "unknown". */
  String nameOf(String name) {
    return knows(name) ? name : "unknown";
  }

  /** The SQL that calls this function with these arguments and the defaults of the others. */
  String statement(CallableFunction function, Set<String> arguments) {
    List<String> key = new ArrayList<>();
    key.add(function.name());
    key.addAll(new TreeSet<>(arguments));
    // There are few, since only argument sets of known functions come here.
    return current()
        .statements()
        .computeIfAbsent(
            key,
            names ->
                source.statement(names.getFirst(), List.copyOf(names.subList(1, names.size()))));
  }

  /** The SQL that calls this function and shapes its result. Not kept: there are any number. */
  String statement(CallableFunction function, Set<String> arguments, String shape) {
    return source.statement(function.name(), List.copyOf(new TreeSet<>(arguments)), shape);
  }

  /** The names of the database's time zones, read at the first use. */
  Set<String> timeZones() {
    Set<String> known = timeZones;
    if (known == null) {
      known = source.timeZones();
      timeZones = known;
    }
    return known;
  }

  private static List<CallableFunction> fitting(
      Snapshot known, String name, Set<String> arguments) {
    return known.functions().getOrDefault(name, List.of()).stream()
        .filter(function -> function.takes(arguments))
        .toList();
  }

  private Snapshot current() {
    Snapshot known = snapshot;
    return known != null ? known : readAgain(0);
  }

  /** Reads again, unless another thread has since that version or it was read a moment ago. */
  private Snapshot readAgain(long staleVersion) {
    reading.lock();
    try {
      Snapshot known = snapshot;
      long now = nanoClock.getAsLong();
      if (known != null && (known.version() != staleVersion || now - readAt < READ_AGAIN_AFTER)) {
        return known;
      }
      Map<String, List<CallableFunction>> functions =
          source.functions().stream().collect(Collectors.groupingBy(CallableFunction::name));
      Snapshot fresh =
          new Snapshot(
              known == null ? 1 : known.version() + 1, functions, new ConcurrentHashMap<>());
      snapshot = fresh;
      readAt = now;
      return fresh;
    } finally {
      reading.unlock();
    }
  }

  private static Problem unknown(Snapshot known, String name, Collection<String> arguments) {
    String call = CallableFunction.shown(name, arguments);
    String with =
        arguments.isEmpty()
            ? " without parameters"
            : " with parameter"
                + (arguments.size() == 1 ? " " : "s ")
                + String.join(", ", arguments);
    return Problem.of(
            404, "PGRST202", "Could not find the function " + call + " in the schema cache")
        .withDetails(
            "Searched for the function public."
                + name
                + with
                + ", but no matches were found in the schema cache.")
        .withHint(hint(known, name));
  }

  private static @Nullable String hint(Snapshot known, String name) {
    List<CallableFunction> sameName = known.functions().get(name);
    if (sameName != null) {
      return "Perhaps you meant to call the function public." + signatures(sameName);
    }
    String nearest = NearestName.in(known.functions().keySet(), name);
    return nearest == null
        ? null
        : "Perhaps you meant to call the function public."
            + signatures(known.functions().getOrDefault(nearest, List.of()));
  }

  private static Problem ambiguous(
      List<CallableFunction> fitting, String name, Collection<String> arguments) {
    return Problem.of(
            300,
            "PGRST203",
            "Could not choose the best candidate function between: public." + signatures(fitting))
        .withDetails("All of them take " + CallableFunction.shown(name, arguments))
        .withHint("Name more of the arguments, so that only one function has them all");
  }

  private static String signatures(List<CallableFunction> functions) {
    return functions.stream()
        .map(CallableFunction::signature)
        .collect(Collectors.joining(", public."));
  }
}
