package com.gptdesk.chat.service.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.testing.Await;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Green only when all is well, and always an answer. */
class HealthTest {
  @Test
  void readyWhenAllIsWell() {
    Health health = new Health(List.of(new Health.Check("database", () -> null)), Await.PATIENCE);
    assertEquals(
        Reply.json(200, "{\"status\":\"ready\",\"checks\":{\"database\":\"ok\"}}"), health.ready());
  }

  @Test
  void oneTroubleIsEnough() {
    Health health =
        new Health(
            List.of(
                new Health.Check("database", () -> null),
                new Health.Check("relay", () -> "not listening")),
            Await.PATIENCE);
    assertEquals(
        Reply.json(
            503,
            "{\"status\":\"not ready\",\"checks\":{\"database\":\"ok\",\"relay\":\"not listening\"}}"),
        health.ready());
    assertEquals(200, health.live().status());
  }

  @Test
  void aFailureShowsItsKindOnly() {
    Health health =
        new Health(
            List.of(
                new Health.Check(
                    "database",
                    () -> {
                      throw new IllegalStateException("db.internal:5432 as root");
                    })),
            Await.PATIENCE);
    assertEquals(
        Reply.json(
            503,
            "{\"status\":\"not ready\",\"checks\":{\"database\":\"failed: java.lang.IllegalStateException\"}}"),
        health.ready());
  }

  @Test
  void whatHangsIsRed() {
    CountDownLatch never = new CountDownLatch(1);
    Health health =
        new Health(
            List.of(
                new Health.Check(
                    "database",
                    () -> {
                      never.await();
                      return null;
                    })),
            Duration.ofMillis(50));
    assertEquals(
        Reply.json(
            503, "{\"status\":\"not ready\",\"checks\":{\"database\":\"no answer within 50 ms\"}}"),
        health.ready());
  }
}
