package com.gptdesk.chat.service.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What one node writes another reads. */
class ClusterMessageTest {
  private static final Audience ALICE = Audience.user(UUID.randomUUID());
  private static final Audience BOB = Audience.team(ALICE.id()); // a team with her id

  @Test
  void eachFrameIsReadAsItWasWritten() {
    Map<Audience, Long> previous = new LinkedHashMap<>();
    previous.put(ALICE, 7L);
    previous.put(BOB, ClusterMessage.UNASKED);
    var change =
        new Change(
            12,
            "user_messages",
            Change.Operation.UPDATE,
            Instant.parse("2026-11-25T14:00:00.123456Z"),
            List.of(ALICE, BOB),
            "{\"content\":\"é 😀\"}",
            null);
    var hidden =
        new Change(
            13,
            "user_presence",
            Change.Operation.DELETE,
            Instant.EPOCH,
            List.of(ALICE, BOB),
            List.of(UUID.randomUUID(), ALICE.id()),
            null,
            "{}");
    for (ClusterMessage message :
        List.of(
            new ClusterMessage.Beat(3, 8),
            new ClusterMessage.ChangeEvent(3, 8, previous, change),
            new ClusterMessage.ChangeEvent(3, 9, previous, hidden),
            new ClusterMessage.TooLong(3, 8, previous),
            new ClusterMessage.ChangeAudiences(3, 8, 7, List.of(ALICE, BOB)),
            new ClusterMessage.Answer(3, 99, List.of(8L, 0L)))) {
      assertEquals(message, ClusterMessage.decode(message.encode()));
    }
    var question = new ClusterMessage.Question(99, List.of(BOB, ALICE));
    assertEquals(question, ClusterMessage.Question.decode(question.encode()));
  }

  @Test
  void whatIsNoFrameIsRefused() {
    byte[] whole = new ClusterMessage.Answer(3, 99, List.of(8L)).encode();
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThrows(IllegalArgumentException.class, () -> ClusterMessage.decode(part));
    }
    whole[0]++;
    assertThrows(
        IllegalArgumentException.class, () -> ClusterMessage.decode(whole)); // another version
  }
}
