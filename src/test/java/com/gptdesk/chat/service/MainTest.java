package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What a newcomer types first, and what they are told when the machine refuses. */
class MainTest {

  private static final Path README = Path.of("README.md");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve",
        "migrate",
        "info",
        "validate",
        "verify-policies",
        "import",
        "train",
        "backup",
        "restore",
        "upgrade",
        "add-team",
        "add-person",
        "activate",
        "deactivate",
        "people import",
        "token",
        "webhooks",
        "webhooks add",
        "webhooks list",
        "webhooks remove",
        "webhooks pause",
        "webhooks resume",
        "webhooks test",
        "webhooks rotate-secret",
        "webhooks dead-letters",
        "webhooks retry"
      })
  void eachCommandHasHelpAndVersion(String command) {
    assertTrue(said((command + " --help").split(" ")).startsWith("Usage: gptdesk-chat " + command));
    assertTrue(said((command + " --version").split(" ")).startsWith("GPT Desk Chat "));
  }

  @Test
  void theProgramHasHelpAndVersion() {
    assertTrue(said("--help").contains("verify-policies"));
    assertTrue(said("--version").startsWith("GPT Desk Chat "));
    assertTrue(said("serve", "--help").contains("CHAT_DATA_DIR (default: ./data; a path)"));
  }

  @Test
  void anOldJavaAndFewFilesAreSaidInOneSentence() {
    assertNull(Launcher.problem("21", 65_536));
    assertNull(Launcher.problem("25", Long.MAX_VALUE));
    assertTrue(String.valueOf(Launcher.problem("17", 65_536)).contains("needs Java 21 or newer"));
    assertTrue(String.valueOf(Launcher.problem("1.8", 65_536)).contains("this is Java 1.8"));
    assertTrue(String.valueOf(Launcher.problem("21", 64)).startsWith("Only 64 files"));
  }

  @Test
  void anOldJavaCanReadTheLauncher() throws IOException {
    try (var file =
        new DataInputStream(
            java.util.Objects.requireNonNull(
                Launcher.class.getResourceAsStream("Launcher.class")))) {
      assertEquals(0xCAFEBABE, file.readInt());
      assertEquals(0, file.readUnsignedShort());
      assertEquals(52, file.readUnsignedShort(), "the class file version of Java 8");
    }
  }

  @Test
  void whatTheOperatorCanMendIsOneSentence() {
    assertNotNull(
        Mendable.sentence(new RuntimeException(new AccessDeniedException("/var/data/lock"))));
    assertTrue(
        String.valueOf(Mendable.sentence(new AccessDeniedException("/var/data/lock")))
            .startsWith("Cannot write /var/data/lock (permission denied): make it writable"));
    assertTrue(
        String.valueOf(
                Mendable.sentence(new FileSystemException("/x", null, "Too many open files")))
            .startsWith("Too few files may be open"));
    assertNull(Mendable.sentence(new IllegalStateException("something else")));
  }

  @Test
  void theCommandsOfTheDocumentsAreThere() throws IOException {
    Pattern call =
        Pattern.compile(
            "(?:scripts/run|gptdesk-chat-\\S+-service\\.jar) ([a-z][a-z-]*)((?: --[a-z-]+(?: [a-z.-]+)?)*)");
    var subcommands = Main.commands().getSubcommands();
    int calls = 0;
    try (Stream<Path> pages = Files.walk(Path.of("docs"))) {
      for (Path page :
          Stream.concat(pages.filter(it -> it.toString().endsWith(".md")), Stream.of(README))
              .toList()) {
        for (MatchResult found : call.matcher(Files.readString(page)).results().toList()) {
          CommandLine command = subcommands.get(found.group(1));
          assertNotNull(command, page + ": " + found.group());
          for (MatchResult option :
              Pattern.compile("--[a-z-]+").matcher(found.group(2)).results().toList()) {
            assertNotNull(
                command.getCommandSpec().findOption(option.group()), page + ": " + found.group());
          }
          calls++;
        }
      }
    }
    assertTrue(calls > 8, calls + " calls found");
  }

  private static String said(String... arguments) {
    var words = new StringWriter();
    CommandLine commands = Main.commands().setOut(new PrintWriter(words));
    assertEquals(0, commands.execute(arguments));
    return words.toString();
  }
}
