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
