package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.Caller;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A message that is to be sent. Its caller's thread waits here for its turn, or for its answer. */
final class SendCall {
  /** What the waiting thread is told. */
  sealed interface Turn {
    /** It sends these, of which it is the first. */
    record Lead(Batch batch) implements Turn {}

    /** It sends its own message, alone. */
    record Alone() implements Turn {}

    /** It waits no longer: it sends its own message, whoever else sends. */
    record Late() implements Turn {}

    /** Another thread has sent it. */
    record Answer(@Nullable String json) implements Turn {}

    /** Another thread has tried, and this became of it. */
    record Failure(Throwable cause) implements Turn {}
  }

  /** Calls that go together, and the place that they have at the database. */
  static final class Batch {
    private final List<SendCall> calls = new ArrayList<>();
    private long bytes;
    private long began;

    List<SendCall> calls() {
      return calls;
    }

    long bytes() {
      return bytes;
    }

    /** When it got its place. */
    long began() {
      return began;
    }

    void add(SendCall call) {
      calls.add(call);
      bytes += call.bytes;
    }

    void begin(long moment) {
      began = moment;
      calls.getFirst().tell(new Turn.Lead(this));
    }
  }

  private final UUID person;
  private final Caller caller;
  private final String conversation;
  private final String json;
  private final int bytes;
  private final long came;
  private final BlockingQueue<Turn> turns = new LinkedBlockingQueue<>();
  private boolean undone; // written before the turn that says so

  /**
   * @param came when
   */
  SendCall(UUID person, Caller caller, String conversation, String json, int bytes, long came) {
    this.person = person;
    this.caller = caller;
    this.conversation = conversation;
    this.json = json;
    this.bytes = bytes;
    this.came = came;
  }

  UUID person() {
    return person;
  }

  Caller caller() {
    return caller;
  }

  String conversation() {
    return conversation;
  }

  /** The arguments. */
  String json() {
    return json;
  }

  int bytes() {
    return bytes;
  }

  /** When it came. */
  long came() {
    return came;
  }

  /** Whether it was in a batch that the database has undone. */
  boolean wasUndone() {
    return undone;
  }

  void markUndone() {
    undone = true;
  }

  void tell(Turn turn) {
    turns.add(turn);
  }

  /** What it was told; null for nothing yet. */
  @Nullable Turn told() {
    return turns.poll();
  }

  /** Waits until it is told something. Without a time, since a timer for each call costs much. */
  Turn await() throws InterruptedException {
    return turns.take();
  }
}
