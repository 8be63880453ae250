package com.gptdesk.chat.service.realtime.changes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.relay.Change;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a filter reads of a row, whatever a client has put into the row. */
class ChangePayloadTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 1_001, 16_000})
  void numbersOfAnyLengthHideNothing(int digits) {
    assertEquals("c", conversationOf("{\"n\":" + "9".repeat(digits) + "}"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 501, 8_000})
  void nestingOfAnyDepthHidesNothing(int depth) {
    assertEquals("c", conversationOf("[".repeat(depth) + "]".repeat(depth)));
  }

  @Test
  void aRowIsReadOnce() {
    ChangePayload data = data("{}");
    assertEquals(true, data.row() == data.row());
  }

  private static String conversationOf(String metadata) {
    return data(metadata).row().path("conversation_id").stringValue("nothing");
  }

  private static ChangePayload data(String metadata) {
    String record = "{\"metadata\":" + metadata + ",\"conversation_id\":\"c\"}";
    return new ChangePayload(
        new Change(
            1, "user_messages", Change.Operation.INSERT, Instant.EPOCH, List.of(), record, null),
        PublishedTables.of(List.of()));
  }
}
