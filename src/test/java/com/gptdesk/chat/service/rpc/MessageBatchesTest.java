package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.testing.Await;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A message is written {@code conversation number}, so that its place can be told from it. */
class MessageBatchesTest {

  private static final Duration NEVER = Duration.ofHours(1);
  private static final UUID SOMEBODY = UUID.fromString("00000000-0000-4000-8000-00000000000a");

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch mayGo = new CountDownLatch(1);
  private final List<String> sentAlone = new CopyOnWriteArrayList<>();
  private final List<List<String>> sentTogether = new CopyOnWriteArrayList<>();

  /** What the database leaves out of a batch. */
  private final Set<String> leftOut = ConcurrentHashMap.newKeySet();

  /** What the database refuses, and undoes a batch for. */
  private final Set<String> refused = ConcurrentHashMap.newKeySet();

  private MessageBatches batches = batches(1, 100, 1_000_000, NEVER, NEVER);

  @AfterEach
  void nothingStays() {
    mayGo.countDown();
    threads.close();
    assertEquals(0, batches.size());
    assertEquals(0, batches.waiting());
  }

  @Test
  void whereAPlaceIsFreeAMessageIsSentAtOnceAndAlone() throws Exception {
    assertEquals("alone a 1", send("a 1").get());
    assertEquals("alone a 2", send("a 2").get());
    assertEquals(List.of("a 1", "a 2"), sentAlone);
    assertEquals(List.of(), sentTogether);
  }

  @Test
  void whatComesMeanwhileIsTheNextBatch() throws Exception {
    Future<String> first = held("a 1");
    List<Future<String>> others = waiting("b 1", "a 2", "b 2", "c 1", "a 3");
    mayGo.countDown();

    assertEquals("alone a 1", first.get());
    for (Future<String> other : others) {
      assertTrue(other.get().startsWith("together "), other.get());
    }
    assertEquals(1, sentTogether.size());
    assertEquals(Set.of("a 2", "a 3", "b 1", "b 2", "c 1"), Set.copyOf(sentTogether.getFirst()));
    assertInOrder(sentTogether.getFirst());
    assertEquals(5, batches.sentTogether());
    assertEquals(1, batches.batches());
    assertEquals(0, batches.undone());
  }

  @Test
  void aBatchIsBoundedByCount() throws Exception {
    batches = batches(1, 3, 1_000_000, NEVER, NEVER);
    held("a 1");
    List<Future<String>> others = waiting("a 2", "a 3", "a 4", "a 5", "b 1", "b 2", "c 1");
    mayGo.countDown();
    all(others);
    assertTrue(sentTogether.stream().allMatch(batch -> batch.size() <= 3), sentTogether::toString);
    // A busy conversation takes no more of a batch than another that waits.
    assertTrue(sentTogether.getFirst().contains("b 1"), sentTogether::toString);
    List<String> inOrder = new ArrayList<>();
    sentTogether.forEach(inOrder::addAll);
    inOrder.addAll(sentAlone.subList(1, sentAlone.size()));
    assertEquals(7, inOrder.size());
  }

  @Test
  void aBatchIsBoundedByBytesButForOneThatAloneHasMore() throws Exception {
    batches = batches(1, 100, 25, NEVER, NEVER);
    held("a 1");
    List<Future<String>> others = waiting("b 1", "c 1", "d 1", "e 1", "f " + "9".repeat(40), "g 1");
    mayGo.countDown();
    all(others);
    for (List<String> batch : sentTogether) {
      assertTrue(batch.stream().mapToInt(MessageBatchesTest::bytesOf).sum() <= 25, batch::toString);
    }
    assertTrue(sentAlone.contains("f " + "9".repeat(40)), sentAlone::toString);
  }

  @Test
  void whereNoBatchIsAllowedNobodyWaitsForAnother() throws Exception {
    batches = batches(1, 1, 1_000_000, NEVER, NEVER);
    held("a 1");
    assertEquals("alone b 1", send("b 1").get());
    assertEquals("alone a 2", send("a 2").get()); // the order is then the database's
    assertEquals(List.of(), sentTogether);
  }

  @Test
  void whoComesWhenTooManyWaitIsRefusedAtOnce() throws Exception {
    batches = batches(new BatchLimits(1, 100, 1_000_000, 2), NEVER, NEVER);
    held("a 1");
    List<Future<String>> others = waiting("b 1", "c 1");
    Problem busy = assertInstanceOf(Problem.Stop.class, failureOf(send("d 1"))).problem();
    assertEquals(503, busy.status());
    assertEquals("busy", busy.details());
    assertEquals("1", busy.headers().get("Retry-After"));
    mayGo.countDown();
    all(others);
    assertEquals("alone d 1", send("d 1").get());
  }

  @Test
  void whatIsLeftOutIsSentAloneInTheOrderOfItsConversation() throws Exception {
    leftOut.addAll(Set.of("a 2", "a 3"));
    held("z 1");
    List<Future<String>> others = waiting("a 2", "b 1", "a 3", "a 4", "b 2");
    leftOut.add("a 4");
    mayGo.countDown();
    assertEquals("alone a 2", others.get(0).get());
    assertEquals("together b 1", others.get(1).get());
    assertEquals("alone a 3", others.get(2).get());
    assertEquals("alone a 4", others.get(3).get());
    assertEquals("together b 2", others.get(4).get());
    assertEquals(List.of("z 1", "a 2", "a 3", "a 4"), sentAlone);
  }

  @Test
  void whatComesAfterOneThatIsSentAloneWaitsForIt() throws Exception {
    leftOut.add("a 2");
    Future<String> first = held("z 1");
    CountDownLatch isAlone = new CountDownLatch(1);
    CountDownLatch aloneMayGo = new CountDownLatch(1);
    Future<String> alone =
        threads.submit(
            () ->
                sendHere(
                    "a 2",
                    () -> {
                      isAlone.countDown();
                      Await.open(aloneMayGo);
                      sentAlone.add("a 2");
                      return "alone a 2";
                    }));
    Await.until("it waits", () -> batches.waiting() == 1);
    List<Future<String>> others = waiting("b 1");
    mayGo.countDown();
    first.get();
    all(others);
    Await.open(isAlone);
    Future<String> behind = waiting("a 3").getFirst();
    assertEquals("alone c 1", send("c 1").get()); // a place is free
    aloneMayGo.countDown();
    assertEquals("alone a 2", alone.get());
    assertEquals("alone a 3", behind.get());
    assertEquals(List.of("z 1", "c 1", "a 2", "a 3"), sentAlone);
  }

  @Test
  void whatUndoesABatchIsRefusedAloneAndTheOthersAreSent() throws Exception {
    refused.add("b 1");
    held("z 1");
    List<Future<String>> others = waiting("a 1", "b 1", "a 2", "c 1");
    mayGo.countDown();
    assertEquals("alone a 1", others.get(0).get());
    assertEquals("PT413", ((Refusal) failureOf(others.get(1))).code());
    assertEquals("alone a 2", others.get(2).get());
    assertEquals("alone c 1", others.get(3).get());
    assertInOrder(sentAlone);
    assertEquals(1, batches.undone());
    assertEquals(0, batches.sentTogether());
  }

  @Test
  void whoUndidABatchUndoesNoOtherSoonAfter() throws Exception {
    batches = batches(limits(1, 100, 1_000_000), NEVER, NEVER, () -> 0); // still "soon" at its end
    refused.addAll(Set.of("bad 1", "bad 2"));
    held("z 1");
    List<Future<String>> others = waiting("a 1", "bad 1");
    mayGo.countDown();
    others.getFirst().get();
    failureOf(others.get(1));
    assertEquals(1, batches.undone());

    CountDownLatch again = new CountDownLatch(1);
    Future<String> second = heldUntil(again, "y 1");
    Future<String> suspect = send("bad 2"); // waits for nobody's place
    assertInstanceOf(Refusal.class, failureOf(suspect));
    List<Future<String>> honest = waiting("a 2", "c 1");
    again.countDown();
    second.get();
    assertEquals("together a 2", honest.get(0).get());
    assertEquals("together c 1", honest.get(1).get());
    assertEquals(1, batches.undone());
  }

  @Test
  void whatWaitsBehindTheCulpritGoesAloneToo() throws Exception {
    batches = batches(1, 2, 1_000_000, NEVER, NEVER);
    refused.add("bad 1");
    held("z 1");
    List<Future<String>> others = waiting("a 1", "bad 1", "bad 2", "c 1");
    mayGo.countDown();
    assertEquals("alone a 1", others.get(0).get());
    assertInstanceOf(Refusal.class, failureOf(others.get(1)));
    assertEquals("alone bad 2", others.get(2).get());
    assertTrue(others.get(3).get().endsWith("c 1"));
    assertEquals(1, batches.undone());
    assertEquals(1, sentTogether.size());
  }

  @Test
  void whenTheConnectionIsLostNobodyIsSentASecondTime() throws Exception {
    DatabaseUnavailable lost = new DatabaseUnavailable("gone", new SQLException("gone", "08006"));
    batches =
        new MessageBatches(
            (callers, calls) -> {
              sentTogether.add(calls);
              throw lost;
            },
            limits(1, 100, 1_000_000),
            NEVER,
            NEVER,
            System::nanoTime);
    held("z 1");
    List<Future<String>> others = waiting("a 1", "b 1", "a 2");
    mayGo.countDown();
    for (Future<String> other : others) {
      assertEquals(lost, failureOf(other));
    }
    assertEquals(List.of("z 1"), sentAlone);
    assertEquals(1, sentTogether.size());
    assertEquals("alone a 3", send("a 3").get());
  }

  @Test
  void aMessageThatWaitsForALockKeepsNoPlaceFromOthers() throws Exception {
    batches = batches(1, 100, 1_000_000, NEVER, Duration.ofMillis(1));
    Future<String> first = held("a 1");
    Future<String> behind = send("a 2"); // of the same conversation: waits
    assertEquals("alone b 1", send("b 1").get());
    assertEquals("alone b 2", send("b 2").get());
    assertEquals(List.of("a 1", "b 1", "b 2"), sentAlone);
    mayGo.countDown();
    first.get();
    behind.get();
    assertInOrder(sentAlone.stream().filter(sent -> sent.startsWith("a")).toList());
  }

  @Test
  void aBatchThatTakesVeryLongKeepsNoPlaceFromOthers() throws Exception {
    CountDownLatch isInside = new CountDownLatch(1);
    CountDownLatch batchMayGo = new CountDownLatch(1);
    AtomicLong clock = new AtomicLong();
    batches =
        new MessageBatches(
            (callers, calls) -> {
              isInside.countDown();
              Await.open(batchMayGo);
              return calls.stream().<@Nullable String>map(call -> "together " + call).toList();
            },
            limits(1, 100, 1_000_000),
            NEVER,
            Duration.ofMillis(1),
            clock::get);
    Future<String> first = held("a 1");
    List<Future<String>> slow = waiting("b 1", "c 1");
    mayGo.countDown();
    first.get();
    Await.open(isInside);
    clock.addAndGet(Duration.ofMillis(11).toNanos());
    assertEquals("alone d 1", send("d 1").get());
    batchMayGo.countDown();
    all(slow);
  }

  @Test
  void whoHasWaitedLongGoesToTheDatabaseAllTheSame() throws Exception {
    batches = batches(1, 100, 1_000_000, Duration.ofMillis(1), Duration.ofMillis(1));
    Future<String> first = held("a 1");
    assertEquals("alone a 2", send("a 2").get());
    mayGo.countDown();
    first.get();
  }

  @Test
  void whoIsLeftOutAndWaitsLongGoesToTheDatabaseAllTheSame() throws Exception {
    AtomicLong clock = new AtomicLong();
    batches =
        batches(limits(1, 100, 1_000_000), Duration.ofMillis(10), Duration.ofMillis(1), clock::get);
    leftOut.addAll(Set.of("a 2", "a 3"));
    Future<String> first = held("z 1");
    CountDownLatch isAlone = new CountDownLatch(1);
    CountDownLatch aloneMayGo = new CountDownLatch(1);
    Future<String> stuck =
        threads.submit(
            () ->
                sendHere(
                    "a 2",
                    () -> {
                      isAlone.countDown();
                      Await.open(aloneMayGo);
                      return "alone a 2";
                    }));
    Await.until("it waits", () -> batches.waiting() == 1);
    Future<String> behind = waiting("a 3").getFirst();
    mayGo.countDown();
    first.get();
    Await.open(isAlone); // both were left out, and the second waits for the first
    clock.set(Duration.ofMillis(11).toNanos());
    assertEquals("alone a 3", behind.get());
    aloneMayGo.countDown();
    assertEquals("alone a 2", stuck.get());
  }

  @Test
  void whoIsInterruptedWhileWaitingSendsNothing() throws Exception {
    Future<String> first = held("a 1");
    CountDownLatch ended = new CountDownLatch(1);
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    Thread waits =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    sendHere("a 2", () -> "never");
                  } catch (IllegalStateException e) {
                    failures.add(e);
                  }
                  ended.countDown();
                });
    Await.until("it waits", () -> batches.waiting() == 1);
    waits.interrupt();
    Await.open(ended);
    assertEquals(1, failures.size());
    mayGo.countDown();
    first.get();
    assertEquals(List.of("a 1"), sentAlone);
  }

  @Test
  void manyThreadsKeepTheOrderOfEachConversation() throws Exception {
    batches = batches(2, 8, 1_000_000, NEVER, NEVER);
    int each = 200;
    List<Future<?>> conversations = new ArrayList<>();
    for (String conversation : List.of("a", "b", "c", "d", "e", "f")) {
      conversations.add(
          threads.submit(
              () -> {
                for (int i = 1; i <= each; i++) {
                  String message = conversation + " " + i;
                  if (i % 7 == 0) {
                    leftOut.add(message);
                  }
                  assertTrue(send(message).get().endsWith(message));
                }
                return 0;
              }));
    }
    for (Future<?> conversation : conversations) {
      conversation.get();
    }
    long together = sentTogether.stream().mapToLong(List::size).sum();
    assertTrue(batches.sentTogether() <= together);
    assertEquals(6L * each, batches.sentTogether() + sentAlone.size());
  }

  private MessageBatches batches(
      int places, int most, int mostBytes, Duration patience, Duration slow) {
    return batches(limits(places, most, mostBytes), patience, slow);
  }

  private MessageBatches batches(BatchLimits limits, Duration patience, Duration slow) {
    return batches(limits, patience, slow, System::nanoTime);
  }

  private MessageBatches batches(
      BatchLimits limits, Duration patience, Duration slow, LongSupplier nanoClock) {
    return new MessageBatches(
        (callers, calls) -> {
          sentTogether.add(calls);
          return calls.stream().anyMatch(refused::contains)
              ? null
              : calls.stream()
                  .<@Nullable String>map(call -> leftOut.contains(call) ? null : "together " + call)
                  .toList();
        },
        limits,
        patience,
        slow,
        nanoClock);
  }

  private static BatchLimits limits(int places, int most, int mostBytes) {
    return new BatchLimits(places, most, mostBytes, 1000);
  }

  /** A message that keeps its place until the others may go. */
  private Future<String> held(String message) {
    return heldUntil(mayGo, message);
  }

  private Future<String> heldUntil(CountDownLatch open, String message) {
    CountDownLatch isInside = new CountDownLatch(1);
    Future<String> held =
        threads.submit(
            () ->
                sendHere(
                    message,
                    () -> {
                      sentAlone.add(message);
                      isInside.countDown();
                      Await.open(open);
                      return "alone " + message;
                    }));
    Await.open(isInside);
    return held;
  }

  /** These wait, and came in this order. */
  private List<Future<String>> waiting(String... messages) {
    int before = batches.waiting();
    List<Future<String>> all = new ArrayList<>();
    for (String message : messages) {
      all.add(send(message));
      Await.until(message + " waits", () -> batches.waiting() == before + all.size());
    }
    return all;
  }

  private Future<String> send(String message) {
    return threads.submit(
        () ->
            sendHere(
                message,
                () -> {
                  sentAlone.add(message);
                  if (refused.contains(message)) {
                    throw refusal();
                  }
                  return "alone " + message;
                }));
  }

  private String sendHere(String message, Supplier<@Nullable String> alone) {
    String conversation = message.substring(0, message.indexOf(' '));
    UUID person = UUID.nameUUIDFromBytes(new byte[] {(byte) conversation.charAt(0)});
    return String.valueOf(
        batches.send(
            person, Caller.user(SOMEBODY), conversation, message, bytesOf(message), alone));
  }

  private static int bytesOf(String message) {
    return message.length() + 2;
  }

  private static Refusal refusal() {
    return new Refusal("PT413", "too long", null, null, new SQLException("too long", "PT413"));
  }

  private static Throwable failureOf(Future<String> call) {
    Throwable cause = assertThrows(ExecutionException.class, call::get).getCause();
    return cause == null ? new AssertionError("no cause") : cause;
  }

  private static void all(List<Future<String>> calls) throws Exception {
    for (Future<String> call : calls) {
      call.get();
    }
  }

  /** The numbers of each conversation rise. */
  private static void assertInOrder(List<String> messages) {
    IntStream.range(0, messages.size())
        .forEach(
            i ->
                messages.subList(0, i).stream()
                    .filter(earlier -> earlier.charAt(0) == messages.get(i).charAt(0))
                    .forEach(
                        earlier ->
                            assertTrue(
                                earlier.compareTo(messages.get(i)) < 0, messages::toString)));
  }
}
