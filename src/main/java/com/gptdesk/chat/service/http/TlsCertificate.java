package com.gptdesk.chat.service.http;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.X509KeyManager;
import org.jspecify.annotations.Nullable;

/**
 * A certificate and its key, read from their files and checked to match.
 *
 * @param certificate PEM
 * @param key PEM
 * @param subject its subject
 * @param until when it expires
 */
public record TlsCertificate(Buffer certificate, Buffer key, String subject, Instant until) {
  public static final Set<String> PROTOCOLS = Set.of("TLSv1.2", "TLSv1.3");

  private static final Map<String, String> SIGNED_WITH =
      Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");

  /**
   * Reads both files and checks that they are valid now.
   *
   * @throws IllegalStateException with the problem and what to do
   */
  public static TlsCertificate read(Vertx vertx, TlsFiles files) {
    var problems = new ArrayList<String>();
    Buffer certificate = content("CHAT_TLS_CERTIFICATE", files.certificate(), problems);
    Buffer key = content("CHAT_TLS_KEY", files.key(), problems);
    if (certificate == null || key == null) {
      throw new IllegalStateException(String.join("\n", problems));
    }
    try {
      return checked(files, certificate, key, managerOf(vertx, certificate, key));
    } catch (IllegalStateException e) {
      throw e;
    } catch (Exception e) { // the parsers throw many kinds of exceptions
      throw new IllegalStateException(
          "CHAT_TLS_CERTIFICATE and CHAT_TLS_KEY must name PEM files, of a certificate (BEGIN CERTIFICATE) and of its private key without a password (BEGIN PRIVATE KEY); what is in %s and %s is not: %s."
              .formatted(files.certificate(), files.key(), e.getMessage()));
    }
  }

  private static @Nullable Buffer content(String variable, Path file, List<String> problems) {
    try {
      return Buffer.buffer(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      problems.add(variable + " names " + file + ", which does not exist.");
    } catch (IOException e) {
      problems.add(
          "%s names %s, which the user %s may not read or which is not a file (%s)."
              .formatted(variable, file, System.getProperty("user.name"), e.getMessage()));
    }
    return null;
  }

  private static X509KeyManager managerOf(Vertx vertx, Buffer certificate, Buffer key)
      throws Exception {
    for (KeyManager manager :
        options(certificate, key).getKeyManagerFactory(vertx).getKeyManagers()) {
      if (manager instanceof X509KeyManager found) {
        return found;
      }
    }
    throw new GeneralSecurityException("no private key was found");
  }

  private static TlsCertificate checked(
      TlsFiles files, Buffer certificate, Buffer key, X509KeyManager manager)
      throws GeneralSecurityException {
    for (Map.Entry<String, String> kind : SIGNED_WITH.entrySet()) {
      String[] aliases = manager.getServerAliases(kind.getKey(), null);
      if (aliases != null) {
        X509Certificate own = manager.getCertificateChain(aliases[0])[0];
        refuseOtherTime(files, own);
        if (!signs(manager.getPrivateKey(aliases[0]), own, kind.getValue())) {
          throw foreignKey(files);
        }
        String subject = own.getSubjectX500Principal().getName();
        return new TlsCertificate(certificate, key, subject, own.getNotAfter().toInstant());
      }
    }
    throw foreignKey(files);
  }

  private static void refuseOtherTime(TlsFiles files, X509Certificate own) {
    Instant now = Instant.now();
    if (now.isAfter(own.getNotAfter().toInstant())) {
      throw new IllegalStateException(
          "The certificate in %s (CHAT_TLS_CERTIFICATE) expired on %s: renew it."
              .formatted(files.certificate(), own.getNotAfter().toInstant()));
    }
    if (now.isBefore(own.getNotBefore().toInstant())) {
      throw new IllegalStateException(
          "The certificate in %s (CHAT_TLS_CERTIFICATE) is valid from %s on, and here it is %s: check the clock."
              .formatted(files.certificate(), own.getNotBefore().toInstant(), now));
    }
  }

  private static boolean signs(PrivateKey key, X509Certificate certificate, String algorithm)
      throws GeneralSecurityException {
    byte[] anything = certificate.getEncoded();
    Signature signature = Signature.getInstance(algorithm);
    try {
      signature.initSign(key);
      signature.update(anything);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(anything);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false; // of another kind
    }
  }

  private static IllegalStateException foreignKey(TlsFiles files) {
    return new IllegalStateException(
        "The key in %s (CHAT_TLS_KEY) is not that of the first certificate in %s (CHAT_TLS_CERTIFICATE): the service's own must come first, and both must be of the same order."
            .formatted(files.key(), files.certificate()));
  }

  /** Never shows the key. */
  @Override
  public String toString() {
    return subject + ", valid until " + until;
  }

  /** Whether the files still have the same content. */
  boolean isIn(TlsFiles files) throws IOException {
    return certificate.equals(Buffer.buffer(Files.readAllBytes(files.certificate())))
        && key.equals(Buffer.buffer(Files.readAllBytes(files.key())));
  }

  public PemKeyCertOptions options() {
    return options(certificate, key);
  }

  /** The options for a running server. */
  public ServerSSLOptions serverOptions() {
    return new ServerSSLOptions()
        .setKeyCertOptions(options())
        .setUseAlpn(false)
        .setEnabledSecureTransportProtocols(PROTOCOLS);
  }

  private static PemKeyCertOptions options(Buffer certificate, Buffer key) {
    return new PemKeyCertOptions().addCertValue(certificate).addKeyValue(key);
  }
}
