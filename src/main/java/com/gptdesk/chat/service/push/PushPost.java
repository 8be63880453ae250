package com.gptdesk.chat.service.push;

import com.nimbusds.jose.util.Base64URL;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Posts notices to push services (RFC 8030). Follows no redirect, and posts to no host that is not
 * named. Thread-safe; blocks for {@code CHAT_PUSH_TIMEOUT_MS} at most.
 */
final class PushPost implements AutoCloseable {
  private static final int LONGEST_TOPIC = 32;

  private final PushSettings settings;
  private final PushKey key;
  private final Clock clock;
  private final HttpClient http;

  /**
   * @param trust null for the certificates that Java trusts
   */
  PushPost(PushSettings settings, PushKey key, Clock clock, @Nullable SSLContext trust) {
    this.settings = settings;
    this.key = key;
    this.clock = clock;
    HttpClient.Builder client =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.timeout());
    this.http = trust == null ? client.build() : client.sslContext(trust).build();
  }

  PushOutcome send(PushNotice notice) throws InterruptedException {
    String origin = settings.hosts().originOf(notice.endpoint());
    if (origin == null) {
      return new PushOutcome.Refused("its push service is not in CHAT_PUSH_HOSTS");
    }
    long seconds = Duration.between(clock.instant(), notice.expiresAt()).toSeconds();
    HttpRequest request;
    try {
      request =
          HttpRequest.newBuilder(URI.create(notice.endpoint()))
              .timeout(settings.timeout())
              .header("TTL", String.valueOf(Math.max(0, seconds)))
              .header("Urgency", "high")
              .header("Topic", topic(notice))
              .header("Content-Encoding", "aes128gcm")
              .header("Content-Type", "application/octet-stream")
              .header("Authorization", key.authorization(origin, settings.subject(), clock))
              .POST(
                  BodyPublishers.ofByteArray(
                      PushEncryption.encrypt(
                          notice.message(), notice.publicKey().decode(), notice.secret().decode())))
              .build();
    } catch (PushEncryption.InvalidKey e) {
      return new PushOutcome.Gone();
    } catch (IllegalArgumentException e) {
      return new PushOutcome.Refused("its address or text cannot be posted");
    }
    // The request's own time ends with the headers; a body that never ends must not hold this.
    CompletableFuture<HttpResponse<Void>> answer =
        http.sendAsync(request, BodyHandlers.discarding());
    try {
      return outcome(answer.get(settings.timeout().toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      return new PushOutcome.Later("no answer in " + settings.timeout().toMillis() + " ms", null);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (cause instanceof IOException) {
        return new PushOutcome.Later(String.valueOf(cause), null);
      }
      throw new IllegalStateException("A notice could not be posted", cause);
    } finally {
      answer.cancel(true);
    }
  }

  private PushOutcome outcome(HttpResponse<?> answer) {
    int status = answer.statusCode();
    return switch (status) {
      case 200, 201, 202, 204 -> new PushOutcome.Sent();
      case 404, 410 -> new PushOutcome.Gone();
      case 408, 425, 429 -> new PushOutcome.Later("HTTP " + status, retryAfter(answer));
      default ->
          status >= 500
              ? new PushOutcome.Later("HTTP " + status, retryAfter(answer))
              : new PushOutcome.Refused("HTTP " + status);
    };
  }

  private @Nullable Duration retryAfter(HttpResponse<?> answer) {
    return answer.headers().firstValue("Retry-After").map(this::durationOf).orElse(null);
  }

  /** Seconds, or a date. */
  private @Nullable Duration durationOf(String text) {
    try {
      if (text.matches("\\d{1,9}")) {
        return Duration.ofSeconds(Long.parseLong(text));
      }
      Instant moment = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return Duration.between(clock.instant(), moment);
    } catch (DateTimeException e) {
      return null;
    }
  }

  /**
   * A newer notice of a conversation takes the place of one that the push service still holds. The
   * name says nothing of the conversation.
   */
  private static String topic(PushNotice notice) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(notice.secret().decode(), "HmacSHA256"));
      byte[] digest =
          mac.doFinal(notice.conversation().toString().getBytes(StandardCharsets.UTF_8));
      return Base64URL.encode(digest).toString().substring(0, LONGEST_TOPIC);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no HMAC", e);
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
