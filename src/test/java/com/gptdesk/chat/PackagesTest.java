package com.gptdesk.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.ChatDatabase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * Which package uses which, by {@code jdeps}: the library never uses the service, and no two use
 * each other by any way. Generated code is left out.
 */
class PackagesTest {

  private static final Pattern USE =
      Pattern.compile(
          "(?m)^ +com\\.gptdesk\\.chat\\.(?<user>\\S+) +-> +com\\.gptdesk\\.chat\\.(?<used>\\S+)");

  private static final Pattern GENERATED = Pattern.compile("jooq.*|database\\.internal.*");

  private final Map<String, Set<String>> uses = uses();

  @Test
  void libraryNeverUsesService() {
    assertEquals(
        List.of(),
        uses.entrySet().stream()
            .filter(use -> !isService(use.getKey()))
            .flatMap(use -> use.getValue().stream().map(used -> use.getKey() + " -> " + used))
            .filter(use -> isService(use.substring(use.lastIndexOf(' ') + 1)))
            .toList());
    assertTrue(uses.getOrDefault("service", Set.of()).contains("database"), uses::toString);
  }

  @Test
  void noPackagesUseEachOther() {
    assertEquals(
        List.of(), uses.keySet().stream().filter(name -> reachable(name).contains(name)).toList());
  }

  private static boolean isService(String name) {
    return name.equals("service") || name.startsWith("service.");
  }

  private Set<String> reachable(String from) {
    Set<String> found = new TreeSet<>();
    List<String> next = new ArrayList<>(uses.getOrDefault(from, Set.of()));
    while (!next.isEmpty()) {
      String name = next.removeLast();
      if (found.add(name)) {
        next.addAll(uses.getOrDefault(name, Set.of()));
      }
    }
    return found;
  }

  private static Map<String, Set<String>> uses() {
    StringWriter told = new StringWriter();
    try (PrintWriter out = new PrintWriter(told)) {
      int code =
          ToolProvider.findFirst("jdeps")
              .orElseThrow()
              .run(
                  out,
                  out,
                  "-verbose:package",
                  "-filter:none",
                  "--ignore-missing-deps",
                  Path.of(
                          ChatDatabase.class
                              .getProtectionDomain()
                              .getCodeSource()
                              .getLocation()
                              .toURI())
                      .toString());
      assertEquals(0, code, told::toString);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    Map<String, Set<String>> uses = new TreeMap<>();
    for (MatchResult use : USE.matcher(told.toString()).results().toList()) {
      String user = use.group("user");
      String used = use.group("used");
      if (!user.equals(used)
          && !GENERATED.matcher(user).matches()
          && !GENERATED.matcher(used).matches()) {
        uses.computeIfAbsent(user, name -> new TreeSet<>()).add(used);
      }
    }
    return uses;
  }
}
