package com.gptdesk.chat.service.upstream;

import com.gptdesk.chat.service.http.TrustedProxies;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.httpproxy.HttpProxy;
import io.vertx.httpproxy.ProxyOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The back end behind the service. Its address is fixed by the operator: of a request only the path
 * and the query reach it. Thread-safe; a request is handed on by its own event loop.
 */
public final class Upstream {

  /** The answer to a request has this long from the back end, before the connection ends, too. */
  private static final Duration AFTER_TIMEOUT = Duration.ofSeconds(1);

  private static final ProxyOptions OPTIONS = new ProxyOptions().setSupportWebSocket(false);

  private final UpstreamSettings settings;
  private final TrustedProxies proxies;
  private final HttpClient client;

  /**
   * @param proxies whose forwarded headers are passed on
   * @param maxHeaderBytes all headers of an answer together; more is answered with 502
   */
  public Upstream(
      Vertx vertx, UpstreamSettings settings, TrustedProxies proxies, int maxHeaderBytes) {
    this.settings = settings;
    this.proxies = proxies;
    this.client =
        vertx
            .httpClientBuilder()
            .with(
                new HttpClientOptions()
                    .setConnectTimeout(Math.toIntExact(settings.connectTimeout().toMillis()))
                    .setIdleTimeout(
                        Math.toIntExact(settings.timeout().plus(AFTER_TIMEOUT).toMillis()))
                    .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                    .setMaxHeaderSize(maxHeaderBytes))
            .with(
                new PoolOptions()
                    .setHttp1MaxSize(settings.connections())
                    .setMaxWaitQueueSize(settings.waiting()))
            .build();
  }

  /** Where it is, and what a request may cost. */
  public UpstreamSettings settings() {
    return settings;
  }

  /**
   * Hands the request on, and its answer back. The request is paused and nothing of its body read.
   *
   * @param path normalized, so that it is the one by which was decided whose the request is
   * @param id of the request
   */
  public void handOn(HttpServerRequest request, String path, String id) {
    String query = request.query();
    RequestOptions origin =
        new RequestOptions()
            .setHost(settings.address().getHost())
            .setPort(settings.port())
            .setSsl(settings.isSecure())
            .setConnectTimeout(settings.connectTimeout().toMillis())
            .setIdleTimeout(settings.timeout().toMillis());
    HttpProxy.reverseProxy(OPTIONS, client)
        .origin(context -> client.request(origin))
        .addInterceptor(
            new Handover(settings, proxies, query == null ? path : path + "?" + query, id))
        .handle(request);
  }
}
