package com.gptdesk.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documents name is there, and their code is code that runs. */
class DocumentsTest {

  private static final Path README = Path.of("README.md");
  private static final String SOURCES = "src/main/java/com/gptdesk/chat/";

  private static final Pattern LINK = Pattern.compile("\\[[^\\]]*\\]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} (.+)$");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");
  private static final Pattern CODE = Pattern.compile("`([^`\\n]+)`");

  /** A path of the repository, or of one of the folders in db. */
  private static final Pattern PATH =
      Pattern.compile(
          "(?:^|\\s)((?:src|db|docs|scripts|\\.ci|…|logic|tables|platform)/[\\p{Alnum}_./#*<>-]*)");

  private static final Pattern TEST = Pattern.compile("^(\\w+Test)(?:#\\w+)?$");
  private static final Pattern VERSION = Pattern.compile("\\d+\\.\\d+\\.\\d+(?:-SNAPSHOT)?");

  @Test
  void everyLinkLeadsSomewhere() throws IOException {
    var broken = new ArrayList<String>();
    for (Path document : documents()) {
      String prose = CODE.matcher(withoutBlocks(document)).replaceAll("");
      for (MatchResult link : LINK.matcher(prose).results().toList()) {
        if (!link.group(1).matches("[a-z]+:.*") && !resolves(document, link.group(1))) {
          broken.add(document + ": " + link.group());
        }
      }
    }
    assertEquals(List.of(), broken);
  }

  private static boolean resolves(Path document, String link) throws IOException {
    String[] parts = link.split("#", 2);
    Path target = parts[0].isEmpty() ? document : document.resolveSibling(parts[0]).normalize();
    return Files.exists(target)
        && (parts.length == 1
            || HEADING
                .matcher(withoutBlocks(target))
                .results()
                .anyMatch(heading -> anchor(heading.group(1)).equals(parts[1])));
  }

  /** As GitHub makes it. */
  private static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}_ -]", "").replace(' ', '-');
  }

  @Test
  void everyPathAndTestThatIsNamedIsThere() throws IOException {
    Set<String> tests = names("src/test", "Test.java");
    var missing = new ArrayList<String>();
    for (Path document : documents()) {
      String all = Files.readString(document);
      Stream<String> code =
          Stream.concat(
              CODE.matcher(withoutBlocks(document)).results().map(found -> found.group(1)),
              BLOCK.matcher(all).results().flatMap(block -> block.group(2).lines()));
      for (String words : code.toList()) {
        for (MatchResult path : PATH.matcher(words).results().toList()) {
          if (!exists(document, path.group(1))) {
            missing.add(document + ": " + path.group(1));
          }
        }
        TEST.matcher(words)
            .results()
            .filter(test -> !tests.contains(test.group(1)))
            .forEach(test -> missing.add(document + ": " + test.group()));
      }
    }
    assertEquals(List.of(), missing);
  }

  /** What stands for several files ({@code R__#_concept.sql}) needs its folder alone. */
  private static boolean exists(Path document, String path) {
    String whole = path.replaceFirst("^…/", SOURCES);
    String known = whole.matches(".*[#*<>].*") ? whole.replaceFirst("[^/]*[#*<>].*", "") : whole;
    return Stream.of(Path.of(known), document.resolveSibling(known), Path.of("db", known))
        .anyMatch(Files::exists);
  }

  @Test
  void theirJavaIsThatOfTheConsumer() throws IOException {
    Set<String> program = new HashSet<>();
    for (String root : List.of("src/test/consumer/src", "examples/spring-boot/src")) {
      for (Path file : files(root, ".java")) {
        program.addAll(lines(file.toString()).toList());
      }
    }
    List<String> shown = blocks("java");
    assertTrue(shown.size() > 20);
    assertEquals(List.of(), shown.stream().filter(line -> !program.contains(line)).toList());
  }

  @Test
  void theirDependencyIsThatOfTheConsumer() throws IOException {
    Set<String> project =
        Stream.concat(lines("src/test/consumer/pom.xml"), lines("examples/spring-boot/pom.xml"))
            .collect(Collectors.toSet());
    List<String> shown = blocks("xml");
    assertTrue(shown.size() >= 2);
    for (String line : shown) {
      String there = VERSION.matcher(line).replaceFirst("\\${chat.version}");
      assertTrue(project.contains(there), line);
    }
  }

  @Test
  void theVersionTheyNameIsThisOne() throws IOException {
    String project = Files.readString(Path.of("pom.xml"));
    MatchResult version =
        Pattern.compile("<artifactId>gptdesk-chat</artifactId>\\s*<version>([^<]+)</version>")
            .matcher(project)
            .results()
            .findFirst()
            .orElseThrow();
    Pattern named =
        Pattern.compile(
            "gptdesk-chat(?:</artifactId><version>|[-:])(" + VERSION.pattern() + ")(?![\\d.])");
    for (Path document : documents()) {
      for (MatchResult found : named.matcher(Files.readString(document)).results().toList()) {
        assertEquals(version.group(1), found.group(1), document + ": " + found.group());
      }
    }
  }

  @Test
  void theScenariosTheyNameAreThere() throws IOException {
    var sources = new StringBuilder();
    for (Path file : files("src/bench/java", ".java")) {
      sources.append(Files.readString(file));
    }
    for (Path document : documents()) {
      Pattern.compile("scripts/bench ([a-z_]+(?: [a-z_]+)*)")
          .matcher(Files.readString(document))
          .results()
          .flatMap(found -> Stream.of(found.group(1).split(" ")))
          .forEach(
              scenario ->
                  assertTrue(
                      sources.indexOf("\"" + scenario + "\"") >= 0, document + ": " + scenario));
    }
  }

  @Test
  void theReadmeIsShort() throws IOException {
    List<String> lines = Files.readAllLines(README);
    assertTrue(lines.size() <= 150, () -> lines.size() + " lines; move what is reference to docs/");
    assertEquals(List.of(), lines.stream().filter(line -> line.length() > 160).toList());
  }

  @Test
  void proseIsWrapped() throws IOException {
    var tooLong = new ArrayList<String>();
    for (Path document : documents()) {
      if (!document.startsWith("db/policies.md")) {
        withoutBlocks(document)
            .lines()
            .filter(line -> line.length() > 120 && !line.startsWith("|") && !line.contains("]("))
            .forEach(line -> tooLong.add(document + ": " + line));
      }
    }
    assertEquals(List.of(), tooLong);
  }

  private static List<Path> documents() throws IOException {
    var documents = new ArrayList<Path>();
    for (String name : List.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")) {
      documents.add(Path.of(name));
    }
    documents.add(Path.of("db/README.md"));
    documents.add(Path.of("db/policies.md"));
    documents.addAll(files("docs", ".md"));
    return documents;
  }

  private static List<Path> files(String folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(folder))) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static Set<String> names(String folder, String ending) throws IOException {
    return files(folder, ending).stream()
        .map(file -> file.getFileName().toString().replace(".java", ""))
        .collect(Collectors.toSet());
  }

  private static Stream<String> lines(String file) throws IOException {
    return Files.readAllLines(Path.of(file)).stream().map(String::strip);
  }

  private static String withoutBlocks(Path document) throws IOException {
    return BLOCK.matcher(Files.readString(document)).replaceAll("");
  }

  /** All lines of code in one language. */
  private static List<String> blocks(String language) throws IOException {
    var lines = new ArrayList<String>();
    for (Path document : documents()) {
      BLOCK
          .matcher(Files.readString(document))
          .results()
          .filter(block -> block.group(1).equals(language))
          .flatMap(block -> block.group(2).lines().map(String::strip))
          .filter(line -> !line.isEmpty())
          .forEach(lines::add);
    }
    return lines;
  }
}
