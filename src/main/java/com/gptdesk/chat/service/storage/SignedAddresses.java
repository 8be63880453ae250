package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.http.Problem;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Tokens of signed addresses. A token says who has signed and for which path; the request is then
 * theirs, so it ends with their right. Its key is no key of a person's token. Thread-safe.
 */
final class SignedAddresses {
  private static final int KEY_BYTES = 32;

  /** What an address is for. */
  enum Use {
    READ,
    RENDER,
    UPLOAD,
    REPLACE
  }

  /**
   * Who has signed an address.
   *
   * @param path in the bucket
   * @param transform how large a picture is wanted; null for what is no such address
   * @param expires until then it holds
   */
  record Signed(Caller caller, Use use, String path, @Nullable String transform, Instant expires) {}

  private final byte[] key;
  private final Clock clock;

  /**
   * @param secret null for a random one, which ends with the process
   */
  SignedAddresses(@Nullable String secret, Clock clock) {
    this.key = secret == null ? randomKey() : derived(secret);
    this.clock = clock;
  }

  /** A token that holds for so long. */
  String sign(Identity identity, Use use, String path, Duration life) {
    return sign(identity, use, path, null, life);
  }

  /**
   * A token that holds for so long.
   *
   * @param transform how large a picture is wanted; null for others
   */
  String sign(Identity identity, Use use, String path, @Nullable String transform, Duration life) {
    Instant now = clock.instant();
    SignedJWT token =
        new SignedJWT(
            new JWSHeader(JWSAlgorithm.HS256),
            new JWTClaimsSet.Builder()
                .claim("url", path)
                .claim("use", use.name())
                .claim("transform", transform)
                .claim("role", identity.role().sqlName())
                .subject(identity.userId() == null ? null : identity.userId().toString())
                .issueTime(Date.from(now))
                .expirationTime(Date.from(now.plus(life)))
                .build());
    try {
      token.sign(new MACSigner(key));
    } catch (JOSEException e) {
      throw new IllegalStateException("An address could not be signed", e);
    }
    return token.serialize();
  }

  /**
   * Who has signed it, for that path and one of these uses.
   *
   * @throws Problem.Stop it does not hold
   */
  Signed verify(@Nullable String token, String path, Use... uses) {
    Signed signed = verify(token);
    if (!signed.path().equals(path) || !List.of(uses).contains(signed.use())) {
      throw Problem.of(400, "InvalidSignature", "Invalid signature").stop();
    }
    return signed;
  }

  /** Who has signed it, for whatever path. */
  Caller signer(@Nullable String token) {
    return verify(token).caller();
  }

  private Signed verify(@Nullable String token) {
    if (token == null || token.isEmpty()) {
      throw StorageErrors.invalid("querystring must have required property 'token'").stop();
    }
    try {
      SignedJWT signed = SignedJWT.parse(token);
      if (!signed.getHeader().getAlgorithm().equals(JWSAlgorithm.HS256)
          || !signed.verify(new MACVerifier(key))) {
        throw invalid("signature verification failed");
      }
      JWTClaimsSet claims = signed.getJWTClaimsSet();
      Instant expires = claims.getExpirationTime().toInstant();
      if (!clock.instant().isBefore(expires)) {
        throw invalid("\"exp\" claim timestamp check failed");
      }
      String subject = claims.getSubject();
      return new Signed(
          subject == null ? Caller.service() : Caller.user(UUID.fromString(subject)),
          Use.valueOf(claims.getStringClaim("use")),
          claims.getStringClaim("url"),
          claims.getStringClaim("transform"),
          expires);
    } catch (ParseException | JOSEException e) {
      throw invalid("Invalid Compact JWS");
    }
  }

  private static Problem.Stop invalid(String message) {
    return Problem.of(400, "InvalidJWT", message).stop();
  }

  private static byte[] derived(String secret) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      return mac.doFinal("addresses of files".getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java has HmacSHA256", e);
    }
  }

  private static byte[] randomKey() {
    byte[] random = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(random);
    return random;
  }
}
