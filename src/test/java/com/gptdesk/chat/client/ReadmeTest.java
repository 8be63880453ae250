package com.gptdesk.chat.client;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The README's example is code that runs: each of its lines stands in the consumer's program. */
class ReadmeTest {

  @Test
  void theExampleIsThatOfTheConsumer() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    int begin = readme.indexOf("```java\n") + "```java\n".length();
    List<String> example =
        readme.substring(begin, readme.indexOf("```", begin)).lines().map(String::strip).toList();
    Set<String> program =
        Files.readString(Path.of("src/test/consumer/src/main/java/example/Lunch.java"))
            .lines()
            .map(String::strip)
            .collect(Collectors.toSet());
    assertTrue(example.size() > 20);
    for (String line : example) {
      assertTrue(program.contains(line), () -> "The README says: " + line);
    }
  }
}
