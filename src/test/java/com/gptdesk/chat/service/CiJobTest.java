package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The job of docs/ci.md: its commands, with its environment, on an empty PostgreSQL. */
@Tag("slow")
class CiJobTest {

  @Test
  void itPassesOnAFreshDatabaseAndFailsOnAWeakenedOne() throws Exception {
    String job = Files.readString(Path.of("docs/ci.md"));
    List<String> commands =
        Pattern.compile("- run: java -jar gptdesk-chat-\\S+-service\\.jar (.+)")
            .matcher(job)
            .results()
            .map(found -> found.group(1))
            .toList();
    assertEquals(List.of("migrate", "verify-policies"), commands);
    String readme = Files.readString(Path.of("README.md"));
    for (String command : commands) {
      assertTrue(readme.contains("-service.jar " + command), command);
    }
    // A server of its own, whose roles are as new as that of a job.
    TestServer server = TestServer.start();
    try {
      Login superuser = server.at(server.superuser(), "chat");
      for (String command : commands) {
        Outcome outcome = runs(command, environment(job, superuser));
        assertEquals(0, outcome.code(), outcome.words());
      }
      try (Connection connection = superuser.connect();
          Statement statement = connection.createStatement()) {
        statement.execute("create policy weak on public.user_messages for select using (true)");
      }
      Outcome outcome = runs("verify-policies", environment(job, superuser));
      assertEquals(1, outcome.code(), outcome.words());
      assertTrue(outcome.words().contains("[policy public.user_messages"), outcome.words());
    } finally {
      server.close();
    }
  }

  /** What the job says, but for where its PostgreSQL is and who may enter it. */
  private static Map<String, String> environment(String job, Login login) {
    Map<String, String> environment = new HashMap<>();
    String written =
        Pattern.compile("env: \\{(CHAT_[^}]+)}")
            .matcher(job)
            .results()
            .map(found -> found.group(1))
            .findFirst()
            .orElseThrow();
    for (String entry : written.split(", ", -1)) {
      String[] parts = entry.split(": ", 2);
      environment.put(
          parts[0],
          switch (parts[1]) {
            case "\"jdbc:postgresql://localhost/postgres\"" -> login.url();
            case "postgres" -> login.user();
            case "ci" -> login.password();
            default -> throw new IllegalArgumentException(entry);
          });
    }
    return environment;
  }

  private static Outcome runs(String command, Map<String, String> environment)
      throws IOException, InterruptedException {
    ProcessBuilder java =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Launcher.class.getName(),
                command)
            .redirectErrorStream(true);
    java.environment().keySet().removeIf(name -> name.startsWith("CHAT_"));
    java.environment().putAll(environment);
    Process process = java.start();
    String words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), words);
  }

  private record Outcome(int code, String words) {}
}
