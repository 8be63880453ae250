package com.gptdesk.chat.service.auth;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.auth.InvalidToken.Reason;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import java.net.MalformedURLException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.security.MessageDigest;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Verifies a token and returns its {@link Identity}, or refuses it.
 *
 * <p>The configuration fixes the algorithm, never the token: only HS256 with a secret (and the one
 * before it, where it is set), only RS256 and ES256 with a JWK set. {@code exp} is required; {@code
 * exp}, {@code nbf} and {@code iat} may be off by 30 seconds.
 *
 * <p>The signature of a token that comes again is not checked again for up to a minute; its expiry
 * is.
 *
 * <p>Thread-safe. With a JWK set a call may fetch keys (at most some seconds), so call it where
 * blocking is allowed. Keys are cached for five minutes, read again for an unknown key id, and kept
 * for an hour when their address does not answer.
 */
public final class TokenVerifier {
  static final Duration SKEW = Duration.ofSeconds(30);
  private static final int LONGEST_TOKEN = 16 * 1024;
  private static final Duration KEYS_KEPT_IN_OUTAGE = Duration.ofHours(1);
  private static final int KEYS_TIMEOUT_MILLIS = 3_000;
  private static final int KEYS_MAX_BYTES = 512 * 1024;

  /** 9999-12-31, so that a token without practical expiry keeps a printable date. */
  private static final double LAST_SECOND = 253_402_300_799d;

  // A repeated name is an error, since a claim must have one meaning.
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** Checks a signature. Throws {@link InvalidToken} when it does not hold. */
  @FunctionalInterface
  private interface SignatureCheck {
    void check(JWSObject token) throws JOSEException;
  }

  private final TokenSettings settings;
  private final SignatureCheck signature;
  private final Clock clock;
  private final VerifiedTokens verified = new VerifiedTokens();

  public TokenVerifier(TokenSettings settings) {
    this(settings, Clock.systemUTC());
  }

  TokenVerifier(TokenSettings settings, Clock clock) {
    this.settings = settings;
    this.clock = clock;
    this.signature =
        settings.secret() != null
            ? sharedSecrets(settings.secret(), settings.previousSecret())
            : keySet(required(settings.keys()));
  }

  /**
   * Verifies a bearer token or API key. The anon key and every {@code sb_publishable_…} key are
   * anonymous.
   *
   * @throws InvalidToken when it is not accepted
   */
  public Identity verify(String token) {
    if (token.startsWith("sb_publishable_") || isAnonKey(token)) {
      return Identity.anonymous();
    }
    if (token.length() > LONGEST_TOKEN) {
      throw new InvalidToken(Reason.MALFORMED, "JWT is too long");
    }
    Instant now = clock.instant();
    Identity known = verified.of(token, now);
    if (known != null && !isExpired(known.expiresAt(), now)) {
      return known;
    }
    Identity identity = identify(verifiedClaims(token), now);
    verified.add(token, identity, now);
    return identity;
  }

  private static boolean isExpired(@Nullable Instant expiresAt, Instant now) {
    return expiresAt != null && now.isAfter(expiresAt.plus(SKEW));
  }

  private boolean isAnonKey(String token) {
    String anonKey = settings.anonKey();
    return anonKey != null
        && MessageDigest.isEqual(
            anonKey.getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
  }

  private ObjectNode verifiedClaims(String token) {
    try {
      JWSObject jws = JWSObject.parse(token);
      signature.check(jws);
      if (JSON.readTree(jws.getPayload().toString()) instanceof ObjectNode claims) {
        return claims;
      }
      throw new InvalidToken(Reason.MALFORMED, "JWT claims are not a JSON object");
    } catch (ParseException | JacksonException e) {
      // "alg":"none" is refused here, too: it is not a signed token.
      throw new InvalidToken(Reason.MALFORMED, "JWT could not be decoded", e);
    } catch (RateLimitReachedException e) {
      // Unknown key ids keep coming, and the keys were read a moment ago.
      throw new InvalidToken(Reason.BAD_SIGNATURE, "No suitable key for this JWT", e);
    } catch (KeySourceException e) {
      throw new InvalidToken(
          Reason.KEYS_UNAVAILABLE, "The keys for checking JWTs cannot be read now", e);
    } catch (JOSEException e) {
      throw new InvalidToken(Reason.BAD_SIGNATURE, "JWT signature could not be checked", e);
    }
  }

  private Identity identify(ObjectNode claims, Instant now) {
    Instant expiresAt = time(claims, "exp");
    if (expiresAt == null) {
      throw new InvalidToken(Reason.MISSING_CLAIM, "JWT has no \"exp\"");
    }
    if (isExpired(expiresAt, now)) {
      throw new InvalidToken(Reason.EXPIRED, "JWT expired");
    }
    refuseIfLater(time(claims, "nbf"), now, "JWT not yet valid");
    refuseIfLater(time(claims, "iat"), now, "JWT issued at future");
    if (settings.audience() != null && !names(claims.get("aud"), settings.audience())) {
      throw new InvalidToken(Reason.WRONG_AUDIENCE, "JWT not in audience");
    }
    if (settings.issuer() != null && !settings.issuer().equals(text(claims.get("iss")))) {
      throw new InvalidToken(Reason.WRONG_ISSUER, "JWT from another issuer");
    }
    Caller.Role role = role(claims);
    String person = settings.claims().person();
    UUID userId = uuid(text(TokenClaims.find(person, claims)));
    if (role == Caller.Role.AUTHENTICATED && userId == null) {
      throw new InvalidToken(Reason.MISSING_CLAIM, "JWT has no \"" + person + "\" that is a uuid");
    }
    claims.put(TokenClaims.ROLE, role.sqlName());
    if (!person.equals(TokenClaims.SUB)) { // the database asks for sub
      if (userId == null) {
        claims.remove(TokenClaims.SUB);
      } else {
        claims.put(TokenClaims.SUB, userId.toString());
      }
    }
    return new Identity(
        role, userId, expiresAt, StorableText.ofJson(JSON.writeValueAsString(claims)));
  }

  private Caller.Role role(ObjectNode claims) {
    JsonNode role = TokenClaims.find(settings.claims().role(), claims);
    if (role == null) {
      return settings.claims().otherwise();
    }
    return switch (text(role)) {
      case "anon" -> Caller.Role.ANON;
      case "authenticated" -> Caller.Role.AUTHENTICATED;
      case "service_role" -> Caller.Role.SERVICE_ROLE;
      case null, default ->
          throw new InvalidToken(Reason.UNKNOWN_ROLE, "JWT has a role that is not allowed here");
    };
  }

  private static void refuseIfLater(@Nullable Instant time, Instant now, String message) {
    if (time != null && time.isAfter(now.plus(SKEW))) {
      throw new InvalidToken(Reason.NOT_YET_VALID, message);
    }
  }

  private static @Nullable Instant time(ObjectNode claims, String name) {
    JsonNode value = claims.get(name);
    if (value == null) {
      return null;
    }
    if (!value.isNumber()) {
      throw new InvalidToken(
          Reason.MISSING_CLAIM, "JWT has an \"" + name + "\" that is not a number");
    }
    double seconds = Math.clamp(value.asDouble(), 0, LAST_SECOND);
    return Instant.ofEpochMilli((long) (seconds * 1000));
  }

  /** Whether a claim, a text or a list of texts, contains this text. */
  private static boolean names(@Nullable JsonNode claim, String wanted) {
    if (claim == null) {
      return false;
    }
    if (claim.isArray()) {
      return claim.valueStream().anyMatch(one -> wanted.equals(text(one)));
    }
    return wanted.equals(text(claim));
  }

  private static @Nullable String text(@Nullable JsonNode node) {
    return node != null && node.isString() ? node.stringValue() : null;
  }

  private static @Nullable UUID uuid(@Nullable String text) {
    // UUID.fromString accepts short groups; PostgreSQL does not.
    if (text == null || text.length() != 36) {
      return null;
    }
    try {
      return UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static SignatureCheck sharedSecrets(String secret, @Nullable String previous) {
    JWSVerifier verifier = sharedSecret(secret);
    JWSVerifier verifierBefore = previous == null ? null : sharedSecret(previous);
    return token -> {
      pin(token, Set.of(JWSAlgorithm.HS256));
      if (!token.verify(verifier) && (verifierBefore == null || !token.verify(verifierBefore))) {
        throw new InvalidToken(Reason.BAD_SIGNATURE, "JWT signature does not match");
      }
    };
  }

  private static JWSVerifier sharedSecret(String secret) {
    try {
      return new MACVerifier(secret);
    } catch (JOSEException e) {
      throw new IllegalArgumentException("The JWT secret cannot be used: " + e.getMessage(), e);
    }
  }

  private static SignatureCheck keySet(URI address) {
    Set<JWSAlgorithm> algorithms = Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256);
    var keys = new JWSVerificationKeySelector<SecurityContext>(algorithms, keySource(address));
    var verifiers = new DefaultJWSVerifierFactory();
    return token -> {
      pin(token, algorithms);
      List<? extends Key> candidates = keys.selectJWSKeys(token.getHeader(), null);
      if (candidates.isEmpty()) {
        throw new InvalidToken(Reason.BAD_SIGNATURE, "No suitable key for this JWT");
      }
      for (Key key : candidates) {
        if (token.verify(verifiers.createJWSVerifier(token.getHeader(), key))) {
          return;
        }
      }
      throw new InvalidToken(Reason.BAD_SIGNATURE, "JWT signature does not match");
    };
  }

  private static JWKSource<SecurityContext> keySource(URI address) {
    try {
      return JWKSourceBuilder.create(
              address.toURL(),
              new DefaultResourceRetriever(
                  KEYS_TIMEOUT_MILLIS, KEYS_TIMEOUT_MILLIS, KEYS_MAX_BYTES))
          .refreshAheadCache(false)
          .retrying(true)
          .outageTolerant(KEYS_KEPT_IN_OUTAGE.toMillis())
          .build();
    } catch (MalformedURLException | IllegalArgumentException e) {
      throw new IllegalArgumentException("The JWKS address is not a URL: " + address, e);
    }
  }

  private static void pin(JWSObject token, Set<JWSAlgorithm> algorithms) {
    if (!algorithms.contains(token.getHeader().getAlgorithm())) {
      throw new InvalidToken(
          Reason.BAD_SIGNATURE, "JWT is signed with an algorithm that is not used here");
    }
  }

  private static URI required(@Nullable URI keys) {
    if (keys == null) {
      throw new IllegalArgumentException("Set either a JWT secret or a JWKS address");
    }
    return keys;
  }
}
