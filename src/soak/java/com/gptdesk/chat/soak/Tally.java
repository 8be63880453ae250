package com.gptdesk.chat.soak;

import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;

/** What happened, counted by all threads. */
final class Tally {
  final LongAdder sent = new LongAdder();
  final LongAdder delivered = new LongAdder();
  final LongAdder replayed = new LongAdder();
  final LongAdder lost = new LongAdder();
  final LongAdder repeated = new LongAdder();
  final LongAdder reordered = new LongAdder();
  final LongAdder leaked = new LongAdder();
  final LongAdder overheard = new LongAdder();
  final LongAdder sessions = new LongAdder();
  final LongAdder resyncs = new LongAdder();
  final Map<String, LongAdder> faults = new ConcurrentHashMap<>();
  final Map<String, LongAdder> ends = new ConcurrentHashMap<>();
  final Queue<String> complaints = new ConcurrentLinkedQueue<>();

  void complain(LongAdder what, String words) {
    what.increment();
    if (complaints.size() < 20) {
      complaints.add(words);
    }
  }

  void count(Map<String, LongAdder> by, String name) {
    by.computeIfAbsent(name, same -> new LongAdder()).increment();
  }

  long faultsTotal() {
    return faults.values().stream().mapToLong(LongAdder::sum).sum();
  }

  boolean isClean() {
    return lost.sum() + repeated.sum() + reordered.sum() + leaked.sum() == 0;
  }
}
