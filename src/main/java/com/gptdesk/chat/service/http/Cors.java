package com.gptdesk.chat.service.http;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.util.List;

/**
 * The origins whose pages may use the service from a browser. The service's own pages always may. A
 * request without an origin does not come from a page, and its token decides.
 *
 * @param origins as a browser writes them, {@code https://desk.example}; {@code *} for all
 */
public record Cors(List<String> origins) {
  private static final String EXPOSED_HEADERS =
      "Content-Range, Content-Location, Date, Location, Preference-Applied, Range-Unit, Retry-After, X-Request-Id, x-chat-lsn, x-chat-reason,"
          + " Accept-Ranges, Content-Disposition, Content-Length, ETag, Tus-Extension, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Offset";

  private static final String USUAL_HEADERS =
      "authorization, apikey, content-type, accept, accept-profile, content-profile, prefer, range, x-client-info,"
          + " x-retry-count, traceparent, tracestate, baggage, x-supabase-api-version, x-chat-lsn";

  public Cors {
    origins = List.copyOf(origins);
  }

  /** Pages of every origin. */
  public static Cors all() {
    return new Cors(List.of("*"));
  }

  /** Whether a page of that origin may send requests. */
  public boolean admit(HttpServerRequest request) {
    String origin = request.getHeader("Origin");
    return origin == null || everybody() || origins.contains(origin) || isOwn(origin, request);
  }

  /** Sets the headers that let the page read the answer. */
  public void answer(HttpServerRequest request, MultiMap headers) {
    headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
    String origin = request.getHeader("Origin");
    if (everybody()) {
      headers.set("Access-Control-Allow-Origin", "*");
      return;
    }
    headers.add("Vary", "Origin"); // otherwise a cache would serve one page's answer to another
    if (origin != null && admit(request)) {
      headers.set("Access-Control-Allow-Origin", origin);
    }
  }

  /** Answers a browser's preflight request for an allowed origin. */
  public static void preflight(HttpServerRequest request) {
    // No cookies are used, so pages of an allowed origin may send any header.
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

  /** The answer to a page of another origin. */
  public static Problem foreign() {
    return Problem.of(403, "PT403", "Pages of this origin may not use the service")
        .withHint("The operator may add the origin to CHAT_ALLOWED_ORIGINS");
  }

  private boolean everybody() {
    return origins.contains("*");
  }

  /** Ignores the scheme, which the service does not know behind a proxy that ends TLS. */
  private static boolean isOwn(String origin, HttpServerRequest request) {
    HostAndPort host = request.authority();
    return host != null
        && origin
            .replaceFirst("^https?://", "")
            .equalsIgnoreCase(host.port() < 0 ? host.host() : host.host() + ":" + host.port());
  }
}
