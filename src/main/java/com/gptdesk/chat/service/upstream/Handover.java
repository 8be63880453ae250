package com.gptdesk.chat.service.upstream;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.http.TrustedProxies;
import io.netty.channel.ConnectTimeoutException;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.httpproxy.Body;
import io.vertx.httpproxy.ProxyContext;
import io.vertx.httpproxy.ProxyInterceptor;
import io.vertx.httpproxy.ProxyRequest;
import io.vertx.httpproxy.ProxyResponse;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request on its way to the back end, and its answer on the way back. */
final class Handover implements ProxyInterceptor {
  private static final Logger LOG = LoggerFactory.getLogger(Handover.class);

  /** By which the service knows a request that it has handed on itself. */
  private static final String VIA = "1.1 gptdesk-chat";

  private static final Set<HttpMethod> METHODS =
      Set.of(
          HttpMethod.GET,
          HttpMethod.HEAD,
          HttpMethod.POST,
          HttpMethod.PUT,
          HttpMethod.PATCH,
          HttpMethod.DELETE);

  /** Of one connection, whether or not the header Connection names them. */
  private static final List<String> OF_THE_CONNECTION =
      List.of(
          "Connection",
          "Keep-Alive",
          "Proxy-Authenticate",
          "Proxy-Authorization",
          "Proxy-Connection",
          "TE",
          "Trailer",
          "Upgrade");

  /** Cookies belong to who made them, and the rest tells where a request comes from. */
  private static final List<String> NOT_FOR_THE_BACK_END =
      List.of("Cookie", "Expect", "Forwarded", "X-Chat-Lsn", "X-Real-Ip");

  /** What would hold for all of the service's own address. */
  private static final List<String> NOT_FOR_THE_CLIENT =
      List.of(
          "Alt-Svc",
          "Clear-Site-Data",
          "NEL",
          "Report-To",
          "Reporting-Endpoints",
          "Service-Worker-Allowed",
          "Server",
          "Set-Cookie",
          "Strict-Transport-Security",
          RequestId.HEADER);

  private static final String EXPOSED = "Access-Control-Expose-Headers";

  private final UpstreamSettings settings;
  private final TrustedProxies proxies;
  private final String uri;
  private final String id;

  /**
   * @param uri path and query
   * @param id of the request
   */
  Handover(UpstreamSettings settings, TrustedProxies proxies, String uri, String id) {
    this.settings = settings;
    this.proxies = proxies;
    this.uri = uri;
    this.id = id;
  }

  @Override
  public Future<ProxyResponse> handleProxyRequest(ProxyContext context) {
    ProxyRequest request = context.request();
    HttpServerRequest asked = request.proxiedRequest();
    if (!METHODS.contains(asked.method())) {
      return answer(
          request,
          Problem.of(405, "PGRST117", "Unsupported HTTP method: " + asked.method())
              .withHeader("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    if (asked.headers().getAll("Via").stream().anyMatch(via -> via.contains(VIA))) {
      return answer(
          request,
          Problem.of(508, "PT508", "The request has come through this service before")
              .withHint("CHAT_UPSTREAM_URL leads back to the service"));
    }
    if (request.getBody().length() > settings.maxBodyBytes()) {
      return answer(request, settings.bodyTooLong().withHeader("Connection", "close"));
    }
    if ("100-continue".equalsIgnoreCase(asked.getHeader("Expect"))) {
      asked.response().writeContinue();
    }
    LimitedBody body = new LimitedBody(request.getBody().stream(), settings.maxBodyBytes());
    request.setBody(Body.body(body, request.getBody().length(), request.getBody().mediaType()));
    request.setURI(uri);
    setForwarded(asked, request.headers());
    return context.sendRequest().recover(failure -> answer(request, problemOf(failure, body)));
  }

  private void setForwarded(HttpServerRequest asked, MultiMap headers) {
    removeOfConnection(headers);
    NOT_FOR_THE_BACK_END.forEach(headers::remove);
    String connected = asked.remoteAddress().hostAddress();
    if (!proxies.trusts(connected)) { // anybody can send them
      headers.remove("X-Forwarded-For");
      headers.remove("X-Forwarded-Host");
      headers.remove("X-Forwarded-Port");
      headers.remove("X-Forwarded-Proto");
    }
    String chain = String.join(", ", headers.getAll("X-Forwarded-For"));
    headers.set("X-Forwarded-For", chain.isEmpty() ? connected : chain + ", " + connected);
    if (!headers.contains("X-Forwarded-Proto")) {
      headers.set("X-Forwarded-Proto", asked.isSSL() ? "https" : "http");
    }
    if (!headers.contains("X-Forwarded-Host") && asked.authority() != null) {
      headers.set("X-Forwarded-Host", asked.authority().toString());
    }
    headers.set(RequestId.HEADER, id);
    headers.add("Via", VIA);
  }

  @Override
  public Future<Void> handleProxyResponse(ProxyContext context) {
    ProxyResponse response = context.response();
    HttpServerRequest asked = context.request().proxiedRequest();
    if (response.proxiedResponse() == null) { // our own
      return asked.response().headers().contains("Connection", "close", true)
          ? context.sendResponse().onSuccess(sent -> asked.connection().close())
          : context.sendResponse();
    }
    HttpServerResponse answer = asked.response();
    MultiMap headers = response.headers();
    String exposed = headers.get(EXPOSED);
    if (exposed != null) {
      answer.putHeader(EXPOSED, answer.headers().get(EXPOSED) + ", " + exposed);
    }
    removeOfConnection(headers);
    NOT_FOR_THE_CLIENT.forEach(headers::remove);
    Set.copyOf(headers.names()).stream()
        .filter(name -> name.toLowerCase(Locale.ROOT).startsWith("access-control-"))
        .forEach(headers::remove);
    headers.set("X-Content-Type-Options", "nosniff");
    if (!String.valueOf(headers.get("Content-Type")).startsWith("application/pdf")) {
      // A file of the back end that is a page must not act as a page of the service.
      headers.add("Content-Security-Policy", "sandbox");
    }
    if (response.getStatusCode() == 204 || response.getStatusCode() == 304) {
      response.proxiedResponse().resume();
      response.setBody(null);
    }
    return context.sendResponse();
  }

  private static void removeOfConnection(MultiMap headers) {
    for (String named : String.join(",", headers.getAll("Connection")).split(",", -1)) {
      if (!named.isBlank()) {
        headers.remove(named.strip());
      }
    }
    OF_THE_CONNECTION.forEach(headers::remove);
  }

  private Problem problemOf(Throwable failure, LimitedBody body) {
    if (body.isExceeded()) {
      return settings.bodyTooLong().withHeader("Connection", "close");
    }
    RequestId.named(id, () -> LOG.warn("The back end did not answer: {}", failure.toString()));
    return switch (failure) {
      case ConnectionPoolTooBusyException e ->
          Problem.of(503, "PT503", "Too many requests wait for the back end")
              .withHint("Try again in a moment")
              .withHeader("Retry-After", "1");
      case TimeoutException e -> tooLate();
      case ConnectTimeoutException e -> tooLate();
      default ->
          Problem.of(502, "PT502", "The back end cannot be reached")
              .withHint("Try again; the operator sets CHAT_UPSTREAM_URL");
    };
  }

  private static Problem tooLate() {
    return Problem.of(504, "PT504", "The back end did not answer in time")
        .withHint("Try again; the operator sets CHAT_UPSTREAM_TIMEOUT_MS");
  }

  private static Future<ProxyResponse> answer(ProxyRequest request, Problem problem) {
    Reply reply = problem.reply();
    HttpServerRequest asked = request.proxiedRequest();
    reply.headers().forEach(asked.response()::putHeader);
    asked.response().putHeader("Content-Type", Reply.JSON_TYPE);
    ProxyResponse response = request.release().response().setStatusCode(reply.status());
    return Future.succeededFuture(
        asked.method().equals(HttpMethod.HEAD)
            ? response
            : response.setBody(Body.body(Buffer.buffer(String.valueOf(reply.body())))));
  }
}
