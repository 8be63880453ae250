package com.gptdesk.chat.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** NUL is left out, half a surrogate pair becomes U+FFFD, and nothing else changes. */
class StorableTextTest {

  private static final JsonMapper JSON = new JsonMapper();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "plain",
        "🙂",
        "👨‍👩‍👧‍👦",
        "می\u200Cخواهم",
        "\u0001\t\uFFFD",
        "\\u0000 as written by hand"
      })
  void whatCanBeStoredIsTheSame(String text) {
    assertSame(text, StorableText.of(text));
    String json = JSON.writeValueAsString(text);
    assertEquals(json, StorableText.ofJson(json));
    assertNull(StorableText.ofNullable(null));
  }

  @Test
  void whatCannotIsReplaced() {
    assertEquals("beforeafter", StorableText.of("before\0after"));
    assertEquals("", StorableText.of("\0\0"));
    assertEquals("cut \uFFFD", StorableText.of("cut \ud83d"));
    assertEquals("\uFFFD end", StorableText.of("\ude00 end"));
    assertEquals("\uFFFD🙂\uFFFD", StorableText.of("\ud83d🙂\ud83d"));
    assertEquals("\uFFFD\uFFFD", StorableText.of("\ude00\ud83d"));
    assertEquals("\uFFFD\uFFFD", StorableText.of("\ud83d\0\ude00"), "two halves, not one smile");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\u0001',
      value = {
        "{\"a\":\"x\\u0000y\"} | {\"a\":\"xy\"}",
        "{\"a\":\"\\ud83d\"} | {\"a\":\"\uFFFD\"}",
        "{\"a\":\"\\uDE00 x\"} | {\"a\":\"\uFFFD x\"}",
        "{\"a\":\"\\ud83d\\ude42\"} | {\"a\":\"\\ud83d\\ude42\"}",
        "{\"a\":\"\\ud83d\\u0000\\ude42\"} | {\"a\":\"\uFFFD\uFFFD\"}",
        "{\"a\":\"\\\\u0000\"} | {\"a\":\"\\\\u0000\"}",
        "{\"a\":\"\\\\\\u0000\"} | {\"a\":\"\\\\\"}",
        "{\"a\\u0000\":[\"\\u0000\"]} | {\"a\":[\"\"]}",
        "{\"a\":\"\\u00e9\\n\\\"\"} | {\"a\":\"\\u00e9\\n\\\"\"}",
        "{\"a\":\"\\u00 | {\"a\":\"\\u00",
        "\"\\ | \"\\"
      })
  void escapesOfJsonAreTextToo(String json, String expected) {
    assertEquals(expected, StorableText.ofJson(json));
  }

  @Test
  void bareNulMakesNoEscape() {
    assertEquals("{\"a\":\"\"}", StorableText.ofJson("{\"a\":\"\\\0u0000\"}"));
    assertEquals("{\"a\":1}", StorableText.ofJson("\0{\"a\":1}\0"));
  }

  /** JSON of any text means the same as the text, and a second time changes nothing. */
  @Test
  void bothWaysGiveTheSame() {
    Random random = new Random(11);
    String alphabet = "\0a\\\"u0\ud83d\ude42\n🙂\u0007";
    for (int i = 0; i < 2000; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = random.nextInt(12); n > 0; n--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      String storable = StorableText.of(text.toString());
      assertSame(storable, StorableText.of(storable));
      StringBuilder json = new StringBuilder("\"");
      for (char c : text.toString().toCharArray()) {
        json.append("\\u%04x".formatted((int) c));
      }
      json.append('"');
      assertEquals(storable, JSON.readValue(StorableText.ofJson(json.toString()), String.class));
      String bare = JSON.writeValueAsString(text.toString());
      assertEquals(storable, JSON.readValue(StorableText.ofJson(bare), String.class));
    }
  }
}
