package com.gptdesk.chat.service.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.database.ChatLimits;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.TrustedProxies;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What {@code /page.json} says, and how often the database is asked for it. */
class PageSettingsTest {
  private static final ChatLimits LIMITS =
      new ChatLimits(4000, 3, true, 900, 5_000_000_000L, List.of("image/*"));
  private static final HttpSettings HTTP =
      new HttpSettings(
          "127.0.0.1",
          0,
          null,
          RequestBounds.defaults(),
          List.of("https://desk.example"),
          Cors.all(),
          TrustedProxies.none(),
          "a key");

  private final AtomicLong now = new AtomicLong(-5);

  @Test
  void itCarriesTheLimitsOfTheDatabase() {
    assertEquals(
        new JsonMapper()
            .readTree(
                """
                {"demo": false, "enabled": true, "files": true, "anon_key": "a key", "hosts": ["https://desk.example"],
                 "limits": {"max_message_length": 4000, "max_reactions": 3, "reaction_names": true, "typing_timeout_ms": 900,
                            "max_file_bytes": 5000000000, "file_types": ["image/*"]}}
                """),
        said(settings(() -> LIMITS)));
  }

  @Test
  void theDatabaseIsAskedOnceASecond() {
    var asked = new AtomicInteger();
    PageSettings settings =
        settings(() -> new ChatLimits(asked.incrementAndGet(), 3, true, 900, 1, null));
    assertEquals(1, maximum(settings));
    assertEquals(1, maximum(settings));
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertEquals(2, maximum(settings));
  }

  @Test
  void withoutTheDatabaseThePageStartsWithWhatWasReadLast() {
    var away = new boolean[] {true};
    PageSettings settings =
        settings(
            () -> {
              if (away[0]) {
                throw new DatabaseUnavailable("away", null);
              }
              return LIMITS;
            });
    assertTrue(said(settings).path("limits").isMissingNode());
    away[0] = false;
    assertEquals(4000, maximum(settings));
    away[0] = true;
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertEquals(4000, maximum(settings));
  }

  private PageSettings settings(Supplier<ChatLimits> source) {
    return new PageSettings(HTTP, false, true, true, source, now::get);
  }

  private static int maximum(PageSettings settings) {
    return said(settings).at("/limits/max_message_length").asInt();
  }

  private static JsonNode said(PageSettings settings) {
    return new JsonMapper().readTree(settings.read().body());
  }
}
