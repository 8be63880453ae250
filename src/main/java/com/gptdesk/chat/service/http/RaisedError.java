package com.gptdesk.chat.service.http;

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

/** What an operator's function raises, as PostgREST says it. */
public final class RaisedError {
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

  private RaisedError() {}

  /** What PostgreSQL says of the function's fault; null when it was not PostgreSQL. */
  public static @Nullable Problem of(Throwable failure, boolean anonymous) {
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

  /** The JSON of a text; null when it is none. */
  public static @Nullable JsonNode json(@Nullable String text) {
    try {
      return text == null ? null : JSON.readTree(text);
    } catch (JacksonException e) {
      return null;
    }
  }

  /**
   * Takes headers from an object of theirs.
   *
   * @throws Problem.Stop PGRST111 for what is no header, or ours
   */
  public static void take(Map<String, String> headers, JsonNode object) {
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

  /** Headers that are none. */
  public static Problem badHeaders() {
    return Problem.of(
        500,
        "PGRST111",
        "response.headers guc must be a JSON array composed of objects with a single key and a string value");
  }
}
