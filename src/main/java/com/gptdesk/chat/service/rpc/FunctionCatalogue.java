package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.text.NearestName;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
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
public final class FunctionCatalogue {
  /** Reads from the database. Its methods may throw its exceptions. */
  public interface Source {
    /** All functions that clients may call. */
    List<CallableFunction> functions();

    /** The statement that calls a function with exactly these arguments. */
    String statement(CallableFunction function, List<String> argumentNames);

    /**
     * The same for the rows of the result and their columns.
     *
     * @param withRow whether each row is needed as a whole, too
     */
    String rows(CallableFunction function, List<String> argumentNames, boolean withRow);

    /** The names of the database's time zones. */
    Set<String> timeZones();
  }

  private static final long READ_AGAIN_AFTER = Duration.ofSeconds(1).toNanos();

  /** What was read, with an increasing version. */
  private record Snapshot(
      long version, Map<String, List<CallableFunction>> functions, Map<Call, String> statements) {}

  /**
   * What has one statement.
   *
   * @param withRow null when the whole result is wanted
   */
  private record Call(
      CallableFunction function, List<String> arguments, @Nullable Boolean withRow) {}

  private final Source source;
  private final LongSupplier nanoClock;
  private final ReentrantLock reading = new ReentrantLock();
  private volatile @Nullable Snapshot snapshot;
  private volatile @Nullable Set<String> timeZones;
  private long readAt;

  public FunctionCatalogue(Source source) {
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
    return find(name, arguments, Set.of());
  }

  /**
   * The same, or where none takes these arguments the one that takes the whole body.
   *
   * @param bodyTypes types of a parameter that take the request's body; none where it has none. A
   *     body that is not JSON names no arguments
   * @throws Problem.Stop as {@link #find(String, Set)}
   */
  CallableFunction find(String name, Set<String> arguments, Set<String> bodyTypes) {
    boolean areNamed = bodyTypes.isEmpty() || bodyTypes.equals(RpcArguments.JSON_TYPES);
    Snapshot known = current();
    for (int attempt = 0; ; attempt++) {
      List<CallableFunction> named = areNamed ? fitting(known, name, arguments) : List.of();
      List<CallableFunction> all =
          named.isEmpty()
              ? known.functions().getOrDefault(name, List.of()).stream()
                  .filter(function -> bodyTypes.contains(String.valueOf(function.bodyType())))
                  .toList()
              : named;
      if (all.size() == 1) {
        return all.getFirst();
      }
      if (all.size() > 1) {
        throw ambiguous(all).stop();
      }
      if (attempt > 0) {
        throw unknown(known, name, new TreeSet<>(arguments), bodyTypes).stop();
      }
      known = readAgain(known.version());
    }
  }

  /** All functions by name, read again when that was not a moment ago. */
  Map<String, List<CallableFunction>> all() {
    return readAgain(current().version()).functions();
  }

  /** Whether a function of that name takes a whole body of one of these types. */
  boolean takesBody(String name, Set<String> types) {
    return serves(name)
        && current().functions().getOrDefault(name, List.of()).stream()
            .anyMatch(function -> types.contains(String.valueOf(function.bodyType())));
  }

  /** Whether any function has this argument, to distinguish arguments from filters in a query. */
  boolean hasArgument(String name, String argument) {
    return current().functions().getOrDefault(name, List.of()).stream()
        .anyMatch(
            function -> function.bodyType() == null && function.argumentNames().contains(argument));
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
    return statement(new Call(function, List.copyOf(new TreeSet<>(arguments)), null));
  }

  /** The SQL that returns the rows of the result; see {@link Source#rows}. */
  String rows(CallableFunction function, Set<String> arguments, boolean withRow) {
    return statement(new Call(function, List.copyOf(new TreeSet<>(arguments)), withRow));
  }

  private String statement(Call call) {
    // There are few, since only argument sets of known functions come here.
    return current()
        .statements()
        .computeIfAbsent(
            call,
            one ->
                one.withRow() == null
                    ? source.statement(one.function(), one.arguments())
                    : source.rows(one.function(), one.arguments(), one.withRow()));
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
      // Whoever asks for the description, or for what is not there, makes nobody's call slower.
      Snapshot fresh =
          known != null && known.functions().equals(functions)
              ? new Snapshot(known.version() + 1, functions, known.statements())
              : new Snapshot(
                  known == null ? 1 : known.version() + 1, functions, new ConcurrentHashMap<>());
      snapshot = fresh;
      readAt = now;
      return fresh;
    } finally {
      reading.unlock();
    }
  }

  private static Problem unknown(
      Snapshot known, String name, Collection<String> arguments, Set<String> bodyTypes) {
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
                + (bodyTypes.isEmpty()
                    ? ""
                    : " or with a single unnamed "
                        + String.join("/", new TreeSet<>(bodyTypes))
                        + " parameter")
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

  private static Problem ambiguous(List<CallableFunction> fitting) {
    return Problem.of(
            300,
            "PGRST203",
            "Could not choose the best candidate function between: "
                + fitting.stream()
                    .sorted(
                        Comparator.comparingInt(
                                (CallableFunction one) -> one.argumentNames().size())
                            .thenComparing(CallableFunction::typedSignature))
                    .map(function -> "public." + function.typedSignature())
                    .collect(Collectors.joining(", ")))
        .withHint(
            "Try renaming the parameters or the function itself in the database so function overloading can be resolved");
  }

  private static String signatures(List<CallableFunction> functions) {
    return functions.stream()
        .map(CallableFunction::signature)
        .collect(Collectors.joining(", public."));
  }
}
