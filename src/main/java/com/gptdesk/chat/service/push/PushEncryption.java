package com.gptdesk.chat.service.push;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.util.Base64URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts a message for one browser, as RFC 8291 says ({@code aes128gcm} of RFC 8188): the push
 * service sees its length in steps of {@value #STEP} bytes, and nothing else. Thread-safe.
 */
final class PushEncryption {
  /** All push services take this many bytes; a body of one record. */
  static final int MAX_BODY = 4096;

  private static final int STEP = 512;
  private static final int POINT = 65;
  private static final int SALT = 16;
  private static final int TAG = 16;
  private static final int HEADER = SALT + 4 + 1 + POINT;

  /** Bytes of the longest message. */
  static final int MAX_MESSAGE = MAX_BODY - HEADER - 1 - TAG;

  private static final SecureRandom RANDOM = new SecureRandom();

  private PushEncryption() {}

  /**
   * The body of a request to the push service.
   *
   * @param publicKey the browser's: a point of P-256, uncompressed
   * @param secret the browser's authentication secret
   * @throws InvalidKey the public key is no point of the curve
   * @throws IllegalArgumentException the message is longer than {@value #MAX_MESSAGE} bytes
   */
  static byte[] encrypt(byte[] message, byte[] publicKey, byte[] secret) throws InvalidKey {
    if (message.length > MAX_MESSAGE) {
      throw new IllegalArgumentException("A message of " + message.length + " bytes");
    }
    byte[] salt = new byte[SALT];
    RANDOM.nextBytes(salt);
    int padded = Math.min(MAX_MESSAGE, (message.length / STEP + 1) * STEP);
    return encrypt(message, padded, publicKey, secret, newKeys(), salt);
  }

  /** With what is drawn by chance otherwise. */
  static byte[] encrypt(
      byte[] message, int padded, byte[] publicKey, byte[] secret, KeyPair keys, byte[] salt)
      throws InvalidKey {
    ECPublicKey browser = pointOf(publicKey);
    try {
      byte[] own = bytesOf((ECPublicKey) keys.getPublic());
      KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
      agreement.init(keys.getPrivate());
      agreement.doPhase(browser, true);
      byte[] common =
          hmac(
              hmac(secret, agreement.generateSecret()),
              join(ascii("WebPush: info\0"), publicKey, own, new byte[] {1}));
      byte[] random = hmac(salt, common);
      byte[] key = Arrays.copyOf(hmac(random, ascii("Content-Encoding: aes128gcm\0\1")), 16);
      byte[] nonce = Arrays.copyOf(hmac(random, ascii("Content-Encoding: nonce\0\1")), 12);
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(
          Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG * 8, nonce));
      byte[] record = Arrays.copyOf(message, Math.max(message.length, padded) + 1);
      record[message.length] = 2; // the last record; what follows is padding
      byte[] encrypted = cipher.doFinal(record);
      return ByteBuffer.allocate(HEADER + encrypted.length)
          .put(salt)
          .putInt(MAX_BODY)
          .put((byte) POINT)
          .put(own)
          .put(encrypted)
          .array();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java cannot encrypt push messages", e);
    }
  }

  private static KeyPair newKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"), RANDOM);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no P-256", e);
    }
  }

  /** An uncompressed point; that it is on the curve is checked. */
  static ECPublicKey pointOf(byte[] uncompressed) throws InvalidKey {
    if (uncompressed.length != POINT || uncompressed[0] != 4) {
      throw new InvalidKey("no uncompressed point of P-256", null);
    }
    try {
      return new ECKey.Builder(
              Curve.P_256,
              Base64URL.encode(Arrays.copyOfRange(uncompressed, 1, 33)),
              Base64URL.encode(Arrays.copyOfRange(uncompressed, 33, POINT)))
          .build()
          .toECPublicKey();
    } catch (IllegalStateException | IllegalArgumentException | JOSEException e) {
      throw new InvalidKey("no point of P-256", e);
    }
  }

  static byte[] bytesOf(ECPublicKey key) {
    ECKey point = new ECKey.Builder(Curve.P_256, key).build();
    return join(new byte[] {4}, point.getX().decode(), point.getY().decode());
  }

  private static byte[] hmac(byte[] key, byte[] data) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(data);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] join(byte[]... parts) {
    ByteBuffer joined = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(p -> p.length).sum());
    for (byte[] part : parts) {
      joined.put(part);
    }
    return joined.array();
  }

  /** A browser gave a key that is none, so nothing can be sent to it. */
  static final class InvalidKey extends Exception {
    private static final long serialVersionUID = 1;

    InvalidKey(String what, @Nullable Throwable cause) {
      super("The key is " + what, cause);
    }
  }
}
