package com.gptdesk.chat.bench;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * How fast a service becomes after it was started, under all the load that it takes: its rate in
 * windows of a second, one after the other.
 *
 * @param windows in the order of time
 */
record Warming(String name, List<Window> windows) {
  private static final double WINDOW_SECONDS = 1;

  /**
   * @param end seconds since the start of the service
   * @param rate messages stored and delivered a second
   */
  record Window(double end, double rate) {}

  /** Loads a service that has just been started; the time counts from its process's start. */
  static Warming of(String name, Service service, Clients clients, Run run) throws Exception {
    Instant start =
        ProcessHandle.of(service.pid()).orElseThrow().info().startInstant().orElseThrow();
    int count = run.quick() ? 8 : 20;
    List<Window> windows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double rate = clients.perSecond(EndToEnd.ON_THE_WAY, WINDOW_SECONDS);
      windows.add(new Window(Duration.between(start, Instant.now()).toMillis() / 1e3, rate));
    }
    run.progress(
        "%s, after its start: %s"
            .formatted(
                name, String.join("  ", windows.stream().map(w -> Run.figure(w.rate())).toList())));
    return new Warming(name, windows);
  }

  /** Seconds until the end of the first window that has, as the next one, half of that rate. */
  double secondsToHalf(double warm) {
    for (int i = 0; i + 1 < windows.size(); i++) {
      if (Math.min(windows.get(i).rate(), windows.get(i + 1).rate()) >= warm / 2) {
        return windows.get(i).end();
      }
    }
    return Double.POSITIVE_INFINITY;
  }

  /** The curve; ratios are to the rate of the warm service. */
  void into(Run run, double warm) {
    run.add(
        windows.stream()
            .map(
                window ->
                    Result.of(
                        "From the start of " + name + ", ratio to when it is warm",
                        "until %.0f s".formatted(window.end()),
                        "messages/s",
                        List.of(window.rate()),
                        List.of(warm)))
            .toList());
  }
}
