package com.gptdesk.chat.database;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs claims for a database that accepts no others ({@code chat.settings.claims_secret}), by
 * HMAC-SHA256 with a shared secret. A stolen login password alone then gives no identity.
 *
 * <p>A signature is valid for transactions that begin before it expires, and for the role in the
 * claims. Thread-safe.
 */
public final class ClaimsSigner {
  /** The shortest secret, in bytes of UTF-8. */
  public static final int SHORTEST_SECRET = 32;

  private static final String ALGORITHM = "HmacSHA256";

  private final SecretKeySpec key;
  private final Duration lifetime;
  private final Clock clock;

  /**
   * Creates a signer.
   *
   * @param secret as in {@code chat.settings.claims_secret}
   * @param lifetime how long a signature may begin a transaction, which also covers clock
   *     differences
   * @throws IllegalArgumentException a secret of less than 32 bytes
   */
  public ClaimsSigner(String secret, Duration lifetime) {
    this(secret, lifetime, Clock.systemUTC());
  }

  ClaimsSigner(String secret, Duration lifetime, Clock clock) {
    byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
    if (bytes.length < SHORTEST_SECRET) {
      throw new IllegalArgumentException(
          "The secret of the claims has " + bytes.length + " bytes; 32 is the least.");
    }
    this.key = new SecretKeySpec(bytes, ALGORITHM);
    this.lifetime = lifetime;
    this.clock = clock;
  }

  /** {@return how long a signature is valid} */
  public Duration lifetime() {
    return lifetime;
  }

  /**
   * Signs claims.
   *
   * @param claims a JSON object as text, not an empty one
   * @return the same with the members {@code chat_expires} and {@code chat_signature} at its end
   */
  public String sign(String claims) {
    int end = claims.lastIndexOf('}');
    if (end < 0) {
      throw new IllegalArgumentException("Claims are a JSON object");
    }
    String body =
        claims.substring(0, end)
            + ",\"chat_expires\":"
            + clock.instant().plus(lifetime).toEpochMilli();
    return body + ",\"chat_signature\":\"" + signatureOf(body) + "\"}";
  }

  private String signatureOf(String body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return HexFormat.of().formatHex(mac.doFinal(body.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no HMAC-SHA256", e);
    }
  }
}
