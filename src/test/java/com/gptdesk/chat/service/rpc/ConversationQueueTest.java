package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.testing.Await;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ConversationQueueTest {
  private final ConversationQueue lanes = new ConversationQueue(Await.PATIENCE);

  @Test
  void oneConversationTakesOneAtATimeAndAnotherIsNotHeldUp() throws Exception {
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    var mayGo = new CountDownLatch(1);
    List<Integer> done = new CopyOnWriteArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> first =
          threads.submit(
              () ->
                  lanes.inTurn(
                      "a",
                      () -> {
                        inside.incrementAndGet();
                        Await.open(mayGo);
                        inside.decrementAndGet();
                        return 0;
                      }));
      Await.until("the first is inside", () -> inside.get() == 1);
      for (int i = 0; i < 20; i++) {
        int number = i;
        threads.submit(
            () ->
                lanes.inTurn(
                    "a",
                    () -> {
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      done.add(number);
                      inside.decrementAndGet();
                      return 0;
                    }));
      }
      try {
        assertEquals("b", lanes.inTurn("b", () -> "b"));
        assertEquals("none", lanes.inTurn(null, () -> "none"));
        assertEquals(List.of(), done);
      } finally {
        mayGo.countDown();
      }
      first.get();
    }
    assertEquals(20, done.size());
    assertEquals(1, most.get());
    assertEquals(0, lanes.size());
  }

  @Test
  void whatFailsLeavesTheLaneFree() {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            lanes.inTurn(
                "a",
                () -> {
                  throw new IllegalArgumentException();
                }));
    assertEquals("next", lanes.inTurn("a", () -> "next"));
    assertEquals(0, lanes.size());
  }
}
