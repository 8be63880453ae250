package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestDeadlines;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TlsCertificate;
import com.gptdesk.chat.service.http.TlsFiles;
import com.gptdesk.chat.service.http.TlsRenewal;
import com.gptdesk.chat.service.ops.Health;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.realtime.socket.RealtimeServer;
import com.gptdesk.chat.service.rest.RestEndpoint;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.scim.ScimEndpoint;
import com.gptdesk.chat.service.storage.StorageEndpoint;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server: ports, TLS, limits and deadlines of connections. One listener for each event
 * loop shares the port; requests go to the {@link Routes}, WebSockets to the {@link
 * RealtimeServer}.
 */
public final class HttpService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpService.class);

  /** Longer than the timeout of a socket in the realtime protocol (60 s). */
  private static final int IDLE_SECONDS = 90;

  private static final int CLOSE_SECONDS = 10;

  private static final AtomicInteger SERVICES = new AtomicInteger();

  /** Distinguishes the free port of this service from that of another one in the same process. */
  private final int number = SERVICES.incrementAndGet();

  private final Vertx vertx;
  private final HttpSettings settings;
  private final RequestLimits limits;
  private final RealtimeServer realtime;
  private final @Nullable TlsCertificate certificate;
  private final @Nullable TlsRenewal renewal;
  private final Routes routes;
  private final ExecutorService work = Executors.newVirtualThreadPerTaskExecutor();
  private final Queue<HttpServer> servers = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param limits the rate limits
   * @param storage null where no files are stored
   * @param scim null where no identity provider tells of people; then its paths do not exist
   * @param demo null without the demo; then its paths do not exist
   * @param pageSettings what {@code /page.json} says
   */
  public HttpService(
      Vertx vertx,
      HttpSettings settings,
      RpcEndpoint rpc,
      RestEndpoint rest,
      BroadcastEndpoint broadcasts,
      @Nullable StorageEndpoint storage,
      @Nullable ScimEndpoint scim,
      RequestLimits limits,
      Health health,
      RealtimeServer realtime,
      @Nullable DemoEndpoints demo,
      Metrics metrics,
      PageSettings pageSettings) {
    this.vertx = vertx;
    this.settings = settings;
    this.limits = limits;
    this.realtime = realtime;
    TlsFiles tls = settings.tls();
    this.certificate = tls == null ? null : TlsCertificate.read(vertx, tls);
    this.renewal =
        tls == null || certificate == null
            ? null
            : new TlsRenewal(vertx, tls, certificate, this::show);
    MessagesPage page = MessagesPage.load(settings, demo != null);
    if (page == null) {
      LOG.info(
          "The Messages page is not in this build, as it was built without Node 20; everything else works");
    }
    this.routes =
        new Routes(
            vertx,
            settings,
            rpc,
            rest,
            broadcasts,
            storage == null ? null : new StorageRoute(storage, settings.bounds(), work),
            scim,
            limits,
            health,
            demo,
            metrics,
            pageSettings,
            page,
            work);
  }

  /**
   * Starts to listen and returns the port.
   *
   * @throws IllegalStateException when the port is not available
   */
  public int start() {
    try {
      vertx
          .deployVerticle(
              Listener::new,
              new DeploymentOptions().setInstances(Runtime.getRuntime().availableProcessors()))
          .await(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (Exception e) {
      if (e instanceof BindException) { // the operator can fix it, so it needs no stack trace
        throw cannotBeHad(settings.port(), e);
      }
      throw new IllegalStateException("Could not listen on port " + settings.port(), e);
    }
    int port = servers.element().actualPort();
    LOG.info("Listening on port {} ({})", port, certificate == null ? "http" : "https");
    if (renewal != null) {
      renewal.start();
    }
    return port;
  }

  /**
   * Checks that the port is available, so that a port in use is reported early.
   *
   * @param host the address to listen on
   * @param port 0 for any free port
   * @throws IllegalStateException the port is not available
   */
  public static void requireFree(String host, int port) {
    if (port == 0) {
      return;
    }
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(host, port));
    } catch (IOException e) {
      throw cannotBeHad(port, e);
    }
  }

  private static IllegalStateException cannotBeHad(int port, Exception e) {
    return new IllegalStateException(
        "Port "
            + port
            + " is not available ("
            + e.getMessage()
            + "); choose another with --port or CHAT_PORT.");
  }

  /** Closes the WebSockets, accepts no new requests and waits some seconds for running ones. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    if (renewal != null) {
      renewal.close();
    }
    realtime.close(); // otherwise the server would wait for sockets that stay open for hours
    List<Future<Void>> closing =
        servers.stream().map(server -> server.shutdown(CLOSE_SECONDS, TimeUnit.SECONDS)).toList();
    try {
      Future.join(closing).await(CLOSE_SECONDS + 2L, TimeUnit.SECONDS);
    } catch (Exception e) {
      LOG.warn("Some connections did not end in time: {}", e.toString());
    }
    work.shutdownNow();
  }

  /** The server of one event loop, with its share of the connections. */
  private final class Listener extends VerticleBase {
    @Override
    public Future<?> start() {
      var deadlines =
          new RequestDeadlines(
              vertx,
              settings.bounds().arrival(),
              Duration.ofSeconds(IDLE_SECONDS),
              (request, allowed) -> answer(request, RequestBounds.tooSlow(allowed)));
      Router router = routes.router(deadlines);
      HttpServer server =
          vertx
              .createHttpServer(options())
              .connectionHandler(deadlines::opened)
              .invalidRequestHandler(HttpService.this::refuseInvalid)
              .requestHandler(
                  request -> {
                    if (realtime.accepts(RequestLog.path(request))) {
                      deadlines.forget(request.connection());
                      upgrade(request);
                    } else {
                      deadlines.begun(request);
                      router.handle(request);
                    }
                  });
      return server.listen(address()).onSuccess(servers::add);
    }
  }

  /**
   * Browsers let every page open a WebSocket to any server, so the server has to check the origin.
   */
  private void upgrade(HttpServerRequest request) {
    String id = RequestId.in(request);
    request
        .response()
        .putHeader(RequestId.HEADER, id)
        // Only for a refusal; the connection is no longer counted, so it must close.
        .headersEndHandler(refused -> request.response().putHeader("Connection", "close"))
        .endHandler(
            refused -> {
              settings.log().refused(request, id);
              request.connection().close();
            });
    Problem tooMany = limits.refusalOf(settings.clientOf(request));
    if (tooMany != null) {
      answer(request, tooMany);
    } else if (bringsBody(request)) {
      // Otherwise the server would wait for the body, however slowly it comes.
      answer(request, Problem.unreadable().withHint("An upgrade to a WebSocket has no body"));
    } else if (settings.origins().admit(request)) {
      realtime.upgrade(request, id);
    } else {
      answer(request, Cors.foreign());
    }
  }

  private static boolean bringsBody(HttpServerRequest request) {
    String length = request.getHeader("Content-Length");
    return request.getHeader("Transfer-Encoding") != null
        || (length != null && !length.equals("0"));
  }

  /** A malformed request, which the router never sees. The connection is closed. */
  private static void answer(HttpServerRequest request, Problem problem) {
    Reply no = problem.reply();
    no.headers().forEach(request.response()::putHeader);
    request
        .response()
        .setStatusCode(no.status())
        .putHeader("Content-Type", Reply.JSON_TYPE)
        .putHeader("Connection", "close")
        .end(String.valueOf(no.body()));
  }

  private void refuseInvalid(HttpServerRequest request) {
    Throwable cause = request.decoderResult().cause();
    LOG.debug("A request is malformed", cause);
    answer(
        request,
        switch (cause) {
          case TooLongHttpLineException e -> settings.bounds().lineTooLong();
          case TooLongHttpHeaderException e -> settings.bounds().headersTooLong();
          case null, default -> Problem.unreadable();
        });
    request.connection().close();
  }

  private HttpServerOptions options() {
    HttpServerOptions options =
        realtime.configure(
            new HttpServerOptions()
                .setIdleTimeout(IDLE_SECONDS)
                // Otherwise a connection would be known only after its first bytes show the HTTP
                // version.
                .setHttp2ClearTextEnabled(false)
                .setMaxHeaderSize(settings.bounds().maxHeaderBytes())
                .setMaxInitialLineLength(settings.bounds().maxLineBytes()));
    return certificate == null
        ? options
        : options
            .setSsl(true)
            .setKeyCertOptions(certificate.options())
            .setEnabledSecureTransportProtocols(TlsCertificate.PROTOCOLS)
            .setUseAlpn(false); // only HTTP/1.1, which has upgrades to WebSockets
  }

  /** Applies to new connections; open ones stay. */
  private void show(TlsCertificate renewed) {
    Future.join(
            servers.stream()
                .map(server -> server.updateSSLOptions(renewed.serverOptions()))
                .toList())
        .await();
  }

  private SocketAddress address() {
    // Any free port, but the same for all servers of this service.
    return settings.port() == 0
        ? SocketAddress.sharedRandomPort(number, settings.host())
        : SocketAddress.inetSocketAddress(settings.port(), settings.host());
  }
}
