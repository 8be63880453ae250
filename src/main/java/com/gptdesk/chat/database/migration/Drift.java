package com.gptdesk.chat.database.migration;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One cause of differences between a database and the migrations; it may have many effects.
 *
 * @param id its id in the file of accepted changes
 * @param what the change as a sentence
 * @param subjects the affected tables, functions and roles
 * @param ids the ids of all its differences
 */
public record Drift(String id, String what, Set<String> subjects, Set<String> ids) {

  /** More changes of one kind than this are reported in one line. */
  private static final int SEVERAL = 4;

  private static final int LONGEST = 160;

  /** Kinds that create an object; without it, its other lines are missing, too. */
  private static final Set<String> EXISTENCE = Set.of("relation", "function");

  /** Kinds that a partition inherits; it has its own rights and row-level security. */
  private static final Set<String> INHERITED = Set.of("constraint", "index", "trigger");

  /** A line that differs; one of the two is null when it is missing or not the chat's. */
  record Difference(
      String id,
      @Nullable ManifestLine expected,
      @Nullable ManifestLine actual,
      List<String> inherited) {

    Difference(String id, @Nullable ManifestLine expected, @Nullable ManifestLine actual) {
      this(id, expected, actual, List.of());
    }

    ManifestLine line() {
      return Objects.requireNonNull(expected != null ? expected : actual);
    }

    /** Its name in the database. */
    String subject() {
      return Objects.requireNonNullElse(line().instance(), line().subject());
    }

    String facts(@Nullable ManifestLine line) {
      return line == null ? "nothing" : line.facts();
    }

    String state() {
      return expected == null ? "extra" : actual == null ? "missing" : "changed";
    }
  }

  /** What an index that is being made differs by, as one cause. */
  private static final String SEARCH_INDEX = "index of search_messages";

  private static final Set<String> SEARCH_INDEXES =
      Set.of("former_content_search_idx", "idx_user_messages_content_search");

  /**
   * {@return whether {@code migrate} only has not completed it yet} Until then the chat answers as
   * it should, but for the time that a search takes.
   */
  public boolean isBeingMade() {
    return id.equals(SEARCH_INDEX);
  }

  /** The causes of these differences; an accepted one covers its effects. */
  static List<Drift> causes(List<Difference> differences, Accepted accepted) {
    Set<String> taken =
        causes(differences).stream()
            .filter(cause -> accepted.covers(cause.id()))
            .flatMap(cause -> cause.ids().stream())
            .collect(Collectors.toSet());
    return causes(
        differences.stream()
            .filter(some -> !taken.contains(some.id()) && !accepted.covers(some.id()))
            .toList());
  }

  /** The causes of these differences. */
  private static List<Drift> causes(List<Difference> differences) {
    List<Drift> causes = new ArrayList<>();
    List<Difference> left = new ArrayList<>(differences);
    searchIndex(left, causes);
    wholeThings(left, causes);
    owners(left, causes);
    inherited(left);
    alike(left, causes);
    return causes;
  }

  /** The index of an earlier version, as long as it is not of this one. */
  private static void searchIndex(List<Difference> left, List<Drift> causes) {
    boolean isOfAnother =
        left.stream()
            .anyMatch(
                some -> some.line().kind().equals("version") && some.state().equals("changed"));
    if (isOfAnother) {
      List<Difference> parts =
          take(
              left,
              some ->
                  SEARCH_INDEXES.contains(some.line().name())
                      || (some.state().equals("extra")
                          && some.line().bareSubject().equals("chat.search_terms")));
      causes.add(
          new Drift(
              SEARCH_INDEX,
              "the index of search_messages is not of this version: `migrate` makes it, and searches are slower until then",
              Set.of("public.user_messages"),
              ids(parts)));
    }
  }

  /** A table or function that was added or dropped explains all that belongs to it. */
  private static void wholeThings(List<Difference> left, List<Drift> causes) {
    Map<String, Difference> whole = new TreeMap<>();
    for (Difference difference : left) {
      if (EXISTENCE.contains(difference.line().kind()) && !difference.state().equals("changed")) {
        whole.put(difference.subject(), difference);
      }
    }
    Map<String, List<Difference>> byState = new TreeMap<>();
    whole.forEach(
        (subject, difference) -> {
          List<Difference> parts = take(left, part -> part.subject().equals(subject));
          byState
              .computeIfAbsent(
                  difference.state() + difference.line().kind(), state -> new ArrayList<>())
              .add(
                  new Difference(
                      difference.id(),
                      difference.expected(),
                      difference.actual(),
                      List.copyOf(ids(parts))));
          if (difference.state().equals("extra")) {
            causes.add(extra(difference, parts));
          }
        });
    byState.forEach(
        (state, some) -> {
          if (state.startsWith("missing")) {
            causes.addAll(folded(some, Drift::sentence));
          }
        });
  }

  /** An object of that name or in the chat's schemas that is not the chat's, and who may use it. */
  private static Drift extra(Difference thing, List<Difference> parts) {
    String open =
        parts.stream()
            .filter(part -> part.line().kind().endsWith("right"))
            .filter(part -> !part.line().name().equals("<owner>"))
            .map(part -> part.line().name() + " (" + part.line().facts() + ")")
            .collect(Collectors.joining(", "));
    boolean unprotected =
        parts.stream()
            .anyMatch(
                part ->
                    part.line().kind().equals("row-level security")
                        && part.line().facts().startsWith("off"));
    return new Drift(
        thing.id(),
        "%s %s is not the chat's%s%s"
            .formatted(
                kindOf(thing.line()),
                thing.subject(),
                open.isEmpty() ? "" : ", open to " + open,
                unprotected && !open.isEmpty() ? ", without row-level security" : ""),
        subjects(List.of(thing)),
        ids(parts));
  }

  /** Objects with another owner, by that owner; the rights of both owners belong to it. */
  private static void owners(List<Difference> left, List<Drift> causes) {
    Map<String, List<Difference>> byOwner = new TreeMap<>();
    for (Difference difference : take(left, some -> some.line().kind().equals("owner"))) {
      byOwner
          .computeIfAbsent(difference.facts(difference.actual()), owner -> new ArrayList<>())
          .add(difference);
    }
    byOwner.forEach(
        (owner, taken) -> {
          Set<String> names =
              taken.stream()
                  .map(Difference::subject)
                  .collect(Collectors.toCollection(TreeSet::new));
          Set<String> ids = ids(taken);
          ids.addAll(
              ids(
                  take(
                      left,
                      part ->
                          part.line().kind().equals("right")
                              && names.contains(part.subject())
                              && List.of(owner, "<owner>").contains(part.line().name()))));
          causes.add(
              new Drift(
                  taken.size() == 1 ? taken.getFirst().id() : "owner *",
                  "%s to %s, not to the owner of the chat: policies do not apply to an owner"
                      .formatted(
                          taken.size() == 1
                              ? names.iterator().next() + " belongs"
                              : taken.size() + " things belong (" + first(names) + ")",
                          owner),
                  subjects(taken),
                  ids));
        });
  }

  /** What a partition inherits is reported for its parent. */
  private static void inherited(List<Difference> left) {
    for (int i = 0; i < left.size(); i++) {
      Difference parent = left.get(i);
      if (parent.line().instance() == null && INHERITED.contains(parent.line().kind())) {
        String key = key(parent, "partitions of " + parent.line().subject());
        List<String> ids =
            left.stream()
                .filter(part -> part.line().instance() != null)
                .filter(part -> key(part, part.line().subject()).equals(key))
                .map(Difference::id)
                .toList();
        left.set(i, new Difference(parent.id(), parent.expected(), parent.actual(), ids));
      }
    }
    Set<String> taken =
        left.stream().flatMap(some -> some.inherited().stream()).collect(Collectors.toSet());
    left.removeIf(difference -> taken.contains(difference.id()));
  }

  private static String key(Difference difference, String table) {
    return difference.line().kind() + " " + table + " " + difference.line().name();
  }

  /** One statement may have changed many objects, such as a right on all tables. */
  private static void alike(List<Difference> left, List<Drift> causes) {
    Map<List<String>, List<Difference>> groups = new LinkedHashMap<>();
    for (Difference difference : left) {
      ManifestLine line = difference.line();
      boolean isOfPeople = line.kind().endsWith("right");
      boolean isOfPartition = line.instance() != null;
      groups
          .computeIfAbsent(
              List.of(
                  difference.state(),
                  line.kind(),
                  isOfPeople || isOfPartition ? line.name() : "",
                  isOfPeople || isOfPartition ? difference.facts(difference.actual()) : ""),
              key -> new ArrayList<>())
          .add(difference);
    }
    groups.values().forEach(group -> causes.addAll(folded(group, Drift::sentence)));
  }

  private static List<Drift> folded(List<Difference> group, Function<Difference, String> sentence) {
    Difference one = group.getFirst();
    boolean isRepeated =
        group.size() > 1 && (one.line().kind().endsWith("right") || one.line().instance() != null);
    if (group.size() <= SEVERAL && !isRepeated) {
      return group.stream()
          .map(
              some ->
                  new Drift(
                      some.id(), sentence.apply(some), subjects(List.of(some)), ids(List.of(some))))
          .toList();
    }
    Set<String> names =
        group.stream()
            .map(
                some ->
                    isRepeated || some.line().name().isEmpty()
                        ? some.subject()
                        : some.subject() + " " + some.line().name())
            .collect(Collectors.toCollection(TreeSet::new));
    String name = isRepeated && !one.line().name().isEmpty() ? " " + one.line().name() : "";
    return List.of(
        new Drift(
            one.line().kind() + " *" + name,
            "%s%s, %d times: %s (%s)"
                .formatted(
                    kindOf(one.line()),
                    name,
                    group.size(),
                    switch (one.state()) {
                      case "missing" -> "missing";
                      case "extra" ->
                          isRepeated
                              ? "not the chat's, " + cut(one.facts(one.actual()))
                              : "not the chat's";
                      default -> "changed";
                    },
                    first(names)),
            subjects(group),
            ids(group)));
  }

  private static String sentence(Difference difference) {
    ManifestLine line = difference.line();
    String thing =
        line.name().isEmpty()
            ? kindOf(line)
                + " "
                + (EXISTENCE.contains(line.kind()) ? "" : "of ")
                + difference.subject()
            : "%s %s %s %s"
                .formatted(
                    kindOf(line),
                    line.name(),
                    line.kind().endsWith("right") ? "on" : "of",
                    difference.subject());
    return switch (difference.state()) {
      case "missing" -> thing + " is missing";
      case "extra" -> thing + " is not the chat's: " + cut(difference.facts(difference.actual()));
      default ->
          line.kind().equals("body") || line.kind().equals("view")
              ? thing + " was changed"
              : "%s: %s, and should be %s"
                  .formatted(
                      thing,
                      cut(difference.facts(difference.actual())),
                      cut(difference.facts(difference.expected())));
    };
  }

  private static String kindOf(ManifestLine line) {
    return switch (line.kind()) {
      case "relation" -> line.facts().replaceFirst(",.*", "");
      case "right" -> "right of";
      case "column right" -> "column right of";
      case "view" -> "query";
      default -> line.kind();
    };
  }

  private static String cut(String facts) {
    return facts.length() <= LONGEST ? facts : facts.substring(0, LONGEST) + " …";
  }

  private static String first(Set<String> names) {
    return names.stream().limit(SEVERAL).collect(Collectors.joining(", "))
        + (names.size() > SEVERAL ? " …" : "");
  }

  private static Set<String> subjects(List<Difference> differences) {
    Set<String> subjects = new TreeSet<>();
    for (Difference difference : differences) {
      subjects.add(difference.line().bareSubject().replaceFirst("^role |^partitions of ", ""));
    }
    return subjects;
  }

  private static Set<String> ids(List<Difference> differences) {
    return differences.stream()
        .flatMap(some -> Stream.concat(Stream.of(some.id()), some.inherited().stream()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static List<Difference> take(List<Difference> left, Predicate<Difference> which) {
    List<Difference> taken = left.stream().filter(which).toList();
    left.removeAll(taken);
    return taken;
  }

  @Override
  public String toString() {
    return "%s [%s]".formatted(what, id);
  }
}
