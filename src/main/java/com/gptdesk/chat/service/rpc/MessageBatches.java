package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.rpc.SendCall.Batch;
import com.gptdesk.chat.service.rpc.SendCall.Turn;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends messages of many people in one commit. A call that finds a free place at the database, and
 * no batch there, goes there at once, alone. Else calls wait, and who gets the next place takes
 * along what waits. A place beside a batch stays free until as many are ready as the batch has. So
 * a batch is as large as the database is busy, and nobody waits for a timer.
 *
 * <p>Calls of one conversation are sent in the order in which they came, those that are sent alone
 * too. What the database leaves out of a batch, and all of a batch that it undoes, is sent alone:
 * there each gets the answer that it would have got without a batch. Whoever is refused after they
 * undid a batch goes alone for a while.
 *
 * <p>The callers' own threads do the work; any number of them. While some wait, one more thread
 * looks whether a place was kept for too long, or somebody has waited for too long.
 */
final class MessageBatches {
  /** The database, for a batch. */
  @FunctionalInterface
  interface Database {
    /**
     * Sends these together.
     *
     * @return for each its answer, or null where it was not sent; null when the database has undone
     *     all
     * @throws RuntimeException nobody knows what became of them
     */
    @Nullable List<@Nullable String> sendTogether(List<Caller> callers, List<String> calls);
  }

  /** Who has waited so long goes to the database, whose own limits say what is wrong. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** A call alone that takes longer waits for a lock, and gives its place to others. */
  private static final Duration SLOW = Duration.ofMillis(50);

  private final Database database;
  private final SendQueue queue;
  private final boolean allowsBatches;
  private final Duration patience;
  private final Duration slow;
  private final LongSupplier nanoClock;
  private final AtomicBoolean watched = new AtomicBoolean();

  private final LongAdder batches = new LongAdder();
  private final LongAdder sentTogether = new LongAdder();
  private final LongAdder undone = new LongAdder();

  MessageBatches(Database database, BatchLimits limits) {
    this(database, limits, PATIENCE, SLOW, System::nanoTime);
  }

  /**
   * @param patience how long a call waits for its turn
   * @param slow how long a call alone keeps its place
   */
  MessageBatches(
      Database database,
      BatchLimits limits,
      Duration patience,
      Duration slow,
      LongSupplier nanoClock) {
    this.database = database;
    this.queue = new SendQueue(limits, slow, nanoClock);
    this.allowsBatches = limits.messages() > 1;
    this.patience = patience;
    this.slow = slow;
    this.nanoClock = nanoClock;
  }

  /**
   * Sends a message, together with others when there are some.
   *
   * @param person who sends
   * @param conversation where to
   * @param json the arguments
   * @param bytes of the arguments
   * @param alone how it is sent alone
   * @return its answer
   */
  @Nullable String send(
      UUID person,
      Caller caller,
      String conversation,
      String json,
      int bytes,
      Supplier<@Nullable String> alone) {
    if (!allowsBatches) {
      return alone.get();
    }
    long came = nanoClock.getAsLong();
    SendCall call = new SendCall(person, caller, conversation, json, bytes, came);
    queue.arrive(call);
    boolean interrupted = false;
    try {
      while (true) {
        Turn turn = call.told();
        if (turn == null) {
          watch();
          try {
            turn = call.await();
          } catch (InterruptedException e) {
            interrupted = true;
            if (queue.withdraw(call)) {
              throw new IllegalStateException("The service stops", e);
            }
            continue; // what has begun is brought to its end
          }
        }
        switch (turn) {
          case Turn.Late late -> {
            return alone.get();
          }
          case Turn.Lead lead -> send(lead.batch(), alone);
          case Turn.Alone now -> {
            return sendAlone(call, alone);
          }
          case Turn.Answer answer -> {
            return answer.json();
          }
          case Turn.Failure failure -> throw thrown(failure.cause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Looks after those who wait, on one thread for all of them, until nothing is being sent. */
  private void watch() {
    if (watched.compareAndSet(false, true)) {
      Thread.ofVirtual().name("send-queue").start(this::lookAfterWaiting);
    }
  }

  private void lookAfterWaiting() {
    do {
      do {
        LockSupport.parkNanos(slow.toNanos());
      } while (queue.look(patience));
      watched.set(false);
      // One who came since the look has found it watched.
    } while (queue.look(patience) && watched.compareAndSet(false, true));
  }

  /** How many batches of more than one message were tried. */
  long batches() {
    return batches.sum();
  }

  /** How many messages were stored by such batches. */
  long sentTogether() {
    return sentTogether.sum();
  }

  /** How many such batches the database has undone. */
  long undone() {
    return undone.sum();
  }

  /** How many conversations somebody is sending to. */
  int size() {
    return queue.conversations();
  }

  /** How many messages wait for their turn. */
  int waiting() {
    return queue.waiting();
  }

  private void send(Batch batch, Supplier<@Nullable String> alone) {
    List<SendCall> left = List.of();
    try {
      if (batch.calls().size() == 1) {
        batch.calls().getFirst().tell(new Turn.Answer(alone.get()));
      } else {
        batches.increment();
        left = answered(batch.calls(), together(batch.calls()));
      }
    } catch (RuntimeException | Error e) {
      batch.calls().forEach(call -> call.tell(new Turn.Failure(e)));
    } finally {
      queue.finish(batch, left);
    }
  }

  private @Nullable List<@Nullable String> together(List<SendCall> calls) {
    return database.sendTogether(
        calls.stream().map(SendCall::caller).toList(), calls.stream().map(SendCall::json).toList());
  }

  /** Tells their answers to those who have one; returns the others. */
  private List<SendCall> answered(List<SendCall> calls, @Nullable List<@Nullable String> answers) {
    if (answers == null) {
      undone.increment();
      calls.forEach(SendCall::markUndone);
      return calls;
    }
    List<SendCall> left = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      String answer = answers.get(i);
      if (answer == null) {
        left.add(calls.get(i));
      } else {
        sentTogether.increment();
        calls.get(i).tell(new Turn.Answer(answer));
      }
    }
    return left;
  }

  private @Nullable String sendAlone(SendCall call, Supplier<@Nullable String> alone) {
    boolean refused = false;
    try {
      return alone.get();
    } catch (Refusal e) {
      refused = true;
      throw e;
    } finally {
      queue.finishAlone(call, refused && call.wasUndone());
    }
  }

  /** What became of a batch is thrown by the thread of each of its calls. */
  private static RuntimeException thrown(Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    return (RuntimeException) cause;
  }
}
