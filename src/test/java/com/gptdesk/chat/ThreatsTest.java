package com.gptdesk.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** SECURITY.md names no test that is not there, and no threat without one. */
class ThreatsTest {
  private static final Pattern NAMED = Pattern.compile("`(\\w+Test)#(\\w+)`");

  @Test
  void everyTestThatIsNamedIsThere() throws IOException {
    var missing = new ArrayList<String>();
    for (var named : NAMED.matcher(Files.readString(Path.of("SECURITY.md"))).results().toList()) {
      if (!isTest(named.group(1), named.group(2))) {
        missing.add(named.group());
      }
    }
    assertEquals(List.of(), missing);
  }

  @Test
  void everyThreatNamesATest() throws IOException {
    List<String> threats =
        Files.readAllLines(Path.of("SECURITY.md")).stream()
            .filter(line -> line.startsWith("| ") && !line.startsWith("| -"))
            .skip(1)
            .toList();
    assertTrue(threats.size() > 20, "the table is found");
    assertEquals(List.of(), threats.stream().filter(line -> !NAMED.matcher(line).find()).toList());
  }

  /** A method of that name right below {@code @Test} or what gives a test its cases. */
  private static boolean isTest(String className, String method) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      Path file =
          files.filter(it -> it.endsWith(className + ".java")).findFirst().orElse(Path.of(""));
      return Files.isRegularFile(file)
          && Pattern.compile(
                  "@(Parameterized)?Test\\b(?:(?!\\n  }\\n).)*?\\bvoid " + method + "\\(",
                  Pattern.DOTALL)
              .matcher(Files.readString(file))
              .find();
    }
  }
}
