package com.gptdesk.chat.service.push;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The service's key for push services (VAPID, RFC 8292): browsers subscribe for its public half,
 * and each request is signed with the private one. Thread-safe.
 */
public final class PushKey {
  /** Push services refuse more than a day. */
  private static final Duration LIFE = Duration.ofHours(12);

  private final ECKey key;
  private final ECDSASigner signer;

  /** A signed token is used again for the same push service. */
  private final Map<String, Signed> signed = new ConcurrentHashMap<>();

  private record Signed(String header, Instant until) {}

  private PushKey(ECKey key) throws JOSEException {
    this.key = key;
    this.signer = new ECDSASigner(key);
  }

  /** A new one. */
  public static PushKey generate() {
    try {
      return new PushKey(new ECKeyGenerator(Curve.P_256).generate());
    } catch (JOSEException e) {
      throw new IllegalStateException("A key could not be made", e);
    }
  }

  /**
   * The key in a file that {@link #write} wrote: a private key of P-256 as a JSON Web Key.
   *
   * @return null where the file holds no such key
   */
  static @Nullable PushKey in(Path file) {
    try {
      ECKey key = ECKey.parse(Files.readString(file));
      return key.isPrivate() && Curve.P_256.equals(key.getCurve()) ? new PushKey(key) : null;
    } catch (IOException | ParseException | JOSEException | IllegalStateException e) {
      return null;
    }
  }

  /**
   * Writes it for its owner alone.
   *
   * @throws java.nio.file.FileAlreadyExistsException there is such a file: another key would end
   *     all subscriptions
   */
  public void write(Path file) throws IOException {
    if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } else {
      Files.createFile(file);
    }
    Files.writeString(file, key.toJSONString() + "\n", StandardOpenOption.WRITE);
  }

  /** The public half as browsers want it: {@code applicationServerKey}, base64url. */
  public String publicKey() {
    try {
      return Base64URL.encode(PushEncryption.bytesOf(key.toECPublicKey())).toString();
    } catch (JOSEException e) {
      throw new IllegalStateException("The key has no public half", e);
    }
  }

  /**
   * The header {@code Authorization} for a push service.
   *
   * @param origin of the push service
   * @param subject whom its operators write to: a mailto: or https: address
   */
  String authorization(String origin, String subject, Clock clock) {
    Instant now = clock.instant();
    Signed known = signed.get(origin);
    if (known == null || !now.isBefore(known.until())) {
      known = sign(origin, subject, now.plus(LIFE));
      signed.put(origin, known);
    }
    return known.header();
  }

  private Signed sign(String origin, String subject, Instant end) {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.ES256).type(JOSEObjectType.JWT).build(),
            new JWTClaimsSet.Builder()
                .audience(origin)
                .expirationTime(Date.from(end))
                .subject(subject)
                .build());
    try {
      token.sign(signer);
    } catch (JOSEException e) {
      throw new IllegalStateException("A request could not be signed", e);
    }
    return new Signed(
        "vapid t=" + token.serialize() + ", k=" + publicKey(), end.minus(LIFE.dividedBy(2)));
  }

  /** Never shows the private half. */
  @Override
  public String toString() {
    return "PushKey[" + publicKey() + "]";
  }
}
