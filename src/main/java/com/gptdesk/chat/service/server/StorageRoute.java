package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestDeadlines;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.storage.StorageEndpoint;
import com.gptdesk.chat.service.storage.StorageReply;
import com.gptdesk.chat.service.storage.StorageRequest;
import io.vertx.core.Context;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Carries requests for files between the HTTP server and the {@link StorageEndpoint}: bodies as
 * they are read, files from the disk as they are sent.
 */
final class StorageRoute {
  private static final Logger LOG = LoggerFactory.getLogger(StorageRoute.class);

  /** What is not true of the failure that is answered in place of a file. */
  private static final List<String> OF_A_FILE =
      List.of(
          "Content-Length",
          "Content-Disposition",
          "Content-Range",
          "Accept-Ranges",
          "ETag",
          "Last-Modified");

  private final StorageEndpoint storage;
  private final RequestBounds bounds;
  private final Executor work;

  StorageRoute(StorageEndpoint storage, RequestBounds bounds, Executor work) {
    this.storage = storage;
    this.bounds = bounds;
    this.work = work;
  }

  void answer(RoutingContext context, RequestDeadlines deadlines) {
    HttpServerRequest request = context.request();
    Context loop = context.vertx().getOrCreateContext();
    RequestBody body = new RequestBody(request, loop, deadlines);
    StorageRequest asked;
    try {
      asked = asked(context, body);
    } catch (IllegalArgumentException e) { // broken percent-encoding
      body.discard();
      context.fail(400);
      return;
    }
    if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
      context.response().writeContinue();
    }
    String id = context.get(RequestId.FIELD);
    work.execute(
        () -> {
          MDC.put(RequestId.FIELD, id); // on a thread of this request only
          StorageReply reply = storage.answer(asked);
          loop.runOnContext(
              nothing -> {
                end(context, reply);
                body.discard();
              });
          if (reply.content() instanceof ObjectStore.Content.Streamed streamed) {
            new ResponseBody(context.response(), loop)
                .send(streamed, cause -> failed(context, cause));
          }
        });
  }

  private StorageRequest asked(RoutingContext context, RequestBody body) {
    HttpServerRequest request = context.request();
    Map<String, String> query = new HashMap<>();
    context.queryParams().forEach(each -> query.putIfAbsent(each.getKey(), each.getValue()));
    String path = RequestLog.path(request).substring(StorageEndpoint.PREFIX.length());
    return new StorageRequest(
        request.method().name(),
        URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8),
        query,
        request::getHeader,
        body,
        bounds.maxBodyBytes());
  }

  private static void end(RoutingContext context, StorageReply reply) {
    HttpServerResponse response = context.response();
    if (response.ended() || response.closed()) {
      return; // the client has disconnected
    }
    response.setStatusCode(reply.status());
    reply
        .headers()
        .forEach(
            (name, value) -> {
              if (name.equals("Vary")) {
                response.headers().add(name, value); // beside that of CORS
              } else {
                response.putHeader(name, value);
              }
            });
    switch (reply.content()) {
      case null -> {
        if (reply.body() == null || context.request().method().name().equals("HEAD")) {
          response.end();
        } else {
          response.end(reply.body());
        }
      }
      case ObjectStore.Content.OnDisk part ->
          response
              .sendFile(part.file().toString(), part.first(), part.length())
              .onFailure(e -> failed(context, e));
      case ObjectStore.Content.Streamed part ->
          response.putHeader("Content-Length", String.valueOf(part.length()));
    }
  }

  /** The file was removed a moment ago, the disk is broken, or the client has gone. */
  private static void failed(RoutingContext context, Throwable cause) {
    HttpServerResponse response = context.response();
    if (response.closed()) {
      return;
    }
    String begun = context.get(RequestId.FIELD);
    RequestId.named(
        begun == null ? RequestId.of(null) : begun,
        () -> LOG.warn("A file could not be sent: {}", cause.toString()));
    if (response.headWritten()) {
      response.reset();
    } else {
      for (String ofTheFile : OF_A_FILE) {
        response.headers().remove(ofTheFile);
      }
      response.putHeader("Cache-Control", "no-store");
      context.fail(500, cause);
    }
  }
}
