package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.realtime.channel.DeliveryCounts;
import java.util.concurrent.atomic.LongAdder;

/** The counters of a node's sockets. Thread-safe. */
public final class SocketMetrics implements DeliveryCounts {
  private final LongAdder joins = new LongAdder();
  private final LongAdder refusedJoins = new LongAdder();
  private final LongAdder channels = new LongAdder();
  private final LongAdder delivered = new LongAdder();
  private final LongAdder encoded = new LongAdder();
  private final LongAdder written = new LongAdder();
  private final LongAdder replayed = new LongAdder();
  private final LongAdder slow = new LongAdder();
  private final LongAdder unruly = new LongAdder();
  private final LongAdder malformed = new LongAdder();

  SocketMetrics() {}

  /** Joins that succeeded. */
  public long joins() {
    return joins.sum();
  }

  /** Joins that were answered with an error. */
  public long joinsRefused() {
    return refusedJoins.sum();
  }

  /** Channels that are joined now. */
  public long channels() {
    return channels.sum();
  }

  /** Deliveries of live changes, counted for each channel. */
  public long delivered() {
    return delivered.sum();
  }

  /** How many live changes were encoded as JSON, once for all their receivers. */
  public long encoded() {
    return encoded.sum();
  }

  /** Frames written to clients. */
  public long framesWritten() {
    return written.sum();
  }

  /** Changes replayed from the tables. */
  public long replayed() {
    return replayed.sum();
  }

  /** Sockets closed because their clients were too slow. */
  public long slowClosed() {
    return slow.sum();
  }

  /** Sockets closed because their clients continued after being refused. */
  public long unrulyClosed() {
    return unruly.sum();
  }

  /** Malformed frames received. */
  public long malformedFrames() {
    return malformed.sum();
  }

  @Override
  public void countDelivered(int messages) {
    delivered.add(messages);
  }

  @Override
  public void countReplayed() {
    replayed.increment();
  }

  void countJoin() {
    joins.increment();
  }

  void countRefusedJoin() {
    refusedJoins.increment();
  }

  void countChannels(int more) {
    channels.add(more);
  }

  void countEncoded() {
    encoded.increment();
  }

  void countWritten() {
    written.increment();
  }

  void countSlow() {
    slow.increment();
  }

  void countUnruly() {
    unruly.increment();
  }

  void countMalformed() {
    malformed.increment();
  }
}
