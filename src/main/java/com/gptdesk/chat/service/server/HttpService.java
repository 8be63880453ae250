package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestDeadlines;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TlsCertificate;
import com.gptdesk.chat.service.http.TlsFiles;
import com.gptdesk.chat.service.http.TlsRenewal;
import com.gptdesk.chat.service.ops.Health;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.realtime.RealtimeServer;
import com.gptdesk.chat.service.rpc.RpcGateway;
import com.gptdesk.chat.service.rpc.RpcRequest;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The HTTP server: routes, CORS, limits and the access log. One listener for each event loop shares
 * the port; work that may block runs on a virtual thread, and WebSockets are handed to the {@link
 * RealtimeServer}.
 */
public final class HttpService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpService.class);

  /** Method, path, status and time; never a query or a header, where tokens are. */
  private static final Logger ACCESS = LoggerFactory.getLogger("com.gptdesk.chat.access");

  /** Longer than the silence after which the realtime protocol gives a socket up (60 s). */
  private static final int IDLE_SECONDS = 90;

  private static final int CLOSE_SECONDS = 10;

  private static final AtomicInteger SERVICES = new AtomicInteger();

  /** Tells this service's free port from another's in the same process. */
  private final int number = SERVICES.incrementAndGet();

  private final Vertx vertx;
  private final HttpSettings settings;
  private final RpcGateway rpc;
  private final BroadcastEndpoint broadcasts;
  private final RequestLimits limits;
  private final Health health;
  private final RealtimeServer realtime;
  private final @Nullable DemoEndpoints demo;
  private final Metrics metrics;
  private final @Nullable TlsCertificate certificate;
  private final @Nullable TlsRenewal renewal;
  private final @Nullable MessagesPage page;
  private final ExecutorService work = Executors.newVirtualThreadPerTaskExecutor();
  private final Queue<HttpServer> servers = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param limits how much is taken from one address
   * @param demo null outside the demo; then its addresses do not exist
   */
  public HttpService(
      Vertx vertx,
      HttpSettings settings,
      RpcGateway rpc,
      BroadcastEndpoint broadcasts,
      RequestLimits limits,
      Health health,
      RealtimeServer realtime,
      @Nullable DemoEndpoints demo,
      Metrics metrics) {
    this.vertx = vertx;
    this.settings = settings;
    this.rpc = rpc;
    this.broadcasts = broadcasts;
    this.limits = limits;
    this.health = health;
    this.realtime = realtime;
    this.demo = demo;
    this.metrics = metrics;
    TlsFiles tls = settings.tls();
    this.certificate = tls == null ? null : TlsCertificate.read(vertx, tls);
    this.renewal =
        tls == null || certificate == null
            ? null
            : new TlsRenewal(vertx, tls, certificate, this::show);
    this.page = MessagesPage.load(settings, demo != null);
    if (page == null) {
      LOG.info("The Messages page is not in this build, which found no Node 20; all else works");
    }
  }

  /**
   * Listens, and returns the port.
   *
   * @throws IllegalStateException when the port cannot be had
   */
  public int start() {
    try {
      vertx
          .deployVerticle(
              Listener::new,
              new DeploymentOptions().setInstances(Runtime.getRuntime().availableProcessors()))
          .await(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (Exception e) {
      if (e
          instanceof BindException) { // to be mended by whoever reads it, so without a stack trace
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
   * Looks whether the port can be had, so that one in use is said before much is done.
   *
   * @param host the address to listen on
   * @param port 0 for any, which can always be had
   * @throws IllegalStateException it cannot
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
            + " cannot be had ("
            + e.getMessage()
            + "); choose another with --port or CHAT_PORT.");
  }

  /** Sends the WebSockets away, takes no new requests and waits some seconds for those that run. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    if (renewal != null) {
      renewal.close();
    }
    realtime.close(); // else the server would wait for sockets that stay open for hours
    List<Future<Void>> closing =
        servers.stream().map(server -> server.shutdown(CLOSE_SECONDS, TimeUnit.SECONDS)).toList();
    try {
      Future.join(closing).await(CLOSE_SECONDS + 2L, TimeUnit.SECONDS);
    } catch (Exception e) {
      LOG.warn("Some connections did not end by themselves: {}", e.toString());
    }
    work.shutdownNow();
  }

  /** One event loop's share of the connections. */
  private final class Listener extends VerticleBase {
    @Override
    public Future<?> start() {
      Router router = router();
      var deadlines =
          new RequestDeadlines(
              vertx,
              settings.bounds().arrival(),
              Duration.ofSeconds(IDLE_SECONDS),
              request -> answer(request, tooSlow()));
      HttpServer server =
          vertx
              .createHttpServer(options())
              .connectionHandler(deadlines::opened)
              .invalidRequestHandler(HttpService.this::refuseInvalid)
              .requestHandler(
                  request -> {
                    if (realtime.accepts(path(request))) {
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

  /** A browser lets every page open a WebSocket anywhere, so it is for us to refuse. */
  private void upgrade(HttpServerRequest request) {
    String id = RequestId.of(request.getHeader(RequestId.HEADER));
    request
        .response()
        .putHeader(RequestId.HEADER, id)
        // Only of a refusal; the connection is counted no longer, so it must end.
        .headersEndHandler(refused -> request.response().putHeader("Connection", "close"))
        .endHandler(
            refused -> {
              log(id, request);
              request.connection().close();
            });
    Problem tooMany = limits.refusalOf(address(request));
    if (tooMany != null) {
      answer(request, tooMany);
    } else if (bringsBody(request)) {
      // Else it would be waited for, however slowly it comes.
      answer(request, unreadable().withHint("An upgrade to a WebSocket has no body"));
    } else if (settings.origins().admit(request)) {
      realtime.upgrade(request, id);
    } else {
      answer(request, foreign());
    }
  }

  private static boolean bringsBody(HttpServerRequest request) {
    String length = request.getHeader("Content-Length");
    return request.getHeader("Transfer-Encoding") != null
        || (length != null && !length.equals("0"));
  }

  private static void log(String id, HttpServerRequest upgrade) {
    RequestId.named(
        id,
        () ->
            ACCESS.info(
                "{} {} {}", upgrade.method(), path(upgrade), upgrade.response().getStatusCode()));
  }

  /** What the router never sees. Nothing more is taken from this connection. */
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
    LOG.debug("A request cannot be read", cause);
    answer(
        request,
        switch (cause) {
          case TooLongHttpLineException e ->
              Problem.of(414, "PT414", "The address is too long")
                  .withHint("At most " + settings.bounds().maxLineBytes() + " bytes are taken");
          case TooLongHttpHeaderException e ->
              Problem.of(431, "PT431", "The headers are too long")
                  .withHint(
                      "At most "
                          + settings.bounds().maxHeaderBytes()
                          + " bytes are taken, all headers together");
          case null, default -> unreadable();
        });
    request.connection().close();
  }

  private HttpServerOptions options() {
    HttpServerOptions options =
        realtime.configure(
            new HttpServerOptions()
                .setIdleTimeout(IDLE_SECONDS)
                // Else a connection would be known only when its first bytes tell which HTTP it is.
                .setHttp2ClearTextEnabled(false)
                .setMaxHeaderSize(settings.bounds().maxHeaderBytes())
                .setMaxInitialLineLength(settings.bounds().maxLineBytes()));
    return certificate == null
        ? options
        : options
            .setSsl(true)
            .setKeyCertOptions(certificate.options())
            .setEnabledSecureTransportProtocols(TlsCertificate.PROTOCOLS)
            .setUseAlpn(false); // HTTP/1.1 alone, on which sockets are upgraded
  }

  /** For the connections from now on; those that are open stay. */
  private void show(TlsCertificate renewed) {
    Future.join(
            servers.stream()
                .map(server -> server.updateSSLOptions(renewed.serverOptions()))
                .toList())
        .await();
  }

  private SocketAddress address() {
    // Any free port, but the same for all listeners of this service.
    return settings.port() == 0
        ? SocketAddress.sharedRandomPort(number, settings.host())
        : SocketAddress.inetSocketAddress(settings.port(), settings.host());
  }

  private Router router() {
    Router router = Router.router(vertx);
    router.route().handler(this::begin);
    router.route("/rest/v1/rpc/:function").handler(this::withinLimits);
    router.route("/rest/v1/rpc/:function").handler(body()).handler(this::rpc);
    router.route("/rest/v1/*").handler(this::noTables);
    router.route("/realtime/v1/api/broadcast*").handler(this::withinLimits);
    router.post("/realtime/v1/api/broadcast").handler(body()).handler(this::broadcasts);
    router
        .post("/realtime/v1/api/broadcast/:topic/events/:event")
        .handler(body())
        .handler(this::broadcast);
    route(router, "/health/live").handler(context -> end(context, health.live()));
    route(router, "/health/ready").handler(context -> blocking(context, health::ready));
    route(router, "/metrics")
        .handler(
            context -> {
              String authorization = context.request().getHeader("Authorization");
              blocking(context, () -> metrics.read(authorization));
            });
    if (demo != null) {
      route(router, "/demo/users").handler(context -> blocking(context, demo::users));
      router
          .post("/demo/token")
          .handler(body())
          .handler(context -> blocking(context, () -> demo.token(bytes(context))));
    }
    if (page == null) {
      route(router, "/").handler(HttpService::hint);
    } else {
      page(router, page);
    }
    router.route().handler(context -> end(context, notFound(context.request()).reply()));
    router.errorHandler(400, context -> end(context, unreadable().reply()));
    router.errorHandler(413, context -> end(context, tooLong().reply()));
    router.errorHandler(500, HttpService::fault);
    return router;
  }

  private static void page(Router router, MessagesPage page) {
    for (String address : List.of("/", "/messages", "/messages/:conversation")) {
      route(router, address).handler(context -> page.index(context.request()));
    }
    route(router, "/page.json").handler(context -> end(context, page.settings()));
    route(router, "/assets/:name")
        .handler(
            context -> {
              if (!page.serve(context.request(), "assets/" + context.pathParam("name"))) {
                context.next();
              }
            });
  }

  /** A page that can be had by GET, and looked for by HEAD. */
  private static Route route(Router router, String path) {
    return router.route(path).method(HttpMethod.GET).method(HttpMethod.HEAD);
  }

  private BodyHandler body() {
    return BodyHandler.create(false).setBodyLimit(settings.bounds().maxBodyBytes());
  }

  // ---- every request

  private void begin(RoutingContext context) {
    HttpServerRequest request = context.request();
    MultiMap headers = context.response().headers();
    settings.origins().answer(request, headers);
    headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
    String id = RequestId.of(request.getHeader(RequestId.HEADER));
    context.put(RequestId.FIELD, id);
    headers.set(RequestId.HEADER, id);
    if (ACCESS.isInfoEnabled()
        && !path(request).startsWith("/health/")
        && !path(request).equals("/metrics")) {
      long start = System.nanoTime();
      String line = request.method() + " " + path(request);
      context.addEndHandler(
          ended ->
              RequestId.named(
                  id,
                  () ->
                      ACCESS.info(
                          "{} {} {} ms",
                          line,
                          context.response().getStatusCode(),
                          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))));
    }
    if (request.method().equals(HttpMethod.OPTIONS)) {
      preflight(context);
    } else {
      context.next();
    }
  }

  private static final String EXPOSED_HEADERS =
      "Content-Range, Content-Location, Location, Range-Unit, Retry-After, X-Request-Id, x-chat-lsn";

  private static final String USUAL_HEADERS =
      "authorization, apikey, content-type, accept, accept-profile, content-profile, prefer, range, x-client-info,"
          + " x-retry-count, traceparent, tracestate, baggage, x-supabase-api-version, x-chat-lsn";

  private void preflight(RoutingContext context) {
    HttpServerRequest request = context.request();
    if (!settings.origins().admit(request)) {
      end(context, foreign().reply());
      return;
    }
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

  // ---- the addresses

  /** Before the body is read: who sends too much is not listened to. */
  private void withinLimits(RoutingContext context) {
    Problem tooMany = limits.refusalOf(address(context.request()));
    if (tooMany == null) {
      context.next();
    } else {
      end(context, tooMany.reply());
    }
  }

  /** Of the client, as far as that is known. */
  private String address(HttpServerRequest request) {
    return settings
        .proxies()
        .client(request.remoteAddress().hostAddress(), request.headers().getAll("X-Forwarded-For"));
  }

  private void rpc(RoutingContext context) {
    HttpServerRequest request = context.request();
    boolean reads =
        request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
    RpcRequest call =
        new RpcRequest(
            request.method().name(),
            String.valueOf(context.pathParam("function")),
            context.queryParams().entries(),
            request.getHeader("Authorization"),
            request.getHeader("apikey"),
            request.getHeader(reads ? "Accept-Profile" : "Content-Profile"),
            request.getHeader("Accept"),
            request.getHeader("Content-Type"),
            request.getHeader("Prefer"),
            request.getHeader(RpcGateway.POSITION),
            ByteBuffer.wrap(bytes(context)));
    long start = System.nanoTime();
    blocking(
        context,
        () -> {
          Reply reply = rpc.answer(call);
          metrics.called(
              rpc.countedAs(call.function()),
              reply.status(),
              Duration.ofNanos(System.nanoTime() - start));
          return reply;
        });
  }

  private void broadcasts(RoutingContext context) {
    BroadcastEndpoint.Credentials credentials = credentials(context);
    byte[] body = bytes(context);
    blocking(context, () -> broadcasts.batch(credentials, body));
  }

  private void broadcast(RoutingContext context) {
    BroadcastEndpoint.Credentials credentials = credentials(context);
    String topic = String.valueOf(context.pathParam("topic"));
    String event = String.valueOf(context.pathParam("event"));
    String type = context.request().getHeader("Content-Type");
    byte[] body = bytes(context);
    blocking(context, () -> broadcasts.single(credentials, topic, event, type, body));
  }

  private static BroadcastEndpoint.Credentials credentials(RoutingContext context) {
    HttpServerRequest request = context.request();
    return new BroadcastEndpoint.Credentials(
        request.getHeader("Authorization"),
        request.getHeader("apikey"),
        request.getParam("apikey"));
  }

  /** The path without its query; "" for a request that has none, as {@code OPTIONS *}. */
  private static String path(HttpServerRequest request) {
    String path = request.path();
    return path == null ? "" : path;
  }

  private static byte[] bytes(RoutingContext context) {
    return context.body() == null || context.body().buffer() == null
        ? new byte[0]
        : context.body().buffer().getBytes();
  }

  private void noTables(RoutingContext context) {
    String name = path(context.request()).substring("/rest/v1/".length()).split("/", 2)[0];
    end(
        context,
        Problem.of(
                404,
                "PGRST205",
                "Could not find the table 'public." + name + "' in the schema cache")
            .withHint(
                "Functions only here: /rest/v1/rpc/<function>; for tables run PostgREST beside this service on the same database")
            .reply());
  }

  private static final String HINT =
      """
      <!doctype html>
      <html lang="en"><meta charset="utf-8"><title>GPT Desk Chat</title>
      <h1>GPT Desk Chat</h1>
      <p>The service runs; the Messages page is not in this build, since no Node 20.19 or newer was there to build it. Talk to it with supabase-js: <code>createClient(location.origin, anonKey)</code>,
      functions at <code>/rest/v1/rpc/…</code>, real time at <code>/realtime/v1/websocket</code>.</p>
      <p><a href="/health/ready">Health</a></p>
      </html>
      """;

  private static void hint(RoutingContext context) {
    end(context, new Reply(200, "text/html; charset=utf-8", Map.of(), HINT));
  }

  private static Problem notFound(HttpServerRequest request) {
    return Problem.of(404, "PGRST125", "Invalid path specified in request URL")
        .withDetails(request.method() + " " + path(request));
  }

  // ---- answers

  /** Runs the work on a virtual thread and answers on the request's event loop. */
  private void blocking(RoutingContext context, Supplier<Reply> answer) {
    Context loop = vertx.getOrCreateContext();
    String id = context.get(RequestId.FIELD);
    work.execute(
        () -> {
          MDC.put(RequestId.FIELD, id); // of a thread that is this request's alone
          try {
            Reply reply = answer.get();
            loop.runOnContext(nothing -> end(context, reply));
          } catch (Throwable e) {
            loop.runOnContext(nothing -> context.fail(e));
          }
        });
  }

  private static void end(RoutingContext context, Reply reply) {
    HttpServerResponse response = context.response();
    if (response.ended() || response.closed()) {
      return; // the client has gone
    }
    response.setStatusCode(reply.status());
    for (Map.Entry<String, String> header : reply.headers().entrySet()) {
      response.putHeader(header.getKey(), header.getValue());
    }
    if (reply.contentType() != null) {
      response.putHeader("Content-Type", reply.contentType());
    }
    if (reply.body() == null || context.request().method().equals(HttpMethod.HEAD)) {
      response.end();
    } else {
      response.end(reply.body());
    }
  }

  private static Problem foreign() {
    return Problem.of(403, "PT403", "Pages of this origin may not use the service")
        .withHint("Whoever runs it may add the origin to CHAT_ALLOWED_ORIGINS");
  }

  /** The router's word for broken percent-encoding. */
  private static Problem unreadable() {
    return Problem.of(400, "PGRST100", "The request cannot be read")
        .withHint("Send HTTP/1.1, with a query in percent-encoded UTF-8");
  }

  private Problem tooSlow() {
    return Problem.of(408, "PT408", "The request took too long to arrive")
        .withHint("At most " + settings.bounds().arrival().toMillis() + " ms are given");
  }

  private Problem tooLong() {
    return Problem.of(413, "PT413", "The request body is too long")
        .withHint("At most " + settings.bounds().maxBodyBytes() + " bytes are taken");
  }

  private static void fault(RoutingContext context) {
    String begun = context.get(RequestId.FIELD);
    String id = begun == null ? RequestId.of(null) : begun;
    RequestId.named(
        id,
        () ->
            LOG.error(
                "{} {} failed",
                context.request().method(),
                path(context.request()),
                context.failure()));
    end(context, Problem.of(500, "PGRSTX00", "internal").withDetails("request " + id).reply());
  }
}
