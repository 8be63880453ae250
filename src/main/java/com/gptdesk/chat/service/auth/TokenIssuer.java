package com.gptdesk.chat.service.auth;

import com.gptdesk.chat.database.Caller;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Signs tokens with the shared secret (HS256), in the form of Supabase Auth. For the demo, for
 * trying and for tests; elsewhere the platform's login does this. Thread-safe.
 */
public final class TokenIssuer {
  private static final Duration ANON_KEY_LIFE = Duration.ofDays(3650);

  private final MACSigner signer;
  private final Clock clock;
  private final @Nullable String issuer;
  private final @Nullable String audience;

  /**
   * @param secret at least 32 bytes
   */
  public TokenIssuer(String secret) {
    this(secret, Clock.systemUTC());
  }

  /**
   * Signs what these settings accept.
   *
   * @throws IllegalArgumentException they have keys in place of a secret
   */
  public TokenIssuer(TokenSettings settings) {
    this(secretOf(settings), Clock.systemUTC(), settings.issuer(), settings.audience());
  }

  TokenIssuer(String secret, Clock clock) {
    this(secret, clock, null, null);
  }

  private TokenIssuer(
      String secret, Clock clock, @Nullable String issuer, @Nullable String audience) {
    try {
      this.signer = new MACSigner(secret);
    } catch (JOSEException e) {
      throw new IllegalArgumentException("The JWT secret cannot be used: " + e.getMessage(), e);
    }
    this.clock = clock;
    this.issuer = issuer;
    this.audience = audience;
  }

  private static String secretOf(TokenSettings settings) {
    String secret = settings.secret();
    if (secret == null) {
      throw new IllegalArgumentException("Only a secret signs tokens");
    }
    return secret;
  }

  /** A token of this person, valid for that long. */
  public String forUser(UUID userId, Duration life) {
    return sign(
        claims(Caller.Role.AUTHENTICATED, life)
            .subject(userId.toString())
            .audience(audience == null ? "authenticated" : audience));
  }

  /** The public key of every browser, for anonymous access. */
  public String anonKey() {
    return sign(claims(Caller.Role.ANON, ANON_KEY_LIFE));
  }

  /** A key for the platform's own servers, which may see everything. */
  public String serviceKey(Duration life) {
    return sign(claims(Caller.Role.SERVICE_ROLE, life));
  }

  private JWTClaimsSet.Builder claims(Caller.Role role, Duration life) {
    Instant now = clock.instant();
    return new JWTClaimsSet.Builder()
        .issuer(issuer)
        .audience(audience)
        .claim("role", role.sqlName())
        .issueTime(Date.from(now))
        .expirationTime(Date.from(now.plus(life)));
  }

  private String sign(JWTClaimsSet.Builder claims) {
    SignedJWT token = new SignedJWT(new JWSHeader(JWSAlgorithm.HS256), claims.build());
    try {
      token.sign(signer);
    } catch (JOSEException e) {
      throw new IllegalStateException("A token could not be signed", e);
    }
    return token.serialize();
  }
}
