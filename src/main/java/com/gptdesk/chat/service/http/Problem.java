package com.gptdesk.chat.service.http;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * An error response. The body always has all four keys, as a client takes a 404 without a JSON
 * object for success.
 *
 * @param status HTTP status
 * @param code SQLSTATE, or PostgREST's own code
 * @param realtimeCode what Supabase Realtime calls it, where a socket may say it, too
 * @param headers besides those of every problem
 */
public record Problem(
    int status,
    String code,
    @Nullable String realtimeCode,
    String message,
    @Nullable String details,
    @Nullable String hint,
    Map<String, String> headers) {
  private static final JsonMapper JSON = new JsonMapper();

  public Problem {
    headers = Map.copyOf(headers);
  }

  public static Problem of(int status, String code, String message) {
    return new Problem(status, code, null, message, null, null, Map.of());
  }

  /** The answer to a malformed request, for instance with broken percent-encoding. */
  public static Problem unreadable() {
    return of(400, "PGRST100", "The request cannot be read")
        .withHint("Send HTTP/1.1, with a query in percent-encoded UTF-8");
  }

  Problem withRealtimeCode(String text) {
    return new Problem(status, code, text, message, details, hint, headers);
  }

  public Problem withDetails(@Nullable String text) {
    return new Problem(status, code, realtimeCode, message, text, hint, headers);
  }

  public Problem withHint(@Nullable String text) {
    return new Problem(status, code, realtimeCode, message, details, text, headers);
  }

  public Problem withHeader(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new Problem(status, code, realtimeCode, message, details, hint, more);
  }

  /** In one line: what is wrong, and what to do. */
  public String sentence() {
    return message + (hint == null ? "" : ". " + hint);
  }

  /** Thrown where a call cannot continue; the endpoint answers with it. */
  public Stop stop() {
    return new Stop(this);
  }

  public Reply reply() {
    ObjectNode body = JSON.createObjectNode();
    body.put("code", code);
    body.put("details", details);
    body.put("hint", hint);
    body.put("message", message);
    Map<String, String> all = new LinkedHashMap<>(headers);
    all.put("Proxy-Status", "PostgREST; error=" + code);
    return new Reply(status, Reply.JSON_TYPE, all, JSON.writeValueAsString(body));
  }

  /** A problem as an exception. Used for control flow, so it has no stack trace. */
  public static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient Problem problem;

    Stop(Problem problem) {
      super(problem.message(), null, false, false);
      this.problem = problem;
    }

    public Problem problem() {
      return problem;
    }
  }
}
