package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.TlsFiles;
import com.gptdesk.chat.service.http.TrustedProxies;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the service listens and what it accepts.
 *
 * @param host address to listen on
 * @param port 0 for any free one
 * @param tls null to speak plain HTTP, as behind a proxy that ends TLS
 * @param bounds how much a request may bring
 * @param pageHosts origins of applications that may show the page in a frame and sign people in
 * @param origins whose pages may talk to the service
 * @param proxies whose word about a client's address is believed
 * @param anonKey the key with which the page begins; null when none is configured
 */
public record HttpSettings(
    String host,
    int port,
    @Nullable TlsFiles tls,
    RequestBounds bounds,
    List<String> pageHosts,
    Cors origins,
    TrustedProxies proxies,
    @Nullable String anonKey) {
  public HttpSettings {
    pageHosts = List.copyOf(pageHosts);
  }

  /** With a page that nobody else shows, and for pages of every origin. */
  public HttpSettings(String host, int port, long maxBodyBytes) {
    this(
        host,
        port,
        null,
        RequestBounds.defaults().withBody(maxBodyBytes),
        List.of(),
        Cors.all(),
        TrustedProxies.none(),
        null);
  }
}
