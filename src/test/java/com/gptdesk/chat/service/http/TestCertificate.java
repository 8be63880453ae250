package com.gptdesk.chat.service.http;

import com.gptdesk.chat.testing.Await;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A certificate of localhost that signs itself, made by the JDK's keytool, and its key. */
record TestCertificate(Certificate certificate, byte[] key) {
  private static final String PASSWORD = "not a secret";

  /**
   * @param algorithm RSA or EC
   * @param starts as keytool wants it, for instance {@code -10d}
   */
  static TestCertificate made(Path directory, String algorithm, String starts, int days)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path store = Files.createTempDirectory(directory, "keytool").resolve("store");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "own",
                "-keyalg",
                algorithm,
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost,ip:127.0.0.1",
                "-startdate",
                starts,
                "-validity",
                String.valueOf(days),
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD)
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes());
    if (!keytool.waitFor(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS)
        || keytool.exitValue() != 0) {
      throw new IOException("keytool: " + said);
    }
    KeyStore read = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      read.load(in, PASSWORD.toCharArray());
    }
    return new TestCertificate(
        Objects.requireNonNull(read.getCertificate("own")),
        Objects.requireNonNull(read.getKey("own", PASSWORD.toCharArray())).getEncoded());
  }

  /** Both files, as an authority's tool leaves them. */
  TlsFiles written(Path directory) throws IOException, GeneralSecurityException {
    return new TlsFiles(
        writtenTo(directory.resolve("certificate.pem")),
        keyWrittenTo(directory.resolve("key.pem")));
  }

  Path writtenTo(Path file) throws IOException, GeneralSecurityException {
    return Files.writeString(file, pem("CERTIFICATE", certificate.getEncoded()));
  }

  Path keyWrittenTo(Path file) throws IOException {
    return Files.writeString(file, pem("PRIVATE KEY", key));
  }

  private static String pem(String what, byte[] content) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(
            what, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content), what);
  }

  /** Of a client that trusts this one and no other. */
  SSLContext trusted() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("trusted", certificate);
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
