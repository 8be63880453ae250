package com.gptdesk.chat.service.webhooks;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.jooq.types.YearToSecond;
import org.jspecify.annotations.Nullable;

/** The events in the database. Blocks. Thread-safe. */
final class WebhookRecords {
  private final ServiceDatabase database;

  WebhookRecords(ServiceDatabase database) {
    this.database = database;
  }

  /**
   * What the database knows of webhooks.
   *
   * @param oldestSeconds the age of the oldest event that waits for an active webhook
   * @param gaps how often changes were lost before they were read
   */
  record Figures(long webhooks, long waiting, long dead, double oldestSeconds, long gaps) {}

  /** Moves changes from the log into events; 0 when there are none or another node does. */
  long fill(int most) {
    return asRelay(tx -> Routines.fillWebhookEvents(tx.configuration(), most));
  }

  /**
   * Events that are due, for nobody else while the lease lasts.
   *
   * @param perWebhook at most so many for one
   * @param busy names of webhooks for which none is taken
   */
  List<WebhookEvent> take(Duration lease, int most, int perWebhook, Collection<String> busy) {
    return asRelay(
        tx ->
            Routines.takeWebhookEvents(
                    tx.configuration(),
                    YearToSecond.valueOf(lease),
                    most,
                    perWebhook,
                    busy.toArray(String[]::new))
                .map(
                    row ->
                        new WebhookEvent(
                            row.getId(),
                            row.getMessageId(),
                            row.getWebhook(),
                            row.getUrl(),
                            row.getSecret(),
                            row.getPreviousSecret(),
                            row.getTableName(),
                            row.getOperation(),
                            row.getAt().toInstant(),
                            row.getRecord(),
                            row.getOldRecord(),
                            row.getTries(),
                            row.getAge().toDuration())));
  }

  /** The receiver has acknowledged it. */
  void finish(long id) {
    asRelay(tx -> Routines.finishWebhookEvent(tx.configuration(), id));
  }

  /**
   * It was not acknowledged.
   *
   * @param pause until the next try; null to give it up
   */
  void fail(long id, String problem, @Nullable Duration pause) {
    asRelay(
        tx ->
            Routines.failWebhookEvent(
                tx.configuration(),
                id,
                problem,
                pause == null ? null : YearToSecond.valueOf(pause)));
  }

  /** Deletes old dead letters, a step at a time; returns how many. */
  long dropDeadLetters(int days) {
    return asRelay(tx -> Routines.dropDeadLetters(tx.configuration(), days, 1000));
  }

  Figures figures() {
    return asRelay(
        tx -> {
          var row = Routines.webhookFigures(tx.configuration()).getFirst();
          return new Figures(
              row.getWebhooks(),
              row.getWaiting(),
              row.getDead(),
              row.getOldestSeconds(),
              row.getGaps());
        });
  }

  private <T extends @Nullable Object> T asRelay(Function<DSLContext, T> work) {
    return database.as(ServiceDatabase.RELAY, work);
  }
}
