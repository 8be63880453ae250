package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.rpc.SendCall.Batch;
import com.gptdesk.chat.service.rpc.SendCall.Turn;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Who gets a place beside a batch that is being stored. */
final class SendQueueTest {
  private static final Duration SLOW = Duration.ofMillis(50);
  private static final Duration PATIENCE = Duration.ofHours(1);

  private final AtomicLong clock = new AtomicLong();
  private final SendQueue queue =
      new SendQueue(new BatchLimits(2, 64, 1_000_000, 1000), SLOW, clock::get);

  @Test
  void aMessageNeedNotWaitForAnotherAlone() {
    assertEquals(1, batchOf(arrives("a")).calls().size());
    assertEquals(1, batchOf(arrives("b")).calls().size());
  }

  @Test
  void besideABatchTheNextHasAtLeastAsManyMessages() {
    storedBatchOfThree();
    SendCall first = arrives("x");
    SendCall second = arrives("y");
    assertNull(first.told());
    SendCall third = arrives("z");
    assertEquals(List.of(first, second, third), batchOf(first).calls());
  }

  @Test
  void whatWaitsBehindItsConversationIsNotCounted() {
    storedBatchOfThree();
    SendCall first = arrives("x");
    arrives("c");
    arrives("c");
    assertNull(first.told());
  }

  @Test
  void fewerGoWhenTheBatchEnds() {
    Batch ofThree = storedBatchOfThree();
    SendCall first = arrives("x");
    SendCall second = arrives("y");
    queue.finish(ofThree, List.of());
    assertEquals(List.of(first, second), batchOf(first).calls());
  }

  @Test
  void aBatchThatIsSlowHoldsNobodyUp() {
    storedBatchOfThree();
    SendCall one = arrives("x");
    clock.addAndGet(SLOW.toNanos() - 1);
    queue.look(PATIENCE);
    assertNull(one.told());
    clock.addAndGet(1);
    queue.look(PATIENCE);
    assertEquals(List.of(one), batchOf(one).calls());
  }

  @Test
  void severalOfOneConversationAreReadyTogether() {
    storedBatchOfThree();
    SendCall first = arrives("x");
    arrives("x");
    assertNull(first.told());
    arrives("x");
    assertEquals(3, batchOf(first).calls().size());
  }

  /** Beside it a place is free. */
  private Batch storedBatchOfThree() {
    Batch a = batchOf(arrives("a"));
    Batch b = batchOf(arrives("b"));
    SendCall first = arrives("c");
    arrives("d");
    arrives("e");
    queue.finish(a, List.of());
    queue.finish(b, List.of());
    Batch ofThree = batchOf(first);
    assertEquals(3, ofThree.calls().size());
    return ofThree;
  }

  private SendCall arrives(String conversation) {
    var call =
        new SendCall(
            UUID.randomUUID(), Caller.user(UUID.randomUUID()), conversation, "{}", 2, clock.get());
    queue.arrive(call);
    return call;
  }

  /** The batch that this call leads. */
  private static Batch batchOf(SendCall call) {
    return assertInstanceOf(Turn.Lead.class, call.told()).batch();
  }
}
