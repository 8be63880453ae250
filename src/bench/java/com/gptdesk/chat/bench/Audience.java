package com.gptdesk.chat.bench;

import java.util.BitSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Readers who all wait for the same frame. */
final class Audience implements Sockets.Receiver {
  private static final int PATIENCE_SECONDS = 30;

  /** When the first and when the last of them had it, in nanoseconds from the start. */
  record Arrivals(long first, long last) {}

  /** One frame that is awaited. The event loop alone touches it until it is done. */
  private static final class Wave {
    private final String mark;
    private final int readers;
    private final BitSet told = new BitSet();
    private final CountDownLatch done = new CountDownLatch(1);
    private long first;
    private long last;

    Wave(String mark, int readers) {
      this.mark = mark;
      this.readers = readers;
    }

    void received(int reader, String frame) {
      if (told.get(reader) || !frame.contains(mark)) {
        return;
      }
      last = System.nanoTime();
      if (told.isEmpty()) {
        first = last;
      }
      told.set(reader);
      if (told.cardinality() == readers) {
        done.countDown();
      }
    }
  }

  /** What is done so that they are told. */
  interface Deed {
    void happen() throws Exception;
  }

  private final int readers;
  private volatile Wave wave = new Wave("\u0000", Integer.MAX_VALUE);

  Audience(int readers) {
    this.readers = readers;
  }

  /** Does it, and returns when all had a frame with this text in it. */
  Arrivals await(String mark, Deed deed) throws Exception {
    var awaited = new Wave(mark, readers);
    wave = awaited;
    long start = System.nanoTime();
    deed.happen();
    if (!awaited.done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("Not all readers were told " + mark);
    }
    return new Arrivals(awaited.first - start, awaited.last - start);
  }

  @Override
  public void received(int pair, String frame) {
    wave.received(pair, frame);
  }

  @Override
  public void closed(String why) {
    // A closed socket receives nothing, and await reports that.
  }
}
