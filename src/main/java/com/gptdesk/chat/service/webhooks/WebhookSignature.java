package com.gptdesk.chat.service.webhooks;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** Signs as standardwebhooks.com says, so that existing libraries verify it. */
final class WebhookSignature {
  private static final String PREFIX = "whsec_";
  private static final String ALGORITHM = "HmacSHA256";

  private WebhookSignature() {}

  /**
   * The header {@code webhook-signature}: one signature for each secret, the newest first.
   *
   * @param secret {@code whsec_} and the key in Base64
   * @param previous the same of the former secret; null for none
   * @param timestamp in seconds since 1970, as in {@code webhook-timestamp}
   */
  static String of(
      String secret, @Nullable String previous, String messageId, long timestamp, String body) {
    byte[] signed =
        "%s.%d.%s".formatted(messageId, timestamp, body).getBytes(StandardCharsets.UTF_8);
    return Stream.of(secret, previous == null ? "" : previous)
        .filter(one -> !one.isEmpty())
        .map(one -> "v1," + sign(one, signed))
        .collect(Collectors.joining(" "));
  }

  private static String sign(String secret, byte[] signed) {
    byte[] key = Base64.getDecoder().decode(secret.substring(PREFIX.length()));
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key, ALGORITHM));
      return Base64.getEncoder().encodeToString(mac.doFinal(signed));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java cannot sign with " + ALGORITHM, e);
    }
  }
}
