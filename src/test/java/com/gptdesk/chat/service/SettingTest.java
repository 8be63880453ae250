package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.settings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** One table of settings: the document's, help's and what is printed at start are the same. */
class SettingTest {

  /** A row of the table in docs/configuration.md: name and default. */
  private static final Pattern ROW =
      Pattern.compile("\\| `(CHAT_[A-Z_]+)` \\| ([^|]+) \\| [^|]+ \\|");

  @Test
  void theDocumentListsThemAllWithTheirDefaults() throws IOException {
    Map<String, String> settings = new TreeMap<>();
    for (Setting<?> setting : Config.SETTINGS.all()) {
      settings.put(setting.name(), setting.shownDefault());
    }
    Map<String, String> rows = new TreeMap<>();
    for (String line : Files.readAllLines(Path.of("docs/configuration.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        rows.merge(row.group(1), row.group(2), (one, other) -> one + " and " + other);
      }
    }
    assertEquals(settings, rows);
  }

  @Test
  void helpListsThemAll() {
    String help = Config.SETTINGS.help();
    names().forEach(name -> assertTrue(help.contains("  " + name + " (default: "), name));
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
      if (Pattern.compile("PASSWORD|SECRET|TOKEN|KEY$").matcher(setting.name()).find()) {
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

  private static TreeSet<String> names() {
    return Config.SETTINGS.all().stream()
        .map(Setting::name)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
