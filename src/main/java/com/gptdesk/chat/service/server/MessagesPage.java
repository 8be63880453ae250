package com.gptdesk.chat.service.server;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The Messages page: the files that the build put into the jar, kept in memory in each of their
 * encodings. Immutable.
 *
 * <p>Names under {@code assets/} contain a hash, so browsers may cache them for ever. The page
 * itself is revalidated each time by its tag.
 */
final class MessagesPage {
  private static final String FOLDER = "/page/";
  private static final String INDEX = "index.html";
  private static final String DEMO_USERS = "</demo/users>; rel=preload; as=fetch; crossorigin";

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml",
          "woff2", "font/woff2",
          "png", "image/png",
          "webmanifest", "application/manifest+json; charset=utf-8",
          "json", "application/json; charset=utf-8");

  /** One file; an encoding is null when the build did not create it. */
  private record Asset(
      String type, String tag, Buffer plain, @Nullable Buffer brotli, @Nullable Buffer gzip) {}

  private final Map<String, Asset> assets;
  private final String contentSecurityPolicy;
  private final boolean demo;

  private MessagesPage(Map<String, Asset> assets, String contentSecurityPolicy, boolean demo) {
    this.assets = Map.copyOf(assets);
    this.contentSecurityPolicy = contentSecurityPolicy;
    this.demo = demo;
  }

  /**
   * Reads the files.
   *
   * @param http which applications may show the page in a frame
   * @param demo whether the page will ask for the demo's people
   * @return null when the jar was built without the page
   */
  static @Nullable MessagesPage load(HttpSettings http, boolean demo) {
    byte[] names = resource("files");
    if (names == null) {
      return null;
    }
    Map<String, Asset> assets = new HashMap<>();
    for (String name : new String(names, StandardCharsets.UTF_8).split("\n", -1)) {
      byte[] content = name.isBlank() ? null : resource(name);
      if (content != null) {
        String extension = name.substring(name.lastIndexOf('.') + 1);
        assets.put(
            name,
            new Asset(
                TYPES.getOrDefault(extension, "application/octet-stream"),
                '"' + hash(content) + '"',
                Buffer.buffer(content),
                buffer(resource(name + ".br")),
                buffer(resource(name + ".gz"))));
      }
    }
    return assets.containsKey(INDEX)
        ? new MessagesPage(assets, contentSecurityPolicy(http.pageHosts()), demo)
        : null;
  }

  /** Serves the page, for any conversation in its path, and names what its scripts will ask for. */
  void index(HttpServerRequest request) {
    if (demo) {
      request.response().putHeader("Link", DEMO_USERS);
    }
    serve(request, INDEX);
  }

  /** Serves a file; false when there is none of that name. */
  boolean serve(HttpServerRequest request, String name) {
    Asset asset = assets.get(name);
    if (asset == null) {
      return false;
    }
    HttpServerResponse response = request.response();
    MultiMap headers = response.headers();
    headers.set("Content-Type", asset.type());
    headers.set("ETag", asset.tag());
    headers.set("Vary", "Accept-Encoding");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    boolean isAsset = name.startsWith("assets/");
    // Browsers ask documents and workers for these; the list waits for each script and sheet.
    if (!isAsset || !(name.endsWith(".js") || name.endsWith(".css"))) {
      headers.set("Cross-Origin-Opener-Policy", "same-origin");
      headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()");
      headers.set("Content-Security-Policy", contentSecurityPolicy);
    }
    headers.set("Cache-Control", isAsset ? "public, max-age=31536000, immutable" : "no-cache");
    if (asset.tag().equals(request.getHeader("If-None-Match"))) {
      response.setStatusCode(304).end();
      return true;
    }
    Buffer body = encoded(asset, request.getHeader("Accept-Encoding"), headers);
    if (request.method().equals(HttpMethod.HEAD)) {
      headers.set("Content-Length", Integer.toString(body.length()));
      response.end();
    } else {
      response.end(body);
    }
    return true;
  }

  private static Buffer encoded(Asset asset, @Nullable String accepted, MultiMap headers) {
    if (asset.brotli() != null && accepts(accepted, "br")) {
      headers.set("Content-Encoding", "br");
      return asset.brotli();
    }
    if (asset.gzip() != null && accepts(accepted, "gzip")) {
      headers.set("Content-Encoding", "gzip");
      return asset.gzip();
    }
    return asset.plain();
  }

  /** Whether the header accepts the encoding; a quality of 0 refuses it. */
  private static boolean accepts(@Nullable String header, String encoding) {
    if (header == null) {
      return false;
    }
    for (String part : header.toLowerCase(Locale.ROOT).split(",", -1)) {
      String[] words = part.strip().split("\\s*;\\s*", 2);
      if (words[0].equals(encoding)) {
        return words.length == 1 || !words[1].matches("q=0(\\.0*)?");
      }
    }
    return false;
  }

  /**
   * Scripts, styles, calls and sockets only from this origin, and none inline. Images from
   * anywhere, since users send their addresses; sound and films, too, since a store may hand them
   * on. {@code blob:} shows a file before it is uploaded.
   */
  private static String contentSecurityPolicy(List<String> hosts) {
    String ancestors = hosts.isEmpty() ? "'self'" : "'self' " + String.join(" ", hosts);
    return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self';"
        + " manifest-src 'self'; worker-src 'self'; img-src 'self' data: blob: http: https:;"
        + " media-src 'self' blob: http: https:; base-uri 'none'; form-action 'none'; frame-ancestors "
        + ancestors;
  }

  private static byte @Nullable [] resource(String name) {
    try (InputStream in = MessagesPage.class.getResourceAsStream(FOLDER + name)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("The page's file " + name + " cannot be read", e);
    }
  }

  private static @Nullable Buffer buffer(byte @Nullable [] bytes) {
    return bytes == null ? null : Buffer.buffer(bytes);
  }

  private static String hash(byte[] content) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(digest, 0, 12);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JDK has SHA-256", e);
    }
  }
}
