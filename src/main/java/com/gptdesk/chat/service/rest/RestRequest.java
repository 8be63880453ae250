package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RequestSettings;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request for a table, independent of the HTTP server.
 *
 * @param query decoded, in order
 * @param authorization the header, if any
 * @param apikey the header, if any
 * @param profile the schema asked for: {@code Accept-Profile} of a GET or HEAD, {@code
 *     Content-Profile} of the rest
 * @param range the header {@code Range}, if any
 * @param headers all of them; read only for tables whose rules may ask for them
 */
public record RestRequest(
    String method,
    String table,
    List<Map.Entry<String, String>> query,
    @Nullable String authorization,
    @Nullable String apikey,
    @Nullable String profile,
    @Nullable String accept,
    @Nullable String contentType,
    @Nullable String prefer,
    @Nullable String range,
    ByteBuffer body,
    Iterable<Map.Entry<String, String>> headers) {

  /** The request as PostgREST's settings. */
  Map<String, String> settings() {
    return RequestSettings.of(method, "/" + table, headers);
  }

  /** GET and HEAD. */
  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** Method and table for the log, on one line whatever the client wrote. */
  String label() {
    return method + " " + table.replaceAll("[^\\w$.-]", "?");
  }

  /** Refuses another schema than public. */
  void check() {
    if (profile != null && !profile.isEmpty() && !profile.equals("public")) {
      throw Problem.of(406, "PGRST106", "Invalid schema: " + profile)
          .withHint("Only the following schemas are exposed: public")
          .stop();
    }
  }
}
