package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.rpc.CallableFunction.Result;
import com.gptdesk.chat.testing.Await;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What goes together, and who hears of a commit. */
class RpcExecutionTest {

  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  private static final Identity HER =
      new Identity(Caller.Role.AUTHENTICATED, ALICE, null, Caller.user(ALICE).claims());
  private static final Identity SERVICE =
      new Identity(Caller.Role.SERVICE_ROLE, null, null, Caller.service().claims());
  private static final CallableFunction SEND =
      function("send_message", true, RpcExecution.ARGUMENTS_OF_SEND.toArray(String[]::new));

  /** As a later version may have it. */
  private static final CallableFunction LATER_SEND =
      function(
          "send_message",
          true,
          Stream.concat(RpcExecution.ARGUMENTS_OF_SEND.stream(), Stream.of("urgent"))
              .toArray(String[]::new));

  private final AtomicInteger commits = new AtomicInteger();
  private final List<List<String>> together = new CopyOnWriteArrayList<>();
  private final List<String> alone = new CopyOnWriteArrayList<>();
  private final CountDownLatch isHeld = new CountDownLatch(1);
  private final CountDownLatch mayGo = new CountDownLatch(1);
  private final RpcExecution execution =
      new RpcExecution(
          new DatabaseCall() {
            @Override
            public @Nullable String call(
                Caller caller, boolean readOnly, String statement, String argumentsJson) {
              alone.add(argumentsJson);
              if (argumentsJson.equals("held")) {
                isHeld.countDown();
                Await.open(mayGo);
              }
              if (argumentsJson.equals("refused")) {
                throw new Refusal("PT413", "no", null, null, new SQLException("no", "PT413"));
              }
              return json(argumentsJson);
            }

            @Override
            public List<@Nullable String> sendTogether(List<Caller> callers, List<String> calls) {
              together.add(calls);
              return Collections.nCopies(calls.size(), "{}");
            }
          },
          null,
          database ->
              new MessageBatches(
                  database,
                  new BatchLimits(1, 32, 1_000_000, 1000),
                  Await.PATIENCE,
                  Duration.ofHours(1),
                  System::nanoTime),
          commits::incrementAndGet);

  @Test
  void eachCommitIsToldOnceHoweverManyItStored() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      all.add(threads.submit(() -> perform(HER, SEND, "a", "held")));
      Await.open(isHeld);
      for (String message : List.of("1", "2")) {
        all.add(threads.submit(() -> perform(HER, SEND, "b", message)));
      }
      all.add(threads.submit(() -> perform(HER, LATER_SEND, "b", "3", "content", "id")));
      Await.until("they wait", () -> execution.batches().waiting() == 3);
      // What is no message of a person's goes its own way.
      perform(SERVICE, SEND, "c", "the service's");
      perform(HER, SEND, null, "to nowhere");
      perform(HER, function("edit_message", true, "message_id", "content"), "c", "an edit");
      perform(HER, function("send_message", true, "conversation_id", "urgent"), "c", "another's");
      perform(HER, LATER_SEND, "c", "what the batch does not know", "content", "urgent");
      perform(HER, SEND, "c", "shaped");
      assertEquals(6, commits.get());
      assertEquals(List.of(), together);
      mayGo.countDown();
      for (Future<?> one : all) {
        one.get();
      }
    }
    assertEquals(1, together.size());
    assertEquals(Set.of("1", "2", "3"), Set.copyOf(together.getFirst()));
    assertEquals(8, commits.get());
  }

  @Test
  void whatReadsOrIsRefusedHasCommittedNothing() {
    perform(HER, function("get_conversations", false), null, "{}");
    assertThrows(Refusal.class, () -> perform(HER, SEND, "a", "refused"));
    assertEquals(0, commits.get());
    assertEquals(2, alone.size());
  }

  @Test
  void whatShapesItsResultWaitsForItsTurnInTheConversation() throws Exception {
    Thread held = Thread.ofPlatform().start(() -> perform(HER, SEND, "a", "held"));
    Await.open(isHeld);
    Thread shaped = Thread.ofPlatform().start(() -> perform(HER, SEND, "a", "shaped"));
    Await.until(
        "it waits, or is done",
        () -> shaped.getState() == Thread.State.TIMED_WAITING || !shaped.isAlive());
    assertEquals(List.of("held"), alone);
    mayGo.countDown();
    held.join();
    shaped.join();
    assertEquals(List.of("held", "shaped"), alone);
  }

  private static String json(String call) {
    return call.equals("shaped") ? "1 [{}]" : "{}";
  }

  private int perform(
      Identity who,
      CallableFunction function,
      @Nullable String conversation,
      String json,
      String... names) {
    ByteBuffer body = ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8));
    boolean isShaped = json.equals("shaped");
    return execution
        .perform(
            who,
            new RpcRequest(
                "POST", function.name(), List.of(), null, null, null, null, null, null, null, body),
            function,
            new RpcArguments.Body(
                Set.of(names),
                json,
                conversation,
                isShaped ? RpcShape.of(List.of(Map.entry("limit", "1")), 0) : RpcShape.NONE,
                RpcArguments.JSON_TYPES),
            CallPreferences.NONE,
            isShaped
                ? new RpcCall("statement", List.of(), false, true, Duration.ofSeconds(5))
                : RpcCall.plain("statement"))
        .status();
  }

  private static CallableFunction function(String name, boolean writes, String... arguments) {
    return new CallableFunction(
        name,
        writes,
        Result.COMPOSITE,
        List.of(arguments),
        Collections.nCopies(arguments.length, "text"),
        0,
        true);
  }
}
