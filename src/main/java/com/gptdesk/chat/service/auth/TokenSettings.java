package com.gptdesk.chat.service.auth;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * How tokens are verified. Exactly one of {@code secret} and {@code keys} is set, and fixes the
 * algorithm.
 *
 * @param secret shared secret of HS256, at least 32 bytes
 * @param previousSecret what tokens may be signed with, too, while the secret changes; or null
 * @param keys address of a JWK set, for RS256 and ES256
 * @param audience what {@code aud} must contain, or null for anything
 * @param issuer what {@code iss} must be, or null for anything
 * @param anonKey the key of every browser; it need not be a token
 * @param claims which claims say who somebody is
 */
public record TokenSettings(
    @Nullable String secret,
    @Nullable String previousSecret,
    @Nullable URI keys,
    @Nullable String audience,
    @Nullable String issuer,
    @Nullable String anonKey,
    TokenClaims claims) {

  /** RFC 7518 forbids secrets that are shorter than the hash. */
  static final int SHORTEST_SECRET = 32;

  public TokenSettings {
    if ((secret == null) == (keys == null)) {
      throw new IllegalArgumentException("Set either a JWT secret or a JWKS address");
    }
    if (previousSecret != null && secret == null) {
      throw new IllegalArgumentException("A previous JWT secret needs one of now");
    }
    demandLength(secret);
    demandLength(previousSecret);
  }

  private static void demandLength(@Nullable String secret) {
    if (secret != null && secret.getBytes(StandardCharsets.UTF_8).length < SHORTEST_SECRET) {
      throw new IllegalArgumentException("The JWT secret needs at least 32 bytes");
    }
  }

  /** HS256 with this secret; any audience and issuer. */
  public static TokenSettings ofSecret(String secret) {
    return new TokenSettings(secret, null, null, null, null, null, TokenClaims.USUAL);
  }

  /** RS256 or ES256 with the keys found there; any audience and issuer. */
  public static TokenSettings ofKeys(URI keys) {
    return new TokenSettings(null, null, keys, null, null, null, TokenClaims.USUAL);
  }

  /** The same with other claims. */
  public TokenSettings withClaims(TokenClaims others) {
    return new TokenSettings(secret, previousSecret, keys, audience, issuer, anonKey, others);
  }

  /** The same with an anon key. */
  public TokenSettings withAnonKey(String key) {
    return new TokenSettings(secret, previousSecret, keys, audience, issuer, key, claims);
  }

  /** Never shows the secret. */
  @Override
  public String toString() {
    return secret != null ? "TokenSettings[HS256]" : "TokenSettings[" + keys + "]";
  }
}
