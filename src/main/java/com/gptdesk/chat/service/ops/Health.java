package com.gptdesk.chat.service.ops;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.service.http.Reply;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers whether requests should be sent to this node. Each check runs on its own thread with a
 * deadline, so a database that hangs makes the answer "not ready" and does not delay it.
 */
public final class Health {
  private static final Duration DEADLINE = Duration.ofSeconds(2);
  private static final Duration MIGRATIONS_COMPARED_AFTER = Duration.ofSeconds(10);
  private static final JsonMapper JSON = new JsonMapper();

  /** One condition of readiness. */
  public record Check(String name, Probe probe) {}

  private final List<Check> checks;
  private final Duration deadline;

  public Health(List<Check> checks) {
    this(checks, DEADLINE);
  }

  /**
   * Checks of the database, its migrations and the relay.
   *
   * @param differences between the database and what the migrations create
   * @param relayProblem why changes do not arrive in time; null while they do
   */
  public static Health of(
      ChatDatabase chat,
      Supplier<List<String>> differences,
      Supplier<@Nullable String> relayProblem) {
    return new Health(
        List.of(
            new Check(
                "database",
                () -> {
                  chat.reading(Caller.anonymous(), tx -> tx.selectOne().fetch());
                  return null;
                }),
            new Check(
                "migrations",
                new CachedProbe(
                    MIGRATIONS_COMPARED_AFTER,
                    () ->
                        differences.get().isEmpty()
                            ? null
                            : "the database is not at this version's migrations")),
            new Check("relay", relayProblem::get)));
  }

  Health(List<Check> checks, Duration deadline) {
    this.checks = List.copyOf(checks);
    this.deadline = deadline;
  }

  /** The process runs; nothing else is checked. */
  public Reply live() {
    return Reply.json(200, "{\"status\":\"live\"}");
  }

  /**
   * 200 when all checks pass, else 503; each check with "ok" or its problem. Blocks up to the
   * deadline.
   */
  public Reply ready() {
    Map<String, FutureTask<String>> running = new LinkedHashMap<>();
    for (Check check : checks) {
      FutureTask<String> task = new FutureTask<>(() -> outcome(check.probe()));
      running.put(check.name(), task);
      Thread.ofVirtual().name("health-" + check.name()).start(task);
    }
    long end = System.nanoTime() + deadline.toNanos();
    ObjectNode results = JSON.createObjectNode();
    boolean well = true;
    for (Map.Entry<String, FutureTask<String>> check : running.entrySet()) {
      String outcome = await(check.getValue(), end);
      results.put(check.getKey(), outcome);
      well &= outcome.equals("ok");
    }
    ObjectNode body = JSON.createObjectNode();
    body.put("status", well ? "ready" : "not ready");
    body.set("checks", results);
    return Reply.json(well ? 200 : 503, JSON.writeValueAsString(body));
  }

  private static String outcome(Probe probe) throws Exception {
    String problem = probe.problem();
    return problem == null ? "ok" : problem;
  }

  private String await(FutureTask<String> task, long end) {
    try {
      return task.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      task.cancel(true);
      return "no answer within " + deadline.toMillis() + " ms";
    } catch (ExecutionException e) {
      // Only the kind: this page is open to everybody, and messages of drivers name hosts and
      // users.
      return "failed: " + String.valueOf(e.getCause()).split("[:\\n]", 2)[0];
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }
}
