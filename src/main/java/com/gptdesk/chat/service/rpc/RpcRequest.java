package com.gptdesk.chat.service.rpc;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call as it came over HTTP, free of any server's types.
 *
 * @param query decoded, in order
 * @param authorization the header, if any
 * @param apikey the header, if any
 * @param profile the schema asked for: {@code Accept-Profile} of a GET or HEAD, {@code
 *     Content-Profile} of the rest
 * @param position {@code x-chat-lsn}: what must have been replayed where the call reads, if any
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
    ByteBuffer body) {

  /** GET and HEAD: arguments come in the query and nothing may be written. */
  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** Method and function for the log, on one line whatever the client wrote. */
  String label() {
    return method + " " + function.replaceAll("[^\\w$.-]", "?");
  }

  /** Whether the caller wants to know how many rows there are in all. */
  boolean wantsCount() {
    return prefer != null && prefer.contains("count=");
  }
}
