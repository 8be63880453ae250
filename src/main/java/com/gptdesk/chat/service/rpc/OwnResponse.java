package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.service.http.Errors;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What an operator's function says of its response, as PostgREST understands it: the settings
 * {@code response.status} and {@code response.headers}, and what it raises.
 */
final class OwnResponse {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern NAME = Pattern.compile("[\\w!#$%&'*+.^`|~-]+");
  private static final Pattern VALUE = Pattern.compile("[\\t\\x20-\\x7e]*");

  /** They belong to the connection, or say how long the body is. */
  private static final Set<String> OURS =
      Set.of(
          "connection",
          "content-length",
          "date",
          "keep-alive",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "x-request-id");

  private OwnResponse() {}

  /** The reply with the function's own status and headers. */
  static Reply of(Reply reply, CallResult result) {
    String status = result.status();
    String headers = result.headers();
    if (status == null && headers == null) {
      return reply;
    }
    Map<String, String> all = new LinkedHashMap<>(reply.headers());
    String type = reply.contentType();
    if (headers != null) {
      for (Map.Entry<String, String> one : headersIn(headers).entrySet()) {
        if (one.getKey().equalsIgnoreCase("Content-Type")) {
          type = one.getValue();
        } else {
          all.keySet().removeIf(one.getKey()::equalsIgnoreCase);
          all.put(one.getKey(), one.getValue());
        }
      }
    }
    int code = status == null ? reply.status() : statusIn(status);
    boolean hasBody = code != 204 && code != 205 && code != 304;
    return new Reply(code, hasBody ? type : null, all, hasBody ? reply.body() : null);
  }

  private static int statusIn(String text) {
    if (!text.matches("[2-5]\\d\\d")) {
      throw Problem.of(500, "PGRST112", "response.status guc must be a valid status code").stop();
    }
    return Integer.parseInt(text);
  }

  /** {@code [{"name": "value"}, …]}. */
  private static Map<String, String> headersIn(String text) {
    Map<String, String> headers = new LinkedHashMap<>();
    JsonNode list = json(text);
    if (list == null || !list.isArray()) {
      throw badHeaders().stop();
    }
    for (JsonNode one : list) {
      if (one.size() != 1) {
        throw badHeaders().stop();
      }
      take(headers, one);
    }
    return headers;
  }

  private static void take(Map<String, String> headers, JsonNode object) {
    for (Map.Entry<String, JsonNode> one : object.properties()) {
      String name = one.getKey();
      JsonNode value = one.getValue();
      if (!value.isString()
          || !NAME.matcher(name).matches()
          || OURS.contains(name.toLowerCase(Locale.ROOT))
          || !VALUE.matcher(value.stringValue()).matches()) {
        throw badHeaders().stop();
      }
      headers.put(name, value.stringValue());
    }
  }

  private static Problem badHeaders() {
    return Problem.of(
        500,
        "PGRST111",
        "response.headers guc must be a JSON array composed of objects with a single key and a string value");
  }

  /** What PostgreSQL says of the function's fault; null when it was not PostgreSQL. */
  static @Nullable Problem of(Throwable failure, boolean anonymous) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof PSQLException sql && sql.getServerErrorMessage() != null) {
        ServerErrorMessage server = sql.getServerErrorMessage();
        return "PGRST".equals(server.getSQLState())
            ? raised(server)
            : Errors.of(
                String.valueOf(server.getSQLState()),
                String.valueOf(server.getMessage()),
                server.getDetail(),
                server.getHint(),
                anonymous);
      }
    }
    return null;
  }

  /**
   * {@code raise sqlstate 'PGRST'} has the error's keys as JSON in its message, and status and
   * headers in its detail.
   */
  private static Problem raised(ServerErrorMessage server) {
    JsonNode message = json(server.getMessage());
    JsonNode detail = json(server.getDetail());
    String code = message == null ? null : message.path("code").asStringOpt().orElse(null);
    String text = message == null ? null : message.path("message").asStringOpt().orElse(null);
    int status = detail == null ? 0 : detail.path("status").asInt(0);
    if (message == null
        || detail == null
        || code == null
        || text == null
        || status < 400
        || status > 599) {
      return Problem.of(
              500, "PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error")
          .withDetails("MESSAGE: " + server.getMessage() + ", DETAIL: " + server.getDetail())
          .withHint(
              "MESSAGE is an object with code and message, and may have details and hint; DETAIL is an object with a status of 400 to 599, and may have headers");
    }
    Map<String, String> headers = new LinkedHashMap<>();
    take(headers, detail.path("headers"));
    Problem problem =
        Problem.of(status, code, text)
            .withDetails(message.path("details").asStringOpt().orElse(null))
            .withHint(message.path("hint").asStringOpt().orElse(null));
    for (Map.Entry<String, String> header : headers.entrySet()) {
      problem = problem.withHeader(header.getKey(), header.getValue());
    }
    return problem;
  }

  private static @Nullable JsonNode json(@Nullable String text) {
    try {
      return text == null ? null : JSON.readTree(text);
    } catch (JacksonException e) {
      return null;
    }
  }
}
