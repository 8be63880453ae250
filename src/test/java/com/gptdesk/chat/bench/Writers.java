package com.gptdesk.chat.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Threads that do one thing again and again, one after the other's answer. */
final class Writers {
  /** What a writer does once. */
  interface Step {
    void take() throws Exception;
  }

  /** Makes the step of one writer. */
  interface Steps {
    Step of(int writer) throws Exception;
  }

  private Writers() {}

  /** Runs so many writers for so long; returns how many steps a second they took together. */
  static double perSecond(int writers, double seconds, Steps steps) throws Exception {
    List<Step> each = new ArrayList<>();
    for (int i = 0; i < writers; i++) {
      each.add(steps.of(i));
    }
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<Long>> running = new ArrayList<>();
      for (Step step : each) {
        running.add(
            threads.submit(
                () -> {
                  long taken = 0;
                  while (System.nanoTime() < end) {
                    step.take();
                    taken++;
                  }
                  return taken;
                }));
      }
      long total = 0;
      for (Future<Long> one : running) {
        total += one.get();
      }
      return total / ((System.nanoTime() - start) / 1e9);
    } catch (ExecutionException e) {
      throw new IllegalStateException("A writer failed", e.getCause());
    }
  }
}
