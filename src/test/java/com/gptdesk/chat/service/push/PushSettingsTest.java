package com.gptdesk.chat.service.push;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.settings.Settings;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.SignedJWT;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The key, where it may be used, and what the environment says of both. */
class PushSettingsTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void withoutAKeyNothingIsSent() {
    Settings settings = new Settings(Map.of());
    assertNull(PushSettings.from(settings).publicKey());
    assertEquals(List.of(), settings.problems());
  }

  @Test
  void aKeyIsWrittenOnceForItsOwnerAndReadAgain() throws Exception {
    Path file = folder.resolve("push.key");
    PushKey key = PushKey.generate();
    key.write(file);
    assertThrows(FileAlreadyExistsException.class, () -> PushKey.generate().write(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertFalse(key.toString().contains("\"d\""));
    assertEquals(87, key.publicKey().length());
    assertEquals(key.publicKey(), of(file, "mailto:ops@example.org").publicKey());
  }

  @Test
  void whatIsNoKeyOrHasNoSubjectIsAProblem() throws Exception {
    Path file = folder.resolve("push.key");
    Files.writeString(file, "{\"kty\":\"oct\",\"k\":\"AAAA\"}");
    assertEquals(
        List.of(
            "CHAT_PUSH_KEY_FILE must hold a key that push-keys wrote.",
            "Set CHAT_PUSH_SUBJECT as well: push services refuse requests without it."),
        problems(Map.of("CHAT_PUSH_KEY_FILE", file.toString())));
    assertEquals(1, problems(Map.of("CHAT_PUSH_SUBJECT", "ops@example.org")).size());
    for (String hosts :
        List.of("", "https://push.example", "push.example,", "*", "push", "http://10.0.0.1:80")) {
      assertEquals(
          hosts.isEmpty() ? 0 : 1, problems(Map.of("CHAT_PUSH_HOSTS", hosts)).size(), hosts);
    }
  }

  @Test
  void aRequestIsSignedForItsPushServiceAndForLessThanADay() throws Exception {
    PushKey key = PushKey.generate();
    Instant now = Instant.parse("2030-01-01T00:00:00Z");
    String header = key.authorization("https://push.example", "mailto:ops@example.org", at(now));
    assertTrue(header.startsWith("vapid t="), header);
    assertTrue(header.endsWith(", k=" + key.publicKey()), header);
    SignedJWT token =
        SignedJWT.parse(header.substring("vapid t=".length(), header.indexOf(", k=")));
    assertTrue(
        token.verify(
            new ECDSAVerifier(
                new ECKey.Builder(
                        Curve.P_256,
                        PushEncryption.pointOf(new Base64URL(key.publicKey()).decode()))
                    .build())));
    assertEquals(List.of("https://push.example"), token.getJWTClaimsSet().getAudience());
    assertEquals("mailto:ops@example.org", token.getJWTClaimsSet().getSubject());
    assertEquals(
        now.plus(Duration.ofHours(12)), token.getJWTClaimsSet().getExpirationTime().toInstant());

    assertEquals(
        header,
        key.authorization(
            "https://push.example", "mailto:ops@example.org", at(now.plusSeconds(21_599))));
    assertFalse(
        header.equals(
            key.authorization(
                "https://push.example", "mailto:ops@example.org", at(now.plusSeconds(21_600)))));
    assertFalse(
        header.equals(
            key.authorization("https://other.example", "mailto:ops@example.org", at(now))));
  }

  @Test
  void onlyHostsThatAreNamedArePostedTo() {
    PushHosts hosts = new PushHosts(PushHosts.KNOWN);
    assertEquals(
        "https://fcm.googleapis.com",
        hosts.originOf("https://fcm.googleapis.com/fcm/send/abc:def"));
    assertEquals(
        "https://wns2-by3p.notify.windows.com",
        hosts.originOf("https://wns2-by3p.notify.windows.com/w/?token=abc"));
    for (String endpoint :
        List.of(
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:444/x",
            "https://fcm.googleapis.com.evil.example/x",
            "https://evil.example/fcm.googleapis.com/",
            "https://fcm.googleapis.com@evil.example/",
            "https://evil.example\\.notify.windows.com/",
            "https://evilnotify.windows.com/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "file:///etc/passwd",
            "")) {
      assertNull(hosts.originOf(endpoint), endpoint);
    }
    assertNotNull(PushHosts.of("http://127.0.0.1:9000, push.example:8443"));
  }

  private static Clock at(Instant moment) {
    return Clock.fixed(moment, ZoneOffset.UTC);
  }

  private static PushSettings of(Path file, String subject) {
    return PushSettings.from(
        new Settings(Map.of("CHAT_PUSH_KEY_FILE", file.toString(), "CHAT_PUSH_SUBJECT", subject)));
  }

  private static List<String> problems(Map<String, String> environment) {
    Settings settings = new Settings(environment);
    PushSettings.from(settings);
    return settings.problems();
  }
}
