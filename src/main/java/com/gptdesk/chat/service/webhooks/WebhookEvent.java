package com.gptdesk.chat.service.webhooks;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event that is to be posted now.
 *
 * @param id its number in the database
 * @param messageId the header {@code webhook-id}, the same at each try
 * @param webhook the operator's name of the receiver
 * @param previousSecret signs it, too; null for none
 * @param table empty for GAP and TEST
 * @param record the new row as JSON; null for DELETE
 * @param oldRecord the old row as JSON; null for INSERT
 * @param tries with this one
 * @param age since it was read from the change log
 */
record WebhookEvent(
    long id,
    String messageId,
    String webhook,
    String url,
    String secret,
    @Nullable String previousSecret,
    String table,
    String operation,
    Instant at,
    @Nullable String record,
    @Nullable String oldRecord,
    int tries,
    Duration age) {

  /**
   * The body, as of Supabase's database webhooks, with {@code id} and {@code timestamp} besides.
   * The rows are passed on as the database wrote them.
   */
  String body() {
    return """
        {"type":"%s","table":%s,"schema":%s,"record":%s,"old_record":%s,"id":"%s","timestamp":"%s"}"""
        .formatted(
            operation,
            table.isEmpty() ? "null" : '"' + table + '"',
            table.isEmpty() ? "null" : "\"public\"",
            record,
            oldRecord,
            messageId,
            at);
  }

  /** Without secrets and texts. */
  @Override
  public String toString() {
    return "%s %s %s for %s".formatted(messageId, operation, table, webhook);
  }
}
