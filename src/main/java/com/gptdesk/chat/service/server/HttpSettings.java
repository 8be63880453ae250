package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.TlsFiles;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.service.upstream.UpstreamSettings;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where the service listens, and what it accepts.
 *
 * @param host address to listen on
 * @param port 0 for any free one
 * @param tls null to speak plain HTTP, as behind a proxy that ends TLS
 * @param bounds the limits of a request
 * @param pageHosts origins of applications that may show the page in a frame and sign users in
 * @param origins whose pages may use the service
 * @param proxies the proxies that are trusted about a client's address
 * @param anonKey the page's key before a sign-in; null for none
 * @param log which requests are logged
 * @param upstream the back end that answers what is not of the chat; null for none
 */
public record HttpSettings(
    String host,
    int port,
    @Nullable TlsFiles tls,
    RequestBounds bounds,
    List<String> pageHosts,
    Cors origins,
    TrustedProxies proxies,
    @Nullable String anonKey,
    RequestLog log,
    @Nullable UpstreamSettings upstream) {
  private static final Setting<List<String>> PAGE_HOSTS =
      Setting.origins(
          "CHAT_PAGE_HOSTS",
          List.of(),
          "none",
          "applications that may show the Messages page in a frame");
  private static final Setting<List<String>> ALLOWED_ORIGINS =
      Setting.origins(
          "CHAT_ALLOWED_ORIGINS",
          List.of("*"),
          "*",
          "whose pages may call functions (CORS) and open sockets (else 403); the service's own always may");
  private static final Setting<TrustedProxies> TRUSTED_PROXIES =
      Setting.of(
          "CHAT_TRUSTED_PROXIES",
          "addresses or networks such as 10.0.0.0/8, separated by commas",
          HttpSettings::proxiesIn,
          TrustedProxies.none(),
          "none",
          "the proxies in front; without it all clients behind a proxy count as one address");
  private static final Setting<String> HOST =
      Setting.of(
          "CHAT_HOST",
          "an address",
          text -> text,
          "0.0.0.0",
          "0.0.0.0",
          "the address to listen on");
  private static final Setting<Integer> PORT =
      Setting.number("CHAT_PORT", 8080, 0, 65_535, "the port to listen on; 0 for any");

  /** The settings of the HTTP server. */
  public static final List<Setting<?>> SETTINGS =
      Stream.of(
              List.of(HOST, PORT),
              TlsFiles.SETTINGS,
              List.of(PAGE_HOSTS, ALLOWED_ORIGINS, TRUSTED_PROXIES),
              RequestBounds.SETTINGS)
          .<Setting<?>>flatMap(List::stream)
          .toList();

  /** Which requests are logged. */
  public static final List<Setting<?>> LOG = RequestLog.SETTINGS;

  /** Read from the environment. */
  public static HttpSettings from(Settings settings, @Nullable String anonKey) {
    List<String> pageHosts = settings.get(PAGE_HOSTS);
    Cors origins = new Cors(settings.get(ALLOWED_ORIGINS));
    TrustedProxies proxies = settings.get(TRUSTED_PROXIES);
    String host = settings.get(HOST);
    int port = settings.get(PORT);
    RequestBounds bounds = RequestBounds.from(settings);
    TlsFiles tls = TlsFiles.from(settings);
    return new HttpSettings(
        host,
        port,
        tls,
        bounds,
        pageHosts,
        origins,
        proxies,
        anonKey,
        RequestLog.from(settings),
        UpstreamSettings.from(settings));
  }

  private static @Nullable TrustedProxies proxiesIn(String text) {
    try {
      return TrustedProxies.in(Setting.listOf(text));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** The client's address, as far as it is known. */
  String clientOf(HttpServerRequest request) {
    return proxies.client(
        request.remoteAddress().hostAddress(), request.headers().getAll("X-Forwarded-For"));
  }

  /** The same on another port. */
  public HttpSettings withPort(int other) {
    return new HttpSettings(
        host, other, tls, bounds, pageHosts, origins, proxies, anonKey, log, upstream);
  }

  public HttpSettings {
    pageHosts = List.copyOf(pageHosts);
  }

  /** The same in front of a back end. */
  public HttpSettings withUpstream(UpstreamSettings other) {
    return new HttpSettings(
        host, port, tls, bounds, pageHosts, origins, proxies, anonKey, log, other);
  }

  /** Logs the requests that are problems, and hands nothing on. */
  public HttpSettings(
      String host,
      int port,
      @Nullable TlsFiles tls,
      RequestBounds bounds,
      List<String> pageHosts,
      Cors origins,
      TrustedProxies proxies,
      @Nullable String anonKey) {
    this(
        host, port, tls, bounds, pageHosts, origins, proxies, anonKey, RequestLog.defaults(), null);
  }
}
