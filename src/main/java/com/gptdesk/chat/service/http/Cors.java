package com.gptdesk.chat.service.http;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.util.List;

/**
 * Whose pages may talk to the service from a browser. Its own may always; who sends no origin is no
 * page, and its token says who it is.
 *
 * @param origins as a browser writes them, {@code https://desk.example}; {@code *} for all
 */
public record Cors(List<String> origins) {
  private static final String EXPOSED_HEADERS =
      "Content-Range, Content-Location, Location, Range-Unit, Retry-After, X-Request-Id, x-chat-lsn";

  private static final String USUAL_HEADERS =
      "authorization, apikey, content-type, accept, accept-profile, content-profile, prefer, range, x-client-info,"
          + " x-retry-count, traceparent, tracestate, baggage, x-supabase-api-version, x-chat-lsn";

  public Cors {
    origins = List.copyOf(origins);
  }

  /** Every page. */
  public static Cors all() {
    return new Cors(List.of("*"));
  }

  /** True when a page of that origin may ask. */
  public boolean admit(HttpServerRequest request) {
    String origin = request.getHeader("Origin");
    return origin == null || everybody() || origins.contains(origin) || isOwn(origin, request);
  }

  /** Tells the browser whether the page may read the answer. */
  public void answer(HttpServerRequest request, MultiMap headers) {
    headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
    String origin = request.getHeader("Origin");
    if (everybody()) {
      headers.set("Access-Control-Allow-Origin", "*");
      return;
    }
    headers.add("Vary", "Origin"); // else a cache would hand one page's answer to another
    if (origin != null && admit(request)) {
      headers.set("Access-Control-Allow-Origin", origin);
    }
  }

  /** Answers the question that a browser asks before a page of an admitted origin may send. */
  public static void preflight(HttpServerRequest request) {
    // No cookies are used, so what a page of an allowed origin wants to send may be sent.
    String asked = request.getHeader("Access-Control-Request-Headers");
    request
        .response()
        .putHeader("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS")
        .putHeader(
            "Access-Control-Allow-Headers",
            asked == null || asked.isBlank() ? USUAL_HEADERS : asked)
        .putHeader("Access-Control-Max-Age", "86400")
        .setStatusCode(204)
        .end();
  }

  /** The answer to a page that is not admitted. */
  public static Problem foreign() {
    return Problem.of(403, "PT403", "Pages of this origin may not use the service")
        .withHint("Whoever runs it may add the origin to CHAT_ALLOWED_ORIGINS");
  }

  private boolean everybody() {
    return origins.contains("*");
  }

  /** The scheme is left aside: behind a proxy that ends TLS, the service does not know its own. */
  private static boolean isOwn(String origin, HttpServerRequest request) {
    HostAndPort host = request.authority();
    return host != null
        && origin
            .replaceFirst("^https?://", "")
            .equalsIgnoreCase(host.port() < 0 ? host.host() : host.host() + ":" + host.port());
  }
}
