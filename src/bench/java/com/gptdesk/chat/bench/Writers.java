package com.gptdesk.chat.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Threads that do one thing again and again, one after the other's answer. */
final class Writers {
  /** The driver prepares at the fifth time, the server keeps a plan after the fifth. */
  private static final int UNCOUNTED = 12;

  private static final int PATIENCE_SECONDS = 60;

  /** What a writer does once. */
  interface Step {
    void take() throws Exception;
  }

  /** Makes the step of one writer. */
  interface Steps {
    Step of(int writer) throws Exception;
  }

  private Writers() {}

  /**
   * Runs so many writers for so long, each after some steps that do not count: those in which the
   * driver and the server prepare what comes again and again.
   *
   * @param processors whose time the steps take
   * @return how many steps a second they took together, and what each cost
   */
  static Measured perSecond(int writers, double seconds, Processors processors, Steps steps)
      throws Exception {
    List<Step> each = new ArrayList<>();
    for (int i = 0; i < writers; i++) {
      each.add(steps.of(i));
    }
    long[] start = new long[1];
    double[] before = new double[1];
    var ready =
        new CyclicBarrier(
            writers,
            () -> {
              before[0] = processors.seconds();
              start[0] = System.nanoTime();
            });
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<Long>> running = new ArrayList<>();
      for (Step step : each) {
        running.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < UNCOUNTED; i++) {
                    step.take();
                  }
                  ready.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                  long end = start[0] + (long) (seconds * 1e9);
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
      double elapsed = (System.nanoTime() - start[0]) / 1e9;
      return new Measured(
          total / elapsed, 1e6 * (processors.seconds() - before[0]) / Math.max(1, total));
    } catch (ExecutionException e) {
      throw new IllegalStateException("A writer failed", e.getCause());
    }
  }
}
