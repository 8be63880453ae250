package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.SettingGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** One table of settings: the document's, help's and what is printed at start are the same. */
class SettingTest {

  private static final Path DOCUMENT = Path.of("docs/configuration.md");
  private static final String REGENERATE =
      "scripts/maven test-compile surefire:test -Dtest=SettingTest -Dchat.regenerate=true";

  /** What follows a heading and is not yet its table, the table, and the rest of the section. */
  private static final Pattern SECTION =
      Pattern.compile("(?<before>## (?<title>[^\n]+)\n(?:(?![|#]).*\n)*)(?:\\|.*\n)*");

  /** The tables of the document come from the settings; what stands around them is written. */
  @Test
  void theDocumentsTablesAreGenerated() throws IOException {
    String written = Files.readString(DOCUMENT);
    Map<String, SettingGroup> groups =
        Config.SETTINGS.groups().stream()
            .collect(Collectors.toMap(SettingGroup::title, group -> group));
    String generated =
        SECTION
            .matcher(written)
            .replaceAll(
                section -> {
                  SettingGroup group = groups.remove(section.group("title"));
                  return Matcher.quoteReplacement(
                      group == null
                          ? section.group()
                          : section.group("before") + String.join("\n", group.table()) + "\n");
                });
    assertEquals(Map.of(), groups, "groups without a section in " + DOCUMENT);
    if (Boolean.getBoolean("chat.regenerate")) {
      Files.writeString(DOCUMENT, generated);
    } else {
      assertEquals(generated, written, "the settings have changed; run " + REGENERATE);
    }
  }

  @Test
  void aValueOutsideTheRangeIsRefusedByNameValueAndRange() {
    for (Setting<?> setting : Config.SETTINGS.all()) {
      Matcher range = Pattern.compile("(\\d+) to (\\d+)").matcher(setting.range());
      if (!range.matches()) {
        continue;
      }
      for (long outside :
          List.of(Long.parseLong(range.group(1)) - 1, Long.parseLong(range.group(2)) + 1)) {
        Config.Invalid no =
            assertThrows(
                Config.Invalid.class,
                () -> Config.of(Map.of(setting.name(), String.valueOf(outside))));
        assertEquals(
            List.of(
                "%s must be a whole number from %s, and is %d."
                    .formatted(setting, setting.range(), outside)),
            no.problems());
      }
      assertDoesNotThrow(() -> Config.of(Map.of(setting.name(), range.group(1))));
      assertDoesNotThrow(() -> Config.of(Map.of(setting.name(), range.group(2))));
    }
  }

  @Test
  void whatIsShownOfASettingFitsATable() {
    for (Setting<?> setting : Config.SETTINGS.all()) {
      for (String cell : List.of(setting.shownDefault(), setting.range(), setting.meaning())) {
        assertTrue(!cell.isBlank() && !cell.contains("|") && !cell.contains("\n"), setting.name());
      }
    }
  }

  @Test
  void helpListsThemAll() {
    String help = Config.SETTINGS.help();
    for (Setting<?> setting : Config.SETTINGS.all()) {
      String head =
          "  %s (default: %s; %s)"
              .formatted(setting.name(), setting.shownDefault(), setting.range());
      assertTrue(help.contains(head), head);
    }
  }

  @Test
  void secretsAreNotPrinted() {
    assertEquals(
        List.of(
            "CHAT_DATABASE_URL=jdbc:postgresql://…@db/chat?…",
            "CHAT_DATABASE_PASSWORD=(set, not shown)",
            "CHAT_PORT=8081"),
        Config.SETTINGS.printed(
            Map.of(
                "CHAT_PORT", "8081",
                "CHAT_DATABASE_PASSWORD", "hush-hush",
                "CHAT_DATABASE_URL", "jdbc:postgresql://me:hush-hush@db/chat?password=hush-hush",
                "CHAT_HOST", " ")));
  }

  @Test
  void whatNamesASecretIsOne() {
    for (Setting<?> setting : Config.SETTINGS.all()) {
      if (Pattern.compile("(PASSWORD|SECRET|TOKEN)(?!_FILE$)|KEY$")
          .matcher(setting.name())
          .find()) {
        assertEquals(Setting.Shown.SECRET, setting.shown(), setting.name());
      }
    }
  }

  @Test
  void aSlipFindsItsName() {
    assertEquals("CHAT_POOL_SIZE", Config.SETTINGS.nearest("CHAT_POOLSIZE"));
    assertNull(Config.SETTINGS.nearest("CHAT_SOMETHING_ELSE_ALTOGETHER"));
    assertFalse(Config.SETTINGS.isKnown("CHAT_POOLSIZE"));
  }
}
