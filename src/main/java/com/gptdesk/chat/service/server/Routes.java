package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.HttpDate;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestDeadlines;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.ops.Health;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rest.RestEndpoint;
import com.gptdesk.chat.service.rest.RestRequest;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.rpc.RpcRequest;
import com.gptdesk.chat.service.scim.ScimEndpoint;
import com.gptdesk.chat.service.scim.ScimError;
import com.gptdesk.chat.service.storage.OtherBuckets;
import com.gptdesk.chat.service.storage.StorageEndpoint;
import com.gptdesk.chat.service.upstream.Upstream;
import com.gptdesk.chat.service.upstream.UpstreamSettings;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The routes of the HTTP server; {@link #router} is their table. Blocking work runs on a virtual
 * thread, and the answer is sent on the request's event loop.
 */
final class Routes {
  private static final Logger LOG = LoggerFactory.getLogger(Routes.class);

  /** Behind Supabase's gateway, and as a Realtime server has it, like its {@code /socket}. */
  private static final List<String> BROADCASTS =
      List.of("/realtime/v1/api/broadcast", "/api/broadcast");

  private final Vertx vertx;
  private final HttpSettings settings;
  private final RpcEndpoint rpc;
  private final RestEndpoint rest;
  private final BroadcastEndpoint broadcasts;
  private final @Nullable StorageRoute storage;
  private final @Nullable ScimEndpoint scim;
  private final RequestLimits limits;
  private final Health health;
  private final @Nullable DemoEndpoints demo;
  private final Metrics metrics;
  private final PageSettings pageSettings;
  private final @Nullable MessagesPage page;
  private final Executor work;
  private final @Nullable Upstream upstream;

  Routes(
      Vertx vertx,
      HttpSettings settings,
      RpcEndpoint rpc,
      RestEndpoint rest,
      BroadcastEndpoint broadcasts,
      @Nullable StorageRoute storage,
      @Nullable ScimEndpoint scim,
      RequestLimits limits,
      Health health,
      @Nullable DemoEndpoints demo,
      Metrics metrics,
      PageSettings pageSettings,
      @Nullable MessagesPage page,
      Executor work) {
    this.vertx = vertx;
    this.settings = settings;
    this.rpc = rpc;
    this.rest = rest;
    this.broadcasts = broadcasts;
    this.storage = storage;
    this.scim = scim;
    this.limits = limits;
    this.health = health;
    this.demo = demo;
    this.metrics = metrics;
    this.pageSettings = pageSettings;
    this.page = page;
    this.work = work;
    UpstreamSettings behind = settings.upstream();
    this.upstream =
        behind == null
            ? null
            : new Upstream(vertx, behind, settings.proxies(), settings.bounds().maxHeaderBytes());
  }

  /**
   * A router for each event loop.
   *
   * @param deadlines of the requests of this event loop
   */
  Router router(RequestDeadlines deadlines) {
    Router router = Router.router(vertx);
    router.route().handler(this::begin);
    router.route("/rest/v1/rpc/:function").handler(this::withinLimits);
    handOn(router, "/rest/v1/rpc/:function", rpc::knows, rpc::serves, deadlines);
    router.route("/rest/v1/rpc/:function").handler(body()).handler(this::rpc);
    route(router, "/rest/v1").handler(this::withinLimits).handler(this::describe);
    router.route("/rest/v1").handler(context -> end(context, notFound(context.request()).reply()));
    router.route("/rest/v1/:table").handler(this::withinLimits);
    handOn(router, "/rest/v1/:table", rest::knows, rest::serves, deadlines);
    router.route("/rest/v1/:table").handler(body()).handler(this::rest);
    for (String address : BROADCASTS) {
      router.route(address + "*").handler(this::withinLimits);
      router.post(address).handler(body()).handler(this::broadcasts);
      router.post(address + "/:topic/events/:event").handler(body()).handler(this::broadcast);
    }
    if (storage != null) {
      router.route(StorageEndpoint.PREFIX + "/*").handler(this::withinLimits);
      otherBuckets(router, deadlines);
      router
          .route(StorageEndpoint.PREFIX + "/*")
          .handler(context -> storage.answer(context, deadlines));
    }
    if (scim != null) {
      scim(router, scim);
    }
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
    route(router, "/page.json").handler(context -> blocking(context, pageSettings::read));
    if (page == null) {
      route(router, "/").handler(Routes::hint);
    } else {
      page(router, page);
    }
    Upstream behind = upstream;
    if (behind != null) {
      behind
          .settings()
          .paths()
          .forEach(
              path ->
                  router
                      .route(path + "*")
                      .handler(this::withinLimits)
                      .handler(context -> handOn(behind, context, deadlines)));
    }
    router.route().handler(context -> end(context, notFound(context.request()).reply()));
    router.errorHandler(400, context -> end(context, Problem.unreadable().reply()));
    router.errorHandler(
        413, context -> end(context, inFormFor(context, settings.bounds().bodyTooLong())));
    router.errorHandler(500, Routes::fault);
    return router;
  }

  private void scim(Router router, ScimEndpoint scim) {
    router.route(ScimEndpoint.PREFIX + "/*").handler(this::withinLimits);
    router
        .route(ScimEndpoint.PREFIX + "/*")
        .handler(body())
        .handler(
            context -> {
              HttpServerRequest request = context.request();
              Map<String, String> query = new HashMap<>();
              context
                  .queryParams()
                  .forEach(
                      parameter -> query.putIfAbsent(parameter.getKey(), parameter.getValue()));
              ScimEndpoint.Request asked =
                  new ScimEndpoint.Request(
                      request.method().name(),
                      RequestLog.path(request).substring(ScimEndpoint.PREFIX.length()),
                      query,
                      request.getHeader("Authorization"),
                      request.getHeader("If-Match"),
                      request.getHeader("If-None-Match"),
                      ByteBuffer.wrap(bytes(context)));
              blocking(context, () -> scim.answer(asked));
            });
  }

  /** Errors before the endpoint is reached, in the form of whom they are for. */
  private static Reply inFormFor(RoutingContext context, Problem problem) {
    return RequestLog.path(context.request()).startsWith(ScimEndpoint.PREFIX + "/")
        ? new ScimError(problem.status(), null, problem.sentence()).reply()
        : problem.reply();
  }

  private static void page(Router router, MessagesPage page) {
    for (String address : List.of("/", "/messages", "/messages/:conversation")) {
      route(router, address).handler(context -> page.index(context.request()));
    }
    for (String address :
        List.of("/assets/:name", "/icons/:name", "/manifest.webmanifest", "/service-worker.js")) {
      route(router, address)
          .handler(
              context -> {
                String file = RequestLog.path(context.request()).substring(1);
                if (!page.serve(context.request(), file)) {
                  context.next();
                }
              });
    }
  }

  /** A page for GET and HEAD. */
  private static Route route(Router router, String path) {
    return router.route(path).method(HttpMethod.GET).method(HttpMethod.HEAD);
  }

  private BodyHandler body() {
    return BodyHandler.create(false).setBodyLimit(settings.bounds().maxBodyBytes());
  }

  private void begin(RoutingContext context) {
    HttpServerRequest request = context.request();
    settings.origins().answer(request, context.response().headers());
    String id = RequestId.in(request);
    context.put(RequestId.FIELD, id);
    context
        .response()
        .headers()
        .set(RequestId.HEADER, id)
        .set(HttpDate.HEADER, HttpDate.of(Instant.now()));
    settings.log().follow(context, id);
    if (!request.method().equals(HttpMethod.OPTIONS)) {
      context.next();
    } else if (settings.origins().admit(request)) {
      if (StorageEndpoint.isResumable(RequestLog.path(request))) {
        StorageEndpoint.resumableAbilities().forEach(context.response()::putHeader);
      }
      Cors.preflight(request);
    } else {
      end(context, Cors.foreign().reply());
    }
  }

  /** Checked before the body is read, so that large bodies are not read. */
  private void withinLimits(RoutingContext context) {
    Problem tooMany = limits.refusalOf(settings.clientOf(context.request()));
    if (tooMany == null) {
      context.next();
    } else {
      end(context, inFormFor(context, tooMany));
    }
  }

  /** What is served by nobody here is handed on, where there is a back end. */
  private void handOn(
      Router router,
      String route,
      Predicate<String> knows,
      Predicate<String> serves,
      RequestDeadlines deadlines) {
    Upstream behind = upstream;
    if (behind == null || behind.settings().beginningOf("/rest/v1") == null) {
      return;
    }
    router
        .route(route)
        .handler(
            context -> {
              String name = String.valueOf(context.pathParams().values().iterator().next());
              if (!isOfPublic(context.request())) {
                handOn(behind, context, deadlines);
              } else if (knows.test(name)) {
                context.next();
              } else {
                ifServed(context, name, serves, () -> handOn(behind, context, deadlines));
              }
            });
  }

  /** A back end may have buckets beside the chat's. */
  private void otherBuckets(Router router, RequestDeadlines deadlines) {
    Upstream behind = upstream;
    if (behind == null) {
      return;
    }
    router
        .route(StorageEndpoint.PREFIX + "/*")
        .handler(
            context -> {
              String path = context.normalizedPath().substring(StorageEndpoint.PREFIX.length());
              if (OtherBuckets.isNamed(path, context.request().getHeader("Upload-Metadata"))) {
                handOn(behind, context, deadlines);
              } else {
                context.next();
              }
            });
  }

  private static boolean isOfPublic(HttpServerRequest request) {
    String profile = profileOf(request);
    return profile == null || profile.isEmpty() || profile.equals("public");
  }

  private static @Nullable String profileOf(HttpServerRequest request) {
    boolean reads =
        request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
    return request.getHeader(reads ? "Accept-Profile" : "Content-Profile");
  }

  /** Several headers are one list. */
  private static String preferOf(HttpServerRequest request) {
    return String.join(",", request.headers().getAll("Prefer"));
  }

  /** Asks the database, and goes on with the route or hands on. */
  private void ifServed(
      RoutingContext context, String name, Predicate<String> serves, Runnable otherwise) {
    HttpServerRequest request = context.request();
    request.pause(); // so that no part of the body is lost meanwhile
    Context loop = vertx.getOrCreateContext();
    work.execute(
        () -> {
          boolean isServed = isServed(name, serves);
          loop.runOnContext(
              nothing -> {
                if (isServed) {
                  request.resume();
                  context.next();
                } else {
                  otherwise.run();
                }
              });
        });
  }

  /** Without the database it is taken for served: the endpoint answers with the error. */
  private static boolean isServed(String name, Predicate<String> serves) {
    try {
      return serves.test(name);
    } catch (RuntimeException e) {
      LOG.debug("Whether {} is served is not known", name, e);
      return true;
    }
  }

  private void handOn(Upstream behind, RoutingContext context, RequestDeadlines deadlines) {
    String path = context.normalizedPath();
    String beginning = behind.settings().beginningOf(path);
    if (beginning == null) {
      context.next();
      return;
    }
    if (leadsElsewhere(path)) {
      end(context, Problem.unreadable().reply());
      return;
    }
    HttpServerRequest request = context.request();
    request.pause();
    deadlines.extend(request.connection(), behind.settings().arrival());
    long start = System.nanoTime();
    context.addEndHandler(
        ended ->
            metrics.handedOn(
                beginning,
                context.response().getStatusCode(),
                Duration.ofNanos(System.nanoTime() - start)));
    behind.handOn(request, path, String.valueOf(context.<Object>get(RequestId.FIELD)));
  }

  /**
   * Whether a back end that decodes the path before it looks at {@code ..} leaves what is handed
   * on.
   */
  private static boolean leadsElsewhere(String path) {
    try {
      String decoded = URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
      return Arrays.asList(decoded.split("[/\\\\]")).contains("..");
    } catch (IllegalArgumentException e) {
      return true; // broken percent-encoding
    }
  }

  private void rpc(RoutingContext context) {
    HttpServerRequest request = context.request();
    RpcRequest call =
        new RpcRequest(
            request.method().name(),
            String.valueOf(context.pathParam("function")),
            context.queryParams().entries(),
            request.getHeader("Authorization"),
            request.getHeader("apikey"),
            profileOf(request),
            request.getHeader("Accept"),
            request.getHeader("Content-Type"),
            preferOf(request),
            request.getHeader(RpcRequest.POSITION),
            ByteBuffer.wrap(bytes(context)),
            request.headers());
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

  private static byte[] bytes(RoutingContext context) {
    return context.body() == null || context.body().buffer() == null
        ? new byte[0]
        : context.body().buffer().getBytes();
  }

  private void rest(RoutingContext context) {
    HttpServerRequest request = context.request();
    RestRequest asked =
        new RestRequest(
            request.method().name(),
            String.valueOf(context.pathParam("table")),
            context.queryParams().entries(),
            request.getHeader("Authorization"),
            request.getHeader("apikey"),
            profileOf(request),
            request.getHeader("Accept"),
            request.getHeader("Content-Type"),
            preferOf(request),
            request.getHeader("Range"),
            ByteBuffer.wrap(bytes(context)),
            request.headers());
    long start = System.nanoTime();
    blocking(
        context,
        () -> {
          Reply reply = rest.answer(asked);
          metrics.asked(
              rest.countedAs(asked.table()),
              reply.status(),
              Duration.ofNanos(System.nanoTime() - start));
          return reply;
        });
  }

  /** For tools that read OpenAPI. */
  private void describe(RoutingContext context) {
    String authorization = context.request().getHeader("Authorization");
    String apikey = context.request().getHeader("apikey");
    blocking(context, () -> rpc.describe(authorization, apikey));
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
        .withDetails(request.method() + " " + RequestLog.path(request));
  }

  /** Runs the work on a virtual thread and answers on the request's event loop. */
  private void blocking(RoutingContext context, Supplier<Reply> answer) {
    Context loop = vertx.getOrCreateContext();
    String id = context.get(RequestId.FIELD);
    work.execute(
        () -> {
          MDC.put(RequestId.FIELD, id); // on a thread of this request only
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
      return; // the client has disconnected
    }
    response.setStatusCode(isHidden(context, reply) ? 400 : reply.status());
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

  /** To supabase-js a 404 without a body is a success, and an answer to HEAD has no body. */
  private static boolean isHidden(RoutingContext context, Reply reply) {
    return reply.status() == 404
        && context.request().method().equals(HttpMethod.HEAD)
        && RequestLog.path(context.request()).startsWith("/rest/v1/");
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
                RequestLog.path(context.request()),
                context.failure()));
    end(context, Problem.of(500, "PGRSTX00", "internal").withDetails("request " + id).reply());
  }
}
