package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RequestSettings;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;

/**
 * A call over HTTP, independent of the HTTP server.
 *
 * @param query decoded, in order
 * @param authorization the header, if any
 * @param apikey the header, if any
 * @param profile the schema asked for: {@code Accept-Profile} of a GET or HEAD, {@code
 *     Content-Profile} of the rest
 * @param position {@code x-chat-lsn}: the log position that a read must show, if any
 * @param headers all of them; read only for functions that may ask for them
 */
public record RpcRequest(
    String method,
    String function,
    List<Map.Entry<String, String>> query,
    @Nullable String authorization,
    @Nullable String apikey,
    @Nullable String profile,
    @Nullable String accept,
    @Nullable String contentType,
    @Nullable String prefer,
    @Nullable String position,
    ByteBuffer body,
    Iterable<Map.Entry<String, String>> headers) {

  static final String OBJECT = "application/vnd.pgrst.object+json";
  private static final String ARRAY = "application/vnd.pgrst.array+json";
  private static final Pattern LSN = Pattern.compile("[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}");

  /** The header of a write's answer, and of a read that must show that write. */
  public static final String POSITION = "x-chat-lsn";

  /** Without headers that a function could ask for. */
  public RpcRequest(
      String method,
      String function,
      List<Map.Entry<String, String>> query,
      @Nullable String authorization,
      @Nullable String apikey,
      @Nullable String profile,
      @Nullable String accept,
      @Nullable String contentType,
      @Nullable String prefer,
      @Nullable String position,
      ByteBuffer body) {
    this(
        method,
        function,
        query,
        authorization,
        apikey,
        profile,
        accept,
        contentType,
        prefer,
        position,
        body,
        List.of());
  }

  /** The request as PostgREST's settings. */
  Map<String, String> settings() {
    return RequestSettings.of(method, "/rpc/" + function, headers);
  }

  /** Refuses requests that are not supported. */
  void check() {
    refuseOtherMethods();
    refuseOtherSchemas();
    refuseOtherTypes();
  }

  /** GET and HEAD: arguments are in the query, and nothing may be written. */
  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** Method and function for the log, on one line whatever the client wrote. */
  String label() {
    return method + " " + function.replaceAll("[^\\w$.-]", "?");
  }

  /** Whether the caller wants the total number of rows. */
  boolean wantsCount() {
    return prefer != null && prefer.contains("count=");
  }

  private void refuseOtherMethods() {
    if (!reads() && !method.equals("POST")) {
      throw Problem.of(405, "PGRST101", "Cannot use the " + method + " method on RPC")
          .withHint("Use POST, or GET and HEAD for a function that only reads")
          .withHeader("Allow", "GET, HEAD, POST, OPTIONS")
          .stop();
    }
  }

  private void refuseOtherSchemas() {
    if (profile != null && !profile.isEmpty() && !profile.equals("public")) {
      throw Problem.of(406, "PGRST106", "Invalid schema: " + profile)
          .withHint("Only the following schemas are exposed: public")
          .stop();
    }
  }

  private void refuseOtherTypes() {
    if (wantedShape() == null) {
      throw Problem.of(406, "PGRST107", "None of these media types are available: " + accept)
          .withHint("Ask for application/json or " + OBJECT)
          .stop();
    }
  }

  /** Whether the caller wants one object instead of an array. */
  boolean wantsObject() {
    return Boolean.TRUE.equals(wantedShape());
  }

  /** True for one object, false for any; null when neither would do. */
  private @Nullable Boolean wantedShape() {
    if (accept == null || accept.isBlank()) {
      return false;
    }
    for (String one : accept.toLowerCase(Locale.ROOT).split(",", -1)) {
      String type = one.replace(" ", "");
      boolean stripped = type.contains("nulls=stripped");
      switch (type.split(";", 2)[0]) {
        case OBJECT -> {
          if (!stripped) {
            return true;
          }
        }
        case "*/*", "application/*", "application/json", ARRAY -> {
          if (!stripped) {
            return false;
          }
        }
        default -> {}
      }
    }
    return null;
  }

  /** The log position that a read must show; null for none. */
  @Nullable LogSequenceNumber mustShow() {
    String text = position;
    if (text == null || text.isBlank()) {
      return null;
    }
    if (!LSN.matcher(text).matches()) {
      throw Problem.of(400, "PGRST100", "The header " + POSITION + " is not a log position")
          .withHint(
              "Send the header of a write's answer unchanged, for instance 16/B374D848, or none")
          .stop();
    }
    return LogSequenceNumber.valueOf(text);
  }
}
