package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.SendMessage.Connections;
import com.gptdesk.chat.bench.SendMessage.Relays;
import java.util.Arrays;
import java.util.List;

/**
 * The payload NOTIFY again, on a disk that takes a millisecond to flush: whoever commits with a
 * notification does so alone, and flushes alone. {@code scripts/bench} loads the slow flush into
 * everything that it starts, so this runs by itself.
 */
final class SlowDisk implements Scenario {
  private static final List<Integer> WRITERS = List.of(16, 64);

  /** One after the other, none can flush more often than this. */
  private static final double MOST_FLUSHES_A_SECOND = 1_000;

  @Override
  public String name() {
    return "slow_disk";
  }

  @Override
  public boolean isAlone() {
    return true;
  }

  @Override
  public void measure(Run run) throws Exception {
    if (!System.getenv().getOrDefault("LD_PRELOAD", "").contains("slow-flush")) {
      skip(run);
      return;
    }
    Ground ground = run.ground();
    String plain = ground.copy("bench_plain");
    Ground.execute(ground.owner(plain), SendMessage.withoutTriggers("%"));
    String payload = ground.copy("bench_payload");
    Ground.execute(
        ground.owner(payload), SendMessage.withoutTriggers("record%") + SendMessage.PAYLOAD);
    String chat = ground.copy("bench_chat");
    try (var sets = new Connections(ground, run.seed());
        var relays = new Relays(ground, chat, 1)) {
      relays.awaitHearing();
      Result alone =
          run.compare(
                  "A flush takes 1 ms more, one writer",
                  "messages/s",
                  List.of(new Side("plain INSERT", sets.inserting(plain, 1))))
              .getFirst();
      if (alone.most() > MOST_FLUSHES_A_SECOND) {
        throw new IllegalStateException(
            "One writer committed %.0f times a second: PostgreSQL was not slowed"
                .formatted(alone.most()));
      }
      for (int writers : WRITERS) {
        compare(run, sets, writers, plain, chat, payload);
      }
    }
  }

  private static void compare(
      Run run, Connections sets, int writers, String plain, String chat, String payload)
      throws Exception {
    List<Result> results =
        run.compare(
            "A flush takes 1 ms more, %d writers, one relay".formatted(writers),
            "messages/s",
            List.of(
                new Side(
                    "send_message, payload NOTIFY for the log", sets.sending(payload, writers)),
                new Side("send_message in the database", sets.sending(chat, writers)),
                new Side("plain INSERT", sets.inserting(plain, writers))));
    run.goal(
        Goal.atLeast(
            "send_message : the same with payload NOTIFY, flush of 1 ms, %d writers"
                .formatted(writers),
            results.get(1).ratio(),
            2.5));
  }

  private static void skip(Run run) {
    String why = "needs Linux and a C compiler (gcc), and is started by scripts/bench slow_disk";
    String required = System.getenv().getOrDefault("CHAT_REQUIRE", "");
    if (Arrays.asList(required.split(",")).contains("gcc")) {
      throw new IllegalStateException("The slow disk is required (CHAT_REQUIRE) and " + why);
    }
    System.err.println("*** SKIPPED slow_disk: " + why);
    run.note("*** SKIPPED: " + why);
  }
}
