package com.gptdesk.chat.service.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.service.server.RequestLog.Wanted;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

/** Which requests are logged. */
class RequestLogTest {
  private static final Duration QUICK = Duration.ofMillis(999);
  private static final Duration SLOW = Duration.ofSeconds(1);

  @Test
  void withoutASettingOnlyProblemsAreLogged() {
    RequestLog log = RequestLog.from(new Settings(Map.of()));

    for (int ordinary : List.of(101, 200, 204, 301, 400, 401, 404, 429)) {
      assertNull(log.level(ordinary, QUICK), () -> ordinary + " is no problem of the server");
    }
    assertEquals(Level.WARN, log.level(500, QUICK));
    assertEquals(Level.WARN, log.level(503, QUICK));
    assertEquals(Level.WARN, log.level(200, SLOW));
  }

  @Test
  void allOrNoneAreLoggedWhenAskedFor() {
    RequestLog all = RequestLog.from(new Settings(Map.of("CHAT_REQUEST_LOG", "all")));
    RequestLog none = RequestLog.from(new Settings(Map.of("CHAT_REQUEST_LOG", "none")));

    assertEquals(Level.INFO, all.level(200, QUICK));
    assertEquals(Level.WARN, all.level(200, SLOW));
    assertEquals(Level.WARN, all.level(500, QUICK));
    assertNull(none.level(500, SLOW));
  }

  @Test
  void whatIsSlowIsASetting() {
    RequestLog log = RequestLog.from(new Settings(Map.of("CHAT_SLOW_REQUEST_MS", "50")));

    assertEquals(Level.WARN, log.level(200, Duration.ofMillis(50)));
    assertNull(log.level(200, Duration.ofMillis(49)));
  }

  @Test
  void theDefaultsAreThoseOfTheSettings() {
    assertEquals(new RequestLog(Wanted.PROBLEMS, SLOW), RequestLog.defaults());
    assertEquals(RequestLog.defaults(), RequestLog.from(new Settings(Map.of())));
  }

  @Test
  void anUnknownWordIsRefused() {
    Settings settings = new Settings(Map.of("CHAT_REQUEST_LOG", "some"));

    RequestLog.from(settings);

    assertEquals(
        List.of("CHAT_REQUEST_LOG must be problems, all or none, and is some."),
        settings.problems());
  }
}
