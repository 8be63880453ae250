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

  /** The job for GitLab is the same one: its variables, its commands, its Java. */
  @Test
  void theJobForGitLabSaysTheSame() throws IOException {
    String page = Files.readString(Path.of("docs/ci.md"));
    String gitLab = page.substring(page.indexOf("chat-policies:\n  image:"));
    gitLab = gitLab.substring(0, gitLab.indexOf("```"));
    assertEquals(
        written(page).entrySet().stream()
            .map(
                entry ->
                    entry.getKey() + ": " + entry.getValue().replace("//localhost/", "//postgres/"))
            .sorted()
            .toList(),
        found("(?m)^    (CHAT_\\w+: .+)$", gitLab));
    assertEquals(
        found("- run: (.+)", page),
        found("(?m)^    - ((?:mvn|java) .+)$", gitLab).stream()
            .map(command -> command.replace(" --junit chat-policies.xml", ""))
            .toList());
    assertTrue(gitLab.contains("--junit chat-policies.xml\n"), gitLab);
    assertTrue(gitLab.contains("reports: {junit: chat-policies.xml}"), gitLab);
    assertEquals(
        found("image: \"(postgres:\\d+)\"", page), found("name: \"(postgres:\\d+)\"", gitLab));
    assertEquals(found("java-version: \"(\\d+)\"", page), found("temurin-(\\d+)\n", gitLab));
  }

  private static List<String> found(String pattern, String text) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map(result -> result.group(1))
        .sorted()
        .toList();
  }

  /** What the job says, but for where its PostgreSQL is and who may enter it. */
  private static Map<String, String> environment(String job, Login login) {
    Map<String, String> environment = new HashMap<>();
    written(job)
        .forEach(
            (name, value) ->
                environment.put(
                    name,
                    switch (value) {
                      case "\"jdbc:postgresql://localhost/postgres\"" -> login.url();
                      case "postgres" -> login.user();
                      case "ci" -> login.password();
                      default -> throw new IllegalArgumentException(name + ": " + value);
                    }));
    return environment;
  }

  /** The settings of the job for GitHub, as they are written. */
  private static Map<String, String> written(String job) {
    Map<String, String> settings = new HashMap<>();
    for (String entry : found("env: \\{(CHAT_[^}]+)}", job).getFirst().split(", ", -1)) {
      String[] parts = entry.split(": ", 2);
      settings.put(parts[0], parts[1]);
    }
    return settings;
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
