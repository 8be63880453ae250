package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.rest.FunctionRows;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A function that clients may call, from the database's catalogue.
 *
 * @param name its name in schema public
 * @param writes whether it is VOLATILE; others run read-only and may be called by GET
 * @param result the kind of result
 * @param argumentNames in order
 * @param argumentTypes in the same order
 * @param requiredArguments how many leading arguments have no default
 * @param isOurs whether it is the chat's own; others are an operator's
 * @param returned the rows that it returns
 * @param executableBy the client roles that may call it
 * @param comment what the database says of it, if anything
 */
public record CallableFunction(
    String name,
    boolean writes,
    Result result,
    List<String> argumentNames,
    List<String> argumentTypes,
    int requiredArguments,
    boolean isOurs,
    FunctionRows.Result returned,
    Set<String> executableBy,
    @Nullable String comment) {

  /** What a function's one argument is called that has no name and takes the whole body. */
  static final String WHOLE_BODY = "";

  /** One that everybody may call, and whose rows are not known. */
  public CallableFunction(
      String name,
      boolean writes,
      Result result,
      List<String> argumentNames,
      List<String> argumentTypes,
      int requiredArguments,
      boolean isOurs) {
    this(
        name,
        writes,
        result,
        argumentNames,
        argumentTypes,
        requiredArguments,
        isOurs,
        new FunctionRows.Result(null, Map.of()),
        Set.of("anon", "authenticated", "service_role"),
        null);
  }

  /** The kind of a function's result, which decides the form of the answer. */
  enum Result {
    /** Nothing: 204. */
    VOID,
    /** One value: bare JSON. */
    SCALAR,
    /** One row: an object. */
    COMPOSITE,
    /** Rows: an array. */
    SET;

    /** Parses the catalogue's word. */
    static Result of(String word) {
      return valueOf(word.toUpperCase(Locale.ROOT));
    }
  }

  public CallableFunction {
    argumentNames = List.copyOf(argumentNames);
    argumentTypes = List.copyOf(argumentTypes);
  }

  /** Whether these names are arguments of this function and include all required ones. */
  boolean takes(Set<String> names) {
    return new HashSet<>(argumentNames).containsAll(names)
        && names.containsAll(argumentNames.subList(0, requiredArguments));
  }

  /** The type of the whole body that it takes; null when it takes arguments by name. */
  @Nullable String bodyType() {
    return argumentNames.equals(List.of(WHOLE_BODY)) ? argumentTypes.getFirst() : null;
  }

  /** Whether its result has columns that a client may choose from. */
  boolean hasRows() {
    return result == Result.SET || result == Result.COMPOSITE;
  }

  /** The type of an argument; "" when there is none of that name. */
  String typeOf(String argument) {
    int index = argumentNames.indexOf(argument);
    return index < 0 ? "" : argumentTypes.get(index);
  }

  /** The arguments for an error message: {@code conversation_id, content, id (optional)}. */
  String signature() {
    return IntStream.range(0, argumentNames.size())
        .mapToObj(i -> argumentNames.get(i) + (i < requiredArguments ? "" : " (optional)"))
        .collect(Collectors.joining(", ", name + "(", ")"));
  }

  /** The arguments with their types, as PostgREST's error shows them: {@code name(a => text)}. */
  String typedSignature() {
    return IntStream.range(0, argumentNames.size())
        .mapToObj(i -> argumentNames.get(i) + " => " + argumentTypes.get(i))
        .collect(Collectors.joining(", ", name + "(", ")"));
  }

  /** A call of this function in an error message: {@code public.name(a, b)}. */
  static String shown(String name, Collection<String> arguments) {
    return arguments.isEmpty()
        ? "public." + name + " without parameters"
        : "public." + name + "(" + String.join(", ", arguments) + ")";
  }
}
