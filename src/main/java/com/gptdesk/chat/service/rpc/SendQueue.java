package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.rpc.SendCall.Batch;
import com.gptdesk.chat.service.rpc.SendCall.Turn;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Which message is sent when, and with which others. Those of one conversation go in the order in
 * which they came, and the conversations take turns. A batch has a place at the database until it
 * is finished, or has kept it for very long. Beside it the next begins once as many messages are
 * ready as it has.
 *
 * <p>It tells each call its turn and does nothing else. Thread-safe.
 */
final class SendQueue {
  /** A batch waits for no lock of a conversation, so it keeps its place so many times longer. */
  private static final int PATIENCE_WITH_BATCHES = 10;

  /** The calls of one conversation, in order. */
  private static final class Lane {
    private final Deque<SendCall> waiting = new ArrayDeque<>();
    private final Deque<SendCall> alone = new ArrayDeque<>(); // in a batch before, not sent by it
    private boolean busy;
  }

  private final BatchLimits limits;
  private final Duration slow;
  private final LongSupplier nanoClock;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Lane> lanes = new HashMap<>();
  private final Deque<Lane> ready = new ArrayDeque<>(); // not busy, and something waits
  private final List<Batch> underway = new ArrayList<>(); // with a place
  private final SendSuspects suspects = new SendSuspects();
  private int free;
  private int waiting;

  /**
   * @param slow how long a call alone keeps its place, and a batch holds others up: longer, and it
   *     waits for a lock
   */
  SendQueue(BatchLimits limits, Duration slow, LongSupplier nanoClock) {
    this.limits = limits;
    this.slow = slow;
    this.nanoClock = nanoClock;
    this.free = limits.places();
  }

  /**
   * Takes a call, which is told its turn at once or later.
   *
   * @throws Problem.Stop too many wait
   */
  void arrive(SendCall call) {
    lock.lock();
    try {
      if (waiting >= limits.waiting()) {
        throw full().stop();
      }
      Lane lane = lanes.computeIfAbsent(call.conversation(), conversation -> new Lane());
      lane.waiting.add(call);
      waiting++;
      if (!lane.busy && lane.waiting.size() == 1) {
        makeReady(lane);
      }
      giveTurns();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Looks whether a place has become free because somebody has kept it for too long, and tells
   * those who have waited for too long.
   *
   * @return whether some call waits, or is being sent
   */
  boolean look(Duration patience) {
    lock.lock();
    try {
      giveTurns();
      long latest = nanoClock.getAsLong() - patience.toNanos();
      for (Iterator<Lane> all = lanes.values().iterator(); all.hasNext(); ) {
        Lane lane = all.next();
        tellLate(lane.alone, latest);
        int late = tellLate(lane.waiting, latest);
        waiting -= late;
        if (late > 0 && lane.waiting.isEmpty() && ready.remove(lane)) {
          all.remove();
        }
      }
      return !lanes.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes a call back that waits for its turn.
   *
   * @return false when it is being sent
   */
  boolean withdraw(SendCall call) {
    lock.lock();
    try {
      Lane lane = lanes.get(call.conversation());
      if (lane == null) {
        return false;
      }
      if (lane.alone.remove(call)) {
        return true;
      }
      if (!lane.waiting.remove(call)) {
        return false;
      }
      waiting--;
      if (lane.waiting.isEmpty() && ready.remove(lane)) {
        lanes.remove(call.conversation());
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A batch has ended.
   *
   * @param left of its calls those that are to be sent alone, in their order
   */
  void finish(Batch batch, List<SendCall> left) {
    lock.lock();
    try {
      if (underway.remove(batch)) {
        free++;
      }
      left.forEach(call -> laneOf(call.conversation()).alone.add(call));
      Set<String> conversations = new LinkedHashSet<>();
      batch.calls().forEach(call -> conversations.add(call.conversation()));
      conversations.forEach(this::goOn);
      giveTurns();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A call that went alone has ended.
   *
   * @param isToBlame whether it has undone a batch before
   */
  void finishAlone(SendCall call, boolean isToBlame) {
    lock.lock();
    try {
      if (isToBlame) {
        suspects.add(call.person(), nanoClock.getAsLong());
      }
      goOn(call.conversation());
      giveTurns();
    } finally {
      lock.unlock();
    }
  }

  /** How many conversations somebody is sending to. */
  int conversations() {
    lock.lock();
    try {
      return lanes.size();
    } finally {
      lock.unlock();
    }
  }

  /** How many messages wait for their first turn. */
  int waiting() {
    lock.lock();
    try {
      return waiting;
    } finally {
      lock.unlock();
    }
  }

  // The lock is held from here on.

  private void giveTurns() {
    if (free == 0) {
      takeBackPlaces();
    }
    while (free > 0 && isWorthAPlace()) {
      Batch batch = next();
      if (batch.calls().isEmpty()) {
        return;
      }
      free--;
      underway.add(batch);
      batch.begin(nanoClock.getAsLong());
    }
  }

  /**
   * Whether as many messages are ready as the largest batch beside has: many small batches cost
   * PostgreSQL more than few large ones. A batch that is slow holds nobody up.
   */
  private boolean isWorthAPlace() {
    long slowSince = nanoClock.getAsLong() - slow.toNanos();
    int least = 0;
    for (Batch batch : underway) {
      if (batch.began() - slowSince > 0) {
        least = Math.max(least, batch.calls().size());
      }
    }
    int found = 0;
    for (Iterator<Lane> all = ready.iterator(); found < least && all.hasNext(); ) {
      found += all.next().waiting.size();
    }
    return found >= least;
  }

  /**
   * Takes those out that came before that moment; the first came first.
   *
   * @return how many
   */
  private static int tellLate(Deque<SendCall> calls, long latest) {
    int late = 0;
    while (!calls.isEmpty() && calls.getFirst().came() - latest <= 0) {
      calls.remove().tell(new Turn.Late());
      late++;
    }
    return late;
  }

  /** What waits for others, or for the database, keeps no place from the rest. */
  private void takeBackPlaces() {
    long now = nanoClock.getAsLong();
    for (Iterator<Batch> all = underway.iterator(); all.hasNext(); ) {
      Batch batch = all.next();
      long longest = slow.toNanos() * (batch.calls().size() == 1 ? 1 : PATIENCE_WITH_BATCHES);
      if (now - batch.began() > longest) {
        all.remove();
        free++;
      }
    }
  }

  /** One of each conversation, then a second of each, until the batch is full. */
  private Batch next() {
    Batch batch = new Batch();
    Deque<Lane> round = new ArrayDeque<>();
    while (!ready.isEmpty()) {
      Lane lane = ready.getFirst();
      SendCall call = lane.waiting.getFirst();
      if (isSuspect(call)) {
        ready.remove();
        sendAlone(lane);
      } else if (hasRoomFor(batch, call)) {
        ready.remove();
        lane.busy = true;
        batch.add(take(lane));
        round.add(lane);
      } else {
        break;
      }
    }
    while (!round.isEmpty()) {
      Lane lane = round.remove();
      SendCall call = lane.waiting.peek();
      if (call != null && !isSuspect(call) && hasRoomFor(batch, call)) {
        batch.add(take(lane));
        round.add(lane);
      }
    }
    return batch;
  }

  private boolean hasRoomFor(Batch batch, SendCall call) {
    return batch.calls().isEmpty()
        || (batch.calls().size() < limits.messages()
            && batch.bytes() + call.bytes() <= limits.bytes());
  }

  /** Something waits there, and nothing of it is being sent. A suspect waits for no place. */
  private void makeReady(Lane lane) {
    if (isSuspect(lane.waiting.getFirst())) {
      sendAlone(lane);
    } else {
      ready.add(lane);
    }
  }

  private void sendAlone(Lane lane) {
    lane.busy = true;
    take(lane).tell(new Turn.Alone());
  }

  /** The next of a conversation, of which nothing is being sent any more. */
  private void goOn(String conversation) {
    Lane lane = laneOf(conversation);
    SendCall next = lane.alone.poll();
    if (next != null) {
      next.tell(new Turn.Alone());
      return;
    }
    lane.busy = false;
    if (lane.waiting.isEmpty()) {
      lanes.remove(conversation);
    } else {
      makeReady(lane);
    }
  }

  private SendCall take(Lane lane) {
    waiting--;
    return lane.waiting.remove();
  }

  /** It is there as long as something of it waits or is being sent. */
  private Lane laneOf(String conversation) {
    return Objects.requireNonNull(lanes.get(conversation));
  }

  private boolean isSuspect(SendCall call) {
    return suspects.contains(call.person(), nanoClock.getAsLong());
  }

  private Problem full() {
    return Problem.of(503, "PT503", "Too many messages wait to be stored")
        .withDetails("busy")
        .withHint("Nothing was sent. Try again in a moment")
        .withHeader("Retry-After", "1");
  }
}
