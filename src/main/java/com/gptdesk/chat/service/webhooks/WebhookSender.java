package com.gptdesk.chat.service.webhooks;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Posts an event and waits for the status of the answer. Follows no redirect, reads little of the
 * answer. Blocks; for virtual threads. Thread-safe.
 */
final class WebhookSender implements AutoCloseable {
  private static final int SHOWN = 200;

  private final WebhookSettings settings;
  private final HostNames names;
  private final HttpClient client;

  /**
   * @param lookup how the system resolves a name
   */
  WebhookSender(Vertx vertx, WebhookSettings settings, HostNames.Lookup lookup) {
    this.settings = settings;
    this.names = new HostNames(lookup, settings.nameTimeout());
    this.client =
        vertx
            .httpClientBuilder()
            .with(
                new HttpClientOptions()
                    .setConnectTimeout(Math.toIntExact(settings.timeout().toMillis()))
                    .setVerifyHost(true))
            .with(new PoolOptions().setHttp1MaxSize(settings.parallel()))
            .build();
  }

  /**
   * What came of a post.
   *
   * @param problem why it is to be posted again; null when it was acknowledged
   * @param notBefore so long the receiver asks to wait; null when it does not say
   */
  record Outcome(@Nullable String problem, @Nullable Duration notBefore) {}

  /** Posts it once. */
  Outcome post(WebhookEvent event) {
    WebhookAddress address;
    try {
      address = WebhookAddress.of(event.url(), names, settings.isPrivateAllowed());
    } catch (WebhookAddress.Refused e) {
      return new Outcome("not posted: " + e.getMessage(), null);
    }
    Exchange exchange = new Exchange();
    Future<?> answered = exchange.begin(address, event);
    try {
      answered.await(settings.timeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      exchange.end();
      if (exchange.response() == null) {
        return new Outcome("no answer in %d ms".formatted(settings.timeout().toMillis()), null);
      }
    } catch (Exception e) { // await throws what the exchange failed with, also checked
      exchange.end();
      if (exchange.response() == null) {
        return new Outcome(
            e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage(), null);
      }
    }
    return exchange.outcome();
  }

  @Override
  public void close() {
    client.close();
  }

  /** One request and its answer. Its fields are set by the event loop. */
  private final class Exchange {
    private final AtomicReference<@Nullable HttpClientRequest> sent = new AtomicReference<>();
    private final AtomicReference<@Nullable HttpClientResponse> received = new AtomicReference<>();
    private final Buffer beginning = Buffer.buffer();

    Future<?> begin(WebhookAddress address, WebhookEvent event) {
      long timestamp = Instant.now().getEpochSecond();
      String body = event.body();
      RequestOptions options =
          new RequestOptions()
              .setMethod(HttpMethod.POST)
              // The address that was checked: a name that is resolved again may be another one.
              .setServer(SocketAddress.inetSocketAddress(address.port(), literal(address)))
              .setHost(address.uri().getHost())
              .setPort(address.port())
              .setSsl(address.isSecure())
              .setURI(address.target())
              .setFollowRedirects(false)
              .setConnectTimeout(settings.timeout().toMillis())
              .putHeader("Content-Type", "application/json")
              .putHeader("User-Agent", "gptdesk-chat")
              .putHeader("webhook-id", event.messageId())
              .putHeader("webhook-timestamp", String.valueOf(timestamp))
              .putHeader(
                  "webhook-signature",
                  WebhookSignature.of(
                      event.secret(), event.previousSecret(), event.messageId(), timestamp, body));
      return client
          .request(options)
          .compose(
              request -> {
                sent.set(request);
                return request.send(Buffer.buffer(body)).compose(this::read);
              });
    }

    private Future<@Nullable Void> read(HttpClientResponse response) {
      received.set(response);
      Promise<@Nullable Void> read = Promise.promise();
      response.exceptionHandler(failure -> read.tryComplete());
      response.endHandler(end -> read.tryComplete());
      response.handler(
          bytes -> {
            synchronized (beginning) {
              beginning.appendBuffer(bytes);
              if (beginning.length() <= settings.maxAnswerBytes()) {
                return;
              }
            }
            end();
            read.tryComplete();
          });
      return read.future();
    }

    @Nullable HttpClientResponse response() {
      return received.get();
    }

    /** Closes the connection; an answer that still comes is not read. */
    void end() {
      HttpClientRequest request = sent.get();
      if (request != null) {
        request.reset();
      }
    }

    Outcome outcome() {
      HttpClientResponse response = received.get();
      if (response == null) {
        return new Outcome("no answer", null);
      }
      int status = response.statusCode();
      if (status >= 200 && status < 300) {
        return new Outcome(null, null);
      }
      String text;
      synchronized (beginning) {
        text = beginning.toString(StandardCharsets.UTF_8);
      }
      String shown = text.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
      return new Outcome(
          "status %d %s"
              .formatted(status, shown.length() > SHOWN ? shown.substring(0, SHOWN) : shown)
              .strip(),
          retryAfter(response.getHeader("Retry-After")));
    }

    private static @Nullable Duration retryAfter(@Nullable String header) {
      return header != null && header.matches("[0-9]{1,9}")
          ? Duration.ofSeconds(Long.parseLong(header))
          : null;
    }
  }

  private static String literal(WebhookAddress address) {
    return address.address().getHostAddress();
  }
}
